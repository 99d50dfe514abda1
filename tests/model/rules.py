"""The rules of the protocol as flags, and how far an exploration goes.

The defaults are the protocol as it is built. Each broken variant (`variants`) changes one flag.
"""

from dataclasses import dataclass, fields
from enum import Enum

from model.state import Luck


class Owner(Enum):
    """Where a lock says whose it is, and what a lock that does not say so is taken for."""

    IN_NAME = "in its name"
    SIDECAR_MISSING_IS_DEAD = "in a sidecar; without one it is stale"
    SIDECAR_MISSING_IS_ALIVE = "in a sidecar; without one it is left alone"


class Fence(Enum):
    """How a merge makes sure that no newer attempt has begun."""

    IN_TRANSACTION = "verified by the transaction that publishes"
    CHECKED_BEFORE = "looked at before the transaction"
    NONE = "not at all"


class Recovery(Enum):
    """How the lock of a dead owner is freed."""

    FENCE_FIRST = "the fence, then one rename"
    FILE_ONLY = "one rename; the fence stays"
    UNLINK_AND_CREATE = "the fence, then unlink and create"


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol; each flag names a decision whose other ways are broken, or are not."""

    owner: Owner = Owner.IN_NAME
    fence: Fence = Fence.IN_TRANSACTION
    recovery: Recovery = Recovery.FENCE_FIRST
    trailer: bool = True
    compare_tip: bool = True
    merge_before_done: bool = True
    fence_before_look: bool = True
    look_before_fencing: bool = True
    start_time_tells: bool = True
    sweep: bool = True
    own_orphans: bool = True
    look_after_failed_rename: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many act, and how often each kind of luck strikes, in the order of `Luck`."""

    workers: int = 2
    recoverers: int = 1
    kills: int = 0
    suspicions: int = 0
    moves: int = 0
    commits: int = 0
    faults: int = 0
    failures: int = 0
    releases: int = 0
    reuses: int = 0
    requeues: int = 0
    undos: int = 0
    takings: int = 0
    max_retries: int = 1
    read_only: bool = False

    @property
    def luck(self) -> tuple[int, ...]:
        """How often each kind of luck may strike."""
        names = [one.name for one in fields(self)]
        first = names.index("kills")
        return tuple(getattr(self, name) for name in names[first : first + len(Luck)])

    def __str__(self) -> str:
        """Returns who acts and what may strike, in words."""
        said = []
        for one in fields(self):
            value = getattr(self, one.name)
            if value and one.name == "read_only":
                said.append("read only")
            elif value and one.name != "max_retries":
                said.append(f"{value} {one.name if value > 1 else one.name[:-1]}")
        return ", ".join(said)
