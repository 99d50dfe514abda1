"""What is worked on: repositories, plans, and an environment that knows nothing of the user's."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from measuring import Measured, timed

ROOT = Path(__file__).resolve().parents[2]
TOOL = (sys.executable, "-m", "parallel_orchestra")
READING = "backend: command, read_only: true, isolation: none"
WRITING = "backend: command"
#: What takes the places of a block away at its end; see `kept`.
_KEEPERS: list[ExitStack] = []


@dataclass(frozen=True, slots=True)
class Job:
    """What every program can be asked to run: a name, the names of jobs it needs, a shell command."""

    name: str
    needs: tuple[str, ...] = ()
    command: str = "true"


def loose(count: int) -> tuple[Job, ...]:
    """Returns so many jobs that do nothing and need nothing."""
    return tuple(Job(f"t{number}") for number in range(count))


def links(count: int) -> tuple[Job, ...]:
    """Returns so many jobs that do nothing, each of which needs the one before."""
    return tuple(Job(f"t{n}", (f"t{n - 1}",) if n else ()) for n in range(count))


def environment() -> dict[str, str]:
    """Returns an environment in which git has an identity and knows nothing of the user's."""
    place = tempfile.gettempdir()
    names = {"GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@example.org"}
    names |= {"GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@example.org"}
    names |= {"GIT_CONFIG_GLOBAL": os.devnull}
    # An installed program is compiled: who forbids Python to keep that would measure the compiler.
    others = ("GIT_", "PO_", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(others)}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH", ""))))
    return {**kept, **names, "XDG_CACHE_HOME": f"{place}/bench-cache", "PYTHONPATH": path}


def make_repository(path: Path, files: int) -> Path:
    """Makes a repository with that many small files and one commit."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    for number in range(files):
        folder = path / f"d{number // 50}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}.txt").write_text(f"file {number}\n" * 20)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *words], cwd=path, env=environment(), check=True)
    return path


def plan(tasks: Iterable[str]) -> str:
    """Returns a plan of tasks in YAML's flow style, without their braces."""
    head = ["---", 'po_plan_version: "0.2"', "name: bench", "cwd: repository", "tasks:"]
    return "\n".join([*head, *(f"  - {{{task}}}" for task in tasks), "---", ""])


def reading(count: int) -> str:
    """Returns a plan of tasks that only run `true` in the project directory."""
    return plan(f"id: t{number}, {READING}, command: ['true']" for number in range(count))


def writing(count: int) -> str:
    """Returns a plan of tasks that write one new file each."""
    tasks = (f"id: t{n}, {WRITING}, command: 'echo {n} > new_{n}.txt'" for n in range(count))
    return plan(tasks)


def chain(count: int, facts: str, command: str) -> str:
    """Returns a plan of tasks that each need the one before; `{n}` in the command is a number."""
    return plan(
        f"id: t{n}, {facts}, depends_on: [{f't{n - 1}' if n else ''}], "
        f"command: '{command.format(n=n)}'"
        for n in range(count)
    )


@contextmanager
def kept() -> Iterator[None]:
    """Has the places of a block taken away at its end, not each after its run.

    ext4 gives no inode again that was freed a moment ago, and looks through all of these for each
    new file: after 1,000 files were removed it takes 0.2 s longer to make 1,000.
    """
    with ExitStack() as stack:
        _KEEPERS.append(stack)
        try:
            yield
        finally:
            _KEEPERS.remove(stack)


@contextmanager
def empty() -> Iterator[Path]:
    """Makes an empty place, and takes it away again."""
    with ExitStack() as here:
        keeper = _KEEPERS[-1] if _KEEPERS else here
        yield Path(keeper.enter_context(tempfile.TemporaryDirectory()))


@contextmanager
def ground(text: str, files: int) -> Iterator[Path]:
    """Makes a place with `plan.md` beside a fresh `repository`, and takes it away again."""
    with empty() as place:
        make_repository(place / "repository", files)
        (place / "plan.md").write_text(text)
        yield place


def run(place: Path, workers: int, words: Sequence[str] = ()) -> Measured:
    """Runs the plan of a place."""
    command = [*TOOL, "run", str(place / "plan.md"), "--quiet", "--yes", "-j", str(workers)]
    report = ["--report", str(place / "report.json")]
    return timed([*command, *report, *words], place / "repository", environment())


def ours(text: str, *, files: int, workers: int) -> Measured:
    """Runs a plan on a fresh repository."""
    with ground(text, files) as place:
        return run(place, workers)
