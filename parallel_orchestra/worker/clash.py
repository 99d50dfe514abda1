"""What the two sides of a conflict say, as a log that a person can read. Pure, but for git."""

from collections.abc import Iterator, Sequence

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import Conflicted, Objects

#: The log's name, beside that of the agent.
LOG = "conflict.log"
#: Files, and lines of one, that are shown; lines around a clash.
_FILES, _LINES, _AROUND = 20, 120, 2
_OURS, _BETWEEN, _THEIRS = "<<<<<<< ", "=======", ">>>>>>> "


def clash(objects: Objects, tip: str, commit: str, names: tuple[str, str]) -> str:
    """Returns where a branch's tip and a commit contradict each other, side by side.

    `names` are what the branch and the commit are called in it. Git's own words stand before it,
    since of a removed or a binary file there are no lines. Empty if they merge by now, or git fails.
    """
    try:
        trees = objects.merge_trees(tip, commit)
        if not isinstance(trees, Conflicted):
            return ""
        told = [line for line in trees.messages.splitlines() if "CONFLICT" in line]
        for path in trees.files[:_FILES]:
            lines = _without_ids((objects.text(trees.tree, path) or "").splitlines(), names)
            told += _excerpt(path, lines)
    except GitError:
        return ""
    if more := len(trees.files[_FILES:]):
        told += ["", f"... and {more} more"]
    text = "\n".join(told) + "\n"
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _without_ids(lines: Sequence[str], names: tuple[str, str]) -> list[str]:
    """Returns the lines with the sides of each clash called by name, not by a commit's id."""
    named, inside = [], False
    for line in lines:
        if line.startswith(_OURS):
            named.append(f"{_OURS}{names[0]}")
            inside = True
        elif inside and line.startswith(_THEIRS):
            named.append(f"{_THEIRS}{names[1]}")
            inside = False
        else:
            named.append(line)
    return named


def _excerpt(path: str, lines: Sequence[str]) -> Iterator[str]:
    """Yields the clashes of a file, each under its place, with a few lines around it."""
    left, begun = _LINES, None
    for number, line in enumerate(lines):
        if line.startswith(_OURS):
            begun = number
        elif begun is not None and line.startswith(_THEIRS):
            shown = lines[max(begun - _AROUND, 0) : number + 1 + _AROUND]
            yield from ("", f"{path}:{begun + 1}", *(f"  {one}" for one in shown[:left]))
            left -= len(shown)
            if left <= 0:
                yield "  ..."
                return
            begun = None
