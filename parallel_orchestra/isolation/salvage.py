"""Keeps what lies in a worktree unsaved: all of it, in whatever state an agent left it.

Nothing here decides what is worth keeping; a ref too much costs less than work that is gone.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parallel_orchestra import files
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import EmbeddedRepository, Repo, WorkTree, worktrees
from parallel_orchestra.isolation.workspace import NOTHING_GIVEN, Given, keep_commit

_GITLINK = "160000"
#: Where content goes whose worktree does not say any more who made it.
_LOST = "refs/orchestra/lost"


@frozen
class Left:
    """Who worked in a worktree: the label's facts and the commit that it started from.

    Not `begun` while the set-up runs: there is no work yet.
    """

    task: str
    attempt: int
    owner: str
    ref: str
    base: str
    begun: bool = True
    given: Given = NOTHING_GIVEN


def read_label(path: Path, slot: str) -> Left | None:
    """Returns what a worktree's label says, or None if there is none: nothing is unsaved then."""
    lost = Left("unknown", 0, "", f"{_LOST}/{slot}", "")
    try:
        content = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return None
    try:
        facts = json.loads(content)
        left = Left(**{**facts, "given": _given(facts.get("given", {}))})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return lost
    given = left.given
    words = [left.task, left.owner, left.base, left.ref, given.tree, given.base]
    words += [*given.carried, *given.kept]
    ours = all(isinstance(word, str) for word in words) and isinstance(left.attempt, int)
    return left if ours and left.ref.startswith("refs/orchestra/") else lost


def write_label(path: Path, left: Left) -> None:
    """Writes a worktree's label."""
    path.write_text(json.dumps(asdict(left)))


def registered(repo: Repo, tree: WorkTree, left: Left) -> str:
    """Keeps what a worktree of git's has unsaved; returns the ref, or '' if it has nothing."""
    if not tree.path.is_dir():
        return ""
    base = left.base if left.base and repo.objects.has(left.base) else repo.head().commit or ""
    tree.restore()
    tree.mend(base)
    content, head = _everything(repo, tree, base, left.given.carried), tree.head()
    if head is not None and not repo.objects.has(head):
        head = None
    if head is None:
        # An unborn branch, or a HEAD that points to nothing.
        head = base
    if content in (repo.objects.tree_of(head), left.given.tree) and _reachable(repo, head):
        return ""
    message = f"Unfinished work of task `{left.task}`, attempt {left.attempt}\n"
    return _kept(repo, content, head, left.ref, message)


def unregistered(repo: Repo, path: Path, left: Left | None) -> str:
    """Keeps the files of a worktree that git does not know any more, and clears its place.

    `left` is None if nobody knows whose they are. Returns the ref, or '' if there is nothing.
    """
    base = left.base if left is not None else repo.head().commit
    if not path.is_dir() or base is None:
        return ""
    aside = path.with_name(f"{path.name}.aside")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.aside-{number}")
    path.rename(aside)
    stand_in = worktrees.add(repo, path, base)
    tree = WorkTree(repo, aside, stand_in.git_dir)
    tree.restore()
    content = _everything(repo, tree, base)
    ref = ""
    if content != repo.objects.tree_of(base):
        message = f"Files of the worktree {path.name}, which was removed from git\n"
        name = left.ref if left is not None else f"{_LOST}/{path.name}"
        ref = _kept(repo, content, base, name, message)
    files.regain(aside)
    shutil.rmtree(aside, ignore_errors=True)
    return ref


def embedded(repo: Repo, base: str, content: str) -> tuple[str, ...]:
    """Returns the paths at which a tree has a repository of its own where `base` has none.

    Declared submodules (`.gitmodules` changed with them) are none.
    """
    before = repo.objects.tree_of(base)
    if content == before:
        return ()
    changes = repo.objects.changed(before, content)
    if any(change.path == ".gitmodules" for change in changes):
        return ()
    return tuple(
        change.path for change in changes if change.mode == _GITLINK and change.status != "M"
    )


def _given(facts: dict[str, Any]) -> Given:
    lists = {name: tuple(facts.get(name, ())) for name in ("carried", "kept")}
    whole: dict[str, Any] = {**facts, **lists}
    return Given(**whole)


def _everything(repo: Repo, tree: WorkTree, base: str, given: tuple[str, ...] = ()) -> str:
    uncovered: set[str] = set()
    while True:
        try:
            content = tree.stage_all(given, base=base, abandoned=True)
            found = {*embedded(repo, base, content), *tree.worked_in()}
        except EmbeddedRepository as error:
            found = {error.path}
        if not found - uncovered:
            return content
        for path in found:
            tree.uncover(path)
        uncovered |= found


def _kept(repo: Repo, content: str, head: str, ref: str, message: str) -> str:
    known = repo.refs.read(ref)
    if known and repo.objects.tree_of(known) == content and repo.is_ancestor(head, known):
        return ref
    if content != repo.objects.tree_of(head):
        head = repo.objects.commit(content, (head,), message)
    return keep_commit(repo, head, ref)


def _reachable(repo: Repo, commit: str) -> bool:
    return bool(repo.git.run("for-each-ref", "--count=1", f"--contains={commit}").out)
