"""Merges without a checkout, through one git process that stays."""

import os
import tempfile
import threading
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.attributes import lay_out, standing_in
from parallel_orchestra.git.call import Git
from parallel_orchestra.git.helper import Helper


@frozen
class MergedTree:
    """A merge without conflicts: the id of the merged tree."""

    tree: str


@frozen
class Conflicted:
    """A merge with conflicts: the paths, sorted, and git's words about them.

    `tree` is what there is of the result; text that conflicts stands in it between markers.
    `stages` are the sides of each such file as an index has them: mode, id, stage, tab, path.
    """

    files: tuple[str, ...]
    messages: str
    tree: str = ""
    stages: tuple[str, ...] = ()


class Merger:
    """Merges two commits at a time; any thread may ask."""

    def __init__(self, checkout: Git) -> None:
        """Takes git in the user's checkout, whose `.gitattributes` say how files are merged.

        Unless `follow` names a commit whose own do.
        """
        self._checkout = checkout
        self._helper = _helper(checkout)
        self._rules = ""
        self._place: tempfile.TemporaryDirectory[str] | None = None
        self._changing = threading.Lock()

    def follow(self, commit: str) -> None:
        """Says whose `.gitattributes` hold from now on, whatever lies in the checkout."""
        with self._changing:
            if commit != self._rules:
                self._forget()
                self._rules = commit

    def merge(self, ours: str, theirs: str) -> MergedTree | Conflicted:
        """Merges two commits as `git merge` would.

        Raises:
            GitError: one of them is no commit, or they have no common history.
        """
        with self._ready().talk() as helper:
            # git keeps the last byte of an answer back until the next one is complete: so a
            # merge of nothing is asked for as well, and its last byte is skipped next time.
            helper.send(f"{ours} {theirs}\n{ours} {ours}\n".encode())
            answer = _answer(helper, (ours, theirs))
            _skip_to_status(helper)
            helper.until(b"\0")
            helper.until(b"\0")
        return answer

    def close(self) -> None:
        """Ends the process; it starts again when needed."""
        with self._changing:
            self._forget()

    def _ready(self) -> Helper:
        """Returns the process that merges by the attributes of the commit that was named."""
        with self._changing:
            if self._rules and self._place is None:
                place = tempfile.TemporaryDirectory(prefix="parallel-orchestra-")
                try:
                    checkout = self._checkout.work_tree or self._checkout.cwd
                    lay_out(self._checkout, self._rules, checkout, Path(place.name))
                except BaseException:
                    place.cleanup()
                    raise
                self._helper.close()
                self._helper = _helper(standing_in(self._checkout, Path(place.name)))
                self._place = place
            return self._helper

    def _forget(self) -> None:
        self._helper.close()
        if self._place is not None:
            self._place.cleanup()
            self._place = None
            self._helper = _helper(self._checkout)


def _helper(git: Git) -> Helper:
    return Helper(git, "merge-tree", "--write-tree", "--messages", "-z", "--stdin")


def _answer(helper: Helper, sides: tuple[str, str]) -> MergedTree | Conflicted:
    # "OUTPUT" in git-merge-tree(1): status, tree, conflicted files, empty field, messages.
    def text() -> str:
        return os.fsdecode(helper.until(b"\0"))

    clean, tree = _skip_to_status(helper) == b"1", text()
    files, stages = set(), []
    while entry := text():
        stages.append(entry)
        path = entry.partition("\t")[2]
        for side in sides:
            # So git names a file that can't have its place, as a directory is in it.
            path = path.removesuffix(f"~{side}")
        files.add(path)
    messages = []
    while count := text():
        if not count.isdigit():
            # Advice on submodules, which git prints in between as it is (merge-ort.c).
            messages.append(count)
            break
        for _ in range(int(count) + 1):  # the paths, then the kind of message
            text()
        messages.append(text())
    if clean:
        return MergedTree(tree)
    return Conflicted(tuple(sorted(files)), "".join(messages).rstrip("\n"), tree, tuple(stages))


def _skip_to_status(helper: Helper) -> bytes:
    while not (status := helper.until(b"\0")):
        pass  # the last byte of the answer before
    return status
