"""Whether a stream is to have colours: NO_COLOR, FORCE_COLOR, TERM and what it leads to.

The conventions: https://no-color.org and https://force-color.org. Imports nothing heavy.
"""

from collections.abc import Mapping
from typing import TextIO


def colored(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Returns whether a stream shows colours and is to have them; NO_COLOR beats all."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return environ.get("TERM", "") != "dumb" and stream.isatty()
