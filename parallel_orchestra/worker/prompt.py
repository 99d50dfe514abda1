"""The prompt of an attempt: the task's own words, then what a person or a failure has to add."""

import re
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.model import Task
from parallel_orchestra.store import AttemptResult, Claim, Layout
from parallel_orchestra.store.feedback import feedback_for
from parallel_orchestra.store.records import last_result

_HEADING = "## Feedback"


def write_prompt(layout: Layout, task: Task, claim: Claim, *, published: bool) -> Path | None:
    """Writes what an attempt is told into its directory; returns the file, None for no prompt.

    `published` plans, of version 0.1, are not told of failures; what a person says is added.
    """
    again = claim.attempt > 1 and not published
    last = last_result(layout, task.id) if again else None
    text = with_feedback(task.prompt, last, feedback_for(layout, task.id, claim.attempt))
    if not text:
        return None
    directory = layout.attempt(claim.task, claim.attempt, claim.name.owner)
    files.make_directory(directory)
    path = directory / "prompt.md"
    files.write(path, text.encode("utf-8", "replace"))
    return path


def with_feedback(prompt: str, last: AttemptResult | None, told: str = "") -> str:
    """Returns the prompt with a section on what a person `told`, and on the last attempt's failure.

    The prompt itself stays as it is. Output stands in a fence longer than any in it.
    """
    lines = [told.strip("\n"), ""] if told.strip() else []
    lines += _failure(last) if last is not None and last.failure not in ("", "cancelled") else []
    if not lines:
        return prompt
    before = prompt.rstrip("\n")
    body = "\n".join((_HEADING, "", *lines)).rstrip("\n")
    return (f"{before}\n\n" if before else "") + body + "\n"


def _failure(last: AttemptResult) -> list[str]:
    reason = last.reason.strip().rstrip(".")
    why = f"{last.failure}): {reason}." if reason else f"{last.failure})."
    lines = [f"Attempt {last.attempt} at this task failed ({why}"]
    detail = last.detail.strip("\n")
    if detail:
        longest = max((len(run) for run in re.findall(r"`+", detail)), default=0)
        fence = "`" * max(3, longest + 1)
        lines += ["", "The end of the output:", "", fence, detail, fence]
    if last.ref:
        lines += ["", f"What it had written is kept in git under `{last.ref}`."]
    return lines
