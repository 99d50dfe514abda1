"""Objects: what is written into and read from the object store, without any checkout.

Merges happen here: two commits in, a tree or a list of conflicts out, nothing half-merged.
"""

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import IO

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.call import Git, end
from parallel_orchestra.git.differing import Change, Differ
from parallel_orchestra.git.helper import Helper, name_reader
from parallel_orchestra.git.merging import Conflicted, MergedTree, Merger

#: What git itself strips from names and addresses (ident.c): they would end the field early.
_CRUD = re.compile(r"[\x00\n<>]")

#: What is asked of a commit: ids, committer, author, and at last the message, a line each.
_FORMAT = "%H%n%T%n%P%n%cn%n%ct%n%an%n%ae%n%ad%n%B"

#: The ids of the tree without files, in repositories of either object format.
EMPTY_TREES = frozenset({
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
})  # fmt: skip


@frozen
class Identity:
    """Who wrote a commit."""

    name: str
    email: str

    def line(self, instant: float) -> str:
        """Returns it as it stands in a commit, with an instant (epoch) in local time."""
        offset = time.localtime(instant).tm_gmtoff // 60
        sign = "-" if offset < 0 else "+"
        zone = f"{sign}{abs(offset) // 60:02}{abs(offset) % 60:02}"
        return f"{self} {int(instant)} {zone}"

    def __str__(self) -> str:
        """Returns name and address as they stand in commits and their trailers."""
        name = _CRUD.sub("", self.name).strip() or "unknown"
        return f"{name} <{_CRUD.sub('', self.email).strip()}>"


