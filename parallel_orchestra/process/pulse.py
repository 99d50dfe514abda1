"""Whether an agent works, is quiet or is stuck: judged by several signs together. Pure.

Silence alone says nothing: a build of twenty minutes prints nothing, and an agent that waits for
its model uses no processor. So a sign of life is any of: output, processor time beyond what a
waiting program uses, processes that come or go, and, asked last because it costs most, files.
Whoever shows none of them for the whole limit, while somebody watched, is stuck.

The helper program (`reaper`) loads this file by itself, so it imports nothing.
"""

WORKING, QUIET, STUCK = "working", "quiet", "stuck"

#: The share of a processor that counts as life, and the least seconds of it. Agents that waited
#: for their model were measured at up to 0.028, and at 0.04 for moments, on a machine with much to
#: do; a build has more, unless it is starved.
_BUSY = 0.05
_BUSY_LEAST = 0.05
#: Looks in a row at which somebody is found waiting for the processor or a disk: so a starved
#: build is told from a waiting agent, which is rarely met at work.
_EAGER_LOOKS = 3
#: Seconds without a sign of life after which it is called quiet.
_QUIET_AFTER = 60.0
#: Seconds between two looks, and the share of the limit that they are at most.
_LOOK_EVERY = 15.0
_LOOK_SHARE = 0.1


class Signs:
    """What one look saw: `at` by a clock that never jumps, in seconds.

    `heard` is when there was output last. `cpu_seconds` and `members` of the family are None if
    nobody looked, as there was output.
    """

    __slots__ = ("at", "cpu_seconds", "eager", "heard", "members")

    def __init__(
        self,
        at: float,
        heard: float,
        cpu_seconds: float | None = None,
        members: frozenset[tuple[int, bytes]] | None = None,
        *,
        eager: bool = False,
    ) -> None:
        self.at = at
        self.heard = heard
        self.cpu_seconds = cpu_seconds
        self.members = members
        self.eager = eager


class Pulse:
    """What the looks at one agent come to. `limit` is in seconds of silence."""

    __slots__ = ("_at", "_cpu", "_cpu_at", "_eager", "_members", "_newest", "limit", "silent")

    def __init__(self, limit: float, at: float) -> None:
        self.limit = limit
        #: Seconds for which it was watched without a sign of life.
        self.silent = 0.0
        self._at = self._cpu_at = at
        self._cpu = 0.0
        self._members: frozenset[tuple[int, bytes]] = frozenset()
        self._eager = 0
        self._newest: int | None = None

    @property
    def every(self) -> float:
        """Seconds that should lie between two looks."""
        return min(_LOOK_EVERY, self.limit * _LOOK_SHARE)

    @property
    def quiet_after(self) -> float:
        """Seconds of silence after which it is quiet, and its files are worth a look."""
        return min(_QUIET_AFTER, self.limit / 2)

    @property
    def state(self) -> str:
        """One of `WORKING`, `QUIET` and `STUCK`."""
        if self.silent >= self.limit:
            return STUCK
        return QUIET if self.silent >= self.quiet_after else WORKING

    def take(self, signs: Signs) -> None:
        """Takes a look in."""
        # Time in which nobody watched is no silence: a laptop slept, or we were stopped too.
        self.silent += min(signs.at - self._at, 2 * self.every)
        self._at = signs.at
        self.silent = min(self.silent, max(0.0, signs.at - signs.heard))
        if self._moved(signs):
            self.silent = 0.0

    def take_files(self, newest: int) -> bool:
        """Takes in when a file changed last, by the files' own clock; returns whether it can tell.

        The first time it can't: what was before is not known.
        """
        known, self._newest = self._newest, newest
        if known is not None and newest != known:
            self.silent = 0.0
        return known is not None

    def _moved(self, signs: Signs) -> bool:
        if signs.cpu_seconds is None or signs.members is None:
            self._eager = 0
            return False
        used, passed = signs.cpu_seconds - self._cpu, signs.at - self._cpu_at
        came_or_went = signs.members != self._members
        self._cpu, self._cpu_at, self._members = signs.cpu_seconds, signs.at, signs.members
        self._eager = self._eager + 1 if signs.eager else 0
        busy = used >= max(_BUSY_LEAST, _BUSY * passed)
        return busy or came_or_went or self._eager >= _EAGER_LOOKS
