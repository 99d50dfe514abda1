"""Who is dead, judged so that no live worker loses its task by a wrong clock.

Same boot and same pid namespace: the process is gone or its start time differs, known at
once; a stopped process is alive. Same machine, other boot: dead. Everything else: its sign of
life has not changed for a lease while *we* watched on *our* monotonic clock. The sign is a
token, never compared with a clock.

A person's claim has no process. On the boot where it was made its sign of life is a reading of
that boot's monotonic clock (`sign_of`), which we can read too: so the end of its lease is known.

A wrong verdict costs time only; the fence keeps it safe.
"""

import os
from collections.abc import Callable
from enum import Enum

from parallel_orchestra.frozen import frozen
from parallel_orchestra.process import identity
from parallel_orchestra.store.layout import Layout
from parallel_orchestra.store.names import TaskName
from parallel_orchestra.store.records import WorkerKind, WorkerRecord, read_worker

#: Seconds between two signs of life.
HEARTBEAT = 10.0
#: Seconds without a sign of life after which an owner out of sight counts as dead.
LEASE = 60.0
#: The same on a network file system, whose attributes may be a minute old (nfs(5)).
NETWORK_LEASE = 150.0
#: The same for a claim that a person made by hand.
MANUAL_LEASE = 1800.0
#: By how much a file's time may differ from what it was set to: seconds, on coarse file systems.
_ROUNDING = 2.0


class Life(Enum):
    """What is known of a lock's owner: `ELSEWHERE` is out of sight, `PARKED` a lock without one."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"
    PARKED = "parked"


@frozen
class Verdict:
    """What one look at a lock's owner says, and why; `left` are the seconds of a known lease."""

    life: Life
    reason: str
    left: float | None = None


@frozen
class Sign:
    """A sign of life and when we first saw it, on our monotonic clock."""

    token: int
    since: float
    renewed: bool = False


class Watch:
    """Judges the owners of locks; keep one for as long as you watch."""

    def __init__(self, layout: Layout, me: WorkerRecord, monotonic: Callable[[], float]) -> None:
        self._layout = layout
        self._me = me
        self._monotonic = monotonic
        self._records: dict[str, WorkerRecord] = {}
        self._seen: dict[str, Sign] = {}

    def death(self, name: TaskName, path: str) -> str:
        """Returns why the owner of a lock is dead, or an empty string while it may be alive.

        A lock without an owner is a person's and never dead. The first look at an owner out of
        sight can't tell: only a watch of a whole lease does.
        """
        verdict = self.judge(name, path)
        return verdict.reason if verdict.life is Life.DEAD else ""

    def judge(self, name: TaskName, path: str) -> Verdict:
        """Returns what is known of the owner of a lock at this moment; `path` is the lock's."""
        if not name.owner:
            return Verdict(Life.PARKED, "locked by hand: move it to free it")
        if name.owner == self._me.owner:
            return Verdict(Life.ALIVE, "it is ours")
        record = self.record(name.owner)
        if record is None:
            return self._watched(path, self._me.lease, "its record is lost")
        here = (record.boot, record.pid_namespace) == (self._me.boot, self._me.pid_namespace)
        if record.kind == WorkerKind.MANUAL.value:
            # The command that made the claim has long ended; its person has not.
            known = self._by_hand(path, record) if here and record.clock else None
            return known or self._watched(path, record.lease, "claimed by hand")
        if here:
            return _process(record)
        if record.boot != self._me.boot and self._is_this_machine(record):
            return Verdict(Life.DEAD, "the machine was restarted")
        where = "another container" if record.boot == self._me.boot else f"on `{record.host}`"
        return self._watched(path, record.lease, f"process {record.pid} is out of sight, {where}")

    def record(self, owner: str) -> WorkerRecord | None:
        """Returns an owner's record, read once; None if it is missing or unreadable."""
        known = self._records.get(owner)
        if known is None:
            known = read_worker(self._layout, owner)
            if known is not None:
                self._records[owner] = known
        return known

    def _is_this_machine(self, record: WorkerRecord) -> bool:
        # Two machines may both be called `localhost`: without a machine id only the lease tells.
        mine = (self._me.host, self._me.machine)
        return bool(self._me.machine) and (record.host, record.machine) == mine

    def _by_hand(self, path: str, record: WorkerRecord) -> Verdict | None:
        """Judges a person's claim by this boot's clock; None if its sign of life is no reading."""
        token = _token(path)
        now = self._monotonic()
        # A rename keeps a file's time: until the first sign the lease runs from the registration.
        reading = max(record.clock, (token or 0) / 1e9 - record.epoch + record.clock)
        left = reading + record.lease - now
        if token is None or left > record.lease + _ROUNDING:
            return None
        if left < 0:
            how = f"claimed by hand, and not renewed for {record.lease:.0f} s"
            return Verdict(Life.DEAD, how, left)
        return Verdict(Life.ALIVE, f"claimed by hand: holds for {left:.0f} s more", left)

    def _watched(self, path: str, lease: float, why: str) -> Verdict:
        told = f"{why}: only its sign of life tells, after a watch of {lease:.0f} s"
        token = _token(path)
        if token is None:
            return Verdict(Life.ELSEWHERE, told)
        seen = self._seen.get(path)
        if seen is None or seen.token != token:
            renewed = seen is not None
            self._seen[path] = Sign(token, self._monotonic(), renewed)
            if renewed:
                return Verdict(Life.ALIVE, f"{why}: gave a sign of life while we watched")
            return Verdict(Life.ELSEWHERE, told)
        quiet = self._monotonic() - seen.since
        if quiet > lease:
            return Verdict(Life.DEAD, f"no sign of life for {lease:.0f} s")
        if seen.renewed:
            return Verdict(Life.ALIVE, f"{why}: gave a sign of life while we watched")
        return Verdict(Life.ELSEWHERE, told)


def sign_of(record: WorkerRecord, monotonic: float) -> float:
    """Returns the time to give a person's lock as its sign of life, at that reading of the clock.

    It looks like an instant, for people; but a wall clock that is set does not change it.
    """
    return record.epoch + (monotonic - record.clock)


def lease_for(*, on_network: bool) -> float:
    """Returns the lease in seconds for a directory of that kind."""
    return NETWORK_LEASE if on_network else LEASE


def _process(record: WorkerRecord) -> Verdict:
    if not identity.alive(record.pid, record.start):
        return Verdict(Life.DEAD, f"process {record.pid} is gone")
    if identity.stopped(record.pid):
        how = "is stopped, which is not dead: `unlock --force` takes its task"
        return Verdict(Life.ALIVE, f"process {record.pid} {how}")
    return Verdict(Life.ALIVE, f"process {record.pid} runs here")


def _token(path: str) -> int | None:
    try:
        # Only open() makes an NFS client ask the server for fresh attributes.
        with open(path, "rb") as stream:
            return os.fstat(stream.fileno()).st_mtime_ns
    except OSError:
        return None
