"""The integration branch of a run: which one it gets, and that no other run has it.

Several task directories may share a repository, and plans a name. A ref beside the branch says
whose it is: it names the task directory and the run. The branch is free again when that
directory is at another run, or gone.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from parallel_orchestra.conductor.preflight import Preflight
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.git import RefMoved, Repo, Update, worktrees
from parallel_orchestra.merge_queue import RunRefs
from parallel_orchestra.store import Layout, RunRecord
from parallel_orchestra.store.records import read_run

_BRANCHES = "refs/heads/orchestra/"
_KEPT = "refs/heads/orchestra-kept/"
_OWNERS = "refs/orchestra/branch/"


def free_branch(found: Preflight) -> str:
    """Returns the first of orchestra/<slug>, -2, -3 ... that is free or ours to move, as a full ref.

    The caller holds the repository's mutex until the run's record is written: from then on the
    others see that the branch is taken.
    """
    repo, number = found.repo, 0
    while True:
        number += 1
        ref = f"{_BRANCHES}{found.slug}" + (f"-{number}" if number > 1 else "")
        current = repo.refs.read(ref)
        there = repo.refs.list(ref, f"refs/remotes/*/{ref.removeprefix('refs/heads/')}")
        if not _possible(repo, ref, there) or _elsewhere(found, there):
            continue
        if current is None:
            return ref
        if _taken(repo, ref) or not repo.is_ancestor(current, found.base_commit):
            continue
        try:
            repo.refs.transact([Update(ref, None, current)])
        except RefMoved:
            continue
        return ref


def make_branch(repo: Repo, record: RunRecord, layout: Layout) -> None:
    """Creates the integration branch at the run's base, unless the run already has merges.

    Raises:
        EnvironmentProblem: the branch is gone although work was merged into it.
    """
    refs = RunRefs(record.run, record.integration)
    current = repo.refs.read(record.integration)
    if current is None and repo.refs.list(f"{refs.prefix}merged/"):
        raise EnvironmentProblem(
            Problem(
                f"the integration branch `{refs.branch}` is gone, with work merged into it",
                str(repo.top),
                f"find its last commit with `git log --all` and put it back with "
                f"`git branch {refs.branch} COMMIT`, or begin anew with `--fresh`",
            )
        )
    if current is not None:
        return
    owner = _owner_ref(record.integration)
    words = repo.objects.blob(os.fsencode(f"{record.run}\n{layout.root}\n"))
    with repo.lock():
        repo.refs.transact([
            Update(record.integration, record.base_commit, None),
            Update(owner, words, repo.refs.read(owner)),
        ])  # fmt: skip


def _possible(repo: Repo, ref: str, there: Iterable[str]) -> bool:
    """Returns whether git can have a branch, and those for kept work, beside the ones there are.

    A ref is no directory of other refs.
    """
    kept = f"{_KEPT}{ref.removeprefix(_BRANCHES)}"
    below = any(name.startswith(f"{ref}/") for name in there)
    return not below and repo.refs.read(kept) is None


def _elsewhere(found: Preflight, there: Mapping[str, str]) -> bool:
    """Returns whether a remote has a branch of that name with other work, as after a pull request."""
    heads = [commit for name, commit in there.items() if name.startswith("refs/remotes/")]
    return any(not found.repo.is_ancestor(head, found.base_commit) for head in heads)


def _taken(repo: Repo, ref: str) -> bool:
    """Returns whether a branch belongs to a run that its directory still holds, or is in use."""
    if worktrees.branch_checked_out(repo, ref.removeprefix("refs/heads/")) is not None:
        return True
    owner = repo.refs.read(_owner_ref(ref))
    if owner is None:
        return False
    run, _, root = repo.git.run("cat-file", "blob", owner).line.partition("\n")
    try:
        record = read_run(Layout(Path(root)))
    except EnvironmentProblem:
        # Whose record can't be read may still be put right, and then needs its branch.
        return True
    return record is not None and record.run == run


def _owner_ref(ref: str) -> str:
    return _OWNERS + ref.removeprefix(_BRANCHES)
