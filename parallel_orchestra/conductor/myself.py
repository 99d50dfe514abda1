"""Who this process is to a run, so that others can tell whether it is alive."""

import os

from parallel_orchestra import __version__, files
from parallel_orchestra.process import identity
from parallel_orchestra.store import Layout, WorkerKind, WorkerRecord
from parallel_orchestra.store.liveness import lease_for
from parallel_orchestra.store.tasks import owner_name


def my_name() -> str:
    """Returns a fresh owner's name of this process."""
    return owner_name(identity.host_name(), os.getpid(), os.urandom(4).hex())


def myself(run: str, kind: WorkerKind, layout: Layout) -> WorkerRecord:
    """Returns a record of this process under a fresh owner's name; it is written nowhere."""
    pid = os.getpid()
    return WorkerRecord(
        owner=my_name(),
        kind=kind.value,
        host=identity.host_name(),
        boot=identity.boot_id(),
        pid_namespace=identity.pid_namespace(),
        pid=pid,
        start=identity.start_time(pid) or "",
        run=run,
        version=__version__,
        lease=lease_for(on_network=files.on_network(layout.root)),
        machine=identity.machine_id(),
    )
