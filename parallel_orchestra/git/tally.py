"""How many lines commits changed, file by file. Changes nothing."""

from collections.abc import Iterable, Iterator

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.repo import Repo

#: Begins the line of a commit: a line of numbers begins with a digit or a dash.
_MARK = "\x01"


@frozen
class Tally:
    """A commit with what it changed against its first parent: paths, lines added and removed.

    Both numbers are None for a file that git takes for no text. `time` is in epoch seconds.
    """

    commit: str
    time: float
    files: tuple[tuple[str, int | None, int | None], ...]


def tallies(repo: Repo, commits: Iterable[str]) -> tuple[Tally, ...]:
    """Returns these commits with what they changed, in no order; those not there are left out.

    Raises:
        GitError: git can't tell.
    """
    asked = "".join(f"{commit}\n" for commit in commits)
    if not asked:
        return ()
    said = repo.git.run(
        *("log", "-z", "--no-walk=unsorted", "--diff-merges=first-parent", "--numstat"),
        *("--no-renames", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color"),
        *("--format=tformat:%x01%H %ct", "--ignore-missing", "--stdin"),
        given=asked.encode(),
    )
    return tuple(_read(said.fields))


def _read(fields: list[str]) -> Iterator[Tally]:
    commit, time = "", 0.0
    files: list[tuple[str, int | None, int | None]] = []
    for field in fields:
        if field.startswith(_MARK):
            if commit:
                yield Tally(commit, time, tuple(files))
            commit, _, instant = field[1:].partition(" ")
            time, files = float(instant or 0), []
        else:
            added, removed, path = field.removeprefix("\n").split("\t", 2)
            files.append((path, _number(added), _number(removed)))
    if commit:
        yield Tally(commit, time, tuple(files))


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None
