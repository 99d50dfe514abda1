"""What a prompt is made of: the facts of a task as plain values, and the template of ours.

And what the message of a merge is made of. Pure. Who renders is `worker.prompt`. A prompt's own words are a fact like all others, so nothing
in them is ever taken for a template.
"""

from functools import cache
from pathlib import Path

from parallel_orchestra.prompt.allowance import Left
from parallel_orchestra.prompt.facts import Need, facts_of, known_names, trials_of
from parallel_orchestra.prompt.feedback import Feedback
from parallel_orchestra.prompt.message import Done, message_facts, message_names, message_trials

__all__ = [
    "DEFAULT",
    "Done",
    "Feedback",
    "Left",
    "Need",
    "again",
    "facts_of",
    "known_names",
    "library",
    "message_facts",
    "message_names",
    "message_trials",
    "qa_template",
    "resolve_template",
    "trials_of",
]

#: What our template is called; one of a plan may extend it.
DEFAULT = "prompt.md.j2"


@cache
def library() -> dict[str, str]:
    """Returns the templates that a template may extend, by name: ours."""
    return {DEFAULT: _text(DEFAULT)}


@cache
def again() -> str:
    """Returns the template for an agent that goes on in its session; it extends ours."""
    return _text("again.md.j2")


@cache
def qa_template() -> str:
    """Returns the template for who judges an agent's work."""
    return _text("qa.md.j2")


@cache
def resolve_template() -> str:
    """Returns the template for who resolves a conflict."""
    return _text("resolve.md.j2")


def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
