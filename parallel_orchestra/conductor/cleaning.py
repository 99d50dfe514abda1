"""Removes what `leftovers` says may go, each thing as safely as if a run were at work beside it."""

import shutil
from collections.abc import Sequence

from parallel_orchestra import files
from parallel_orchestra.conductor.leftovers import Choice, Kind, Leftover, leftovers
from parallel_orchestra.conductor.myself import my_name
from parallel_orchestra.conductor.pooled import clear_pool, pool_leftovers
from parallel_orchestra.conductor.preflight import worktree_root
from parallel_orchestra.config import Settings
from parallel_orchestra.git import RefMoved, Repo, Update
from parallel_orchestra.store import Layout, RunRecord


class Cleaner:
    """Looks at what one task directory and its repository have left, and removes some of it."""

    def __init__(
        self, layout: Layout, record: RunRecord, repo: Repo, settings: Settings, choice: Choice
    ) -> None:
        self._choice = choice
        self._layout = layout
        self._record = record
        self._repo = repo
        self._root = worktree_root(repo, settings)

    def look(self) -> tuple[Leftover, ...]:
        """Returns everything that was left and what of it may go; changes nothing."""
        return leftovers(self._layout, self._record, self._repo, self._root, self._choice)

    def remove(self, found: Sequence[Leftover]) -> tuple[Leftover, ...]:
        """Removes those that may go and returns those that are gone.

        What changed since the look, or somebody uses meanwhile, stays.
        """
        going = [one for one in found if one.goes]
        gone = [one for one in going if one.refs and self._drop_refs(one)]
        gone += clear_pool(self._repo, self._root, my_name(), going)
        gone += [one for one in going if one.kind in (Kind.ARCHIVE, Kind.DRAFT) and _delete(one)]
        return tuple(gone)

    def _drop_refs(self, one: Leftover) -> bool:
        # Only with the values that were looked at: what was kept meanwhile stays.
        try:
            with self._repo.lock():
                self._repo.refs.transact([Update(ref, None, old) for ref, old in one.refs])
        except RefMoved:
            return False
        return True


class PoolCleaner:
    """Looks at the pool of worktrees of a repository, and removes some of it; needs no run."""

    def __init__(self, repo: Repo, settings: Settings, named: Sequence[str]) -> None:
        self._repo = repo
        self._root = worktree_root(repo, settings)
        self._named = named

    def look(self) -> tuple[Leftover, ...]:
        """Returns the named ones of the pool, else all, and what may go; changes nothing."""
        return pool_leftovers(self._repo, self._root, self._named)

    def remove(self, found: Sequence[Leftover]) -> tuple[Leftover, ...]:
        """Removes those that may go and returns those that are gone."""
        return tuple(clear_pool(self._repo, self._root, my_name(), found))


def _delete(one: Leftover) -> bool:
    if one.path is None:
        return False
    if one.path.is_dir() and not one.path.is_symlink():
        files.regain(one.path)
        shutil.rmtree(one.path, ignore_errors=True)
    else:
        one.path.unlink(missing_ok=True)
    return not one.path.exists()
