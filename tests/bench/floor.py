"""The least that git must do for a write task: pooled worktrees, plumbing, nothing else.

Each thread has a worktree that it uses again: check out the tip, write one file, add, commit, merge
without a checkout, move the branch. No claims, no journal, no fence; `core.fsync` is ours.
"""

import resource
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grounds
from measuring import Measured

_GIT = ["git", "-c", "core.fsync=committed,reference", "-c", "gc.auto=0"]
_BRANCH = "refs/heads/floor"


def plumbing(tasks: int, files: int, workers: int) -> Measured:
    """Returns what so many write tasks take; their repository and worktrees are there before."""
    with tempfile.TemporaryDirectory() as folder:
        repository = grounds.make_repository(Path(folder) / "repository", files)
        base = _git(repository, "rev-parse", "HEAD")
        _git(repository, "update-ref", _BRANCH, base)
        started, before = time.perf_counter(), _cpu()
        trees = [Path(folder) / f"wt-{number}" for number in range(workers)]
        for tree in trees:
            _git(repository, "worktree", "add", "-q", "--detach", str(tree), base)
        lock = threading.Lock()
        with ThreadPoolExecutor(workers) as pool:
            spans = [range(number, tasks, workers) for number in range(workers)]
            list(pool.map(_work, [repository] * workers, trees, spans, [lock] * workers))
        return Measured(time.perf_counter() - started, _cpu() - before)


def _cpu() -> float:
    """Returns the processor seconds of this process and of its children that have ended."""
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def _work(repository: Path, tree: Path, numbers: range, lock: threading.Lock) -> None:
    for number in numbers:
        base = _git(repository, "rev-parse", _BRANCH)
        _git(tree, "checkout", "-q", "--detach", base)
        (tree / f"new_{number}.txt").write_text(f"{number}\n")
        _git(tree, "add", "-A")
        made = _git(tree, "write-tree")
        commit = _git(tree, "commit-tree", made, "-p", base, "-m", f"t{number}")
        with lock:
            tip = _git(repository, "rev-parse", _BRANCH)
            merged = _git(repository, "merge-tree", "--write-tree", tip, commit)
            merge = _git(
                repository, "commit-tree", merged, "-p", tip, "-p", commit, "-m", f"m{number}"
            )
            _git(repository, "update-ref", _BRANCH, merge, tip)


def _git(place: Path, *words: str) -> str:
    done = subprocess.run(
        [*_GIT, *words],
        cwd=place,
        env=grounds.environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
