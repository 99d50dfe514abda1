"""What an attempt should know of those before it, and the words for it."""

import re
from dataclasses import dataclass

HEADING = "## Feedback"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person `told`, and how the last failed attempt ended.

    `attempt` is that attempt's number, `output` the end of what was printed, `ref` the git ref
    that keeps its work; 0 and empty if none failed.
    """

    told: str = ""
    attempt: int = 0
    failure: str = ""
    reason: str = ""
    output: str = ""
    ref: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        return not self.told.strip() and not self.failure

    @property
    def text(self) -> str:
        """All of it in words, without a line's end at the end; empty if there is nothing to say.

        Output stands in a fence longer than any in it.
        """
        lines = [self.told.strip("\n"), ""] if self.told.strip() else []
        lines += self._of_failure() if self.failure else []
        return "\n".join(lines).rstrip("\n")

    def _of_failure(self) -> list[str]:
        reason = self.reason.strip().rstrip(".")
        why = f"{self.failure}): {reason}." if reason else f"{self.failure})."
        lines = [f"Attempt {self.attempt} at this task failed ({why}"]
        output = self.output.strip("\n")
        if output:
            longest = max((len(run) for run in re.findall(r"`+", output)), default=0)
            fence = "`" * max(3, longest + 1)
            lines += ["", "The end of the output:", "", fence, output, fence]
        if self.ref:
            lines += ["", f"What it had written is kept in git under `{self.ref}`."]
        return lines


def with_feedback(prompt: str, feedback: Feedback) -> str:
    """Returns a prompt with a section on what there is to say; itself it stays as it is."""
    if feedback.empty:
        return prompt
    before = prompt.rstrip("\n")
    return (f"{before}\n\n" if before else "") + f"{HEADING}\n\n{feedback.text}\n"
