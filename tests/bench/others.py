"""What a user would pick instead: found on this machine, or installed where it harms nothing.

Python programs get an environment of their own each, below the user's cache; GNU parallel comes by
`apt-get` if we may. What can't be had is skipped, and says so.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grounds
from grounds import Job
from measuring import Measured, Result, Unfinished, timed

PUBLISHED = "parallel-orchestra==0.1.4"
#: How often it may fail in one measurement.
_TRIES = 4


class Missing(Exception):
    """A program can't be had here; says why."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the Python package index, by what is installed."""

    requirement: str
    name: str

    @property
    def place(self) -> Path:
        """Its environment."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "parallel-orchestra-bench" / self.requirement

    def path(self) -> str:
        """Returns where it is, after it was installed if it was not.

        Raises:
            Missing: it can't be installed.
        """
        path = self.place / "bin" / self.name
        if not path.exists():
            shutil.rmtree(self.place, ignore_errors=True)
            _call([sys.executable, "-m", "venv", str(self.place)], self.requirement)
            pip = [str(self.place / "bin" / "python"), "-m", "pip", "install", "-q"]
            try:
                _call([*pip, self.requirement], self.requirement)
            except Missing:
                shutil.rmtree(self.place, ignore_errors=True)
                raise
        return str(path)


def gnu_parallel() -> str:
    """Returns where GNU parallel is.

    Raises:
        Missing: it is not installed, and can't be.
    """
    if shutil.which("parallel") is None:
        if os.geteuid() or shutil.which("apt-get") is None:
            raise Missing("GNU parallel is not installed: `apt-get install parallel`")
        _call(["apt-get", "install", "-qq", "-y", "parallel"], "GNU parallel")
    return shutil.which("parallel") or "parallel"


def xargs(count: int, workers: int) -> Measured:
    """Runs `true` so often by `xargs -P`."""
    return _shell(f"seq {count} | xargs -P {workers} -n 1 true")


def parallel(count: int, workers: int) -> Measured:
    """Runs `true` so often by GNU parallel."""
    return _shell(f"seq {count} | {gnu_parallel()} --will-cite -j {workers} true")


def make(jobs: Sequence[Job], workers: int) -> Measured:
    """Runs jobs by make."""
    if shutil.which("make") is None:
        raise Missing("make is not installed")
    rules = (f"{job.name}: {' '.join(job.needs)}\n\t@{job.command}\n" for job in jobs)
    text = f"all: {' '.join(job.name for job in jobs)}\n{''.join(rules)}"
    return _in_file("Makefile", text, ["make", f"-j{workers}"])


def doit(jobs: Sequence[Job], workers: int) -> Measured:
    """Runs jobs by doit."""
    facts = [(job.name, job.command, [f"all:{need}" for need in job.needs]) for job in jobs]
    text = (
        "def task_all():\n"
        f"    for name, command, needs in {facts!r}:\n"
        "        yield {'name': name, 'actions': [command], 'task_dep': needs}\n"
    )
    path = Program("doit", "doit").path()
    return _in_file("dodo.py", text, [path, "-n", str(workers), "-P", "thread"])


def snakemake(jobs: Sequence[Job], workers: int) -> Measured:
    """Runs jobs by snakemake, which wants a file of each."""
    text = (
        f"JOBS = { {job.name: (list(job.needs), job.command) for job in jobs}!r}\n"
        "rule all:\n    input: list(JOBS)\n"
        "rule one:\n"
        "    input: lambda wildcards: JOBS[wildcards.name][0]\n"
        "    output: touch('{name}')\n"
        "    wildcard_constraints: name=r't\\d+'\n"
        "    params: command=lambda wildcards: JOBS[wildcards.name][1]\n"
        "    shell: '{params.command}'\n"
    )
    path = Program("snakemake", "snakemake").path()
    return _in_file("Snakefile", text, [path, "-q", "all", "--cores", str(workers)])


#: What carries out jobs that it reads from a file.
ByFile = Callable[[Sequence[Job], int], Measured]
FROM_FILES: Mapping[str, ByFile] = {"make": make, "doit": doit, "snakemake": snakemake}


def from_files(value: Callable[[ByFile], float]) -> dict[str, float | str]:
    """Returns a value of each program that reads jobs from a file; why, where it can't be had."""
    found: dict[str, float | str] = {}
    for name, program in FROM_FILES.items():
        try:
            found[name] = value(program)
        except Missing as error:
            found[name] = str(error)
    return found


def told(
    what: str, unit: str, ours: tuple[float, ...], rounds: Sequence[Mapping[str, float | str]]
) -> Iterator[Result]:
    """Yields ours beside each program's, of so many rounds of `from_files`; nothing is a goal."""
    for name in FROM_FILES:
        took = [one[name] for one in rounds]
        why = next((one for one in took if isinstance(one, str)), "")
        values = tuple(one for one in took if isinstance(one, float))
        yield Result(what, unit, ours, name, () if why else values, skipped=why)


def published(count: int, workers: int, *, files: int, writes: bool) -> Measured:
    """Runs so many tasks by the published tool, whose agent is a shell script.

    It makes worktrees at the same time, which git refuses now and then: then it begins anew.

    Raises:
        Missing: it failed each time.
    """
    path = Program(PUBLISHED, "parallel-orchestra").path()
    said = ""
    for _ in range(_TRIES):
        try:
            return _published_once(path, count, workers, files=files, writes=writes)
        except Unfinished as error:
            said = str(error).strip().splitlines()[-1]
    raise Missing(f"it failed {_TRIES} times: {said}")


def _published_once(path: str, count: int, workers: int, *, files: int, writes: bool) -> Measured:
    with grounds.empty() as place:
        repository = grounds.make_repository(place / "repository", files)
        agent = place / "agent"
        agent.write_text(
            "#!/bin/sh\n" + ("echo $PO_BENCH > new_$PO_BENCH.txt\n" if writes else "true\n")
        )
        agent.chmod(0o755)
        head = ["---", 'po_plan_version: "0.1"', "name: bench", "cwd: repository", "tasks:"]
        only = "false" if writes else "true"
        tasks = (
            f"  - {{id: t{n}, agent: a, read_only: {only}, prompt: x, env: {{PO_BENCH: '{n}'}}}}"
            for n in range(count)
        )
        (place / "plan.md").write_text("\n".join([*head, *tasks, "---", ""]))
        command = [path, "run", str(place / "plan.md"), "--quiet", "--no-log", "--no-dashboard"]
        command += ["--max-workers", str(workers), "--claude-exe", str(agent)]
        environ = {
            key: value for key, value in grounds.environment().items() if key != "PYTHONPATH"
        }
        return timed(command, repository, environ)


def _shell(words: str) -> Measured:
    return timed(["sh", "-c", words], None, grounds.environment())


def _in_file(name: str, text: str, command: list[str]) -> Measured:
    with grounds.empty() as place:
        (place / name).write_text(text)
        environ = {
            key: value for key, value in grounds.environment().items() if key != "PYTHONPATH"
        }
        return timed(command, place, environ)


def _call(command: list[str], what: str) -> None:
    """Runs a command that installs something."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise Missing(f"{what} can't be installed: {said.strip().splitlines()[-1]}") from error
