"""How an attempt ended, and what its agent said and used."""

from dataclasses import dataclass
from enum import Enum


class FailureClass(Enum):
    """Why an attempt did not succeed, and by that what happens next."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    PERMANENT = "permanent"
    TIMEOUT = "timeout"
    VERIFY = "verify"
    CONFLICT = "conflict"
    NO_CHANGES = "no_changes"
    BOUNDARY = "boundary"
    TAMPERING = "tampering"
    ENVIRONMENT = "environment"
    CANCELLED = "cancelled"

    @property
    def counted(self) -> bool:
        """Whether it uses up one of the task's retries; the others give the attempt back."""
        return self not in (
            FailureClass.RATE_LIMITED,
            FailureClass.ENVIRONMENT,
            FailureClass.CANCELLED,
        )

    @property
    def final(self) -> bool:
        """Whether another attempt can't help, so that the task fails at once."""
        return self in (
            FailureClass.AUTH,
            FailureClass.PERMANENT,
            FailureClass.CONFLICT,
            FailureClass.TAMPERING,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """What an agent said that it used; None where it did not say."""

    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    turns: int | None = None
    session: str = ""


@dataclass(frozen=True, slots=True)
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
