"""How an attempt ended, and what its agent said and used."""

from dataclasses import replace
from enum import Enum
from typing import TypeVar

from parallel_orchestra.frozen import frozen

Number = TypeVar("Number", int, float)


class Phase(Enum):
    """What an attempt is at, once its place is set up."""

    AGENT = "agent"
    VERIFY = "verify"
    QA = "qa"
    MERGE = "merge"


class FailureClass(Enum):
    """Why an attempt did not succeed, and by that what happens next."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    USAGE_LIMIT = "usage_limit"
    AUTH = "auth"
    PERMANENT = "permanent"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    VERIFY = "verify"
    CONFLICT = "conflict"
    NO_CHANGES = "no_changes"
    UNUSABLE = "unusable"
    MAX_TURNS = "max_turns"
    BOUNDARY = "boundary"
    QA_REJECTED = "qa_rejected"
    QA_BLOCKED = "qa_blocked"
    BUDGET = "budget"
    TAMPERING = "tampering"
    ENVIRONMENT = "environment"
    CANCELLED = "cancelled"

    @property
    def counted(self) -> bool:
        """Whether it uses up one of the task's retries; the others give the attempt back.

        Rejections by QA have a count and a limit of their own.
        """
        return self not in (
            FailureClass.RATE_LIMITED,
            FailureClass.USAGE_LIMIT,
            FailureClass.QA_REJECTED,
            FailureClass.QA_BLOCKED,
            FailureClass.BUDGET,
            FailureClass.ENVIRONMENT,
            FailureClass.CANCELLED,
        )

    @property
    def final(self) -> bool:
        """Whether another attempt can't help, so that the task fails at once."""
        return self in (
            FailureClass.AUTH,
            FailureClass.PERMANENT,
            FailureClass.BUDGET,
            FailureClass.CONFLICT,
            FailureClass.QA_BLOCKED,
            FailureClass.TAMPERING,
        )


@frozen
class Usage:
    """What an agent said that it used; None where it did not say."""

    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    turns: int | None = None
    session: str = ""

    def since(self, before: "Usage") -> "Usage":
        """Returns what was used after `before`, where this counts from the session's beginning."""
        return replace(
            self,
            cost_usd=_less(self.cost_usd, before.cost_usd),
            input_tokens=_less(self.input_tokens, before.input_tokens),
            output_tokens=_less(self.output_tokens, before.output_tokens),
        )

    def __add__(self, other: "Usage") -> "Usage":
        """Returns what both used together; the session is the later one's."""
        return Usage(
            _more(self.cost_usd, other.cost_usd),
            _more(self.input_tokens, other.input_tokens),
            _more(self.output_tokens, other.output_tokens),
            _more(self.turns, other.turns),
            other.session or self.session,
        )


def _less(whole: Number | None, part: Number | None) -> Number | None:
    return whole if whole is None or part is None else max(whole - part, type(whole)(0))


def _more(one: Number | None, other: Number | None) -> Number | None:
    return one if other is None else other if one is None else one + other


@frozen
class Answer:
    """An agent's answer: `failure` is None when it says that it succeeded.

    `text` is its last words, `reason` one sentence on the failure; `retry_after` seconds it
    asked us to wait, or None.
    """

    text: str = ""
    failure: FailureClass | None = None
    reason: str = ""
    usage: Usage = Usage()
    retry_after: float | None = None
