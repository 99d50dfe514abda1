"""Whose files are whose in a folder: the rules over the scopes of all its tasks.

A file is created by one task alone, over all waves. In one wave it is modified by one task alone,
unless each owns a part of it that lies in no other's. Nobody writes what its own boundary forbids.
"""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import overlapping
from parallel_orchestra.ownership import meetings, reach, read_patterns
from parallel_orchestra.plan.cpo.order import Member
from parallel_orchestra.plan.cpo.scope import Entry
from parallel_orchestra.plan.cpo.task_file import TaskFile
from parallel_orchestra.plan.findings import Finding, brief


@frozen
class _Owned:
    """An entry of a scope, and whose it is."""

    entry: Entry
    id: str
    wave: int
    file: TaskFile


def check_ownership(members: Sequence[Member]) -> None:
    """Notes in the task files every file that two tasks claim in a way that the format forbids."""
    files = [(member, member.file) for member in members if member.file is not None]
    created = [_Owned(e, m.id, m.task.wave, f) for m, f in files for e in f.scope.creates]
    modified = [_Owned(e, m.id, m.task.wave, f) for m, f in files for e in f.scope.modifies]
    for first, second in _clashes(created):
        what = f"task `{second.id}` creates `{brief(second.entry.text)}`, and so does `{first.id}`"
        hint = f"a file is created by one task alone: see {_place(first)}"
        _note(second, what, hint)
    waves: dict[int, list[_Owned]] = {}
    for one in modified:
        waves.setdefault(one.wave, []).append(one)
    for here in waves.values():
        for first, second in _clashes(here):
            _note(second, *_both_modify(first, second))
    for member, file in files:
        _check_own_boundary(member, file)


def _both_modify(first: _Owned, second: _Owned) -> tuple[str, str]:
    what = (
        f"tasks `{first.id}` and `{second.id}` of wave {first.wave} both modify "
        f"`{brief(second.entry.text)}`"
    )
    place = _place(first)
    if first.entry.symbol and second.entry.symbol:
        return what, f"one part lies in the other: see `{brief(first.entry.text)}`, {place}"
    return what, f"give each a part of it, `file::Class.method`, or another wave: see {place}"


def _check_own_boundary(member: Member, file: TaskFile) -> None:
    """Notes exact paths that a task is to write and must not touch at the same time."""
    fenced = sorted({entry.path for entry in file.scope.boundary if not entry.symbol})
    for entry in (*file.scope.creates, *file.scope.modifies):
        if _wild(entry.path):
            continue  # what its boundary takes out of a pattern is only an exception to it
        hit = next((fence for fence in fenced if overlapping(fence, entry.path)), None)
        if hit is not None:
            what = (
                f"task `{member.id}` is to write `{brief(entry.text)}`, but its BOUNDARY forbids it"
            )
            hint = f"take it out of one of them: the boundary says `{brief(hit)}`"
            file.findings.problem(Finding(what, hint, mark=entry.mark))


def _clashes(owned: Sequence[_Owned]) -> Iterator[tuple[_Owned, _Owned]]:
    """Yields entries of different tasks that may mean the same part of a file, the earlier first.

    Of those that complain of the same entry only the first: it is one place to mend.
    """
    groups: dict[str, list[tuple[int, _Owned]]] = {}
    for rank, one in enumerate(owned):
        groups.setdefault(one.entry.text, []).append((rank, one))
    found = [
        (here[0], other)
        for here in groups.values()
        for other in here
        if other[1].id != here[0][1].id
    ]
    written = list(groups.values())
    # crowds, too many to be looked at in pairs, are left alone: nobody is accused unseen
    for i, j in meetings([reach(read_patterns([text])[0]) for text in groups]).pairs:
        both = ((one, other) for one in written[i] for other in written[j])
        met = next((pair for pair in both if pair[0][1].id != pair[1][1].id), None)
        if met is not None:
            found.append((min(met, key=itemgetter(0)), max(met, key=itemgetter(0))))
    told = set()
    for (_, first), (rank, second) in sorted(found, key=lambda pair: (pair[1][0], pair[0][0])):
        if rank not in told:
            told.add(rank)
            yield first, second


def _note(owned: _Owned, what: str, hint: str) -> None:
    owned.file.findings.problem(Finding(what, hint, mark=owned.entry.mark))


def _place(owned: _Owned) -> str:
    return f"{owned.file.shown}:{owned.entry.mark[0]}"


def _wild(path: str) -> bool:
    return any(sign in path for sign in "*?[")
