"""How long one waits for a command that starts no agent."""

import sys
from collections.abc import Iterator

from grounds import TOOL, environment, ground, reading, run
from measuring import Goal, Measured, Result, interleaved, repeated, timed


def commands(runs: int) -> Iterator[Result]:
    """`--version`, `--help` and `status` of 1,000 tasks, beside an empty Python program."""
    beside = "`python -c pass`"
    for word, limit in (("--version", 2.0), ("--help", 2.5)):
        yield interleaved(
            f"`{word}`", lambda word=word: _ours(word), beside, _empty, runs, Goal(limit)
        )
    with ground(reading(1000), 1) as place:
        run(place, 8)

        def status() -> Measured:
            return timed([*TOOL, "status"], place / "repository", environment())

        yield interleaved("`status` of 1,000 tasks", status, beside, _empty, runs, Goal(6.0))


def validating(runs: int) -> Iterator[Result]:
    """`validate` of 10,000 tasks."""
    with ground(reading(10_000), 1) as place:
        command = [*TOOL, "validate", str(place / "plan.md")]
        yield repeated(
            "`validate` of 10,000 tasks",
            "s",
            lambda: timed(command, place, environment()).seconds,
            runs,
            Goal(5.0),
        )


def resuming(runs: int) -> Iterator[Result]:
    """`run --resume` of 10,000 tasks that are all done."""
    with ground(reading(10_000), 1) as place:
        run(place, 8)
        yield repeated(
            "`--resume` of 10,000 done tasks",
            "s",
            lambda: run(place, 8, ["--resume"]).seconds,
            runs,
            Goal(2.0),
        )


def _ours(word: str) -> Measured:
    return timed([*TOOL, word], None, environment())


def _empty() -> Measured:
    return timed([sys.executable, "-c", "pass"], None, environment())
