"""The integration report in words and for programs: the same in every format and on the terminal.

Named after what it tells of: what came together. `integration/` makes the page of a `cpo` folder.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from parallel_orchestra.progress import IntegrationReport
from parallel_orchestra.progress.integration import facts_of
from parallel_orchestra.report.text import clean, counted, instant, one_line, short


def verdict_of(found: IntegrationReport) -> str:
    """Returns in a few words what is to be done: `all good`, `2 to fix, 1 to look at`."""
    words = [f"{len(found.must)} to fix"] if found.must else []
    words += [f"{len(found.should)} to look at"] if found.should else []
    return ", ".join(words) or "all good"


def first_difference(before: str, after: str) -> int:
    """Returns the number of the first line that differs; that behind the end if lines were cut off."""
    pairs = enumerate(zip_longest(before.splitlines(), after.splitlines()), start=1)
    return next((number for number, (old, new) in pairs if old != new), 1)


def integration_lines(found: IntegrationReport) -> Iterator[str]:
    """Yields the whole of it for a terminal: a line each for checks and for what is to be done."""
    tasks = f"{found.merged} of {counted(found.total, 'task')}"
    yield f"integration at {short(found.commit)} ({tasks}): {verdict_of(found)}"
    width = max((len(check.name) for check in found.checks), default=0)
    for check in found.checks:
        yield f"{check.mark.value:<7}  {check.name:<{width}}  {one_line(check.details)}"
    for title, items in (("must fix", found.must), ("should fix", found.should)):
        yield from (f"{title}: {one_line(item)}" for item in items)


def integration_record(found: IntegrationReport | None) -> dict[str, Any] | None:
    """Returns it as JSON for programs; None stays so."""
    if found is None:
        return None
    facts = facts_of(found)
    return {
        "made_at": instant(found.at),
        "commit": found.commit,
        "clean": found.clean,
        "merged": found.merged,
        "total": found.total,
        "checks": [
            {
                "name": one["name"],
                "result": one["mark"],
                "details": clean(one["details"]),
                "log": one["log"],
                "duration_sec": None if one["seconds"] is None else round(one["seconds"], 3),
            }
            for one in facts["checks"]
        ],
        "contracts": [
            {
                "path": one["path"],
                "result": one["mark"],
                "words": clean(one["words"]),
                "task": one["task"],
                "where": one["where"],
            }
            for one in facts["contracts"]
        ],
        "violations": [{**one, "issue": clean(one["issue"])} for one in facts["violations"]],
        "must_fix": [clean(item) for item in found.must],
        "should_fix": [clean(item) for item in found.should],
    }
