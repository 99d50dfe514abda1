"""Fuzzes every target and says how many inputs it took and what was found.

    python tests/fuzz/run.py [--inputs 1000000] [--seed 1] [TARGET ...]
    python tests/fuzz/run.py --replay FILE TARGET

Needs atheris (`pip install '.[fuzz]'`); without it says so and ends well.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from fuzz.seeds import WORDS, seeds_of  # noqa: E402  # found by the line above
from fuzz.targets import TARGETS  # noqa: E402

#: Where inputs that show a fault are kept, and the most memory that a target may take.
FAULTS = _ROOT / "fuzz-faults"
LIMIT_MIB = 300
#: Seconds of wall time after which an input counts as endless even on a loaded machine.
_ENDLESS = 30
#: Most targets write a small file for each input: in memory where there is such a place.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
_PEAK = re.compile(r"rss: (\d+)Mb")


def main() -> int:
    """Runs what was asked for; returns 1 if a fault was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    chosen = arguments.targets or list(TARGETS)
    if arguments.replay:
        TARGETS[chosen[0]](arguments.replay.read_bytes())
        print("no fault")
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("skipped: fuzzing needs atheris, which is not installed (`pip install '.[fuzz]'`)")
        return 0
    whole = sum(TARGETS[name].share for name in chosen)
    print(f"{'target':<12} {'inputs':>9} {'per second':>11} {'peak MiB':>9}")
    counts = [
        _fuzz(name, round(arguments.inputs * TARGETS[name].share / whole), arguments.seed)
        for name in chosen
    ]
    faults = [name for name, count in zip(chosen, counts, strict=True) if count is None]
    print(f"{sum(filter(None, counts)):,} inputs, {len(faults)} target(s) with a fault")
    return 1 if faults else 0


def _fuzz(name: str, inputs: int, seed: int) -> int | None:
    """Returns how many inputs a target took; None, after showing it, if it has a fault."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_MEMORY) as place:
        words = Path(place) / "words"
        words.write_bytes(b"".join(b'"%s"\n' % _quoted(word) for word in WORDS))
        corpus = Path(place) / "corpus"
        corpus.mkdir()
        for number, seed_input in enumerate(seeds_of(name)):
            (corpus / str(number)).write_bytes(seed_input)
        FAULTS.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "fuzz.guided", name, f"-runs={inputs}", f"-seed={seed}"]
        command += [f"-dict={words}", f"-timeout={_ENDLESS}", f"-rss_limit_mb={LIMIT_MIB}"]
        command += [f"-artifact_prefix={FAULTS}/{name}-", "-max_len=8192", "-print_final_stats=1"]
        path = os.pathsep.join((str(_ROOT), str(_ROOT / "tests")))
        environ = {**os.environ, "PYTHONPATH": path, "TMPDIR": place}
        started = time.monotonic()
        ended = subprocess.run(
            [*command, str(corpus)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        seconds = time.monotonic() - started
    done = _DONE.search(ended.stdout)
    if ended.returncode or done is None:
        print(f"{name}: a fault\n{ended.stdout[-4000:]}")
        print(f"see it again: {sys.executable} {__file__} --replay FILE {name}  # in {FAULTS}")
        return None
    peak = max(map(int, _PEAK.findall(ended.stdout)), default=0)
    print(f"{name:<12} {int(done[1]):>9,} {int(done[1]) / seconds:>11,.0f} {peak:>9}", flush=True)
    return int(done[1])


def _quoted(word: bytes) -> bytes:
    return b"".join(b"\\x%02x" % octet for octet in word)


if __name__ == "__main__":
    sys.exit(main())
