"""Removes what `leftovers` says may go, each thing as safely as if a run were at work beside it."""

import contextlib
import shutil
from collections.abc import Sequence

from parallel_orchestra import files
from parallel_orchestra.conductor.leftovers import Choice, Kind, Leftover, leftovers
from parallel_orchestra.conductor.myself import myself
from parallel_orchestra.conductor.preflight import worktree_root
from parallel_orchestra.config import Settings
from parallel_orchestra.git import RefMoved, Repo, Update, collect_debris
from parallel_orchestra.isolation import Pool
from parallel_orchestra.store import Layout, RunRecord, WorkerKind


class Cleaner:
    """Looks at what one task directory and its repository have left, and removes some of it."""

    def __init__(self, layout: Layout, record: RunRecord, repo: Repo, settings: Settings) -> None:
        self._layout = layout
        self._record = record
        self._repo = repo
        self._root = worktree_root(repo, settings)

    def look(self, choice: Choice) -> tuple[Leftover, ...]:
        """Returns everything that was left and what of it may go; changes nothing."""
        return leftovers(self._layout, self._record, self._repo, self._root, choice)

    def remove(self, found: Sequence[Leftover]) -> tuple[Leftover, ...]:
        """Removes those that may go and returns those that are gone.

        What changed since the look, or somebody uses meanwhile, stays.
        """
        going = [one for one in found if one.goes]
        gone = [one for one in going if one.refs and self._drop_refs(one)]
        gone += self._clear_pool(going)
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

    def _clear_pool(self, going: Sequence[Leftover]) -> list[Leftover]:
        kinds = (Kind.REGISTRATION, Kind.WORKTREE, Kind.LOCK)
        found = [one for one in going if one.kind in kinds]
        if not found:
            return []
        gone = []
        owner = myself(self._record.run, WorkerKind.MANUAL, self._layout).owner
        pool = Pool(self._repo, self._root, self._repo.top, owner)
        with contextlib.ExitStack() as stack:
            stack.callback(pool.close, remove=False)
            for one in found:
                if one.kind is Kind.REGISTRATION:
                    collect_debris(self._repo, self._root)
                    gone.append(one)
                elif one.kind is Kind.WORKTREE and one.path is not None:
                    gone += [one] if pool.remove(one.path) else []
                else:
                    gone += [one] if pool.clear_lock(one.name) else []
        return gone


def _delete(one: Leftover) -> bool:
    if one.path is None:
        return False
    if one.path.is_dir() and not one.path.is_symlink():
        files.regain(one.path)
        shutil.rmtree(one.path, ignore_errors=True)
    else:
        one.path.unlink(missing_ok=True)
    return not one.path.exists()
