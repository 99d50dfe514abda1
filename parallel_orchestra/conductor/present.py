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
