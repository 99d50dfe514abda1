"""Records beside the task files: the run, its workers, and how attempts ended.

JSON, written complete before it appears under its name. None of them decides who has a task, so
one that can't be read counts as missing and stays where it is; but without the run's own record
nobody knows what the tasks are, and another must not take its place.
"""

import contextlib
import json
import os
import shlex
from dataclasses import field, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from parallel_orchestra import files
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.store.layout import Layout

#: What JSON has in place of a type; the others are their own.
_FORMS: dict[Any, Any] = {
    float: float | int,
    float | None: float | int | None,
    dict[str, Any]: dict,
    dict[str, str]: dict,
    list[str]: list,
}

#: What reading a damaged record raises.
_DAMAGE = (ValueError, KeyError, TypeError, RecursionError)

#: No number of ours comes near it; what is no number at all (NaN) does not lie below it either.
_TOO_LARGE = 1e18

#: Stands in an attempt's directory from when it is judged.
_CANDIDATE = "candidate.json"

Record = TypeVar("Record", bound="WorkerRecord | AttemptResult | RunRecord")


class WorkerKind(Enum):
    """What a process is to the run: it leads it, helps, or is a person's claim."""

    CONDUCTOR = "conductor"
    WORKER = "worker"
    MANUAL = "manual"


@frozen
class RunRecord:
    """What a run is: everything a worker needs that has no plan at hand.

    `plan` is the plan as JSON, with the tasks that were `added` since it was read, `fingerprints` one per task (of the definition that was last
    run, for done tasks), `base_branch` may be empty, `integration` is a full ref name.
    """

    run: str
    plan: dict[str, Any]
    fingerprints: dict[str, str]
    base_branch: str
    base_commit: str
    integration: str
    created: float
    repository: str
    schema: int = 1
    added: list[str] = field(default_factory=list)


@frozen
class WorkerRecord:
    """Who a process is, so that others can tell whether it is alive; lease in seconds.

    `epoch` and `clock` are the wall clock and the boot's monotonic clock at one moment, when it
    registered; 0 if nobody needs them: only a person's claim is judged by them.
    """

    owner: str
    kind: str
    host: str
    boot: str
    pid_namespace: str
    pid: int
    start: str
    run: str
    version: str
    lease: float
    machine: str = ""
    epoch: float = 0.0
    clock: float = 0.0


@frozen
class AttemptResult:
    """How one attempt ended; written before the task's last move, and advisory.

    `failure` is empty for a success. `not_before` is the epoch before which the task should
    not be claimed again. `ref` keeps work that was not merged. `asked` is False if no agent was
    started, so that nothing was used.

    `way` is how it began, if others were before it (see `retry.Way`). `directory` is where its
    agent worked, `base` the commit that it built upon; empty if nobody can go on from there.
    `definition` is the fingerprint of its task. `qa` is a `QaVerdict`, empty if nobody judged the
    work; what that used stands apart. `qa_failure` is why a judge gave no answer.
    """

    task: str
    attempt: int
    owner: str
    started: float
    seconds: float
    failure: str = ""
    reason: str = ""
    detail: str = ""
    text: str = ""
    commit: str = ""
    ref: str = ""
    files: list[str] = field(default_factory=list)
    not_before: float = 0.0
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    turns: int | None = None
    session: str = ""
    asked: bool = True
    way: str = ""
    directory: str = ""
    base: str = ""
    definition: str = ""
    qa: str = ""
    qa_failure: str = ""
    qa_cost_usd: float | None = None
    qa_input_tokens: int | None = None
    qa_output_tokens: int | None = None


def write_run(layout: Layout, record: RunRecord) -> None:
    """Writes `run.json`, durable before this returns; an older one is replaced at once.

    Raises:
        OSError: the disk is full or read-only; the old record stands.
    """
    via = layout.tmp / f"run.{os.getpid()}.json"
    files.replace(layout.run_file, _encode(record), via=via)
    files.sync_directory(layout.root)


def read_run(layout: Layout) -> RunRecord | None:
    """Returns the record of the run, or None if there is none.

    Raises:
        EnvironmentProblem: there is one, but it is damaged or can't be read.
    """
    path = layout.run_file
    try:
        return _decode(RunRecord, files.content(path))
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) and not path.is_symlink():
            return None
        reason = error.strerror or str(error)
        raise _lost(path, f"can't be read: {reason[:1].lower()}{reason[1:]}") from error
    except _DAMAGE as error:
        raise _lost(path, "is damaged") from error


def peek_run(layout: Layout) -> RunRecord | None:
    """Returns the record of the run, or None if it is missing or can't be read."""
    return _read(RunRecord, layout.run_file)


