"""Whether the agent of an attempt is at work, as its supervisor tells it in the attempt's directory.

Only what is shown: nobody is ended for what stands there. No file means that it works.
"""

import contextlib
import json
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.progress import Silence

#: An epoch beyond which nobody can say which day it is.
_LATEST = 1e11

#: The name of the file, which is there while the agent is quiet or stuck.
LIFE = "life.json"
_STATES = ("quiet", "stuck")


def silence_of(directory: Path) -> Silence | None:
    """Returns how the agent of an attempt is silent, or None if it is not, or nobody can tell."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        told = json.loads(files.content(directory / LIFE))
        state, since = told["state"], float(told["since"])
        if state in _STATES and 0 <= since < _LATEST:
            return Silence(state, since)
    return None
