"""What old runs left in git, in `_tasks/` and in the cache, and what of it may go. Changes nothing.

Nothing that a person could still need may go without being named: a ref goes only if a branch or
a tag keeps its commit, or if salvage was asked for; nothing goes of a run that is not finished.
"""

import time
from collections.abc import Container, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.conductor.checkup.directory import old_drafts
from parallel_orchestra.conductor.opening import is_finished
from parallel_orchestra.conductor.picture import NOBODY
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo, worktrees
from parallel_orchestra.isolation import LeftWorktree, idle_locks, left_in
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, RunRecord, TaskStore, WorkerKind
from parallel_orchestra.store.records import read_run

_PREFIX = "refs/orchestra/"
_OWNERS = "refs/orchestra/branch/"
_BRANCHES = "refs/heads/orchestra/"
_KEPT = "refs/heads/orchestra-kept/"
#: Commits that stay, whatever of ours goes: those of the user's branches and tags.
_OF_THE_USER = ("--exclude=orchestra/*", "--branches", "--tags", "--remotes")


class Kind(Enum):
    """What a leftover is."""

    WORKTREE = "worktree"
    REGISTRATION = "registration"
    LOCK = "pool lock"
    REFS = "refs"
    SALVAGE = "salvage"
    BRANCH = "branch"
    KEPT = "kept branch"
    ARCHIVE = "archive"
    DRAFT = "draft"


@frozen
class Choice:
    """What may go: only what is older than so many seconds, or belongs to `run`.

    `salvage`: also work that nothing else keeps. `kept`: those branches of kept work.
    """

    older_than: float = 7 * 86400.0
    run: str = ""
    salvage: bool = False
    kept: tuple[str, ...] = ()


@frozen
class Leftover:
    """One thing that was left: it `goes` or stays, and `why`.

    `refs` are (name, value); `size_bytes` what it takes on the disk, of refs what only they keep.
    """

    kind: Kind
    name: str
    size_bytes: int
    goes: bool
    why: str
    path: Path | None = None
    refs: tuple[tuple[str, str], ...] = ()


def leftovers(
    layout: Layout, record: RunRecord, repo: Repo, root: Path, choice: Choice
) -> tuple[Leftover, ...]:
    """Returns everything that was left, by kind; `root` is where worktrees lie."""
    return (
        *_worktrees(layout, record, repo, root),
        *registrations(repo, root),
        *unused_locks(root),
        *_refs(layout, record, repo, choice),
        *_branches(record, repo),
        *_kept(repo, choice),
        *_archives(layout, choice),
        *_drafts(layout),
    )


def _archived(layout: Layout) -> frozenset[str]:
    found = layout.attic.iterdir() if layout.attic.is_dir() else ()
    return frozenset(path.name for path in found if path.is_dir() and not path.is_symlink())


def _worktrees(layout: Layout, record: RunRecord, repo: Repo, root: Path) -> Iterator[Leftover]:
    over = _archived(layout)
    if is_finished(layout, record, repo):
        over |= {record.run}
    claimed = {
        entry.name.owner
        for entry in TaskStore(layout, NOBODY).listing().entries.values()
        if entry.state is TaskState.LOCKED
    }
    for left in left_in(repo, root):
        goes, why = worktree_may_go(left, claimed, over)
        name = left.path.relative_to(root).as_posix()
        yield Leftover(Kind.WORKTREE, name, files.size_of(left.path), goes, why, left.path)


def worktree_may_go(
    left: LeftWorktree, claimed: Container[str], over: Container[str]
) -> tuple[bool, str]:
    """Returns whether a worktree may go, and why; `over` are the runs that nobody takes up."""
    if left.in_use:
        return False, "somebody works in it"
    if left.by_hand and left.owner in claimed:
        return False, f"of a claim by hand: `complete`, `fail` or `release` {left.task}"
    if left.unsaved and left.known and left.run not in over:
        whose = "of a claim by hand in" if left.by_hand else "has work of"
        goes_on = "" if left.by_hand else ": `--resume` takes it up"
        return False, f"{whose} the unfinished run {left.run}{goes_on}"
    if left.unsaved:
        return True, "nobody works in it; what is unsaved is kept under a ref first"
    return True, "nobody works in it"


