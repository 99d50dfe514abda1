"""Protocols with one decision taken the other way: most are broken, and the checker must say how."""

from dataclasses import dataclass

from model.rules import Bounds, Fence, Owner, Recovery, Rules


@dataclass(frozen=True, slots=True)
class Variant:
    """A changed rule, bounds that are enough to judge it, and the promises that it breaks there.

    `endless`: its claims and recoveries may chase each other for ever, so that only the first
    stories can be told.
    """

    rules: Rules
    bounds: Bounds
    breaks: frozenset[str]
    endless: bool = False


def _variant(rules: Rules, bounds: Bounds, *breaks: str, endless: bool = False) -> Variant:
    return Variant(rules, bounds, frozenset(breaks), endless)


_DOUBT = Bounds(kills=1, suspicions=1)

VARIANTS: dict[str, Variant] = {
    "sidecar-missing-is-dead": _variant(
        Rules(owner=Owner.SIDECAR_MISSING_IS_DEAD), Bounds(suspicions=1), "I6", endless=True
    ),
    "sidecar-missing-is-alive": _variant(
        Rules(owner=Owner.SIDECAR_MISSING_IS_ALIVE), Bounds(kills=1), "I7"
    ),
    "no-fence": _variant(Rules(fence=Fence.NONE), _DOUBT, "I5", "I6"),
    "fence-outside-transaction": _variant(Rules(fence=Fence.CHECKED_BEFORE), _DOUBT, "I5", "I6"),
    "look-before-fence": _variant(Rules(fence_before_look=False), _DOUBT, "I5"),
    "no-trailer": _variant(Rules(trailer=False), Bounds(kills=1), "I3", "I5"),
    "done-before-merge": _variant(Rules(merge_before_done=False), Bounds(kills=1), "I4", "I7"),
    "unlink-and-create": _variant(
        Rules(recovery=Recovery.UNLINK_AND_CREATE), Bounds(kills=2), "I1", "I7"
    ),
    "pid-alone": _variant(Rules(start_time_tells=False), Bounds(kills=1, reuses=1), "I7"),
    "no-sweep": _variant(Rules(sweep=False), Bounds(moves=1), "I7"),
    "no-compare-and-swap": _variant(Rules(compare_tip=False), Bounds(commits=1), "I8"),
    "no-own-orphans": _variant(Rules(own_orphans=False), Bounds(faults=1), "I7"),
    # What the fence or another rule makes up for: kept because each saves work, or time.
    "no-tombstone": _variant(Rules(recovery=Recovery.FILE_ONLY), _DOUBT),
    "no-look-after-failed-rename": _variant(
        Rules(look_after_failed_rename=False), Bounds(suspicions=1, faults=1)
    ),
    "no-look-at-the-lock-before-fencing": _variant(Rules(look_before_fencing=False), _DOUBT),
}