@frozen
class Commit:
    """A commit of the history: its id, its tree's and its parents' ids, its whole message.

    `by` is who committed it, `time` when (epoch seconds); `author` who wrote it and when, as it
    stands in a commit.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    message: str
    by: str = ""
    time: float = 0.0
    author: str = ""


class Objects:
    """The object store of a repository. Usable from several threads."""

    def __init__(
        self,
        git: Git,
        committer: Callable[[], Identity],
        clock: Callable[[], float] = time.time,
        checkout: Git | None = None,
        reader: Helper | None = None,
    ) -> None:
        """Takes git in the user's checkout too, where merges find `.gitattributes`; see `merge_by`.

        A `reader` of the repository's that tells what names stand for is used along with others.
        """
        self._git = git
        self._committer = committer
        self._clock = clock
        self._reader = reader or name_reader(git)
        self._merger = Merger(checkout or git)
        self._differ = Differ(git)
        self._writers = {kind: _Writer(git, kind) for kind in ("blob", "commit")}

    def blob(self, data: bytes) -> str:
        """Returns the id of a blob with this content, written if it was not there.

        Raises:
            GitError: git can't write it.
        """
        return self._writers["blob"].write(data)

    def tree_of(self, commit: str) -> str:
        """Returns the tree id of a commit.

        Raises:
            GitError: there is no such commit.
        """
        found = self._look_up(f"{commit}^{{tree}}")
        if found is None:
            raise self._git.failure(("cat-file",), f"finds no commit `{commit}`")
        return found

    def has(self, object_id: str) -> bool:
        """Returns whether an object of that id is there."""
        return self._look_up(object_id) is not None

    def commit(self, tree: str, parents: Sequence[str], message: str, author: str = "") -> str:
        """Returns the id of a commit that is written, but that no ref names.

        The author is the committer unless given, as in `Commit.author`. Tree and parents are not
        looked up.

        Raises:
            GitError: git can't write it, or an id is malformed.
        """
        instant = self._clock()
        committer = self._committer()
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines.append(f"author {author or committer.line(instant)}")
        lines.append(f"committer {committer.line(instant)}")
        lines += ["", message.replace("\0", "").rstrip("\n"), ""]
        return self._writers["commit"].write("\n".join(lines).encode(errors="replace"))

    def merge_trees(self, ours: str, theirs: str) -> MergedTree | Conflicted:
        """Merges two commits as `git merge` would and returns the tree or the conflicts.

        Raises:
            GitError: one of them is no commit, or they have no common history.
        """
        return self._merger.merge(ours, theirs)

    def merge_by(self, commit: str) -> None:
        """Says whose `.gitattributes` hold in merges from now on, whatever lies in the checkout."""
        self._merger.follow(commit)

    def merge_from(self, base: str, ours: str, theirs: str) -> MergedTree | Conflicted:
        """Merges two trees relative to a third one, which says what of them is new.

        git 2.39 can't be told the base, so it is given three commits whose history says the same.

        Raises:
            GitError: one of them is no tree.
        """
        if base == ours or theirs in (base, ours):
            return MergedTree(theirs if base == ours else ours)
        root = self.commit(base, (), "the base")
        mine, other = (self.commit(tree, (root,), "a side") for tree in (ours, theirs))
        return self.merge_trees(mine, other)

    def first_parents(self, tip: str, stop: str | None = None) -> tuple[Commit, ...]:
        """Returns the commits along the first parents of `tip`, newest first.

        Ends before the first one that is `stop` or an ancestor of it; without `stop`, at the root.

        Raises:
            GitError: there is no such commit.
        """
        revisions = [tip] if stop is None else [tip, f"^{stop}"]
        log = self._git.run(
            *("log", "-z", "--first-parent", "--no-patch", "--no-show-signature", "--no-color"),
            *("--encoding=UTF-8", "--date=raw", f"--format=tformat:{_FORMAT}"),
            *("--end-of-options", *revisions, "--"),
        )
        commits = []
        for record in log.out.split(b"\0")[:-1]:
            fields = record.decode(errors="replace").split("\n", 8)
            name, tree, parents, by, instant, *author, message = fields
            wrote = f"{Identity(*author[:2])} {author[2]}"
            ids, when = tuple(parents.split()), float(instant or 0)
            commits.append(Commit(name, tree, ids, message.rstrip("\n"), by, when, wrote))
        return tuple(commits)

    def changed(self, before: str, after: str) -> tuple[Change, ...]:
        """Returns the paths that differ between two commits or trees; a rename is two changes.

        Raises:
            GitError: one of them is not there.
        """
        return self._differ.changed(self.tree_of(before), self.tree_of(after))

    def patch(self, before: str, after: str) -> bytes:
        """Returns the differences between two commits or trees as a patch.

        Raises:
            GitError: one of them is not there.
        """
        words = ("diff-tree", "-p", "--no-color", "--no-ext-diff", "--no-textconv")
        return self._git.run(*words, "--end-of-options", before, after, "--").out

    def with_files(self, tree: str, source: str, paths: Iterable[str]) -> str:
        """Returns a tree in which these paths are as another tree or commit has them.

        What that one does not have is taken out.

        Raises:
            GitError: one of them is not there.
        """
        theirs = self.contents_of(source)
        gone = f"0 {'0' * len(tree)}"
        entries = b"".join(
            f"{theirs.get(path, gone).replace(' blob ', ' ').replace(' commit ', ' ')}\t".encode()
            + os.fsencode(path)
            + b"\0"
            for path in paths
        )
        with tempfile.TemporaryDirectory(prefix="parallel-orchestra-") as place:
            environ = {**self._git.environ, "GIT_INDEX_FILE": os.path.join(place, "index")}
            git = replace(self._git, environ=environ)
            git.run("read-tree", tree)
            if entries:
                git.run("update-index", "-z", "--replace", "--index-info", given=entries)
            return git.run("write-tree").line

    def diff(self, before: str, after: str, limit: int) -> str:
        """Returns how two commits or trees differ, as a patch; at most `limit` bytes of it.

        Empty as well if one of them is not there.
        """
        child = self._git.start(
            *("diff-tree", "-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv"),
            *("--no-color", "--end-of-options", before, after, "--"),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert child.stdout is not None  # noqa: S101  # it was asked for
            return child.stdout.read(limit).decode("utf-8", "replace")
        finally:
            end(child)

    def files(self, commit: str, below: str = "") -> tuple[str, ...]:
        """Returns the paths of all files of a commit; of those below a directory, counted from it.

        Raises:
            GitError: there is no such commit.
        """
        place = f"{commit}:{below}" if below else commit
        words = ("ls-tree", "-r", "-z", "--name-only", "--full-tree", place)
        listed = self._git.run(*words, ok=(0, 128) if below else (0,))
        # a directory that the commit does not have has no files
        return tuple(listed.fields) if listed.code == 0 else ()

    def touched(self, base: str, head: str) -> frozenset[str]:
        """Returns the paths that any commit of `head` which `base` does not contain changes.

        Raises:
            GitError: one of them is not there.
        """
        words = ("log", "-z", "--format=", "--name-only", "--no-renames", "-m", "--end-of-options")
        return frozenset(filter(None, self._git.run(*words, f"{base}..{head}", "--").fields))

    def contents_of(self, commit: str) -> Mapping[str, str]:
        """Returns the mode and id of each file of a commit or tree, by path.

        Raises:
            GitError: it is not there.
        """
        listed = self._git.run("ls-tree", "-r", "-z", "--full-tree", commit).fields
        pairs = (entry.partition("\t") for entry in listed)
        return {path: facts for facts, _, path in pairs}

    def text(self, tree: str, path: str) -> str | None:
        """Returns the text of a file of a tree or commit; None if there is no file of that path."""
        asked = self._git.run("cat-file", "blob", f"{tree}:{path}", ok=(0, 128))
        return asked.out.decode("utf-8", "surrogateescape") if asked.code == 0 else None

    def close(self) -> None:
        """Ends the helpers; they start again when needed."""
        self._reader.close()
        self._merger.close()
        self._differ.close()
        for writer in self._writers.values():
            writer.close()

    def _look_up(self, name: str) -> str | None:
        with self._reader.talk() as reader:
            reader.send(name.encode() + b"\n")
            answer = reader.until(b"\n").decode()
        return None if " " in answer else answer


class _Writer:
    """Writes objects of one kind through a git process that stays.

    `hash-object` takes file names only. The one we give it is an unlinked file that it
    inherited, which we fill anew for each object: nothing is left behind if we are killed.
    """

    def __init__(self, git: Git, kind: str) -> None:
        self._git = git
        self._kind = kind
        self._turn = threading.Lock()
        self._helper: Helper | None = None
        self._file: IO[bytes] | None = None

    def write(self, data: bytes) -> str:
        with self._turn:
            if self._helper is None or self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `close`)
                number = self._file.fileno()
                arguments = ("hash-object", "-t", self._kind, "-w", "--no-filters", "--stdin-paths")
                self._helper = Helper(self._git, *arguments, inherit=(number,))
            self._fill(self._file.fileno(), data)
            with self._helper.talk() as helper:
                helper.send(f"/dev/fd/{self._file.fileno()}\n".encode())
                return helper.until(b"\n").decode()

    def close(self) -> None:
        with self._turn:
            if self._helper is not None:
                self._helper.close()
            if self._file is not None:
                self._file.close()
            self._helper = self._file = None

    def _fill(self, number: int, data: bytes) -> None:
        try:
            os.ftruncate(number, 0)
            written = 0
            while written < len(data):
                written += os.pwrite(number, data[written:], written)
            os.lseek(number, 0, os.SEEK_SET)
        except OSError as error:
            how = f"can't write {len(data)} bytes: {error.strerror}"
            raise self._git.failure(("hash-object",), how) from error