def unused_locks(root: Path) -> Iterator[Leftover]:
    """Yields the lock files of worktrees that are not there."""
    for name in idle_locks(root):
        yield Leftover(Kind.LOCK, name, 0, True, "has no worktree", root / f".{name}.lock")


def registrations(repo: Repo, root: Path) -> Iterator[Leftover]:
    """Yields the worktrees below `root` that git knows and that are not there."""
    for git_dir, path in worktrees.known(repo):
        if path.is_dir() or not path.resolve().is_relative_to(root.resolve()):
            continue
        yield Leftover(
            Kind.REGISTRATION, path.name, files.size_of(git_dir), True, "its directory is gone"
        )


def _refs(layout: Layout, record: RunRecord, repo: Repo, choice: Choice) -> Iterator[Leftover]:
    groups: dict[str, dict[str, str]] = {}
    for ref, value in repo.refs.list(_PREFIX).items():
        group = ref.removeprefix(_PREFIX).partition("/")[0]
        if group != "branch":
            groups.setdefault(group, {})[ref] = value
    held = holders(repo)
    for run, refs in groups.items():
        goes, why = _may_go(run, record, layout, choice, held)
        # A fence is a token, not work, wherever it points.
        work = {ref: value for ref, value in refs.items() if ref.split("/")[3:4] != ["claim"]}
        needed = _unreachable(repo, work.values())
        alone = {ref: value for ref, value in work.items() if value in needed}
        plain = {ref: value for ref, value in refs.items() if ref not in alone}
        if plain:
            name = f"{run} ({len(plain)})"
            yield Leftover(Kind.REFS, name, 0, goes, why, refs=tuple(plain.items()))
        if alone:
            if goes and not choice.salvage:
                goes, why = False, "no branch or tag has this work: `--salvage` removes it"
            name, size = f"{run} ({len(alone)})", _only_in(repo, alone)
            yield Leftover(Kind.SALVAGE, name, size, goes, why, refs=tuple(alone.items()))


def _may_go(
    run: str, record: RunRecord, layout: Layout, choice: Choice, held: dict[str, Path]
) -> tuple[bool, str]:
    archive = layout.attic / run
    if run == record.run:
        return False, "of the run that is here"
    if run in held:
        return False, f"of the run in {held[run]}"
    if choice.run:
        return run == choice.run, "named" if run == choice.run else "not the run that was named"
    if run == "lost":
        return False, "of worktrees that did not say whose they were: `--run lost --salvage`"
    if not archive.is_dir():
        return False, f"of a run that is not in the attic here: `--run {run}` removes it"
    if _age(archive) < choice.older_than:
        return False, "not old enough: see `--older-than`"
    return True, "of an archived run"


def holders(repo: Repo) -> dict[str, Path]:
    """Returns the task directory of each run that is still the one in its directory."""
    held = {}
    for owner in repo.refs.list(_OWNERS).values():
        run, _, root = repo.git.run("cat-file", "blob", owner).line.partition("\n")
        try:
            record = read_run(Layout(Path(root)))
        except EnvironmentProblem:
            # A record that can't be read may still be put right, and then needs its run.
            held[run] = Path(root)
            continue
        if record is not None and record.run == run:
            held[run] = Path(root)
    return held


