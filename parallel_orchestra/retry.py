"""What happens after a failed attempt: another one (when, and from where on?), or none. Pure."""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import FailureClass

#: Seconds before the second attempt; doubled for each further one, up to the limit.
_FIRST_DELAY = 1.0
_LIMIT = 300.0
#: The same after failures that are nobody's fault: the world needs time to mend. After those of
#: the agent's own doing nothing has to mend, and while nobody else took its worktree, its session
#: can go on there.
_FIRST_DELAYS = {
    FailureClass.RATE_LIMITED: 60.0,
    FailureClass.ENVIRONMENT: 5.0,
    FailureClass.VERIFY: 0.0,
    FailureClass.NO_CHANGES: 0.0,
    FailureClass.MAX_TURNS: 0.0,
    FailureClass.BOUNDARY: 0.0,
    FailureClass.CONFLICT: 0.0,
    FailureClass.QA_REJECTED: 0.0,
}


class Way(Enum):
    """From where on the next attempt goes on."""

    #: In the session of the last one, in the tree as that left it: it knows what it did.
    SESSION = "session"
    #: In a fresh session, in the tree as the last one left it.
    TREE = "tree"
    #: From nothing: what is kept of the last one is told of, and no more.
    FRESH = "fresh"
    #: Without its agent: its work is whole and was only not judged.
    JUDGE = "judge"


#: What the agent did wrong, or what cut it short, it mends best while it remembers. After a failure
#: without a reason that it could act upon, the session may be what is broken, but not the files.
#: What others may have spoiled, what contradicts what they made, and what can't become a commit is
#: no ground to build upon.
WAYS: Mapping[FailureClass, Way] = MappingProxyType(
    {
        FailureClass.TRANSIENT: Way.TREE,
        FailureClass.RATE_LIMITED: Way.SESSION,
        FailureClass.USAGE_LIMIT: Way.SESSION,
        FailureClass.AUTH: Way.TREE,
        FailureClass.PERMANENT: Way.FRESH,
        FailureClass.TIMEOUT: Way.TREE,
        FailureClass.STALLED: Way.TREE,
        FailureClass.VERIFY: Way.SESSION,
        FailureClass.CONFLICT: Way.FRESH,
        FailureClass.UNUSABLE: Way.FRESH,
        FailureClass.NO_CHANGES: Way.SESSION,
        FailureClass.MAX_TURNS: Way.SESSION,
        FailureClass.BOUNDARY: Way.SESSION,
        FailureClass.QA_REJECTED: Way.SESSION,
        FailureClass.QA_BLOCKED: Way.SESSION,
        FailureClass.BUDGET: Way.SESSION,
        FailureClass.TAMPERING: Way.FRESH,
        FailureClass.ENVIRONMENT: Way.FRESH,
        FailureClass.CANCELLED: Way.SESSION,
    }
)


def way_after(failure: str) -> Way:
    """Returns how an attempt begins after one that failed so; fresh after what nobody knows."""
    try:
        return WAYS.get(FailureClass(failure), Way.FRESH)
    except ValueError:
        return Way.FRESH


#: Attempts that ended without being counted as failures, after which a task fails: what has not
#: mended by then (a full disk in three minutes, a limit of a service in two hours) needs a person.
MAX_UNCOUNTED = {FailureClass.ENVIRONMENT: 6, FailureClass.RATE_LIMITED: 20}

#: Attempts that never ended because their worker died, after which a task fails: one that kills
#: its worker each time must not run for ever. Many more, since a person may kill runs too.
MAX_LOST = 100


#: Failures of a judge that are not its account's, and that may not come again.
_JUDGES_OWN = frozenset(
    one.value for one in (FailureClass.TRANSIENT, FailureClass.TIMEOUT, FailureClass.STALLED)
)


#: Seconds that a pause lasts at most: no limit of a service is longer.
_LONGEST_PAUSE = 7 * 86_400.0


@frozen
class Verdict:
    """Whether the task is tried again, after how many seconds, and whether it was counted."""

    again: bool
    counted: bool = False
    delay: float = 0.0


def decide(
    failure: FailureClass,
    *,
    attempts: int,
    failures: int,
    max_retries: int,
    retry_after: float | None,
    dice: float,
    limits_count: bool = False,
    conflicts_again: bool = False,
    rejections: int = 0,
    max_rejections: int = 0,
) -> Verdict:
    """Returns what follows an attempt that failed.

    `attempts` are those that ended, this one included; `failures` counts those before it;
    `dice` in [0, 1) spreads the delay by a quarter to both sides, so that tasks that failed
    together do not return together. With `limits_count` a rate limit is a failure like others,
    unless the service said how long it lasts. With `conflicts_again` so is a conflict. `rejections`
    are those by QA, this one included.
    """
    counted = failure.counted or (
        limits_count and failure is FailureClass.RATE_LIMITED and retry_after is None
    )
    if failure in (FailureClass.CANCELLED, FailureClass.USAGE_LIMIT):
        # When the limit is over, all tasks of the account are told at once: see `board.breaker`.
        return Verdict(again=True, counted=False)
    if failure is FailureClass.QA_REJECTED:
        return Verdict(again=rejections <= max_rejections)
    if failure.final and not (conflicts_again and failure is FailureClass.CONFLICT):
        return Verdict(again=False, counted=counted)
    if counted and failures + 1 > max_retries:
        return Verdict(again=False, counted=True)
    if not counted and attempts - failures > MAX_UNCOUNTED[failure]:
        return Verdict(again=False, counted=False)
    so_far = failures if counted else max(0, attempts - failures - 1)
    # a rate limit that counts is one of a manifest of version 0.1: tried again soon
    limited = counted and failure is FailureClass.RATE_LIMITED
    first = _FIRST_DELAY if limited else _FIRST_DELAYS.get(failure, _FIRST_DELAY)
    delay = min(_LIMIT, first * 2.0 ** min(so_far, 16))
    delay = max(delay * (0.75 + dice / 2), retry_after or 0.0)
    return Verdict(again=True, counted=counted, delay=delay)


def judge_given_up(before: Sequence[str], failure: str) -> bool:
    """Returns whether a judge that failed so, and `before` on the same work, is asked no more.

    Who met the time limit twice will most likely meet it again, half an hour each time. Limits of an
    account mend by waiting, and have a count of their own.
    """
    return failure in _JUDGES_OWN and any(one in _JUDGES_OWN for one in before)


def not_later_than_a_week(not_before: float, now: float) -> float:
    """Returns when a task may be tried again (both epoch), as a file says it that others write to.

    Whatever the file says: a task does not sleep for years because of it.
    """
    return min(not_before, now + _LONGEST_PAUSE)
