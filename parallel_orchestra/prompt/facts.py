"""The variables of a prompt template: plain values, so that nothing of ours can be called.

Text, numbers, lists and mappings only. What an agent must not know is not among them: the
variables of `env` may be secrets, and the way to the user's checkout invites to write there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan, Task, as_typed
from parallel_orchestra.plain import some_of
from parallel_orchestra.prompt.allowance import Left
from parallel_orchestra.prompt.feedback import Feedback

_UNLIMITED = Left()
#: Fields of a task that no template gets.
_HIDDEN = frozenset({"env", "qa"})
#: Characters of an agent's last words that fit on the line of a dependency.
_BRIEF = 300
#: Names of files that fit there.
_MOST_FILES = 6


@frozen
class Need:
    """A task that this one depends on, and what came of it.

    `commit` is its merge, empty if it had none (read-only, or done by hand); `files` are the paths
    that it changed; `text` are its agent's last words.
    """

    id: str
    title: str = ""
    commit: str = ""
    files: tuple[str, ...] = ()
    text: str = ""


def facts_of(
    plan: Plan,
    task: Task,
    attempt: int,
    feedback: Feedback,
    needs: Sequence[Need],
    left: Left = _UNLIMITED,
) -> dict[str, Any]:
    """Returns the variables of a template for one attempt at a task.

    `feedback` is none if there is nothing to say, `budget` if nothing is limited.
    """
    return {
        "plan": _plan_facts(plan),
        "task": _task_facts(task),
        "attempt": {"number": attempt},
        "feedback": None if feedback.empty else _feedback_facts(feedback),
        "dependencies": [_need_facts(need) for need in needs],
        "budget": None if left.empty else _left_facts(left),
    }


def known_names() -> dict[str, list[str] | None]:
    """Returns the variables of a template, each with its parts; None for those without."""
    nothing = Task(id="task")
    plan = Plan("0.2", "plan", Path("plan.md"), Path(), (nothing,))
    return {
        "plan": list(_plan_facts(plan)),
        "task": list(_task_facts(nothing)),
        "attempt": ["number"],
        "feedback": list(_feedback_facts(Feedback())),
        "dependencies": None,
        "budget": list(_left_facts(Left())),
    }


def trials_of(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yields facts to try a template with: each task's first attempt, and one after a failure.

    What only a run will know is made up. A program without a prompt is told nothing.
    """
    failed = Feedback("Mind the gap.", 1, "verify", "it failed", "1 failed", "refs/x")
    titles = {task.id: task.title for task in plan.tasks}
    for task in plan.tasks:
        if not task.prompt:
            continue
        needs = [
            Need(id_, titles.get(id_, ""), "0" * 40, ("a.txt",), "Done.") for id_ in task.depends_on
        ]
        yield facts_of(plan, task, 1, Feedback(), needs)
        yield facts_of(plan, task, 2, failed, needs, Left(1.0, 1000, 60.0, 10))


def _plan_facts(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "context": plan.context,
        "base": plan.base,
        "verify": [as_typed(command) for command in plan.verify],
    }


def _task_facts(task: Task) -> dict[str, Any]:
    shown = (one.name for one in fields(task) if one.name not in {*_HIDDEN, "verify", "expect"})
    found = {name: _plain(getattr(task, name)) for name in shown}
    expected = [
        {
            "path": one.path,
            "command": as_typed(one.command) if one.command else "",
            "contains": one.contains,
        }
        for one in task.expect
    ]
    verify = [as_typed(command) for command in task.verify]
    return {**found, "verify": verify, "expect": expected}


def _feedback_facts(feedback: Feedback) -> dict[str, Any]:
    facts = asdict(feedback)
    return {
        **facts,
        "refused": list(feedback.refused),
        "put_back": list(feedback.put_back),
        "to_put_back": list(feedback.to_put_back),
        "text": feedback.text,
    }


def _left_facts(left: Left) -> dict[str, Any]:
    return {**asdict(left), "text": left.text}


def _need_facts(need: Need) -> dict[str, Any]:
    words = " ".join(need.text.split())
    return {
        **asdict(need),
        "files": list(need.files),
        "result": _result(need),
        "brief": words if len(words) <= _BRIEF else words[: _BRIEF - 4].rstrip() + " ...",
    }


def _result(need: Need) -> str:
    """Returns what became of a dependency in a few words."""
    if not need.commit:
        return "done"
    if not need.files:
        return "merged without a change"
    return f"changed {some_of([f'`{name}`' for name in need.files], _MOST_FILES)}"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value if isinstance(value, str | int | float | None) else str(value)
