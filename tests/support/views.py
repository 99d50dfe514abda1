"""Questions about a project after, or while, the tool works in it.

Answers come from the disk, git and /proc, never from the tool itself.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from support import repository
from support.processes import describe, involved
from support.waiting import wait_until

#: The directories of `_tasks/` in which a task can lie, along the way of travel.
PLACES = ("available", "locked", "done", "failed")
SCENE_MARKER = "ORCHESTRA_TEST_SCENE"
#: A scan may see a moving task in two directories; never this often in a row.
_SCANS = 20


@dataclass
class Views:
    """Where to look: the project's repository, the folder of the tool's caches, the scene's mark."""

    project: Path
    cache: Path
    marker: str

    @property
    def tasks_dir(self) -> Path:
        """The project's `_tasks/`."""
        return self.project / "_tasks"

    def states(self) -> dict[str, str]:
        """Returns the directory in which each task lies, by task.

        Raises:
            AssertionError: a task lies in two, also when looked at again and again.
        """
        for _ in range(_SCANS):
            found, doubled = self._scan()
            if not doubled:
                return found
        raise AssertionError(f"a task lies in two places: {doubled}")

    def _scan(self) -> tuple[dict[str, str], list[str]]:
        """Returns where each task was seen last, and which were seen twice: moving ones may be."""
        found: dict[str, str] = {}
        doubled = []
        for place in PLACES:
            for entry in sorted((self.tasks_dir / place).glob("*.md")):
                task = entry.name.partition(".")[0]
                if task in found:
                    doubled.append(f"{task} in {found[task]} and {place}")
                found[task] = place
        return found, doubled

    def tasks_in(self, place: str) -> set[str]:
        """Returns the tasks that lie in that directory: `available`, `locked`, `done`, `failed`."""
        return {task for task, where in self.states().items() if where == place}

    def run_record(self) -> dict[str, object]:
        """Returns what `run.json` says."""
        return json.loads((self.tasks_dir / "run.json").read_text(encoding="utf-8"))

    def attempts(self, task: str) -> list[Path]:
        """Returns the folders that the task's attempts left, the oldest first."""
        folders = (self.tasks_dir / "attempts" / task).glob("*")
        return sorted(folders, key=lambda folder: int(folder.name.partition(".")[0]))

    def git(self, *args: str) -> str:
        """Returns the output of that git command in the project."""
        return repository.git(self.project, *args)

    def files(self, ref: str = "HEAD") -> dict[str, str]:
        """Returns the text of every file at the ref, by path."""
        return repository.files_at(self.project, ref)

    def names(self, ref: str = "HEAD") -> set[str]:
        """Returns the paths at the ref."""
        return repository.names_at(self.project, ref)

    def merges(self, ref: str = "HEAD") -> dict[str, int]:
        """Returns how often each task was merged into the ref."""
        return repository.merges_of(self.project, ref)

    def refs(self, prefix: str = "refs/orchestra") -> set[str]:
        """Returns the names of the refs below the prefix."""
        return set(self.git("for-each-ref", "--format=%(refname)", prefix).split())

    def dirty(self) -> list[str]:
        """Returns what `git status` finds changed or new in the user's checkout."""
        return [line for line in self.git("status", "--porcelain", "-z").split("\0") if line]

    def worktrees(self) -> list[Path]:
        """Returns the linked worktrees: those that git knows, and folders that only look like one."""
        on_disk = (
            {entry.parent for entry in self.cache.rglob(".git")} if self.cache.exists() else set()
        )
        return sorted({*repository.worktrees_of(self.project), *on_disk})

    def processes(self) -> list[str]:
        """Returns what runs because of this scene, one line each; empty where there is no /proc.

        A process is found by the scene's own mark, by the variable that agents get, or by the
        folder that it works in: a daemon that drops one of them is still seen.
        """
        marks = {SCENE_MARKER: self.marker, "PO_TASKS_DIR": str(self.tasks_dir)}
        return [describe(pid) for pid in sorted(involved(marks, (self.project, self.cache)))]

    def wait_for_silence(self, within: float = 10.0) -> None:
        """Waits until nothing runs any more.

        Raises:
            AssertionError: something still runs after that many seconds.
        """
        wait_until(lambda: not self.processes(), within, f"silence; there is {self.processes()}")
