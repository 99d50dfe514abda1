"""What tasks say of their files, held against each other and against what is on the disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph, ancestors
from parallel_orchestra.model import Task
from parallel_orchestra.ownership import Pattern, covered, forbids, is_plain, patterns_of, reach
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, brief

#: Of each kind of remark; more of them say no more.
_MOST_REMARKS = 20


@frozen
class Disk:
    """How the project's files are asked for: whether a path exists, or is a link.

    `real` returns a path with all links resolved.
    """

    exists: Callable[[Path], bool]
    is_link: Callable[[Path], bool] = lambda _: False
    real: Callable[[Path], Path] = lambda path: path


_CHANGED = ("writes", "creates", "modifies")


def check_own(
    given: Mapping[str, Any],
    whole: Mapping[str, Any],
    owner: str,
    path: KeyPath,
    findings: Findings,
) -> None:
    """Notes where one task says two things of a path: to change it and not to, to make it and not.

    `given` is what it says itself, `whole` that and the defaults.
    """
    boundary = whole.get("boundary", ())
    for field in _CHANGED if whole.get("read_only") else ():
        if given.get(field):
            what = f"{owner} is read-only, and has `{field}`"
            hint = "take one of them out: a read-only task changes nothing"
            findings.problem(Finding(what, hint, (*path, field), key=True))
    for field in _CHANGED if boundary else ():
        for i, text in enumerate(given.get(field, ())):
            for pattern in patterns_of(text):
                if forbids(boundary, pattern):
                    what = f"{owner} has `{brief(str(pattern))}` in `{field}` and in its `boundary`"
                    hint = "take it out of one of them"
                    findings.problem(Finding(what, hint, (*path, field, i)))
                    break
    made = {pattern.path for _, pattern in _plain(given.get("creates", ()))}
    for i, pattern in _plain(given.get("modifies", ())) if made else ():
        if pattern.path in made:
            what = f"{owner} has `{brief(pattern.path)}` in `creates` and in `modifies`"
            hint = "a file is made once, and is there from then on: keep one of them"
            findings.problem(Finding(what, hint, (*path, "modifies", i)))


def check_files(tasks: Sequence[Task], cwd: Path, disk: Disk | None, findings: Findings) -> None:
    """Remarks on files that two tasks make, that are there before, or that nobody makes.

    Also on those that lie behind a link out of the repository. Without a disk nothing is looked
    for. The tasks may be those of a plan with errors: what is wrong in itself is left out.
    """
    makers: dict[str, int] = {}
    for i, task in enumerate(tasks):
        for position, pattern in _plain(task.creates):
            if pattern.symbol or pattern.below:
                continue
            first = makers.setdefault(pattern.path, i)
            if first != i:
                what = (
                    f"tasks `{tasks[first].id}` and `{task.id}` both create `{brief(pattern.path)}`"
                )
                at, see = ("tasks", i, "creates", position), ("tasks", first, "creates")
                hint = "let one create it, and the other have it in `modifies`"
                findings.warning(Finding(what, hint, at, see=see))
    if disk is not None:
        _remarks(_there_before(tasks, cwd, disk.exists), findings)
        _remarks(_not_there(tasks, makers, cwd, disk.exists), findings)
        _remarks(_led_out(tasks, cwd, disk), findings)


def _remarks(found: Iterator[Finding], findings: Findings) -> None:
    known = list(found)
    for finding in known[:_MOST_REMARKS]:
        findings.warning(finding)
    if len(known) > _MOST_REMARKS:
        last = known[_MOST_REMARKS]
        more = f"and {len(known) - _MOST_REMARKS} more like this"
        findings.warning(Finding(more, "", last.path))


def _there_before(
    tasks: Sequence[Task], cwd: Path, exists: Callable[[Path], bool]
) -> Iterator[Finding]:
    for i, task in enumerate(tasks):
        for position, pattern in _plain(task.creates):
            if not pattern.symbol and not pattern.below and exists(cwd / pattern.path):
                what = f"task `{task.id}` creates `{brief(pattern.path)}`, which is there already"
                hint = "if it is to be changed, put it into `modifies`"
                yield Finding(what, hint, ("tasks", i, "creates", position))


def _not_there(
    tasks: Sequence[Task],
    makers: Mapping[str, int],
    cwd: Path,
    exists: Callable[[Path], bool],
) -> Iterator[Finding]:
    lacking = [
        (i, position, pattern)
        for i, task in enumerate(tasks)
        for position, pattern in _plain(task.modifies)
        if not exists(cwd / pattern.path)
    ]
    if not lacking:
        return
    others = (text for task in tasks for text in (*task.creates, *task.writes))
    wide = [reach(one) for text in others for one in patterns_of(text) if not one.negative]
    paths = dict.fromkeys(pattern.path for *_, pattern in lacking)
    made = set(covered({path: path for path in paths}, wide))
    before = _Before(tasks)
    for i, position, pattern in lacking:
        path, at = pattern.path, ("tasks", i, "modifies", position)
        who = f"task `{tasks[i].id}` modifies `{brief(path)}`"
        maker = makers.get(path)
        if maker is not None and maker != i and not before(maker, i):
            what = f"{who}, which `{tasks[maker].id}` creates, but does not wait for that"
            yield Finding(what, f"add `depends_on: [{tasks[maker].id}]`", at)
        elif path not in made:
            what = f"{who}, which is not there, and which no task creates"
            yield Finding(what, "check the path, which counts from `cwd`, or use `creates`", at)


def _led_out(tasks: Sequence[Task], cwd: Path, disk: Disk) -> Iterator[Finding]:
    """Yields the patterns whose files lie behind a link that leads out of the repository."""
    tops = (cwd, *cwd.parents)
    top = disk.real(next((one for one in tops if disk.exists(one / ".git")), cwd))
    known: dict[str, Path | None] = {}
    for i, task in enumerate(tasks):
        for field in ("writes", "creates", "modifies"):
            for position, text in enumerate(getattr(task, field)):
                link = next(_links(text, cwd, disk, known), None)
                place = known[link] if link is not None else None
                if place is None or place.is_relative_to(top):
                    continue
                what = (
                    f"task `{task.id}` writes `{brief(text)}`, but `{brief(str(link))}` is a link "
                    f"out of the repository, to {place}"
                )
                hint = "git sees no change there, and all tasks share it: write elsewhere"
                yield Finding(what, hint, ("tasks", i, field, position))


def _links(text: str, cwd: Path, disk: Disk, known: dict[str, Path | None]) -> Iterator[str]:
    """Yields the links on the way to what a text covers, as far as that has no wildcard.

    `known` says where each path that was looked at leads.
    """
    for pattern in patterns_of(text):
        plain = takewhile(is_plain, () if pattern.negative else pattern.parts)
        for path in accumulate(plain, "{}/{}".format):
            if path not in known:
                known[path] = disk.real(cwd / path) if disk.is_link(cwd / path) else None
            if known[path] is not None:
                yield path
                break


class _Before:
    """Which tasks come before which; worked out for all once somebody asks what is not plain."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._known: dict[str, int] = {}

    def __call__(self, first: int, second: int) -> bool:
        one, other = self._tasks[first], self._tasks[second]
        if one.id in other.depends_on:
            return True
        if one.wave is not None and other.wave is not None and one.wave < other.wave:
            return True
        if not self._known:
            own = {task.id: 1 << i for i, task in enumerate(self._tasks)}
            try:
                self._known = ancestors(Graph.of(self._tasks), own)
            except ValueError:  # a circle, which is told anyway: nobody knows the order
                return True
        return bool(self._known[other.id] >> first & 1)


def _plain(texts: Sequence[str]) -> Iterator[tuple[int, Pattern]]:
    """Yields the patterns that name one path, with the place of their text in the list."""
    for i, text in enumerate(texts):
        for pattern in patterns_of(text):
            if pattern.plain and not pattern.negative:
                yield i, pattern
