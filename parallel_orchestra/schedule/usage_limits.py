"""The usage limit of an account, as a breaker: until when nothing starts, and who tries first. Pure.

The story of one: an attempt meets the limit, and the breaker opens until the time that the service
named. Attempts that run already go on; those that meet it too change at most that time. When it has
come, one attempt tries alone, the probe. If it meets the limit again, the breaker opens again; if it
gets through, the breaker closes: there is no record any more. All instants are epoch seconds.
"""

from dataclasses import replace
from datetime import datetime, timezone

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import FailureClass, UsageLimit

#: Seconds after which a probe that is still at work counts as one that got through: who meets a limit
#: says so at once, and an attempt may take hours.
PROBATION = 60.0
#: Seconds to wait where nobody says how long; doubled each time, up to the longest.
_FIRST_WAIT = 60.0
_LONGEST_WAIT = 3600.0
#: What is added to a time that was named: a second, since services leave the fraction out, and a
#: share of the wait at random, so that runs that share an account do not all come back at once.
_LEAST_JITTER, _JITTER_SHARE, _MOST_JITTER = 1.0, 0.02, 30.0

#: How an attempt may end without having shown that the service works for it.
_PROVES_NOTHING = frozenset({
    FailureClass.TRANSIENT, FailureClass.RATE_LIMITED, FailureClass.USAGE_LIMIT, FailureClass.AUTH,
    FailureClass.TIMEOUT, FailureClass.STALLED, FailureClass.ENVIRONMENT, FailureClass.CANCELLED,
})  # fmt: skip


@frozen
class Account:
    """Who pays for a task's agent: `key` tells accounts of a backend apart and is no secret.

    `own` is the part of it that the plan itself says; whoever has another environment than the run
    knows that part only.
    """

    backend: str
    key: str = ""
    own: str = ""

    @property
    def lane(self) -> str:
        """The account's name, unique in a run; tasks of one lane are held together."""
        return f"{self.backend}.{self.key}" if self.key else self.backend


@frozen
class Limit:
    """A usage limit that was met and may still hold.

    `since` it was met first, and nobody got through. `until` then nothing starts. `waits` counts the
    waits whose length nobody named. `probe` is the file name of the attempt that tries whether it
    is over, begun at `probed`; empty if none does.
    """

    account: Account
    since: float
    until: float
    waits: int = 0
    reason: str = ""
    probe: str = ""
    probed: float = 0.0

    def words(self, now: float) -> str:
        """Returns why a task of the account does not start."""
        backend = self.account.backend
        if now < self.until:
            return f"usage limit of `{backend}` until {clock_words(self.until)}"
        return f"the usage limit of `{backend}` may be over: one attempt tries it"


@frozen
class Met:
    """That an attempt met a limit: its file name, when the limit ends if that was said, and how."""

    attempt: str
    reset: float | None = None
    reason: str = ""


def reached(known: Limit | None, account: Account, met: Met, now: float, dice: float) -> Limit:
    """Returns the limit as it stands after an attempt has met it; `dice` is in [0, 1)."""
    # a time that is past says nothing: else attempts would follow each other without a pause
    told = met.reset if met.reset is not None and met.reset > now else None
    if known is None:
        until = _until(told, 0, now, dice)
        return Limit(account, now, until, int(told is None), met.reason)
    if met.attempt != known.probe:
        # it was at work already when the limit was met
        if told is None or told <= known.until:
            return known
        return replace(known, until=_until(told, 0, now, dice), reason=met.reason, probe="")
    return replace(
        known,
        until=_until(told, known.waits, now, dice),
        waits=known.waits + (told is None),
        reason=met.reason,
        probe="",
    )


def proves(failure: FailureClass | None) -> bool:
    """Returns whether an attempt that ended so has got through to the service."""
    return failure not in _PROVES_NOTHING


def held_until(limit: Limit, now: float, *, probing: bool) -> float | None:
    """Returns until when nothing of the account starts; None if one attempt may try.

    `probing` says whether the probe that the record names is at work.
    """
    if now < limit.until:
        return limit.until
    return limit.probed + PROBATION if probing else None


def is_over(limit: Limit, now: float, *, probing: bool) -> bool:
    """Returns whether the probe has been at work for so long that it must have got through."""
    return probing and now >= max(limit.until, limit.probed + PROBATION)


def too_long(limit: Limit, now: float, begun: float, policy: UsageLimit) -> bool:
    """Returns whether a process that works since `begun` does not wait for the limit's end."""
    if now >= limit.until:
        return False
    return not policy.waits(limit.until - max(limit.since, begun))


def clock_words(instant: float) -> str:
    """Returns an instant for a sentence, in UTC."""
    return datetime.fromtimestamp(instant, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _until(told: float | None, waits: int, now: float, dice: float) -> float:
    if told is None:
        return now + min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(waits, 16)) * (1 + dice / 4)
    return told + _LEAST_JITTER + dice * min(_MOST_JITTER, (told - now) * _JITTER_SHARE)
