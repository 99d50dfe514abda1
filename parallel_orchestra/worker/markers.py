"""Conflict markers that somebody left in files."""

import re
from collections.abc import Sequence

from parallel_orchestra.git.objects import Objects

_MARKERS = (re.compile(r"^<{7} ", re.MULTILINE), re.compile(r"^>{7} ", re.MULTILINE))


def marked(
    objects: Objects, tree: str, paths: Sequence[str], sides: Sequence[str]
) -> tuple[str, ...]:
    """Returns those of the files that have markers in a tree, but in none of the sides.

    A file about conflicts may have them for good.
    """
    return tuple(
        path
        for path in paths
        if _has(objects.text(tree, path))
        and not any(_has(objects.text(side, path)) for side in sides)
    )


def _has(text: str | None) -> bool:
    return text is not None and all(marker.search(text) for marker in _MARKERS)
