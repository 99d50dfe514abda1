"""Who may write the same files at the same time.

Patterns are as in a .gitignore, with one difference: a path without wildcards counts from the
project's root, so `setup.py` is not `tools/setup.py`. A path stands for the file of that name,
or for everything below the directory of that name. The answer errs on the side of "they
overlap"; only two globs whose last parts exclude each other (`**/*.py`, `**/*.md`) are believed
to differ. It keeps work from colliding; merging is exact without it.

Sets of tasks are numbers here: bit i stands for the i-th task that shares files with another.
So 10,000 tasks cost a few megabytes even if they all write the same file, and 100,000 that write
a file each cost nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from parallel_orchestra.graph.shape import Graph

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_WILD = re.compile(r"[*?\[\\]")


class Writer(Protocol):
    """What `rivals` needs to know of a task."""

    @property
    def id(self) -> str:
        """The task's id."""

    @property
    def read_only(self) -> bool:
        """Whether the task changes nothing."""

    @property
    def writes(self) -> tuple[str, ...]:
        """The patterns of the files that it changes; empty means undeclared."""


@dataclass(frozen=True, slots=True, eq=False)  # equal as mappings are
class Rivals(Mapping[str, tuple[str, ...]]):
    """For each task that has rivals, the ids of those, in the plan's order."""

    _names: tuple[str, ...]
    _bits: Mapping[str, int]

    def __getitem__(self, task_id: str) -> tuple[str, ...]:
        return tuple(self._names[i] for i in positions(self._bits[task_id]))

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._bits  # not by making the tuple, as Mapping does

    def __iter__(self) -> Iterator[str]:
        return iter(self._bits)

    def __len__(self) -> int:
        return len(self._bits)


def rivals(tasks: Iterable[Writer], graph: Graph) -> Rivals:
    """Returns which tasks may write the same files as which others, with no order between them.

    A mapping from id to ids; who has no rival is not in it. Tasks that only read, or that
    declare no `writes`, are nobody's rivals.
    """
    writing = _sharing([task for task in tasks if task.writes and not task.read_only])
    names = tuple(task.id for task in writing)
    shared = _shared(writing)
    if not shared:
        return Rivals(names, {})
    own = {task_id: 1 << i for i, task_id in enumerate(names)}
    before = _reached(graph.order, graph.dependencies, own)
    after = _reached(reversed(graph.order), graph.dependents, own)
    bits = {
        task_id: free
        for task_id, others in shared.items()
        if (free := others & ~(before[task_id] | after[task_id]))
    }
    return Rivals(names, bits)


def overlapping(one: str, other: str) -> bool:
    """Returns whether two patterns of `writes` may mean the same file; in doubt they do."""
    return _overlap(_pattern(one), _pattern(other))


def positions(bits: int) -> Iterator[int]:
    """Yields the places of the bits that are set, the lowest first."""
    digits = f"{bits:b}"[::-1]  # one pass; to clear bit after bit would copy the number each time
    position = digits.find("1")
    while position >= 0:
        yield position
        position = digits.find("1", position + 1)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern, taken apart: `anchor` is the directory (or path) before the first wildcard."""

    parts: tuple[str, ...]
    anchor: tuple[str, ...]
    wild: bool
    directory: bool
    text: str = field(compare=False)


def _pattern(text: str) -> _Pattern:
    directory = text.endswith("/")
    parts = tuple(part for part in text.split("/") if part not in {"", "."})
    first = next((i for i, part in enumerate(parts) if _WILD.search(part)), None)
    if first is None:
        return _Pattern(parts, parts, wild=False, directory=directory, text=text)
    if len(parts) == 1:
        parts = ("**", *parts)  # as in a .gitignore: without a slash inside, at any depth
    return _Pattern(parts, parts[:first], wild=True, directory=directory, text=text)


def _patterns(writing: Sequence[Writer]) -> list[set[_Pattern]]:
    """Returns what each task writes."""
    known: dict[str, _Pattern] = {}
    return [
        {
            known.get(text) or known.setdefault(text, _pattern(text))
            for text in task.writes
            if not text.startswith("!")  # an exception only narrows what the others say
        }
        for task in writing
    ]


def _sharing(writing: Sequence[Writer]) -> list[Writer]:
    """Returns the tasks that write what others may write too: only they need a bit."""
    patterns = _patterns(writing)
    users = Counter(pattern for each in patterns for pattern in each)
    met = {pattern for pair in _overlaps(users) for pattern in pair}
    return [
        task
        for task, each in zip(writing, patterns, strict=True)
        if any(users[pattern] > 1 or pattern in met for pattern in each)
    ]


def _shared(writing: Sequence[Writer]) -> dict[str, int]:
    """Returns for each task that shares a pattern's files with others the bits of those."""
    patterns = _patterns(writing)
    by_pattern: dict[_Pattern, int] = {}
    for i, each in enumerate(patterns):
        for pattern in each:
            by_pattern[pattern] = by_pattern.get(pattern, 0) | 1 << i
    users = dict(by_pattern)
    for one, other in _overlaps(by_pattern):
        users[one] |= by_pattern[other]
        users[other] |= by_pattern[one]
    shared: dict[str, int] = {}
    for i, task in enumerate(writing):
        bits = 0
        for pattern in patterns[i]:
            bits |= users[pattern]
        if bits := bits & ~(1 << i):
            shared[task.id] = bits
    return shared


