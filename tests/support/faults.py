"""Runs on bad ground: calls that fail or lie, clocks that jump, minutes that take seconds.

All of it happens in the process of the run alone, by `bad_ground/sitecustomize.py`, which Python
loads at its start; the tool knows nothing of it.
"""

import json
import os
import re
from pathlib import Path

from support.scene import Result

_SITE = Path(__file__).with_name("bad_ground")

#: What a disk, a mount or a table of open files says when it gives up.
ERRORS = ("EIO", "ENOSPC", "EACCES", "EROFS", "EDQUOT", "EMFILE", "ESTALE", "EPERM")

#: Waits that would make a test long, by room, in seconds; rooms that others import come first.
HASTE = {
    "retry": {"_FIRST_DELAYS": {}, "_FIRST_DELAY": 0.1, "_LIMIT": 0.1},
    "board.troubles": {"_TROUBLE_LIMIT": 2.0},
}

#: Seconds without a sign of life after which who is out of sight counts as dead, in a test.
LEASE = 2.0
#: Before everything else, because other rooms take these over when they are imported.
SHORT_LEASES = {"store.liveness": {"LEASE": LEASE, "HEARTBEAT": 0.2}, **HASTE}


def bad_ground(**facts: object) -> dict[str, str]:
    """Returns the environment of a run with these facts (see `sitecustomize.prepare`)."""
    path = os.pathsep.join(filter(None, (str(_SITE), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "BAD_GROUND": json.dumps({"hasten": HASTE, **facts})}


def fault(
    folder: Path,
    at: int,
    error: str = "EIO",
    *,
    ever: bool = False,
    lie: bool = False,
    every: int = 0,
    fill: Path | None = None,
    **more: object,
) -> dict[str, str]:
    """Returns the environment in which a run's `at`-th call into the folder fails; 0: none.

    `ever` lets all later ones fail too, `every` each so-many-th. With `lie` only renames and
    links count, and they are done before they fail. With `fill` the call does not fail: before
    it the small disk mounted there fills up. See `calls_made` and `fired`.
    """
    notes = folder / "notes"
    notes.mkdir(exist_ok=True)
    for name in ("count.txt", "fired.txt"):
        (notes / name).unlink(missing_ok=True)
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    facts = {
        "at": at,
        "ever": ever,
        "every": every,
        "errno": error,
        "place": str(folder),
        "notes": str(notes),
        "lie": lie,
        "fill": str(fill) if fill else "",
    }
    return {**bad_ground(faults=facts, **more), "TMPDIR": str(temporary)}


def calls_made(folder: Path) -> int:
    """Returns how many calls the last run with a `fault` made that came to its end."""
    return int((folder / "notes" / "count.txt").read_text(encoding="utf-8"))


def fired(folder: Path) -> list[str]:
    """Returns the calls that failed in the last run with a `fault`: number, call and path."""
    path = folder / "notes" / "fired.txt"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


#: What has to be said with each exit code, and on which stream: see the reference.
_WORDS = {
    0: ("out", r"^ ?(\d+) completed / \1 total \(0 in progress, 0 failed\)$"),
    1: ("out", r"^failed \S+: \S.*\n  next: \S"),
    2: ("err", r"^error: can't read the plan: .+\n --> .+plan\.md\nhint: \S"),
    3: ("err", r"^error: \S.*\n --> \S.*\n(?:hint: \S.*\n(?:.*\n)*)?\Z"),
    4: ("out", r"^delivery: .*`.+`"),
}


def said_well(result: Result, *codes: int) -> None:
    """Checks that a run ended with one of these exit codes, and with the words that belong to it.

    Raises:
        AssertionError: another exit code, other words, or a mistake of ours.
    """
    said = result.out + result.err
    assert result.exit_code in codes, result
    assert "Traceback" not in said, result
    assert "internal error" not in said, result
    stream, pattern = _WORDS[result.exit_code]
    assert re.search(pattern, getattr(result, stream), re.MULTILINE), result
