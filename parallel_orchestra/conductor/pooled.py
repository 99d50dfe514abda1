"""What of the pool of worktrees may go, whatever run it is from, and the going. Needs no run.

A repository's pool outlives task directories: who removed `_tasks/` by hand still gets rid of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from parallel_orchestra.conductor.leftovers import (
    Kind,
    Leftover,
    holders,
    registrations,
    unused_locks,
    worktree_may_go,
)
from parallel_orchestra.conductor.opening import is_finished
from parallel_orchestra.conductor.picture import NOBODY
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.git import Repo, collect_debris
from parallel_orchestra.isolation import LeftWorktree, Pool, PoolSlot, home_of, slots_in
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskStore
from parallel_orchestra.store.records import read_run

_POOLED = (Kind.REGISTRATION, Kind.WORKTREE, Kind.LOCK)


def pool_leftovers(repo: Repo, root: Path, named: Sequence[str] = ()) -> tuple[Leftover, ...]:
    """Returns what is in the pool at `root`, only those that are `named` if any are.

    Named ones go although a run that is not finished may take their unsaved work up: it is kept
    under its ref first, as that run would do. Never what somebody works in, or has claimed.
    """
    slots = slots_in(repo, root)
    found = [
        *_worktrees(repo, slots, by_name=bool(named)),
        *registrations(repo, root),
        *unused_locks(root),
    ]
    return tuple(one for one in found if not named or one.name in named)


def clear_pool(repo: Repo, root: Path, owner: str, going: Sequence[Leftover]) -> list[Leftover]:
    """Removes those that are in the pool and returns which are gone; `owner` is who does it."""
    found = [one for one in going if one.goes and one.kind in _POOLED]
    gone: list[Leftover] = []
    if not found:
        return gone
    pool = Pool(repo, root, repo.top, owner)
    try:
        for one in found:
            if one.kind is Kind.REGISTRATION:
                collect_debris(repo, root)
                gone.append(one)
            elif one.kind is Kind.WORKTREE and one.path is not None:
                gone += [one] if pool.remove(one.path) else []
            else:
                gone += [one] if pool.clear_lock(one.name) else []
    finally:
        pool.close(remove=False)
    return gone


def _worktrees(repo: Repo, slots: Sequence[PoolSlot], *, by_name: bool) -> Iterator[Leftover]:
    unfinished, claimed = _runs(repo, [slot.left for slot in slots])
    over = {slot.left.run for slot in slots} - unfinished
    for slot in slots:
        goes, why = worktree_may_go(slot.left, claimed, over)
        if by_name and not goes:
            named, ground = worktree_may_go(slot.left, claimed, over | {slot.left.run})
            goes, why = (named, f"named: {ground}") if named else (goes, why)
        yield Leftover(Kind.WORKTREE, slot.name, slot.size_bytes, goes, why, slot.left.path)


def _runs(repo: Repo, found: Sequence[LeftWorktree]) -> tuple[set[str], set[str]]:
    """Returns the runs that may still be taken up, and the owners of all claims."""
    unfinished: set[str] = set()
    claimed: set[str] = set()
    homes = {home[0] for left in found if left.by_hand and (home := home_of(left.path))}
    held = holders(repo)
    for layout in map(Layout, {*held.values(), *homes}):
        if not layout.root.is_dir():
            continue
        try:
            record = read_run(layout)
        except EnvironmentProblem:
            # It may still be put right: `held` says whose it was.
            unfinished |= {run for run, root in held.items() if root == layout.root}
            record = None
        if record is not None and not is_finished(layout, record, repo):
            unfinished.add(record.run)
        entries = TaskStore(layout, NOBODY).listing().entries.values()
        claimed |= {one.name.owner for one in entries if one.state is TaskState.LOCKED}
    return unfinished, claimed
