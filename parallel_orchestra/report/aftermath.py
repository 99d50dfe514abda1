"""What the plan wanted done after its last merge, in the words of reports and as JSON values."""

from typing import Any

from parallel_orchestra.plain import some_of
from parallel_orchestra.progress import Aftermath, RunReport
from parallel_orchestra.report.text import clean, instant, one_line, short, short_ref, span

_SHOWN = 5


def aftermath_words(report: RunReport) -> tuple[str, ...]:
    """Returns sentences on it, without a full stop; none if nothing was done."""
    found = report.aftermath
    if found is None:
        return ()
    if found.seconds is None:
        return (f"runs on `{short(found.commit)}`",)
    log = f"{report.tasks_dir}/{found.log}"
    if not found.failure:
        head = f"passed on `{short(found.commit)}` in {span(found.seconds)}"
    else:
        held = found.required and not report.delivery.done
        rest = "; it is required, so nothing was delivered" if held else ""
        head = f"failed on `{short(found.commit)}`: {found.reason}{rest}; see `{log}`"
    words = [head]
    if found.files:
        count = "1 file" if len(found.files) == 1 else f"{len(found.files)} files"
        folder = f"{report.tasks_dir}/{found.log.rpartition('/')[0]}/kept"
        words.append(f"{count} kept in `{folder}`")
    if found.changed:
        names = some_of([f"`{path}`" for path in found.changed], _SHOWN)
        words.append(f"what it changed is not merged: {names}, see `{short_ref(found.ref)}`")
    return tuple(words)


def aftermath_lines(report: RunReport) -> list[str]:
    """Returns the lines of a terminal on it, which are not cut: paths are copied."""
    return [one_line(f"after merge: {words}") for words in aftermath_words(report)]


def aftermath_record(found: Aftermath | None) -> dict[str, Any] | None:
    """Returns it as JSON values."""
    if found is None:
        return None
    return {
        "state": found.state,
        "commit": found.commit,
        "started_at": instant(found.started),
        "duration_sec": None if found.seconds is None else round(found.seconds, 3),
        "failure": found.failure,
        "reason": clean(found.reason),
        "required": found.required,
        "log": found.log,
        "files": found.files,
        "changed": found.changed,
        "ref": found.ref,
        "cost_usd": found.cost_usd,
    }
