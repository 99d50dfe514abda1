"""What keeps this process from starting more agents: little memory, a high load, a start just now.

Agents that a machine has no memory for kill each other, and often us. A task that may not start
holds no worker and no lock; what runs goes on. The answer comes from a reading that is at most
half a second old.
"""

import math
from collections.abc import Callable, Mapping

from parallel_orchestra import machine
from parallel_orchestra.frozen import frozen
from parallel_orchestra.machine import Memory
from parallel_orchestra.schedule import Schedule

#: Bytes that must be available if nobody says how many; on small machines a share of all.
LEAST_MEMORY = 512 << 20
_LEAST_SHARE = 0.1
#: Once memory was short, so much more than the least must be there.
_ENOUGH = 1.25
#: Seconds after which one task starts all the same if none runs: every wait ends.
_PATIENCE = 60.0
#: Seconds for which a reading holds.
_ASKED_EVERY = 0.5
_MIB = 1 << 20


@frozen
class Demands:
    """What must be so for a task to start.

    `memory` in bytes (None for the default, 0 for no demand), `load` at most (None for any),
    `gaps` seconds between two starts of a backend's agents.
    """

    memory: int | None = None
    load: float | None = None
    gaps: Mapping[str, float] | None = None


class Gate:
    """The gate of one process; says once when it shuts and when it opens. Its owner holds a lock."""

    def __init__(
        self,
        demands: Demands,
        tell: Callable[[str], None],
        monotonic: Callable[[], float],
        dice: Callable[[], float],
        *,
        memory: Callable[[], Memory | None] = machine.memory,
        load: Callable[[], float | None] = machine.load,
    ) -> None:
        """Takes who is told why nothing starts, and with an empty text that tasks start again."""
        self._demands = demands
        self._tell = tell
        self._monotonic = monotonic
        self._dice = dice
        self._memory = memory
        self._load = load
        self._reason = ""
        self._since = 0.0
        self._next = -math.inf

    def shut(self, running: int) -> bool:
        """Returns whether no task may start beside so many running ones; asked when one could.

        With none running, one is let through after a minute: it may be what frees the memory.
        """
        now = self._monotonic()
        if now >= self._next:
            self._next = now + _ASKED_EVERY
            self._read(now)
        if not self._reason:
            return False
        if not running and now - self._since >= _PATIENCE:
            self._since = now
            return False
        return True

    @property
    def short(self) -> bool:
        """Whether, as of the last reading, something is short."""
        return bool(self._reason)

    def gap(self, backend: str) -> float:
        """Returns for how many seconds no other agent of a backend starts, after one has.

        Never the same, so that they do not stay in step.
        """
        gap = (self._demands.gaps or {}).get(backend, 0.0)
        return gap * (0.5 + self._dice())

    def space(self, backend: str, schedule: Schedule) -> None:
        """Holds the other tasks of a backend for a moment after an agent of it has started."""
        gap = self.gap(backend) if self._demands.gaps else 0.0
        if gap:
            words = f"the agents of `{backend}` start one after the other"
            for lane in schedule.lanes_of(backend):
                schedule.hold(lane, self._monotonic() + gap, words)

    def _read(self, now: float) -> None:
        before, self._reason = self._reason, self._short()
        if self._reason and not before:
            self._since = now
            self._tell(self._reason)
        elif before and not self._reason:
            self._tell("")

    def _short(self) -> str:
        least = self._demands.memory
        found = self._memory() if least != 0 else None
        if found is not None:
            if least is None:
                least = min(LEAST_MEMORY, int(found.total * _LEAST_SHARE))
            wanted = int(least * _ENOUGH) if self._reason else least
            if found.available < wanted:
                return (
                    f"memory is short: {found.available // _MIB} MiB are available, and "
                    f"{wanted // _MIB} must be (`--min-memory`)"
                )
        most = self._demands.load
        busy = self._load() if most is not None else None
        if most is not None and busy is not None and busy > most:
            return f"the load of the machine is {busy:.1f}, and may be {most:g} (`--max-load`)"
        return ""
