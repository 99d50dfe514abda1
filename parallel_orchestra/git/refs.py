"""Refs: read, listed, and changed all together or not at all.

A transaction is the only commit point of a merge, so it must say exactly which expectation
did not hold. git ends its `update-ref` process when it refuses; the next question starts
another one.
"""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from parallel_orchestra.errors import GitError, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.call import Git, lock_in_the_way
from parallel_orchestra.git.helper import Helper, HelperGone

_HEX = re.compile(rb"(?:[0-9a-f]{64}|[0-9a-f]{40})\n?")

#: git's words for "another value than expected" (refs/files-backend.c, refs/reftable-backend.c).
_MOVED = re.compile(
    r"cannot lock ref '(?P<ref>[^']+)': "
    r"(?:is at |reference already exists|reference is missing|unable to resolve reference)"
)

#: Refs that nobody else writes: a lock file on one of them is ours.
OWN_REFS = ("refs/orchestra/", "refs/heads/orchestra/", "refs/heads/orchestra-kept/")

#: How long a lock file must lie unchanged, in seconds: a git at work is much quicker.
_UNTOUCHED = 1.0


@frozen
class Update:
    """Sets `ref` from `old` to `new`: `old` None, it must not exist; `new` None, delete it."""

    ref: str
    new: str | None
    old: str | None


@frozen
class Verify:
    """Demands that `ref` has this value; None, that it does not exist."""

    ref: str
    value: str | None


class RefMoved(GitError):
    """A ref had another value than expected, so nothing was changed.

    `actual` is what it was when looked at right after, or None if it did not exist.
    """

    def __init__(self, ref: str, expected: str | None, actual: str | None) -> None:
        said = f"`{ref}` is {actual or 'absent'}, expected {expected or 'none'}"
        super().__init__(Problem(said, ref))
        self.ref = ref
        self.expected = expected
        self.actual = actual


class Refs:
    """The refs of a repository, shared by all its worktrees. Usable from several threads."""

    def __init__(self, git: Git, common_dir: Path, zeros: str, reader: Helper) -> None:
        self._git = git
        self._common_dir = common_dir
        self._zeros = zeros
        self._writer = Helper(git, "update-ref", "--stdin", "-z")
        self._reader = reader

    def read(self, ref: str) -> str | None:
        """Returns the object id that a full ref name (`refs/…`) has, or None if it has none.

        Sees what other processes wrote; the answer may be old when you read it.
        """
        loose = self._loose(ref)
        if loose is not None:
            return loose
        with self._reader.talk() as reader:
            reader.send(os.fsencode(ref) + b"\n")
            if not _HEX.fullmatch(reader.until(b"\n")):
                return None
        # git also finds `refs/tags/<ref>` for a ref that is not there: make sure.
        shown = self._git.run("show-ref", "--verify", "--hash", ref, ok=(0, 1, 128))
        return shown.line or None if shown.code == 0 else None

    def list(self, *prefixes: str) -> dict[str, str]:
        """Returns all refs below these prefixes (`refs/heads/orchestra`), by full name, sorted.

        A `*` stands for any one part of a whole name.
        """
        below = (prefix.rstrip("/") for prefix in prefixes)
        found = self._git.run("for-each-ref", "--format=%(objectname) %(refname)", "--", *below)
        pairs = (line.split(" ", 1) for line in found.line.splitlines())
        return {ref: value for value, ref in pairs}

    def transact(self, updates: Sequence[Update], verify: Sequence[Verify] = ()) -> None:
        """Carries out all updates at once if every expected value holds, else none of them.

        A lock file that a killed git left on one of our own refs is removed.

        Raises:
            RefMoved: an expected value did not hold; names the ref.
            GitError: git refused for another reason (missing object, bad name, no space).
        """
        question = self._question(updates, verify)
        for _ in range(len(updates) + len(verify)):
            try:
                return self._transact(question, updates, verify)
            except HelperGone as gone:
                if not self._cleared(gone.said):
                    raise
        return self._transact(question, updates, verify)

    def close(self) -> None:
        """Ends the helpers; they start again when needed."""
        self._writer.close()
        self._reader.close()

    def _transact(
        self, question: bytes, updates: Sequence[Update], verify: Sequence[Verify]
    ) -> None:
        try:
            with self._writer.talk() as writer:
                writer.send(question)
                for _ in ("start", "prepare", "commit"):
                    writer.until(b"\n")
        except HelperGone as gone:
            moved = self._moved(updates, verify, gone.said)
            if moved is not None:
                raise moved from gone
            # Killed from outside, perhaps between the commit and its answer.
            if gone.said or not all(self.read(update.ref) == update.new for update in updates):
                raise

    def _cleared(self, said: str) -> bool:
        """Removes the lock file that git complains of, if it is one that our killed git left."""
        lock = lock_in_the_way(said)
        if lock is None:
            return False
        ref = os.path.relpath(lock, self._common_dir)
        return ref.startswith(OWN_REFS) and remove_untouched(lock)

    def _question(self, updates: Sequence[Update], verify: Sequence[Verify]) -> bytes:
        words = ["start"]
        for update in updates:
            # Never through a symbolic ref that somebody put in the place of ours.
            words += ["option no-deref", f"update {update.ref}", update.new or self._zeros]
            words.append(update.old or self._zeros)
        for check in verify:
            words += ["option no-deref", f"verify {check.ref}", check.value or self._zeros]
        words += ["prepare", "commit"]
        return b"".join(os.fsencode(word) + b"\0" for word in words)

    def _moved(
        self, updates: Sequence[Update], verify: Sequence[Verify], said: str
    ) -> RefMoved | None:
        named = _MOVED.search(said)
        if named is None:
            return None
        expected = {update.ref: update.old for update in updates}
        expected.update({check.ref: check.value for check in verify})
        ref = named["ref"]
        return RefMoved(ref, expected.get(ref), self.read(ref))

    def _loose(self, ref: str) -> str | None:
        if not ref.startswith("refs/") or ".." in ref:
            return None
        try:
            content = (self._common_dir / ref).read_bytes()
        except (OSError, ValueError):
            return None
        # Anything else is a symbolic or broken ref, or another storage: git decides.
        return content.decode().rstrip() if _HEX.fullmatch(content) else None


def remove_untouched(path: Path) -> bool:
    """Removes a lock file if it stays the same for a second; returns whether it is gone.

    The caller holds the repository's mutex, so that no git of ours is at work on it.
    """
    before = _mark(path)
    deadline = time.monotonic() + _UNTOUCHED
    while before is not None and time.monotonic() < deadline:
        time.sleep(0.05)
        if _mark(path) != before:
            return _mark(path) is None
    path.unlink(missing_ok=True)
    return True


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
