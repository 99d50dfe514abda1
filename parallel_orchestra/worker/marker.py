"""The marker file by which an agent says that it is done: looked for, and never part of its work."""

import contextlib
import os
from pathlib import Path

from parallel_orchestra.agents.closing import MARKER


class Marker:
    """The place of the marker in one workspace, seen before the agent starts."""

    def __init__(self, workspace: Path) -> None:
        self._path = os.path.join(workspace, MARKER)
        self._before = self._touched()

    def taken(self) -> bool:
        """Returns whether the agent made the file, or touched the one that was there.

        One of its making is removed: it speaks to us, and is no work.
        """
        after = self._touched()
        if after is None:
            return False
        if self._before is None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        return after != self._before

    def _touched(self) -> int | None:
        try:
            return os.lstat(self._path).st_mtime_ns
        except OSError:
            return None
