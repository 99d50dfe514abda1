"""One run's integration branch with everything under it real: git, `_tasks/`, claims, commits.

Also a program, so that tests can have other processes merge, hold and die:
`python -m support.merging PROJECT OWNER ACTION TASK ...` (see `main`).
"""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from parallel_orchestra.git import Repo
from parallel_orchestra.journal import Journal
from parallel_orchestra.merge_queue import Candidate, Merged, MergeQueue, Outcome, Rejected, RunRefs
from parallel_orchestra.model import Strategy, Task
from parallel_orchestra.process import identity
from parallel_orchestra.recovery import Recovery
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, Layout, TaskStore, Watch, WorkerKind, WorkerRecord
from parallel_orchestra.store.records import write_worker
from parallel_orchestra.store.tasks import owner_name
from support.repository import git
from support.waiting import wait_until

RUN = "run1"
REFS = RunRefs(RUN, "refs/heads/orchestra/plan")
#: The folder from which `support` and the package itself are found.
_ROOT = Path(__file__).parents[2]


Judge = Callable[[str, Path], Rejected | None]


class Plainly:
    """A verifier that asks a function, beside whatever other process may be at it."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.prepared: list[str] = []

    def __call__(self, commit: str, log: Path, base: str) -> Rejected | None:
        """Checks at once."""
        return self.check(commit, log, base)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Is always ours."""
        yield True

    def check(self, commit: str, log: Path, base: str) -> Rejected | None:
        """Asks the function."""
        del base
        return self.judge(commit, log)

    def prepare(self, commit: str, log: Path) -> None:
        """Remembers what was to be prepared."""
        del log
        self.prepared.append(commit)


class Stage:
    """A process' view of a run in a project: its store, its queue and who it is."""

    def __init__(
        self,
        project: Path,
        judge: Judge | None = None,
        owner: str = "",
        most: int = 32,
        *,
        strategy: Strategy = Strategy.MERGE,
    ) -> None:
        self.project = project
        self.repo = Repo.discover(project, os.environ)
        self.layout = Layout(project.parent / f"{project.name}-tasks")
        self.layout.create()
        self.owner = owner or owner_name("host", os.getpid(), secrets.token_hex(4))
        self.store = TaskStore(self.layout, self.owner)
        self._journals: list[Journal] = []
        self.base = git(project, "rev-list", "--max-parents=0", "main").strip()
        if self.repo.refs.read(REFS.integration) is None:
            git(project, "update-ref", REFS.integration, self.base)
        self.verifier = Plainly(judge) if judge is not None else None
        self.queue = MergeQueue(
            self.repo, self.store, REFS, self.base, self.verifier, most=most, strategy=strategy
        )

    def close(self) -> None:
        """Ends the git processes and closes the journals."""
        self.store.close()
        for journal in self._journals:
            journal.close()
        self.repo.close()

    @property
    def tip(self) -> str:
        """The integration branch's commit, asked of git."""
        return git(self.project, "rev-parse", REFS.integration).strip()

    def publish(self, *tasks: str, read_only: bool = False) -> None:
        """Puts these tasks into `available/`."""
        made = [Task(one, read_only=read_only) for one in tasks]
        self.store.publish(made, RUN, dict.fromkeys(tasks, "print"))

    def claim(self, task: str) -> Claim:
        """Claims a task, published first if it lies nowhere."""
        if task not in self.store.listing().entries:
            self.publish(task)
        claim = self.store.claim(self.store.listing().entries[task].name)
        assert claim is not None, f"{task} is not to be had"
        return claim

    def candidate(
        self,
        claim: Claim,
        files: Mapping[str, str] | None = None,
        *,
        token: str = "",
        generation: int = 1,
        message: str = "work",
        base: str = "",
    ) -> Candidate:
        """Returns a claim's work: one file named after the task unless told otherwise."""
        changed = files or {f"{claim.task}.txt": f"{claim.task}\n"}
        commit = commit_on(self.project, base or self.tip, changed, message)
        token = token or self.queue.fence(claim)
        log = self.layout.root / "merge.log"
        return Candidate(claim, commit, token, generation, "print", "", log)

    def merge(self, task: str, files: Mapping[str, str] | None = None) -> Claim:
        """Claims a task and merges its work; returns the claim, which is not completed."""
        claim = self.claim(task)
        outcome = self.queue.merge(self.candidate(claim, files))
        assert isinstance(outcome, Merged), outcome
        return claim

    def state(self, task: str) -> str:
        """Returns where a task lies."""
        return self.store.settled_listing([task]).entries[task].state.value

    def register(self) -> WorkerRecord:
        """Makes this process known to others as the owner."""
        record = WorkerRecord(
            owner=self.owner,
            kind=WorkerKind.WORKER.value,
            host="host",
            boot=identity.boot_id(),
            pid_namespace=identity.pid_namespace(),
            pid=os.getpid(),
            start=identity.start_time(os.getpid()) or "",
            run=RUN,
            version="0",
            lease=60.0,
        )
        write_worker(self.layout, record)
        return record

    def recovery(self, *tasks: str, read_only: bool = False) -> Recovery:
        """Returns what heals these tasks, as this process."""
        watch = Watch(self.layout, self.register(), time.monotonic)
        known = {one: Task(one, read_only=read_only) for one in tasks}
        self._journals.append(Journal(self.layout.journal, self.owner))
        return Recovery(self.store, self.queue, watch, known, self._journals[-1], time.time)

    def heal(self, *tasks: str) -> bool:
        """Looks once and heals; returns whether anything moved."""
        return self.recovery(*tasks).heal(self.store.listing(), ())


