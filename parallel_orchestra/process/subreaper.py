"""Whether this system lets a process adopt what its children leave behind (prctl(2), Linux)."""

import sys

_PR_GET_CHILD_SUBREAPER = 37


def available() -> bool:
    """Returns whether a supervisor can find every descendant of an agent, also run-away ones."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # noqa: PLC0415  # 20 ms that only who asks needs

    answer = ctypes.c_int()
    try:
        found = ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return bool(found == 0)
