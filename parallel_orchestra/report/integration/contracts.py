"""The contracts of a folder: files that no task was to change, by what each merge did change."""

from collections.abc import Mapping, Sequence

from parallel_orchestra.git import Repo
from parallel_orchestra.plan.cpo import Folder
from parallel_orchestra.progress import Check, Contract, Mark, RunReport
from parallel_orchestra.progress.integration import CONTRACTS
from parallel_orchestra.report.text import counted
from parallel_orchestra.report.together import first_difference


def contracts_of(
    report: RunReport, folder: Folder, changed: Mapping[str, Sequence[str]], repo: Repo
) -> tuple[Contract, ...]:
    """Returns each contract that a task names, and each that one changed: where, and by whom.

    `changed` are the paths that each task's merge changed, counted from the project.
    """
    inside = folder.path.relative_to(folder.project).as_posix()
    commits = {task.id: task.commit for task in report.tasks}
    found = [
        Contract(
            path,
            Mark.BAD,
            f"was changed by `{task}`",
            task,
            _where(path, commits[task], folder, repo),
        )
        for task, paths in changed.items()
        for path in paths
        if path.startswith(f"{inside}/contracts/")
    ]
    broken = {one.path for one in found}
    files = [member.file for member in folder.members if member.file is not None]
    named = {f"{inside}/{name}": None for file in files for name in file.names("contracts")}
    unchanged = (path for path in named if path not in broken)
    return (*found, *(Contract(path, Mark.GOOD, "is unchanged") for path in unchanged))


def check_of(found: Sequence[Contract]) -> Check:
    """Returns what they come to. That the code keeps to a contract only a reader can say."""
    broken = sum(one.mark is Mark.BAD for one in found)
    if broken:
        return Check(CONTRACTS, Mark.BAD, f"tasks changed contract files {counted(broken, 'time')}")
    if not found:
        return Check(CONTRACTS, Mark.UNKNOWN, "no task names a contract")
    kept = counted(len(found), "contract")
    return Check(CONTRACTS, Mark.UNKNOWN, f"{kept}, unchanged by tasks; for a reader to compare")


def _where(path: str, commit: str, folder: Folder, repo: Repo) -> str:
    project = folder.project.resolve().relative_to(repo.top.resolve())
    full = (project / path).as_posix()
    before, after = (repo.objects.text(one, full) for one in (f"{commit}^1", commit))
    return f"{path}:{first_difference(before or '', after or '')}"
