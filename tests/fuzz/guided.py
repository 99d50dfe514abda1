"""Feeds one target with inputs that are led by the code they reach (atheris, libFuzzer).

    python -m fuzz.guided TARGET [libFuzzer's options] CORPUS

An input that takes more than 2 s of processor time is a hang, whatever the machine does beside.
"""

import signal
import sys

import atheris

with atheris.instrument_imports(include=["parallel_orchestra"]):
    from fuzz.targets import TARGETS

#: Seconds of processor time for one input.
LIMIT = 2.0


class Hang(BaseException):
    """An input took too long; no target may catch this."""


def _hang(number: int, frame: object) -> None:
    raise Hang(f"more than {LIMIT:.0f} s")


def main() -> None:
    """Runs until libFuzzer has had enough, or a fault is found."""
    target = TARGETS[sys.argv.pop(1)]
    signal.signal(signal.SIGPROF, _hang)

    def one(data: bytes) -> None:
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        try:
            target(data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
