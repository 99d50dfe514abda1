"""What QA is told of a task's work: plain values for the template of ours, and the words for them."""

from collections.abc import Sequence
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan, Qa, Task
from parallel_orchestra.prompt.feedback import fenced

#: How many changed files are named, and how much of what differs is shown, in characters. The rest
#: lies in the checkout.
LISTED = 100
DIFF_LIMIT = 60_000
#: How much of what the agent said is shown, and of what a check printed.
_SAID = 4_000
_PRINTED = 1_000

_WORDS = {"A": "new", "D": "removed"}
#: What is asked of who gave no verdict.
AGAIN = (
    "Your answer had no verdict that could be read. Say it again: your findings, one for each line, and as "
    "the very last line one word alone, in capitals: APPROVED, REJECTED (with findings) or BLOCKED (with "
    "the reason).\n"
)


@frozen
class Checked:
    """A command that was run on the work, and succeeded; `output` is the end of what it printed."""

    command: str
    output: str = ""


@frozen
class Submitted:
    """A task's work as it is judged: `changes` are (status, path), `diff` the text of them.

    `answer` is what its agent said, `rejected` what was found in an earlier state of it, `clashed`
    the files in which it was in conflict, until an agent resolved that.
    """

    base: str
    commit: str
    changes: Sequence[tuple[str, str]]
    diff: str
    answer: str = ""
    evidence: Sequence[Checked] = ()
    rejected: str = ""
    clashed: Sequence[str] = ()


def judging_facts(plan: Plan, task: Task, qa: Qa, work: Submitted) -> dict[str, Any]:
    """Returns the variables of `qa.md.j2`. What others wrote stands in fences."""
    return {
        "task": {
            "id": task.id,
            "title": task.title,
            "prompt": _quoted(task.prompt),
            "contracts": list(task.contracts),
        },
        "plan": {"context": _quoted(plan.context)},
        "answer": _quoted(work.answer[-_SAID:]),
        "base": work.base[:12],
        "commit": work.commit[:12],
        "changes": [
            {"word": _WORDS.get(status, "changed"), "path": path} for status, path in work.changes
        ],
        "listed": LISTED,
        "diff": _quoted(work.diff[:DIFF_LIMIT]),
        "cut": len(work.diff) > DIFF_LIMIT,
        "evidence": [
            {"command": one.command, "output": _quoted(one.output[-_PRINTED:])}
            for one in work.evidence
        ],
        "rejected": _quoted(work.rejected),
        "clashed": list(work.clashed),
        "instructions": qa.instructions.strip("\n"),
    }


def _quoted(text: str) -> str:
    return fenced(text) if text.strip() else ""
