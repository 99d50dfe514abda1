"""The run that one stands in, and what it left to be said if it is at rest: found without click.

Scripts ask for `status` again and again, and click takes longer to load than all of this.
"""

import os
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, OrchestraError, Problem
from parallel_orchestra.isolation import home_of
from parallel_orchestra.plain import clean
from parallel_orchestra.store import Layout
from parallel_orchestra.store.standing import kept


def words_here() -> str:
    """Returns what `status` says of the run here if that is at rest; empty if it must be looked at."""
    try:
        lines = kept(Layout(found_tasks_dir(None, Path.cwd())))
    except (OrchestraError, OSError):
        return ""
    said = "".join(f"{clean(line)}\n" for line in lines or ())
    # what not every terminal can show is for click
    return said if said.isascii() else ""


def found_tasks_dir(named: Path | None, directory: Path) -> Path:
    """Returns the task directory that is meant, absolute.

    In the worktree of a claim by hand it is that of the claim.

    Raises:
        EnvironmentProblem: none was named, and there is none in `directory` or above it.
    """
    if named is not None:
        return Path(os.path.abspath(named))  # as typed: links stay
    for folder in (directory, *directory.parents):
        if (folder / "_tasks" / "run.json").is_file():
            return folder / "_tasks"
        home = home_of(folder)
        if home is not None:
            return home[0]
    raise EnvironmentProblem(
        Problem(
            "there is no `_tasks` directory here or above",
            str(directory),
            "go to the project, or name it with `--tasks-dir DIR`",
        )
    )
