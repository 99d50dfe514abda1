"""Compares the tool with plain shell commands, side by side in one run, and prints ratios.

    python tests/bench/run.py [--runs 5] [NAME ...]

Each comparison runs both sides in turn (A B A B ...), prints the median of each and the ratio.
Nothing here fails because a machine is slow; the figures are for reading.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

TOOL = [sys.executable, "-m", "parallel_orchestra"]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measured:
    """One run of one side: wall seconds and the largest process's peak memory in MiB."""

    seconds: float
    peak_mib: float = 0.0


def main() -> None:
    """Runs the comparisons that were asked for, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(COMPARISONS))
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'comparison':<34} {'ours':>9} {'other':>9} {'ratio':>7}  goal")
    for name in arguments.names or COMPARISONS:
        COMPARISONS[name](arguments.runs)


def help_text(runs: int) -> None:
    """Start-up: `--help` beside an empty Python program."""
    compare(
        "--help / python -c pass",
        "<= 4",
        lambda: timed([*TOOL, "--help"]),
        lambda: timed([sys.executable, "-c", "pass"]),
        runs,
    )


def reading_tasks(runs: int) -> None:
    """1,000 read-only no-op tasks in place with 8 workers, beside `xargs -P 8`."""
    compare(
        "1,000 read-only tasks / xargs -P 8",
        "<= 4",
        lambda: ours(plan_of_reading_tasks(1000), files=10, workers=8),
        lambda: timed(["sh", "-c", "seq 1000 | xargs -P 8 -n 1 true"]),
        runs,
    )


def writing_tasks_small(runs: int) -> None:
    """100 write tasks with 2 workers on 10 files, beside a shell loop of worktrees."""
    _writing(runs, files=10, tasks=100, goal="<= 1.2")


def writing_tasks_large(runs: int) -> None:
    """20 write tasks with 2 workers on 5,000 files, beside a shell loop of worktrees."""
    _writing(runs, files=5000, tasks=20, goal="<= 0.45")


def ten_thousand(runs: int) -> None:
    """10,000 tasks beside 1,000: time per task, and memory."""
    large, small = [], []
    for _ in range(max(1, runs // 2)):
        large.append(ours(plan_of_reading_tasks(10_000), files=10, workers=8))
        small.append(ours(plan_of_reading_tasks(1000), files=10, workers=8))
    per_large = statistics.median(one.seconds for one in large) / 10_000
    per_small = statistics.median(one.seconds for one in small) / 1000
    show("ms per task, 10,000 / 1,000 tasks", per_large * 1e3, per_small * 1e3, "<= 1.5")
    peak = max(one.peak_mib for one in large)
    print(f"{'peak memory of 10,000 tasks, MiB':<34} {peak:9.0f} {'':>9} {'':>7}  <= 200")


def claiming(_: int) -> None:
    """Claims of 10,000 and 100,000 tasks by 8 processes, beside bare renames and SQLite."""
    import claims  # noqa: PLC0415  # the others need nothing of the package

    claims.compare(environment())


def scheduling(_: int) -> None:
    """The schedule of a run beside waves and others, on random plans, in made-up time."""
    import schedules  # noqa: PLC0415  # see above

    schedules.compare(seed=1)


def merging(_: int) -> None:
    """24 ready candidates, one of them red, with batches and one by one; a check takes 2 s.

    `batches.py --seconds 20` measures it with a check of 20 s, which takes eleven minutes.
    """
    import batches  # noqa: PLC0415  # see above

    batches.compare(environment())


def drawing(_: int) -> None:
    """The live picture of 64 agents at work: its share of one core, in percent."""
    import picture  # noqa: PLC0415  # see above

    percent = picture.share(make_repository, environment()) * 100
    print(f"{'live picture of 64 agents, % of a core':<38} {percent:5.1f} {'':>9} {'':>7}  <= 3")


def _writing(runs: int, *, files: int, tasks: int, goal: str) -> None:
    compare(
        f"{tasks} write tasks, {files} files / loop",
        goal,
        lambda: ours(plan_of_writing_tasks(tasks), files=files, workers=2),
        lambda: shell_loop(files, tasks),
        runs,
    )


def compare(
    name: str, goal: str, one: Callable[[], Measured], other: Callable[[], Measured], runs: int
) -> None:
    """Runs both sides in turn after a warm-up and prints the medians and their ratio."""
    one(), other()
    pairs = [(one().seconds, other().seconds) for _ in range(runs)]
    show(name, statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), goal)


def show(name: str, ours_: float, other: float, goal: str) -> None:
    """Prints one line of the table."""
    print(f"{name:<34} {ours_:9.3f} {other:9.3f} {ours_ / other:7.2f}  {goal}", flush=True)


def timed(command: list[str], directory: Path | None = None) -> Measured:
    """Runs a command to its end and returns wall time and peak memory."""
    started = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=directory, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = child.stderr.read() if child.stderr else b""
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{command} ended with {status}: {said.decode()[-2000:]}")
    return Measured(seconds, usage.ru_maxrss / 1024)


def ours(plan: str, *, files: int, workers: int) -> Measured:
    """Runs a plan on a fresh repository and returns how long that took."""
    with tempfile.TemporaryDirectory() as place:
        repository = make_repository(Path(place) / "repository", files)
        path = Path(place) / "plan.md"
        path.write_text(plan)
        command = [*TOOL, "run", str(path), "--quiet", "--yes", "-j", str(workers)]
        return timed([*command, "--report", str(Path(place) / "report.json")], repository)


def shell_loop(files: int, tasks: int) -> Measured:
    """Does the same by hand: worktree add, commit, merge, worktree remove, one after the other."""
    with tempfile.TemporaryDirectory() as place:
        repository = make_repository(Path(place) / "repository", files)
        script = (
            "set -e; for i in $(seq $0); do git worktree add -q -b t$i ../wt-$i;"
            " (cd ../wt-$i; echo $i > new_$i.txt; git add -A; git commit -qm t$i);"
            " git merge -q --no-ff -m m$i t$i; git worktree remove ../wt-$i;"
            " git branch -q -d t$i; done"
        )
        return timed(["sh", "-c", script, str(tasks)], repository)


def make_repository(path: Path, files: int) -> Path:
    """Makes a repository with that many small files and one commit."""
    shutil.rmtree(path, ignore_errors=True)
    for number in range(files):
        folder = path / f"d{number // 50}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}.txt").write_text(f"file {number}\n" * 20)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *words], cwd=path, env=environment(), check=True)
    return path


def environment() -> dict[str, str]:
    """Returns an environment in which git has an identity and knows nothing of the user's."""
    place = tempfile.gettempdir()
    names = {"GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@example.org"}
    names |= {"GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@example.org"}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PO_"))}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH", ""))))
    return {**kept, **names, "XDG_CACHE_HOME": f"{place}/bench-cache", "PYTHONPATH": path}


def plan_of_reading_tasks(count: int) -> str:
    """Returns a plan of tasks that only run `true` in the project directory."""
    task = "backend: command, command: ['true'], read_only: true, isolation: none"
    return _plan(f"  - {{id: t{number}, {task}}}" for number in range(count))


def plan_of_writing_tasks(count: int) -> str:
    """Returns a plan of tasks that write one new file each."""
    return _plan(
        f"  - {{id: t{number}, backend: command, command: 'echo {number} > new_{number}.txt'}}"
        for number in range(count)
    )


def _plan(tasks: Iterable[str]) -> str:
    head = ["---", 'po_plan_version: "0.2"', "name: bench", "cwd: repository", "tasks:"]
    return "\n".join([*head, *tasks, "---", ""])


COMPARISONS: dict[str, Callable[[int], None]] = {
    "help": help_text,
    "reading": reading_tasks,
    "writing-small": writing_tasks_small,
    "writing-large": writing_tasks_large,
    "ten-thousand": ten_thousand,
    "claims": claiming,
    "schedule": scheduling,
    "merging": merging,
    "picture": drawing,
}

if __name__ == "__main__":
    main()
