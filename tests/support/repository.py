"""Real git repositories for tests, made quickly, and questions about them.

The git configuration is the one that `conftest.py` sets up; every call here names its repository.
"""

import functools
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

_PER_FOLDER = 50
#: A folder of the session, in which each repository is made once and copied from then on. Its name
#: comes from `conftest.py`; other programs make theirs anew.
TEMPLATES = "ORCHESTRA_TEST_TEMPLATES"
#: A commit needs no time and date of its own: repositories made alike get the same commit id.
_FIRST_COMMIT = {
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


def make_repository(path: Path, files: Mapping[str, str] | int = 10) -> Path:
    """Makes a repository on branch `main` with one commit of these files; returns its path.

    A number means so many small files, in folders of 50.
    """
    contents = numbered_files(files) if isinstance(files, int) else files
    path.mkdir(parents=True, exist_ok=True)
    fresh = not os.listdir(path)
    write_files(path, contents)
    if fresh and TEMPLATES in os.environ:
        shutil.copytree(_template(frozenset(contents.items()), _surroundings()), path / ".git")
        # the files are others than those that the copied index knows
        git(path, "reset", "--quiet")
    else:
        _begin(path)
    return path


@functools.cache
def _template(contents: frozenset[tuple[str, str]], _: object) -> Path:
    """Returns the git directory of a repository with these files, made in these surroundings."""
    place = Path(tempfile.mkdtemp(dir=os.environ[TEMPLATES]))
    write_files(place, dict(contents))
    _begin(place)
    for sample in (place / ".git" / "hooks").glob("*.sample"):
        sample.unlink()
    return place / ".git"


def _surroundings() -> tuple[tuple[str, str], ...]:
    """Returns what else decides what a new repository is like."""
    config = Path(os.environ.get("GIT_CONFIG_GLOBAL", os.devnull))
    said = config.read_text(encoding="utf-8") if config.exists() else ""
    names = sorted(name for name in os.environ if name == "HOME" or name.startswith("GIT_"))
    return (("", said), *((name, os.environ[name]) for name in names))


def _begin(path: Path) -> None:
    """Makes a folder a repository with one commit of all that is there."""
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--allow-empty", "--message=start", env=_FIRST_COMMIT)


def numbered_files(count: int) -> dict[str, str]:
    """Returns so many small text files by path: `folder-000/file-00000.txt` and on."""
    return {
        f"folder-{index // _PER_FOLDER:03}/file-{index:05}.txt": f"line of file {index}\n" * 3
        for index in range(count)
    }


def write_files(root: Path, contents: Mapping[str, str]) -> None:
    """Writes each text to its path below `root`, folders included."""
    for folder in {Path(name).parent for name in contents}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (root / name).write_text(text, encoding="utf-8")


def commit_files(path: Path, contents: Mapping[str, str], message: str = "change") -> str:
    """Commits these files on what is checked out; returns the commit id."""
    write_files(path, contents)
    git(path, "add", "--all", "--", *contents)
    git(path, "commit", "--quiet", f"--message={message}")
    return git(path, "rev-parse", "HEAD").strip()


def git(path: Path, *args: str, env: Mapping[str, str] | None = None, code: int = 0) -> str:
    """Returns the standard output of `git -C path ...`.

    Raises:
        AssertionError: it ended with another exit code than `code`; carries git's words.
    """
    done = subprocess.run(
        ["git", "-C", str(path), *args],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode != code:
        raise AssertionError(
            f"git {' '.join(args)} in {path}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def log_graph(path: Path, ref: str = "HEAD") -> str:
    """Returns `git log --graph` of the ref, one line per commit: what a person would look at."""
    return git(path, "log", "--graph", "--oneline", "--decorate", ref)


def files_at(path: Path, ref: str = "HEAD") -> dict[str, str]:
    """Returns the text of every file of the ref's tree, by path."""
    names = git(path, "ls-tree", "-r", "-z", "--name-only", ref).split("\0")[:-1]
    return {name: git(path, "show", f"{ref}:{name}") for name in names}


def names_at(path: Path, ref: str = "HEAD") -> set[str]:
    """Returns the paths of the ref's tree, without reading the files."""
    return set(git(path, "ls-tree", "-r", "-z", "--name-only", ref).split("\0")[:-1])


def fsck_clean(path: Path) -> bool:
    """Returns whether `git fsck` finds nothing wrong; loose ends that nothing needs are fine.

    Raises:
        AssertionError: it finds something; carries what.
    """
    git(path, "fsck", "--strict", "--no-dangling", "--no-progress")
    return True


def merges_of(path: Path, ref: str = "HEAD") -> dict[str, int]:
    """Returns how often each task entered the ref: merge commits of its first-parent line, by trailer."""
    trailers = git(
        path, "log", "--first-parent", "--format=%(trailers:key=Orchestra-Task,valueonly)", ref
    )
    return dict(Counter(line.rpartition("/")[2] for line in trailers.splitlines() if line))


def worktrees_of(path: Path) -> list[Path]:
    """Returns the linked worktrees that git knows, the main one left out."""
    listing = git(path, "worktree", "list", "--porcelain", "-z").split("\0")
    found = [
        Path(line.removeprefix("worktree ")) for line in listing if line.startswith("worktree ")
    ]
    return found[1:]
