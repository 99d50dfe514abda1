"""The prompt of an attempt: the task's own words, and after a failure what went wrong. Pure."""

import re

from parallel_orchestra.store import AttemptResult

_HEADING = "## Feedback"


def with_feedback(prompt: str, last: AttemptResult) -> str:
    """Returns the prompt with a section on the last attempt, if that one failed.

    The prompt itself stays as it is. Output stands in a fence longer than any in it.
    """
    if not last.failure or last.failure == "cancelled":
        return prompt
    reason = last.reason.strip().rstrip(".")
    why = f"{last.failure}): {reason}." if reason else f"{last.failure})."
    lines = [_HEADING, "", f"Attempt {last.attempt} at this task failed ({why}"]
    detail = last.detail.strip("\n")
    if detail:
        longest = max((len(run) for run in re.findall(r"`+", detail)), default=0)
        fence = "`" * max(3, longest + 1)
        lines += ["", "The end of the output:", "", fence, detail, fence]
    if last.ref:
        lines += ["", f"What it had written is kept in git under `{last.ref}`."]
    before = prompt.rstrip("\n")
    return (f"{before}\n\n" if before else "") + "\n".join(lines) + "\n"
