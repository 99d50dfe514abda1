"""A second opinion on a task's work, before it is merged: who gives it, and what it may be."""

from dataclasses import fields
from enum import Enum
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model.command import Command

#: Seconds that one judgement may take if nobody says: it reads and answers, and builds nothing.
DEFAULT_QA_TIMEOUT = 1800.0
#: How often the work of a task may be rejected before the task fails, if nobody says.
DEFAULT_MAX_REJECTIONS = 2
#: What holds whichever agent judges.
_COMMON = ("instructions", "timeout", "max_rejections")


class QaVerdict(Enum):
    """What QA said of a candidate: `BLOCKED`, it can't judge; `UNHEARD`, it gave no answer at all."""

    APPROVED = "approved"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    UNHEARD = "unheard"


@frozen
class Qa:
    """Who judges work before it is merged; empty or None is not said, and taken from elsewhere.

    Not `on`: nobody. `instructions` are what it is told beside what it always is. `timeout` is in
    seconds. `max_cost_usd` and `max_tokens` hold for one judgement; 0 says that it uses none.
    """

    on: bool = True
    backend: str = ""
    agent: str = ""
    model: str = ""
    command: Command | None = None
    instructions: str = ""
    timeout: float | None = None
    max_turns: int | None = None
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_rejections: int | None = None

    def over(self, whole: "Qa | None") -> "Qa":
        """Returns this with what it leaves unsaid as in `whole`: what holds for all tasks.

        Who names another agent takes nothing over that is said of the one in `whole`.
        """
        if whole is None or not whole.on or not self.on:
            return self
        other = bool(self.backend) and self.backend != whole.backend
        theirs = {
            name: fact for name, fact in whole.facts().items() if not other or name in _COMMON
        }
        return Qa(**{**theirs, **self.facts()})

    def facts(self) -> dict[str, Any]:
        """Returns what was said."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) != one.default
        }

    @property
    def rejections(self) -> int:
        """How often work may be rejected before its task fails."""
        return DEFAULT_MAX_REJECTIONS if self.max_rejections is None else self.max_rejections
