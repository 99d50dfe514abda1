"""What an attempt should know of those before it, and the words for it."""

import re

from parallel_orchestra.frozen import frozen
from parallel_orchestra.plain import some_of

HEADING = "## Feedback"
#: The failure class of an attempt that was ended although nothing was wrong with it.
_INTERRUPTED = "cancelled"
#: That of an attempt which changed what it was to leave alone. Symbols of a file can't be put back
#: for it: it goes on with these changes, and would fail for them again and again without being told.
_BREACH = "boundary"
_ELSE = "as long as it differs, each attempt fails."
_PUT_BACK = (
    "Put what you were to leave alone back as it was; what was not there before, delete: " + _ELSE
)
#: That of one whose work QA rejected.
_REJECTED = "qa_rejected"
#: How many files a sentence names.
_NAMED = 6


@frozen
class Feedback:
    """What a person `told`, and how the last failed attempt ended.

    `attempt` is that attempt's number, `output` the end of what was printed, `ref` the git ref
    that keeps its work; 0 and empty if none failed. `way` is how this one goes on: in its `session`,
    in its `tree`, or `fresh`; `moved` if there is more in the files than it left there, and
    `refused` are the files in which its work contradicts that. `patch` is what it had changed, if
    that is worth showing. `put_back` are files that it must not change, and that are as they were;
    `to_put_back` is what else it changed and was to leave alone, which is not.
    """

    told: str = ""
    attempt: int = 0
    failure: str = ""
    reason: str = ""
    output: str = ""
    ref: str = ""
    way: str = "fresh"
    moved: bool = False
    refused: tuple[str, ...] = ()
    patch: str = ""
    put_back: tuple[str, ...] = ()
    to_put_back: tuple[str, ...] = ()

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
        if self.failure == _INTERRUPTED:
            lines = [f"Attempt {self.attempt} at this task was interrupted: {reason}."]
        else:
            why = f"{self.failure}): {reason}." if reason else f"{self.failure})."
            lines = [f"Attempt {self.attempt} at this task failed ({why}"]
        title = "The end of the output:"
        if self.failure == _REJECTED:
            lines = [f"What attempt {self.attempt} made was judged by another agent, and rejected."]
            title = "The findings:"
        lines += _fenced(title, self.output)
        work = self._of_work()
        if self.failure == _BREACH and self.way != "fresh":
            work += f" {self._of_breach()}"
        lines += ["", work] if work else []
        return lines + _fenced("What it had changed:", self.patch, "diff")

    def _of_breach(self) -> str:
        if not self.put_back:
            return _PUT_BACK
        names = some_of([f"`{name}`" for name in self.put_back], _NAMED)
        if not self.to_put_back:
            return f"What you were to leave alone was put back as it was, so leave it: {names}."
        rest = some_of(self.to_put_back, _NAMED)
        return (
            f"Of what you were to leave alone, this was put back as it was, so leave it: {names}. "
            f"Put the rest back yourself: {rest}; {_ELSE}"
        )

    def _of_work(self) -> str:
        if self.way == "session":
            also = ", with what was merged of other tasks meanwhile" if self.moved else ""
            return f"You go on in the same session. Your files are as you left them{also}."
        if self.way == "tree":
            also = ", on top of what was merged of other tasks meanwhile" if self.moved else ""
            return f"What it had written lies in your files, not committed{also}. Go on from there."
        if not self.ref:
            return ""
        kept = f"What it had written is kept in git under `{self.ref}`"
        if not self.refused:
            return f"{kept}."
        names = some_of([f"`{name}`" for name in self.refused], _NAMED)
        return (
            f"{kept}, and not in your files: it contradicts what was merged of other tasks "
            f"meanwhile, in {names}."
        )


def _fenced(heading: str, text: str, kind: str = "") -> list[str]:
    """Returns the lines of a block that nothing in it can end; none if there is no text."""
    return ["", heading, "", fenced(text, kind)] if text.strip("\n") else []


def fenced(text: str, kind: str = "") -> str:
    """Returns a text in a fence longer than any in it."""
    text = text.strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def with_feedback(prompt: str, feedback: Feedback) -> str:
    """Returns a prompt with a section on what there is to say; itself it stays as it is."""
    if feedback.empty:
        return prompt
    before = prompt.rstrip("\n")
    return (f"{before}\n\n" if before else "") + f"{HEADING}\n\n{feedback.text}\n"
