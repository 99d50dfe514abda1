"""What lies between and beside the tasks: links of a chain, idle time, an agent's flood."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from grounds import READING, WRITING, chain, environment, ground, ours, plan, run
from measuring import Goal, Measured, Result, interleaved, repeated, timed

_LINKS = 200
_AGENTS = 64
_GIGABYTE = "head -c 1073741824 /dev/zero"


def chains(runs: int) -> Iterator[Result]:
    """From one task to the next that needs it; start-up excluded."""
    kinds = (
        ("read-only", READING, "true", 5.0),
        ("write", WRITING, "echo {n} > new_{n}.txt", 30.0),
    )
    for kind, facts, command, limit in kinds:

        def link(facts: str = facts, command: str = command) -> float:
            whole = ours(chain(_LINKS, facts, command), files=10, workers=2).seconds
            return (whole - ours(chain(1, facts, command), files=10, workers=2).seconds) * 1e3

        yield repeated(
            f"{kind} link of a chain of {_LINKS}",
            "ms",
            lambda link=link: link() / (_LINKS - 1),
            runs,
            Goal(limit),
        )


def idling(runs: int) -> Iterator[Result]:
    """Processor time while 64 agents work and say nothing."""

    def share() -> float:
        short, long = _sleeping(1), _sleeping(21)
        return (long.cpu - short.cpu) / (long.seconds - short.seconds) * 100

    yield repeated(f"{_AGENTS} agents at work, of one core", "%", share, runs, Goal(2.0))


def _sleeping(seconds: int) -> Measured:
    tasks = (f"id: t{n}, {READING}, command: ['sleep', '{seconds}']" for n in range(_AGENTS))
    return ours(plan(tasks), files=1, workers=_AGENTS)


def flood(runs: int) -> Iterator[Result]:
    """A gigabyte that one agent prints, beside the same into a file."""
    peaks = []

    def one() -> Measured:
        with ground(plan([f"id: t0, {READING}, command: '{_GIGABYTE}'"]), 1) as place:
            taken = run(place, 1)
        peaks.append(taken.peak_mib)
        return taken

    yield interleaved("1 GiB of output", one, "`command > file`", _into_file, runs, Goal(2.0))
    yield Result("1 GiB of output, memory", "MiB", tuple(peaks), goal=Goal(64.0))


def _into_file() -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        return timed(["sh", "-c", f"{_GIGABYTE} > out"], Path(folder), environment())
