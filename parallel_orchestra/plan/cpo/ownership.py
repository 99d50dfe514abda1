"""Whose files are whose in a folder: the rules over the scopes of all its tasks.

A file is created by one task alone, over all waves. In one wave it is modified by one task alone,
unless each owns a part of it that lies in no other's. Nobody writes what its own boundary forbids.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from parallel_orchestra.graph import overlapping
from parallel_orchestra.ownership import meetings, reach, read_patterns
from parallel_orchestra.plan.cpo.order import Member
from parallel_orchestra.plan.cpo.scope import Entry, symbols_meet
from parallel_orchestra.plan.cpo.task_file import TaskFile
from parallel_orchestra.plan.findings import Finding, brief


@dataclass(frozen=True, slots=True)
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
    for first, second in _first_of_each(_pairs(created)):
        what = f"task `{second.id}` creates `{brief(second.entry.text)}`, and so does `{first.id}`"
        hint = f"a file is created by one task alone: see {_place(first)}"
        _note(second, what, hint)
    for wave in sorted({one.wave for one in modified}):
        met = (
            (first, second)
            for first, second in _pairs([one for one in modified if one.wave == wave])
            if symbols_meet(first.entry.symbol, second.entry.symbol)
        )
        for first, second in _first_of_each(met):
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


def _pairs(owned: Sequence[_Owned]) -> Iterator[tuple[_Owned, _Owned]]:
    """Yields each two entries of different tasks that may mean the same file, the earlier first."""
    by_path: dict[str, list[_Owned]] = {}
    for one in owned:
        by_path.setdefault(one.entry.path, []).append(one)
    rank = {id(one): position for position, one in enumerate(owned)}
    for here in by_path.values():
        yield from _different(here, here, rank)
    reaches = [reach(read_patterns([path])[0]) for path in by_path]
    groups = list(by_path.values())
    # crowds, too many to be looked at in pairs, are left alone: nobody is accused unseen
    for i, j in meetings(reaches).pairs:
        yield from _different(groups[i], groups[j], rank)


def _first_of_each(pairs: Iterator[tuple[_Owned, _Owned]]) -> Iterator[tuple[_Owned, _Owned]]:
    """Yields of the pairs that complain of the same entry the first: one place to mend, one word."""
    told = set()
    for first, second in pairs:
        key = (second.id, second.entry.text)
        if key not in told:
            told.add(key)
            yield first, second


def _different(
    ones: Iterable[_Owned], others: Sequence[_Owned], rank: dict[int, int]
) -> Iterator[tuple[_Owned, _Owned]]:
    seen = set()
    for one in ones:
        for other in others:
            if one.id == other.id:
                continue
            first, second = sorted((one, other), key=lambda each: rank[id(each)])
            key = (id(first), id(second))
            if key not in seen:
                seen.add(key)
                yield first, second


def _note(owned: _Owned, what: str, hint: str) -> None:
    owned.file.findings.problem(Finding(what, hint, mark=owned.entry.mark))


def _place(owned: _Owned) -> str:
    return f"{owned.file.shown}:{owned.entry.mark[0]}"


def _wild(path: str) -> bool:
    return any(sign in path for sign in "*?[")
