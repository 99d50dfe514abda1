"""The variables of `merge.message`: what is known of a task's work as it comes onto the branch."""

from collections.abc import Iterator
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan, Task, Usage
from parallel_orchestra.prompt.facts import facts_of, known_names
from parallel_orchestra.prompt.feedback import Feedback

_NOTHING_USED = Usage()
#: Variables that both kinds of templates have.
_SHARED = ("plan", "task")


@frozen
class Done:
    """What an attempt came to: the paths that it changed, the first lines of its own commits.

    `seconds` is how long it took, None if a person did it; `summary` are its agent's last words.
    """

    attempt: int
    seconds: float | None = None
    usage: Usage = _NOTHING_USED
    files: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    summary: str = ""


def message_facts(plan: Plan, task: Task, run: str, done: Done) -> dict[str, Any]:
    """Returns the variables of a template for the work of one attempt at a task."""
    facts = facts_of(plan, task, done.attempt, Feedback(), ())
    return {
        **{name: facts[name] for name in _SHARED},
        "run": run,
        "attempt": _attempt_facts(done),
        "files": list(done.files),
        "commits": list(done.commits),
        "summary": done.summary,
    }


def message_names() -> dict[str, list[str] | None]:
    """Returns the variables of such a template, each with its parts; None for those without."""
    shared = known_names()
    return {
        **{name: shared[name] for name in _SHARED},
        "run": None,
        "attempt": list(_attempt_facts(Done(1))),
        "files": None,
        "commits": None,
        "summary": None,
    }


def message_trials(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yields facts to try a template with: each task with all that may be known, and with little.

    What only a run will know is made up.
    """
    used = Usage(0.25, 1000, 200, 3)
    full = Done(2, 72.5, used, ("a.txt",), ("Begin it",), "It is done.")
    for task in plan.tasks:
        if not task.read_only:
            yield message_facts(plan, task, "20260102-030405-abcdef", full)
            yield message_facts(plan, task, "20260102-030405-abcdef", Done(1))


def _attempt_facts(done: Done) -> dict[str, Any]:
    usage = done.usage
    counted = [one for one in (usage.input_tokens, usage.output_tokens) if one is not None]
    return {
        "number": done.attempt,
        "seconds": done.seconds,
        "duration": _span(done.seconds) if done.seconds is not None else "",
        "cost_usd": usage.cost_usd,
        "cost": f"${usage.cost_usd:.2f}" if usage.cost_usd is not None else "",
        "tokens": sum(counted) if counted else None,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "turns": usage.turns,
    }


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    words = [f"{hours} h"] if hours else []
    words += [f"{minutes} min"] if minutes else []
    return " ".join([*words, f"{rest} s"] if rest or not words else words)