def _overlaps(patterns: Iterable[_Pattern]) -> Iterator[tuple[_Pattern, _Pattern]]:
    """Yields each pair of different patterns that overlap.

    Two patterns can only meet if the anchor of one contains the anchor of the other: so each
    looks for partners at its own anchor and above, not among all of them.
    """
    at: dict[tuple[str, ...], list[_Pattern]] = {}
    for pattern in patterns:
        at.setdefault(pattern.anchor, []).append(pattern)
    for anchor, here in at.items():
        for i, one in enumerate(here):
            partners = here[i + 1 :]
            for depth in range(len(anchor)):
                partners = partners + at.get(anchor[:depth], [])
            for other in partners:
                if _overlap(one, other):
                    yield one, other


def _overlap(one: _Pattern, other: _Pattern) -> bool:
    if not one.wild and not other.wild:
        shorter = min(len(one.parts), len(other.parts))
        return one.parts[:shorter] == other.parts[:shorter]
    if one.wild and other.wild:
        return _may_meet(one.parts, other.parts)
    glob, path = (one, other) if one.wild else (other, one)
    if _is_directory(path):
        return _may_meet(glob.parts, (*path.parts, "**", "*"))
    return _matches(glob.text, "/".join(path.parts)) or _may_meet(glob.parts, path.parts)


def _is_directory(path: _Pattern) -> bool:
    return path.directory or not _has_suffix(path.parts[-1])


def _has_suffix(part: str) -> bool:
    # `src` may be a file or a directory, `a.py` is hardly a directory: a suffix clears the doubt
    return "." in part[1:]


def _matches(glob: str, path: str) -> bool:
    return _spec(glob).match_file(path)


@lru_cache(maxsize=256)
def _spec(glob: str) -> "GitIgnoreSpec":
    # 40 ms to import, and most plans have no globs
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    return GitIgnoreSpec.from_lines([glob])


def _may_meet(one: Sequence[str], other: Sequence[str]) -> bool:
    """Returns whether some path fits both, part by part; one may also contain the other."""
    for mine, theirs in zip(one, other, strict=False):
        if "**" in {mine, theirs}:
            ends = (one[-1], other[-1])
            return _parts_meet(*ends) or not all(_has_suffix(part) for part in ends)
        if not _parts_meet(mine, theirs):
            return False
    return True


def _parts_meet(mine: str, theirs: str) -> bool:
    """Returns whether some name may fit both; only differing plain ends prove that none does."""
    if not _WILD.search(mine):
        return fnmatchcase(mine, theirs) if "\\" not in theirs else True
    if not _WILD.search(theirs):
        return fnmatchcase(theirs, mine) if "\\" not in mine else True
    heads, tails = (_WILD.split(mine)[0], _WILD.split(theirs)[0]), (_tail(mine), _tail(theirs))
    return _one_continues(*heads) and _one_continues(tails[0][::-1], tails[1][::-1])


def _tail(part: str) -> str:
    # after a bracket the end of the pattern is not the end of the name
    return re.split(r"[*?\[\]\\]", part)[-1]


def _one_continues(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _reached(
    order: Iterable[str], edges: Mapping[str, tuple[str, ...]], own: Mapping[str, int]
) -> dict[str, int]:
    """Returns for each task the bits of all tasks that are reached by its edges."""
    reached: dict[str, int] = {}
    for task_id in order:
        bits = 0
        for other in edges[task_id]:
            bits |= reached[other] | own.get(other, 0)
        reached[task_id] = bits
    return reached
