"""Who is dead, judged so that no live worker loses its task by a wrong clock.

Same boot and same pid namespace: the process is gone or its start time differs, known at
once; a stopped process is alive. Same machine, other boot: dead. Everything else: its sign of
life has not changed for a lease while *we* watched on *our* monotonic clock. The sign is a
token, never compared with a clock. A wrong verdict costs time only; the fence keeps it safe.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life and when we first saw it, on our monotonic clock."""

    token: int
    since: float


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
        if not name.owner or name.owner == self._me.owner:
            return ""
        record = self._record(name.owner)
        if record is None:
            return self._expired(path, self._me.lease)
        if record.kind == WorkerKind.MANUAL.value:
            # The command that made the claim has long ended; its person has not.
            return self._expired(path, record.lease)
        if (record.boot, record.pid_namespace) == (self._me.boot, self._me.pid_namespace):
            if identity.alive(record.pid, record.start):
                return ""
            return f"process {record.pid} is gone"
        if record.boot != self._me.boot and self._is_this_machine(record):
            return "the machine was restarted"
        return self._expired(path, record.lease)

    def _record(self, owner: str) -> WorkerRecord | None:
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

    def _expired(self, path: str, lease: float) -> str:
        try:
            # Only open() makes an NFS client ask the server for fresh attributes.
            with open(path, "rb") as stream:
                token = os.fstat(stream.fileno()).st_mtime_ns
        except OSError:
            return ""
        seen = self._seen.get(path)
        if seen is None or seen.token != token:
            self._seen[path] = Sign(token, self._monotonic())
            return ""
        if self._monotonic() - seen.since <= lease:
            return ""
        return f"no sign of life for {lease:.0f} s"


def lease_for(*, on_network: bool) -> float:
    """Returns the lease in seconds for a directory of that kind."""
    return NETWORK_LEASE if on_network else LEASE
