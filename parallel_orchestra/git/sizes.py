"""How large a change is: files, and lines that came and went."""

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.call import Git


@frozen
class Extent:
    """How much differs between two commits; lines of binary files count as none."""

    files: int
    added: int
    removed: int


def extent(git: Git, before: str, after: str) -> Extent:
    """Returns how much differs between two commits; a rename is one file less and one more.

    Raises:
        GitError: one of them is not there.
    """
    told = git.run(
        *("diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"),
        *("--ignore-submodules=none", "--end-of-options", before, after, "--"),
    )
    counts = [entry.split("\t", 2)[:2] for entry in told.fields]
    # of a binary file git says `-`
    added, removed = (sum(int(one) for one in side if one.isdecimal()) for side in _sides(counts))
    return Extent(len(counts), added, removed)


def _sides(counts: list[list[str]]) -> tuple[list[str], list[str]]:
    return [one[0] for one in counts], [one[1] for one in counts]
