"""Who is at work in a task directory at this moment, as far as this machine can tell."""

import contextlib
from collections.abc import Iterator

from parallel_orchestra.process import identity
from parallel_orchestra.store import Layout, WorkerKind, WorkerRecord
from parallel_orchestra.store.records import read_workers


def alive(layout: Layout, kind: WorkerKind) -> list[WorkerRecord]:
    """Returns the records of processes of that kind that run on this machine, by owner."""
    return [
        record
        for record in read_workers(layout)
        if record.kind == kind.value and identity.alive(record.pid, record.start)
    ]


def deserted(layout: Layout) -> str:
    """Returns why nobody is at work on a run that has not ended; empty if somebody may be.

    Who is on another machine or in another container may be alive: one look can't tell.
    """
    kinds = (WorkerKind.CONDUCTOR.value, WorkerKind.WORKER.value)
    found = [record for record in read_workers(layout) if record.kind in kinds]
    if not found or any(_may_be_alive(record) for record in found):
        return ""
    gone = sorted({record.pid for record in found if record.kind == WorkerKind.CONDUCTOR.value})
    if len(gone) != 1:
        return "its processes are gone"
    return f"process {gone[0]} is gone"


def _may_be_alive(record: WorkerRecord) -> bool:
    if record.host != identity.host_name():
        return True
    if record.boot != identity.boot_id():
        return False
    return record.pid_namespace != identity.pid_namespace() or identity.alive(
        record.pid, record.start
    )


@contextlib.contextmanager
def run_lock(layout: Layout) -> Iterator[bool]:
    """Holds `run.lock` if it is free and tells whether it was: then no conductor is at work.

    Raises:
        EnvironmentProblem: something else lies in the place of the file.
    """
    import portalocker  # noqa: PLC0415  # 70 ms that only those who change something need

    with layout.lock_file("run.lock") as stream:
        try:
            portalocker.lock(stream, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except portalocker.LockException:
            yield False
            return
        yield True
