"""What lies between and beside the tasks: links of a chain, a successor in another process, a flood."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import others
from grounds import (
    READING,
    TOOL,
    WRITING,
    chain,
    environment,
    ground,
    links,
    make_repository,
    ours,
    plan,
    run,
)
from measuring import Goal, Measured, Result, interleaved, repeated, timed

_LINKS = 200
_GIGABYTE = "head -c 1073741824 /dev/zero"
#: Steps of two tasks each that two processes share; each takes a little longer than the one before,
#: so that ends do not keep step with looks.
_STEPS, _SHORTEST, _LONGER = 16, 0.4, 0.023


def chains(runs: int) -> Iterator[Result]:
    """From one task to the next that needs it; start-up excluded."""
    what = f"link of a chain of {_LINKS}"
    reading = [(_link(READING, "true"), others.from_files(_per_link)) for _ in range(runs)]
    ms = tuple(link for link, _ in reading)
    yield Result(f"read-only {what}", "ms", ms, goal=Goal(5.0))
    yield from others.told(f"read-only {what}", "ms", ms, [each for _, each in reading])
    yield repeated(
        f"write {what}", "ms", lambda: _link(WRITING, "echo {n} > new_{n}.txt"), runs, Goal(30.0)
    )


def _link(facts: str, command: str) -> float:
    """Returns the milliseconds of each link after the first."""
    whole, first = (
        ours(chain(count, facts, command), files=10, workers=2).seconds for count in (_LINKS, 1)
    )
    return (whole - first) / (_LINKS - 1) * 1e3


def _per_link(program: others.ByFile) -> float:
    whole, first = (program(links(count), 2).seconds for count in (_LINKS, 1))
    return (whole - first) / (_LINKS - 1) * 1e3


def handed_over(runs: int) -> Iterator[Result]:
    """How long a process that waits takes to see that another one has finished what it waits for.

    A run and a worker that joined it, one task each at a time. Each step's two tasks need both of the
    step before: whoever ends last goes on at once, the other has to hear of it.
    """
    yield repeated(
        "a successor in another process starts after", "ms", lambda: _delay() * 1e3, runs, Goal(250)
    )


def _delay() -> float:
    """Returns the median, over all steps, of the seconds from its release to its second start."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        repository = make_repository(place / "repository", 1)
        (place / "plan.md").write_text(plan(_steps(place / "stamps")))
        command = [*TOOL, "run", str(place / "plan.md"), "--quiet", "--yes", "-j", "1"]
        quiet = {"cwd": repository, "env": environment(), "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, **quiet) as conductor:  # type: ignore[call-overload]
            while not (place / "stamps").exists():
                time.sleep(0.05)
            subprocess.run(
                [*TOOL, "worker", "-j", "1"], check=True, stdout=subprocess.DEVNULL, **quiet
            )  # type: ignore[call-overload]
            if conductor.wait():
                raise SystemExit(f"the run ended with {conductor.returncode}")
        return statistics.median(_gaps((place / "stamps").read_text().splitlines()))


def _steps(stamps: Path) -> Iterator[str]:
    for step in range(_STEPS):
        needs = f"a{step - 1}, b{step - 1}" if step else ""
        stamp = f'echo {{}} {step} $(date +%s.%N) >> "{stamps}"'
        command = f"{stamp.format('began')}; sleep {_SHORTEST + step * _LONGER:.3f}; {stamp.format('ended')}"
        for name in "ab":
            yield (
                f"id: {name}{step}, {READING}, depends_on: [{needs}], "
                f"command: [sh, -c, '{command}']"
            )


def _gaps(stamps: Sequence[str]) -> list[float]:
    """Returns for each step but the first what lies between its release and its second start."""
    times: dict[tuple[str, int], float] = {}
    for line in stamps:
        word, step, instant = line.split()
        times[word, int(step)] = float(instant)
    return [times["began", step] - times["ended", step - 1] for step in range(2, _STEPS)]


def flood(runs: int) -> Iterator[Result]:
    """A gigabyte that one agent prints, beside the same into a file; start-up excluded."""
    peaks = []

    def one() -> Measured:
        with ground(plan([f"id: t0, {READING}, command: '{_GIGABYTE}'"]), 1) as place:
            taken = run(place, 1)
        with ground(plan([f"id: t0, {READING}, command: 'true'"]), 1) as place:
            nothing = run(place, 1)
        peaks.append(taken.peak_mib)
        return Measured(taken.seconds - nothing.seconds, taken.cpu - nothing.cpu)

    yield interleaved("1 GiB of output", one, "`command > file`", _into_file, runs, Goal(2.0))
    yield Result("1 GiB of output, memory", "MiB", tuple(peaks), goal=Goal(64.0))


def _into_file() -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        return timed(["sh", "-c", f"{_GIGABYTE} > out"], Path(folder), environment())
