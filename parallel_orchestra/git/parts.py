"""Some paths of a work tree in which others are at work at the same time.

Nothing here rests on the tree's own index, which any of them may have written, nor on its HEAD.
"""

import os
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.errors import GitError
from parallel_orchestra.git.merging import Conflicted
from parallel_orchestra.git.worktree import WorkTree

#: How often a file may vanish between our look and git's.
_TRIES = 5


class Parts(WorkTree):
    """A linked work tree whose paths have several owners; its caller lets one thread in at a time."""

    def stand_at(self, commit: str) -> None:
        """Puts HEAD at a commit; no file changes, and what is staged stays."""
        self.mend(commit)
        (self.git_dir / "HEAD").write_text(f"{commit}\n")

    def changes(self) -> frozenset[str]:
        """Returns the paths that differ from HEAD, staged or not; ignored ones are not among them."""
        words = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
        return frozenset(entry[3:] for entry in self._git.run(*words).fields)

    def content(self, base: str, paths: Collection[str]) -> str:
        """Returns a commit's tree in which these paths are as they lie here now.

        Raises:
            GitError: something can't be read, or files vanish all the time.
        """
        index = self.git_dir / "orchestra-parts"
        git = replace(self._git, environ={**self._git.environ, "GIT_INDEX_FILE": str(index)})
        known = self._repo.objects.contents_of(base)
        for attempt in range(1, _TRIES + 1):
            index.unlink(missing_ok=True)
            git.run("read-tree", base)
            there = [path for path in paths if path in known or os.path.lexists(self.path / path)]
            words = ("add", "--all", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul")
            try:
                if there:
                    git.run(*words, given=_pathspecs(there))
                return git.run("write-tree").line
            except GitError:
                if attempt == _TRIES:
                    raise
            finally:
                index.unlink(missing_ok=True)
        raise AssertionError

    def put_back(self, commit: str, paths: Collection[str]) -> None:
        """Makes these paths what they are in a commit; what it does not have is removed.

        Raises:
            GitError: files can't be written.
        """
        known = self._repo.objects.contents_of(commit)
        gone = [path for path in paths if path not in known]
        there = [path for path in paths if path in known]
        if gone:
            self._with(gone, "rm", "--cached", "-r", "--quiet", "--force", "--ignore-unmatch")
        for path in gone:
            self._remove(path)
        if there:
            words = ("--staged", "--worktree", "--no-progress")
            self._with(there, "restore", f"--source={commit}", *words)

    def begin_merge(self, ours: str, theirs: str, conflict: Conflicted) -> None:
        """Makes the tree, at one side, what `git merge` of the other leaves for a person to resolve.

        By what the merge came to, and not by git's own: it would go by the tree's own attributes.

        Raises:
            GitError: files can't be written; some may have been.
        """
        changes = self._repo.objects.changed(ours, conflict.tree)
        self.put_back(conflict.tree, [change.path for change in changes])
        paths = dict.fromkeys(entry.partition("\t")[2] for entry in conflict.stages)
        gone = [f"0 {'0' * len(conflict.tree)}\t{path}" for path in paths]
        given = b"".join(os.fsencode(entry) + b"\0" for entry in (*gone, *conflict.stages))
        self._git.run("update-index", "-z", "--index-info", given=given)
        (self.git_dir / "MERGE_HEAD").write_text(f"{theirs}\n")
        (self.git_dir / "MERGE_MSG").write_text("Resolve conflicts\n")

    def _with(self, paths: Collection[str], *words: str) -> None:
        from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
        self._git.run(*words, *from_stdin, given=_pathspecs(paths))

    def _remove(self, path: str) -> None:
        place, top = self.path / path, self.path.resolve()
        if not place.parent.resolve().is_relative_to(top):
            return  # by a link that leads out: it goes itself
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
        self._remove_empty(place.parent)

    def _remove_empty(self, folder: Path) -> None:
        while folder != self.path and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _pathspecs(paths: Collection[str]) -> bytes:
    return b"".join(b":(top,literal)" + os.fsencode(path) + b"\0" for path in paths)
