"""Puts the example project into a fresh git repository, ready to be run.

Knows nothing of plans or runs: whoever wants to run it takes the path of the plan.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, Problem, UsageError
from parallel_orchestra.git import FALLBACK_IDENTITY
from parallel_orchestra.git.call import Git, clean_environment

PLAN = "plan.md"

_PACKAGE = Path(__file__).parent
#: A wheel carries the example inside the package, a checkout has it beside the package.
_PLACES = (_PACKAGE / "example_project", _PACKAGE.parent / "example")
#: What earlier runs and Python leave behind is no part of the example.
_LEFT_OUT = ("__pycache__", "*.pyc", "_tasks")


def copy_example(target: Path, environ: Mapping[str, str]) -> Path:
    """Makes `target` a git repository with the example project and returns the path of its plan.

    The repository is on branch `main` with one commit. The folder is made if it is not there.

    Raises:
        UsageError: `target` is a file, or a folder with something in it.
        EnvironmentProblem: this installation has no example, git is missing, or the folder can't
            be written.
    """
    source = _example()
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(
                Problem(
                    "the example needs an empty folder", str(target), "name one that is not there"
                )
            )
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns(*_LEFT_OUT), dirs_exist_ok=True
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise EnvironmentProblem(
            Problem(f"cannot copy the example: {reason}", str(target))
        ) from error
    _commit_everything(target, environ)
    return target / PLAN


def _example() -> Path:
    for place in _PLACES:
        if (place / PLAN).is_file():
            return place
    raise EnvironmentProblem(
        Problem(
            "this installation has no example project",
            str(_PLACES[0]),
            "install parallel-orchestra again, from a checkout or a wheel",
        )
    )


def _commit_everything(folder: Path, environ: Mapping[str, str]) -> None:
    # An identity is given, so that the example also works where git has none yet.
    identity = (f"user.name={FALLBACK_IDENTITY.name}", f"user.email={FALLBACK_IDENTITY.email}")
    git = Git(clean_environment(environ), folder, settings=identity)
    git.run("init", "--quiet", "--initial-branch=main", "--template=")
    git.run("add", "--all")
    git.run("commit", "--quiet", "--message=calc: the ground to stand on")
