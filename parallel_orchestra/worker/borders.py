"""Whether what an attempt changed was its task's to change: `writes`, `boundary` and the like.

The judgement is made in `ownership`; here it is asked for, with what git knows, and followed.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from posixpath import normpath

from parallel_orchestra import ctags
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Change, Objects
from parallel_orchestra.isolation import Work
from parallel_orchestra.model import Boundaries, Task
from parallel_orchestra.ownership import (
    Judgement,
    Outline,
    Symbols,
    changed_symbols,
    judge,
    python_outline,
)
from parallel_orchestra.plain import some_of
from parallel_orchestra.worker.shop import Shop

#: What a sentence names at most; the feedback for the next attempt names all, up to a limit.
_NAMED = 10
_MOST = 200


@frozen
class Breach:
    """Changes that fail the attempt: a sentence, and a line each if it can't name them all."""

    reason: str
    detail: str = ""


@frozen
class Ground:
    """What a judgement is made on: the objects, where in the repository the project is, and `ctags`."""

    objects: Objects
    inside: Path
    environ: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """What stands in front of a path of the project, counted from the repository's top."""
        return "" if self.inside == Path() else f"{self.inside.as_posix()}/"


@frozen
class Barred:
    """`files` that may not differ, whatever is done in them, and the `rest`: parts of other files,
    and files beyond what the task may write.
    """

    files: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


NOTHING_BARRED = Barred()


def breach(shop: Shop, task: Task, base: str, work: Work, *, again: bool) -> Breach | None:
    """Returns why an attempt's changes are refused; what is only worth a warning is told.

    `base` is the commit that it started from; `again` says that the task was merged before.

    Raises:
        GitError: git can't tell what was changed.
    """
    on_boundary, on_beyond = shop.plan.on_boundary, shop.plan.on_beyond
    looked = on_boundary is not Boundaries.OFF or on_beyond is not Boundaries.OFF
    if not looked or not (task.may_write or task.boundary):
        return None
    known = Ground(shop.repo.objects, shop.pool.inside, shop.environ)
    found = judged(known, task, shop.repo.objects.tree_of(base), work.tree, again=again)
    refused: list[tuple[str, tuple[str, ...]]] = []
    for level, words, names in (
        (on_boundary, "changed what is in its `boundary`", found.touched),
        (on_beyond, "changed more than it may write", found.beyond),
        (on_beyond, "did not make what it `creates`", found.missing),
    ):
        if names and level is Boundaries.BLOCK:
            refused.append((words, names))
        elif names and level is Boundaries.WARN:
            shop.warn(task.id, f"{words}: {some_of(names, _NAMED)}")
    if found.unsure:
        shop.warn(task.id, f"can't be told: {some_of(found.unsure, _NAMED)}")
    if not refused:
        return None
    reason = "; ".join(f"{words}: {some_of(names, _NAMED)}" for words, names in refused)
    if all(len(names) <= _NAMED for _, names in refused):
        return Breach(reason)
    lines = [line for words, names in refused for line in (f"{words}:", *names[:_MOST])]
    return Breach(reason, "\n".join(lines))


def barred(shop: Shop, task: Task, base: str, tree: str) -> Barred:
    """Returns what of a tree that differs from the base was not the task's to change.

    Raises:
        GitError: git can't tell what was changed.
    """
    if shop.plan.on_boundary is not Boundaries.BLOCK or not task.boundary:
        return NOTHING_BARRED
    known = Ground(shop.repo.objects, shop.pool.inside, shop.environ)
    found = judged(known, task, base, tree, again=False)
    within = tuple(path for path in found.touched if path not in found.barred)
    beyond = found.beyond if shop.plan.on_beyond is Boundaries.BLOCK else ()
    whole = tuple(normpath(known.prefix + path) for path in found.barred)
    return Barred(whole, (*within, *beyond))


def judged(ground: Ground, task: Task, before: str, after: str, *, again: bool) -> Judgement:
    """Returns what of the difference between two trees or commits was not the task's to change.

    Raises:
        GitError: git can't tell what was changed.
    """
    objects, prefix = ground.objects, ground.prefix
    changed = objects.changed(before, after) if after != before else ()
    changes = [_seen_from(prefix, change) for change in changed]

    def symbols_of(path: str) -> Symbols:
        return _symbols(ground, prefix + path, before, after)

    return judge(
        task,
        changes,
        symbols_of,
        lambda: objects.files(after, below=prefix.rstrip("/")),
        again=again,
    )


def _seen_from(prefix: str, change: Change) -> Change:
    if change.path.startswith(prefix):
        return replace(change, path=change.path[len(prefix) :])
    return replace(change, path="../" * prefix.count("/") + change.path)


def _symbols(ground: Ground, path: str, before: str, after: str) -> Symbols:
    outlines = []
    for tree in (before, after):
        text = ground.objects.text(tree, path)
        if text is None:
            found: Outline | None = {}
        elif path.endswith((".py", ".pyi")):
            found, why_not = python_outline(text), "as it is not readable as Python"
        elif executable := ctags.program(ground.environ):
            found = ctags.outline_of(executable, path, text, ground.environ)
            why_not = "as ctags does not say where its symbols end"
        else:
            found, why_not = None, "as Universal Ctags is not installed"
        if found is None:
            return Symbols(why_not=why_not)
        outlines.append(found)
    return Symbols(changed_symbols(*outlines))
