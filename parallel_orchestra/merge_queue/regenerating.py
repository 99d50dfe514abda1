"""Generated files that conflict are not merged: they are made anew, by a command of the plan's.

They are taken as the branch has them, the rest is merged, the command runs on that in a worktree of
the queue's own, and what it makes of such files is a part of the merge.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.git import Conflicted, Repo
from parallel_orchestra.isolation import Unusable
from parallel_orchestra.isolation.supplies import anchored, is_kept
from parallel_orchestra.merge_queue.bay import Bay, Cancelled
from parallel_orchestra.model import Command, as_typed
from parallel_orchestra.ownership import patterns_of
from parallel_orchestra.process import Ending

#: How much of what a command said is told.
_SAID_BYTES = 2048
#: How many results are remembered: the chain is made anew for each check, mostly of the same.
_REMEMBERED = 64

#: Files that everybody's tools make, and how. Nothing of it runs unless the plan says so.
KNOWN = {
    "package-lock.json": "npm install --package-lock-only --ignore-scripts",
    "pnpm-lock.yaml": "pnpm install --lockfile-only",
    "yarn.lock": "yarn install --mode update-lockfile",
    "poetry.lock": "poetry lock",
    "uv.lock": "uv lock",
    "Pipfile.lock": "pipenv lock",
    "Cargo.lock": "cargo generate-lockfile",
    "go.sum": "go mod tidy",
    "composer.lock": "composer update --lock",
    "Gemfile.lock": "bundle lock",
}


class Regenerator:
    """Makes of a conflict a merged tree, if all that conflicts is generated. Any thread may call."""

    def __init__(
        self,
        repo: Repo,
        bay: Callable[[], Bay],
        rules: Sequence[tuple[str, Command]],
        inside: Path,
        log: Path,
    ) -> None:
        """Takes patterns with their commands, and the project's place in the repository."""
        self._objects = repo.objects
        self._bay = bay
        self._rules = tuple(
            (one, command) for pattern, command in rules for one in _written_out(pattern, inside)
        )
        self._log = log
        self._turn = threading.Lock()
        self._known: dict[tuple[str, str], str | Conflicted] = {}

    def __call__(self, tip: str, commit: str, conflict: Conflicted) -> str | Conflicted:
        """Returns the merged tree, or the conflict with what went wrong.

        Raises:
            GitError: git failed.
            EnvironmentProblem: the worktree can't be set up, or nobody wants the result any more.
        """
        commands = self._commands(conflict.files)
        if commands is None:
            return conflict
        with self._turn:
            key = (self._objects.tree_of(tip), commit)
            if key not in self._known:
                found = self._made(tip, commit, conflict, commands)
                while len(self._known) >= _REMEMBERED:
                    del self._known[next(iter(self._known))]
                self._known[key] = found
            return self._known[key]

    def _commands(self, files: Iterable[str]) -> tuple[Command, ...] | None:
        """Returns what makes these files anew, each once; None if one of them is not generated."""
        found: list[Command] = []
        for path in files:
            fits = [command for pattern, command in self._rules if is_kept([path], [pattern])]
            if not fits:
                return None
            found.append(fits[0])
        return tuple(dict.fromkeys(found)) or None

    def _made(
        self, tip: str, commit: str, conflict: Conflicted, commands: Iterable[Command]
    ) -> str | Conflicted:
        objects = self._objects
        tree = objects.with_files(conflict.tree, tip, conflict.files)
        start = objects.commit(tree, (tip, commit), "Before generated files are made anew")
        bay = self._bay()
        with bay.lock:
            try:
                workspace = bay.open(start, tree, self._log)
                for command in commands:
                    if why := self._fault(bay, command, workspace.path):
                        return Conflicted(conflict.files, why, conflict.tree)
                made = bay.content(workspace)
            except Cancelled as cancelled:
                raise EnvironmentProblem(
                    Problem("making generated files anew was ended")
                ) from cancelled
            except Unusable as why_not:
                return Conflicted(conflict.files, str(why_not), conflict.tree)
            finally:
                bay.used()
        patterns = [pattern for pattern, _ in self._rules]
        changed = is_kept((one.path for one in objects.changed(tree, made)), patterns)
        return objects.with_files(tree, made, changed)

    def _fault(self, bay: Bay, command: Command, directory: Path) -> str:
        """Runs a command; returns what went wrong with it, or an empty string."""
        ended = bay.run(command, directory, self._log)
        if ended.ending is Ending.CANCELLED:
            raise Cancelled
        if ended.ending is Ending.EXITED and ended.code == 0:
            return ""
        said = (ended.stdout_tail + ended.stderr_tail)[-_SAID_BYTES:].decode("utf-8", "replace")
        return f"`{as_typed(command)}`, which makes it anew, {ended.how}\n{said}"


def suggestion(
    files: Iterable[str], rules: Sequence[tuple[str, Command]], inside: Path = Path()
) -> str:
    """Returns how the plan could have a well-known generated file made anew; empty if it can't.

    `inside` is the project's place in the repository.
    """
    patterns = [one for pattern, _ in rules for one in _written_out(pattern, inside)]
    for path in map(PurePosixPath, files):
        command = KNOWN.get(path.name)
        if command is None or not path.is_relative_to(inside) or is_kept([str(path)], patterns):
            continue
        place = path.relative_to(inside)
        there = command if place.parent == PurePosixPath() else f"cd {place.parent} && {command}"
        said = f"merge: {{regenerate: {{{place}: {there}}}}}"
        return f"`{path}` is generated: with `{said}` in the plan it is made anew instead"
    return ""


def _written_out(pattern: str, inside: Path) -> tuple[str, ...]:
    """Returns a pattern of the plan's as those of a `.gitignore`, which knows no braces."""
    return tuple(anchored(one.text, inside) for one in patterns_of(pattern))