def peek_record(path: Path) -> RunRecord | None:
    """Returns the record of a run that was put aside, or None if it can't be read."""
    return _read(RunRecord, path)


def unreadable(layout: Layout) -> list[Path]:
    """Returns the records that are there but can't be read."""
    records: list[tuple[type[WorkerRecord | AttemptResult | RunRecord], Path]] = [
        (RunRecord, layout.run_file)
    ]
    records += [
        (WorkerRecord, path) for path in sorted(layout.workers.glob("*")) if path.suffix == ".json"
    ]
    records += [(AttemptResult, path) for path in sorted(layout.attempts.glob("*/*/result.json"))]
    return [path for kind, path in records if os.path.lexists(path) and _read(kind, path) is None]


def write_worker(layout: Layout, record: WorkerRecord) -> None:
    """Makes this process known, durable before its first claim.

    Raises:
        OSError: the disk is full or read-only.
    """
    via = layout.tmp / f"{record.owner}.worker"
    files.create(layout.workers / f"{record.owner}.json", _encode(record), via=via)
    files.sync_directory(layout.workers)


def read_worker(layout: Layout, owner: str) -> WorkerRecord | None:
    """Returns an owner's record, or None if it is missing or unreadable."""
    return _read(WorkerRecord, layout.workers / f"{owner}.json")


def read_workers(layout: Layout) -> list[WorkerRecord]:
    """Returns the records of all processes that ever worked here, by owner."""
    owners = sorted(
        name.removesuffix(".json") for name in files.names(layout.workers) if name.endswith(".json")
    )
    records = (read_worker(layout, owner) for owner in owners)
    return [record for record in records if record is not None]


def write_result(directory: Path, result: AttemptResult) -> None:
    """Writes how an attempt ended into the attempt's directory.

    Not synced: after a power cut the move that follows counts, and it alone decides.
    """
    files.write(directory / "result.json", _encode(result))


def read_result(directory: Path) -> AttemptResult | None:
    """Returns how an attempt ended, or None if it never said so."""
    return _read(AttemptResult, directory / "result.json")


def write_candidate(directory: Path, result: AttemptResult) -> None:
    """Writes what an attempt that is being judged has made, in case that its worker dies."""
    files.write(directory / _CANDIDATE, _encode(result))


def candidate_of(layout: Layout, task: str, attempt: int) -> AttemptResult | None:
    """Returns what an attempt had made that died while it was judged; None if it did not."""
    directory = layout.attempts / task
    names = [name for name in files.names(directory) if name.startswith(f"{attempt}.")]
    found = [_read(AttemptResult, directory / name / _CANDIDATE) for name in names]
    known = [one for one in found if one is not None]
    return known[-1] if len(known) == 1 else None


def last_result(layout: Layout, task: str) -> AttemptResult | None:
    """Returns the result of a task's highest attempt that wrote one."""
    results = attempt_results(layout, task)
    return results[-1] if results else None


def attempt_results(layout: Layout, task: str) -> list[AttemptResult]:
    """Returns the results of all attempts of a task, the first attempt first."""
    directory = layout.attempts / task
    found = [read_result(directory / name) for name in files.names(directory)]
    return sorted(
        (result for result in found if result is not None),
        key=lambda result: (result.attempt, result.started),
    )


def _encode(record: Any) -> bytes:
    values = {one.name: getattr(record, one.name) for one in fields(record)}
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def _read(kind: type[Record], path: Path) -> Record | None:
    with contextlib.suppress(OSError, *_DAMAGE):
        return _decode(kind, files.content(path))
    return None


def _lost(path: Path, how: str) -> EnvironmentProblem:
    aside = shlex.quote(str(path.with_suffix(".damaged")))
    return EnvironmentProblem(
        Problem(
            f"the record of the run {how}",
            str(path),
            "mend it or put a copy back, then `--resume`; or give the run up: "
            f"`mv {shlex.quote(str(path))} {aside}`, then begin anew with `--fresh`",
        )
    )


def _decode(kind: type[Record], data: bytes) -> Record:
    record = json.loads(data.decode("utf-8", "surrogatepass"))
    known = {one.name: record[one.name] for one in fields(kind) if one.name in record}
    for one in fields(kind):
        if one.name not in known:
            continue
        value, form = known[one.name], _FORMS.get(one.type, one.type)
        if not isinstance(value, form):
            raise TypeError(one.name)
        if isinstance(value, int | float) and not abs(value) < _TOO_LARGE:
            if not isinstance(None, form):
                raise ValueError(one.name)
            known[one.name] = None  # a figure that an agent told of itself
    return kind(**known)