def _branches(record: RunRecord, repo: Repo) -> Iterator[Leftover]:
    held = holders(repo)
    for ref, tip in repo.refs.list(_BRANCHES).items():
        name = ref.removeprefix("refs/heads/")
        owner_ref = _OWNERS + ref.removeprefix(_BRANCHES)
        owner = repo.refs.read(owner_ref)
        run = repo.git.run("cat-file", "blob", owner).line.partition("\n")[0] if owner else ""
        if ref == record.integration:
            goes, why = False, "of the run that is here"
        elif not owner or run in held:
            goes, why = False, "of another run" if owner else "nobody knows whose it is"
        elif worktrees.branch_checked_out(repo, name) is not None:
            goes, why = False, "is checked out"
        elif _unreachable(repo, [tip]):
            goes, why = False, f"has commits that no other branch has: `git branch -D {name}`"
        else:
            goes, why = True, "of an archived run; other branches have its commits"
        refs = ((ref, tip), (owner_ref, owner)) if owner else ((ref, tip),)
        yield Leftover(Kind.BRANCH, name, 0, goes, why, refs=refs)
    yield from _owners_alone(repo, held)


def _owners_alone(repo: Repo, held: Mapping[str, Path]) -> Iterator[Leftover]:
    """Yields what says whose a branch is that somebody deleted, as it is told to."""
    there = repo.refs.list(_BRANCHES)
    for owner_ref, owner in repo.refs.list(_OWNERS).items():
        name = owner_ref.removeprefix(_OWNERS)
        if _BRANCHES + name in there:
            continue
        run = repo.git.run("cat-file", "blob", owner).line.partition("\n")[0]
        goes, why = run not in held, "says whose the branch was, which is gone"
        if not goes:
            why = f"says whose the branch is, which is gone; its run is in {held[run]}"
        name = f"orchestra/{name} (1)"
        yield Leftover(Kind.REFS, name, 0, goes, why, refs=((owner_ref, owner),))


def _kept(repo: Repo, choice: Choice) -> Iterator[Leftover]:
    for ref, value in repo.refs.list(_KEPT).items():
        name = ref.removeprefix("refs/heads/")
        goes = name in choice.kept and worktrees.branch_checked_out(repo, name) is None
        why = "named" if goes else f"work that conflicted: `--kept {name}` removes it"
        size = _only_in(repo, {ref: value})
        yield Leftover(Kind.KEPT, name, size, goes, why, refs=((ref, value),))


def _archives(layout: Layout, choice: Choice) -> Iterator[Leftover]:
    for run in sorted(_archived(layout)):
        path = layout.attic / run
        if choice.run:
            goes, why = run == choice.run, "named" if run == choice.run else "not named"
        elif _age(path) < choice.older_than:
            goes, why = False, "not old enough: see `--older-than`"
        else:
            goes, why = True, "an archived run: its tasks, logs and journal"
        yield Leftover(Kind.ARCHIVE, run, files.size_of(path), goes, why, path)


def _drafts(layout: Layout) -> Iterator[Leftover]:
    busy = any(alive(layout, kind) for kind in WorkerKind)
    for path in old_drafts(layout, time.time()):
        why = "somebody is at work here" if busy else "nobody finishes it any more"
        yield Leftover(Kind.DRAFT, path.name, files.size_of(path), not busy, why, path)


def _unreachable(repo: Repo, commits: Iterable[str]) -> frozenset[str]:
    """Returns those of the commits that no branch or tag of the user's has."""
    wanted = frozenset(commits)
    if not wanted:
        return frozenset()
    alone = repo.git.run("rev-list", *sorted(wanted), "--not", *_OF_THE_USER, "--")
    return wanted & frozenset(alone.line.split())


def _only_in(repo: Repo, refs: dict[str, str]) -> int:
    """Returns the bytes of the objects that nothing but these refs keeps."""
    words = ["rev-list", "--objects", "--disk-usage", *sorted(set(refs.values())), "--not"]
    words += [f"--exclude={ref}" for ref in refs]
    return int(repo.git.run(*words, "--all", "--").line or 0)


def _age(path: Path) -> float:
    return abs(time.time() - path.lstat().st_mtime)