def together(queue: MergeQueue, candidates: Sequence[Candidate]) -> list[Outcome | Exception]:
    """Hands candidates in at once, one thread each, and returns what became of them, in order.

    Nobody is checked before all of them wait.
    """
    ends: dict[int, Outcome | Exception] = {}

    def merge(number: int) -> None:
        try:
            ends[number] = queue.merge(candidates[number])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what became of it
            ends[number] = error

    threads = [threading.Thread(target=merge, args=(n,)) for n in range(len(candidates))]
    with queue.turn:
        for number, thread in enumerate(threads, start=1):
            thread.start()
            wait_until(lambda: queue.waiting == number)  # noqa: B023
    for thread in threads:
        thread.join()
    return [ends[number] for number in range(len(candidates))]


def commit_on(project: Path, base: str, files: Mapping[str, str], message: str = "work") -> str:
    """Returns a commit on `base` with these files changed, made without any checkout."""
    index = project / ".git" / f"index-{secrets.token_hex(4)}"
    env = {"GIT_INDEX_FILE": str(index)}
    git(project, "read-tree", base, env=env)
    for name, text in files.items():
        blob = _piped(project, text, "hash-object", "-w", "--stdin")
        git(project, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", env=env)
    tree = git(project, "write-tree", env=env).strip()
    index.unlink()
    return _piped(project, message, "commit-tree", tree, "-p", base)


def other_process(project: Path, owner: str, *words: str) -> "subprocess.Popen[str]":
    """Starts this module's `main` as a process with that owner's name."""
    environ = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'tests'}"}
    return subprocess.Popen(
        [sys.executable, "-m", "support.merging", str(project), owner, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ,
        text=True,
    )


def main(project: str, owner: str, action: str, *tasks: str) -> None:
    """Carries out an action: `drain` claims and completes all tasks there are.

    `work` goes with each task as far as its word says (`build:claim`, `build:fence`,
    `build:merge`), says `ready` and waits to be killed; `heal` says `ready`, waits for a line
    and heals once.
    """
    stage = Stage(Path(project), owner=owner)
    stage.register()
    if action == "drain":
        _drain(stage)
        return
    if action == "heal":
        healer = stage.recovery(*tasks)
        listing = stage.store.listing()
        _say("ready")
        sys.stdin.readline()
        healer.heal(listing, ())
        return
    for task, _, until in (word.partition(":") for word in tasks):
        claim = stage.claim(task)
        if until != "claim":
            candidate = stage.candidate(claim)
            if until == "merge":
                stage.queue.merge(candidate)
    _say("ready")
    sys.stdin.read()


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _drain(stage: Stage) -> None:
    while True:
        waiting = [
            entry
            for entry in stage.store.listing().entries.values()
            if entry.state is TaskState.AVAILABLE
        ]
        if not waiting:
            stage.close()
            return
        claim = stage.store.claim(secrets.choice(waiting).name)
        if claim is not None:
            stage.queue.merge(stage.candidate(claim))
            stage.store.complete(claim, ())


def _piped(project: Path, text: str, *words: str) -> str:
    command = ["git", "-C", str(project), *words]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main(*sys.argv[1:])
