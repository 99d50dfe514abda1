"""Who writes what in a plan, held against the files of the commit that its tasks start from."""

from pathlib import Path

from parallel_orchestra.git import Repo
from parallel_orchestra.graph import Graph, Rivals, rivals
from parallel_orchestra.model import Plan
from parallel_orchestra.ownership import NOTHING, Tree


def tree_of(plan: Plan, repo: Repo, commit: str) -> Tree:
    """Returns the project's files in a commit; nothing if no task says what it writes.

    Raises:
        GitError: there is no such commit.
    """
    if not any(task.may_write for task in plan.tasks):
        return NOTHING
    return Tree.of(repo.objects.files(commit, below=inside(plan.cwd, repo)))


def rivals_of(plan: Plan, graph: Graph, repo: Repo, commit: str) -> Rivals:
    """Returns which tasks may write the same files, in whatever process this is asked the same.

    Raises:
        GitError: there is no such commit.
    """
    return rivals(plan.tasks, graph, tree_of(plan, repo, commit))


def inside(directory: Path, repo: Repo) -> str:
    """Returns where a directory lies in its repository: empty for the top, else as in `a/b`."""
    prefix = directory.resolve().relative_to(repo.top.resolve()).as_posix()
    return "" if prefix == "." else prefix
