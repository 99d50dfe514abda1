"""The directories of `_tasks/` and what is written into them before any task.

```
README.md .gitignore run.json        written first
programs.json                        the git settings that the run has accepted
baseline.json                        what fails on the base, if only new failures count
available/ locked/ done/ failed/     one file per task
attempts/<task>/<n>.<owner>/         prompt.md, agent.log, verify.log, result.json
workers/<owner>.json journal/<owner>.jsonl deliver-verify.log
steering/                            what people ask of the run while it goes on
limits/<backend>.<account>.json      usage limits that agents have met
integration/<n>/                     an integration report and the logs of its checks
tmp/ attic/                          under construction; unreadable, doubled, archived
reservations.jsonl                   what attempts reserved of a budget; see `store.outlays`
standing.json                        what a finished run says of itself; see `store.standing`
run.lock claim.lock merge.lock       locks of the operating system, never data
```
"""

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from parallel_orchestra import files
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.states import TaskState

README = """\
# _tasks/

Written by parallel-orchestra. Each task of the plan is one file, and the directory it lies in
is its state:

    available/  waits, or is to be tried again      locked/  a worker has it
    done/       finished and merged                 failed/  failed, no retry left

`ls` shows who has what: `build.a2f1.host-4711-0a1b2c3d.md` is attempt 2 of `build`, one failure
so far, held by process 4711 on that host. You may move files by hand: from `failed/` or
`locked/` to `available/` to have a task done again, from `available/` to `done/` to say that you
did it yourself. Do not edit the files: what a task is stands in `run.json`; to change it, edit
the plan and run it with `--resume`. A new task's file in `available/` joins the run.

`steering/` says what was asked of the run: `touch steering/pause` lets it start no more tasks
until that file is gone.

`limits/` has a file for each account whose usage limit an agent has met, and says until when none
of its tasks starts: remove it, and they start at once.

`attempts/<task>/` has the prompt, the log and the result of each attempt. Nothing in here is
ever deleted; what is odd is moved to `attic/`.
"""

_DIRECTORIES = ("attempts", "workers", "journal", "tmp", "attic")
#: Made with them, but not missed in a directory that has none: then nothing is asked for.
STEERING = "steering"
LIMITS = "limits"


@frozen
class Layout:
    """Where things lie below one `_tasks/` directory."""

    root: Path

    @property
    def run_file(self) -> Path:
        """What this run is; it exists once the directory belongs to a run."""
        return self.root / "run.json"

    @property
    def programs_file(self) -> Path:
        """Which programs git was configured to run when the run began; see `merge_queue.guard`."""
        return self.root / "programs.json"

    @property
    def standing_file(self) -> Path:
        """What a finished run says of itself; see `store.standing`."""
        return self.root / "standing.json"

    @property
    def baseline_file(self) -> Path:
        """What the plan's `verify` fails in on the user's commits; see `merge_queue.failing`."""
        return self.root / "baseline.json"

    @property
    def attempts(self) -> Path:
        """One directory per task, in it one per attempt."""
        return self.root / "attempts"

    @property
    def after_merge(self) -> Path:
        """One directory for each time that what comes after the last merge was done."""
        return self.root / "after-merge"

    @property
    def workers(self) -> Path:
        """One record per process that ever worked here."""
        return self.root / "workers"

    @property
    def journal(self) -> Path:
        """One file of events per process."""
        return self.root / "journal"

    @property
    def steering(self) -> Path:
        """One file for each thing that people ask of the run; see `store.steering`."""
        return self.root / STEERING

    @property
    def limits(self) -> Path:
        """One file for each account whose usage limit was met; see `store.limits`."""
        return self.root / LIMITS

    @property
    def integrations(self) -> Path:
        """One directory for each integration report; see `store.integrations`."""
        return self.root / "integration"

    @property
    def tmp(self) -> Path:
        """Files under construction."""
        return self.root / "tmp"

    @property
    def attic(self) -> Path:
        """What was moved out of the way; nothing is ever deleted."""
        return self.root / "attic"

    def state(self, state: TaskState) -> Path:
        """Returns the directory of one state."""
        return self.root / state.value

    def attempt(self, task: str, number: int, owner: str) -> Path:
        """Returns the directory of one attempt."""
        return self.attempts.joinpath(task, f"{number}.{owner}")

    def create(self) -> None:
        """Makes all directories (mode 0700), README and .gitignore; what exists stays.

        Raises:
            EnvironmentProblem: a directory can't be made, is a link, lies on another file
                system, or does not let files be renamed.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in (*(state.value for state in TaskState), *_DIRECTORIES, STEERING, LIMITS):
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
            # Hidden from git as a whole, the run's files can't dirty the user's checkout.
            for name, text in ((".gitignore", "*\n"), ("README.md", README)):
                if not (self.root / name).exists():
                    # Two processes may begin at once: each writes under a name of its own.
                    via = self.tmp / f"{name}.{os.urandom(4).hex()}"
                    files.create(self.root / name, text.encode(), via=via)
        except OSError as error:
            raise EnvironmentProblem(
                Problem(
                    f"cannot set up the task directory: {error.strerror or error}",
                    str(error.filename or self.root),
                    "make it writable, or choose another place with `--tasks-dir`",
                )
            ) from error
        self.check()

    def check(self) -> None:
        """Probes what the protocol rests on: real directories on one file system, rename.

        Raises:
            EnvironmentProblem: naming what is not so.
        """
        for problem in self.faults():
            raise EnvironmentProblem(problem)
        probe = self.tmp / f"probe-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            files.write(probe, b"")
            os.rename(probe, probe.with_suffix(".moved"))
            probe.with_suffix(".moved").unlink()
        except OSError as error:
            raise EnvironmentProblem(
                self._unfit(self.tmp, f"does not let files be written: {error.strerror}")
            ) from error

    def faults(self) -> Iterator[Problem]:
        """Yields what keeps the directories from being used, as far as looking tells."""
        try:
            device = self.root.stat().st_dev
        except OSError as error:
            yield self._unfit(self.root, f"cannot be read: {error.strerror}")
            return
        for name in (*(state.value for state in TaskState), *_DIRECTORIES):
            path = self.root / name
            try:
                found = path.lstat()
            except OSError as error:
                yield self._unfit(path, f"cannot be read: {error.strerror}")
                continue
            if not stat.S_ISDIR(found.st_mode):
                yield self._unfit(path, "is not a directory")
            elif found.st_dev != device:
                yield self._unfit(path, "lies on another file system")

    def lock_file(self, name: str) -> IO[bytes]:
        """Returns one of the lock files, open; it is made if it is missing.

        Raises:
            EnvironmentProblem: a link, a pipe or something else lies in its place.
            OSError: the disk is full or read-only.
        """
        path = self.root / name
        try:
            return files.open_to_lock(path)
        except OSError as error:
            if not os.path.lexists(path) or stat.S_ISREG(path.lstat().st_mode):
                raise
            raise EnvironmentProblem(
                Problem(
                    f"`{name}` is no plain file, so it can't be locked",
                    str(path),
                    "nothing is in it; if no run goes on here, put it aside: "
                    f"`mv {shlex.quote(str(path))} {shlex.quote(f'{path}.odd')}`",
                )
            ) from error

    def _unfit(self, path: Path, why: str) -> Problem:
        return Problem(
            f"the task directory is unfit: `{path.name}` {why}",
            str(path),
            "tasks are claimed by rename within one file system of real directories",
        )
