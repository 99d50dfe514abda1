"""One repository: what is known of it, and the few acts that touch the user's own branches.

The user's checkout is the user's: here it is looked at, and fast-forwarded by git when git
itself allows it; nothing else.
"""

import os
import re
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.call import Git, clean_environment
from parallel_orchestra.git.helper import name_reader
from parallel_orchestra.git.mutex import DEFAULT_WAIT, Mutex
from parallel_orchestra.git.objects import Identity, Objects
from parallel_orchestra.git.refs import Refs

#: Who commits when the user's configuration does not say.
FALLBACK_IDENTITY = Identity("parallel-orchestra", "parallel-orchestra@localhost")

_OLDEST = (2, 39)

#: Seconds that a `git gc` of somebody else's may take.
_GC_LIMIT = 60.0

#: What lies in a git directory while something is under way (git's wt-status.c), in its order.
_UNDER_WAY = (
    ("MERGE_HEAD", "merge"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("rebase-merge", "rebase"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)

#: `rev-parse` repeats options that it does not know: a border that no path looks like.
_BORDER = "--orchestra-border"


@frozen
class Head:
    """What is checked out: `branch` is None if detached, `commit` is None if there is none yet."""

    branch: str | None
    commit: str | None


class Repo:
    """A git repository with a work tree. Usable from several threads; `close` ends its helpers.

    `top` is the work tree's root, `git_dir` the git directory of that work tree, `common_dir`
    the one shared by all work trees, `object_format` `sha1` or `sha256`.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        top: Path,
        git_dir: Path,
        common_dir: Path,
        object_format: str,
    ) -> None:
        self.environ = environ
        self.top = top
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.object_format = object_format
        self.mutex = Mutex(common_dir / "orchestra.lock")
        #: Runs git on the shared repository, without any work tree.
        self.git = Git(environ, common_dir, common_dir, mutex=self.mutex)
        self._user = Git(environ, top, git_dir, top, mutex=self.mutex)
        self._committer: Identity | None = None
        self._shape: tuple[str, ...] | None = None
        self._asking = threading.Lock()
        zeros = "0" * (64 if object_format == "sha256" else 40)
        names = name_reader(self.git)
        self.refs = Refs(self.git, common_dir, zeros, names)
        self.objects = Objects(self.git, self.committer, checkout=self._user, reader=names)

    @classmethod
    def discover(cls, path: Path, environ: Mapping[str, str]) -> "Repo":
        """Returns the repository whose work tree `path` lies in.

        Raises:
            EnvironmentProblem: there is none, it is bare, or git is missing or too old.
        """
        git = Git(clean_environment(environ), path)
        _check_version(git)
        asked = git.run(
            *("rev-parse", "--is-bare-repository", _BORDER, "--is-inside-work-tree", _BORDER),
            *("--show-object-format", _BORDER, "--absolute-git-dir", _BORDER, "--git-common-dir"),
            # last: where there is no work tree, git fails at it
            *(_BORDER, "--show-toplevel"),
            ok=(0, 128),
        )
        facts = asked.line.split(f"\n{_BORDER}\n")
        if facts[1:2] == ["false"]:
            raise _without_work_tree(path, bare=facts[0] == "true")
        if asked.code != 0 or len(facts) != 6:
            raise _not_usable(path, asked.err)
        _, _, object_format, git_dir, common, top = facts
        return cls(
            git.environ,
            top=Path(top),
            git_dir=Path(git_dir),
            common_dir=(path / common).resolve(),
            object_format=object_format,
        )

    def close(self) -> None:
        """Ends the helper processes and closes the lock file; both come back when needed."""
        self.refs.close()
        self.objects.close()
        self.mutex.close()

    def lock(self, wait: float = DEFAULT_WAIT) -> AbstractContextManager[None]:
        """Holds the repository's mutex against all threads and processes (see `mutex`).

        Raises:
            EnvironmentProblem: it was not free within `wait` seconds.
        """
        return self.mutex.held(wait)

    def at(self, checkout: Path) -> Git:
        """Returns the git that works in a checkout: the user's, or a linked one of the user's."""
        if checkout == self.top:
            return self._user
        return Git(self.environ, checkout, mutex=self.mutex)

    def head(self) -> Head:
        """Returns what the user has checked out."""
        return head_of(self._user)

    def under_way(self) -> str | None:
        """Returns what the user is in the middle of (`merge`, `rebase` …), or None."""
        for name, act in _UNDER_WAY:
            if (self.git_dir / name).exists():
                return act
        return None

    def identity(self) -> Identity | None:
        """Returns who the user is by git's configuration, or None; nothing is guessed."""
        found = self._user.run("config", "-z", "--get-regexp", r"^user\.(name|email)$", ok=(0, 1))
        # A key without a value has no line break; the last of several values holds.
        facts = {key: value.strip() for key, _, value in (f.partition("\n") for f in found.fields)}
        name, email = facts.get("user.name"), facts.get("user.email")
        return Identity(name, email) if name and email else None

    def committer(self) -> Identity:
        """Returns who commits: the user as first asked, else `FALLBACK_IDENTITY`."""
        with self._asking:
            if self._committer is None:
                self._committer = self.identity() or FALLBACK_IDENTITY
            return self._committer

    def shape(self) -> tuple[str, ...]:
        """Returns the settings by which the user's checkout was sparse when first asked, or ()."""
        if self._shape is None:
            asked = self._user.run(
                *("config", "-z", "--type=bool", "--get-regexp", r"^core\.sparsecheckout(cone)?$"),
                ok=(0, 1),
            )
            # git tells names in small letters, and of several values the last one holds
            found = dict(fact.split("\n", 1) for fact in asked.fields)
            cone = found.get("core.sparsecheckoutcone", "false")
            settings = ("core.sparseCheckout=true", f"core.sparseCheckoutCone={cone}")
            self._shape = settings if found.get("core.sparsecheckout") == "true" else ()
        return self._shape

    def dirty(self, *, ignored: bool = False) -> tuple[str, ...]:
        """Returns the paths of the user's checkout that are changed, staged or untracked.

        With `ignored` those too that git ignores; a directory that it ignores as a whole ends
        in `/`.
        """
        more = ("--ignored=matching",) if ignored else ()
        status = self._user.run(
            "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", *more
        )
        return tuple(entry[3:] for entry in status.fields)

    def ignored_that_fit(self, patterns: Path) -> tuple[str, ...]:
        """Returns the ignored files of the user's checkout that fit a file of gitignore patterns.

        Paths are relative to the checkout, files inside of other repositories are not among them.
        """
        words = ("ls-files", "--others", "--ignored", f"--exclude-from={patterns}", "-z")
        found = [path for path in self._user.run(*words).fields if not path.endswith("/")]
        if not found:
            return ()
        given = b"".join(os.fsencode(path) + b"\0" for path in found)
        asked = self._user.run("check-ignore", "--stdin", "-z", given=given, ok=(0, 1))
        return tuple(asked.fields)

    def wait_for_gc(self) -> bool:
        """Waits for a `git gc` that somebody runs; returns whether there was one.

        With `--prune` it removes what no ref names yet, also what was written while it looked.
        One that was killed is waited for no longer than others may be.
        """
        path = self.common_dir / "gc.pid"
        deadline = time.monotonic() + _GC_LIMIT
        seen = False
        while path.exists() and time.monotonic() < deadline:
            seen = True
            time.sleep(0.05)
        return seen

    def changed_files(self) -> frozenset[tuple[str, int, int]]:
        """Returns what `dirty` does, with time and size of each file, to be compared later.

        Ignored files too, a `.env` say; of ignored directories only that they are there.
        """
        found = set()
        for path in self.dirty(ignored=True):
            known = (path, 0, 0)
            if not path.endswith("/"):
                with suppress(OSError):
                    facts = os.lstat(self.top / path)
                    known = (path, facts.st_mtime_ns, facts.st_size)
            found.add(known)
        return frozenset(found)

    def resolve(self, revision: str) -> str | None:
        """Returns the commit id that a name stands for in the user's checkout, or None."""
        return _resolve(self._user, revision)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Returns whether `newer` contains the commit `older`; every one contains itself.

        Raises:
            GitError: one of two that differ is no commit.
        """
        if older == newer:
            return True
        return self.git.run("merge-base", "--is-ancestor", older, newer, ok=(0, 1)).code == 0

    def merge_base(self, one: str, other: str) -> str | None:
        """Returns the newest commit that both contain, or None if they have no common history.

        Two equal names are taken for a commit's, and returned.

        Raises:
            GitError: one of two that differ is no commit.
        """
        if one == other:
            return one
        found = self.git.run("merge-base", one, other, ok=(0, 1))
        return found.line if found.code == 0 else None

    def linked(self) -> tuple[Path, ...]:
        """Returns git's own directory of each linked work tree, in whatever state that is; sorted.

        Raises:
            OSError: they can't be listed, which is no sign that one of them is gone.
        """
        place = self.common_dir / "worktrees"
        try:
            return tuple(place / name for name in sorted(os.listdir(place)))
        except FileNotFoundError:
            return ()


def head_of(git: Git) -> Head:
    """Returns what is checked out where a git runs."""
    asked = git.run("rev-parse", "HEAD^{commit}", "--symbolic-full-name", "HEAD", ok=(0, 128))
    found = asked.line.splitlines()
    if asked.code == 0 and len(found) == 2:
        commit, name = found
        return Head(name.removeprefix("refs/heads/") if name != "HEAD" else None, commit)
    # no commit yet, or a branch or tag that is called HEAD
    symbolic = git.run("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
    branch = symbolic.line.removeprefix("refs/heads/") if symbolic.code == 0 else None
    return Head(branch, _resolve(git, "HEAD"))


def _resolve(git: Git, revision: str) -> str | None:
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    found = git.run(*asked, ok=(0, 1, 128))
    return found.line if found.code == 0 else None


def _check_version(git: Git) -> None:
    said = git.run("version").line
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers is not None and (int(numbers[1]), int(numbers[2])) < _OLDEST:
        raise EnvironmentProblem(Problem(f"`{said}` is too old", hint="install git 2.39 or later"))


def _not_usable(path: Path, said: str) -> EnvironmentProblem:
    if "not a git repository" in said:
        return EnvironmentProblem(
            Problem("not a git repository", str(path), "run `git init` and make a first commit")
        )
    return EnvironmentProblem(Problem("git refuses this directory", str(path), said.strip()))


def _without_work_tree(path: Path, *, bare: bool) -> EnvironmentProblem:
    what = "a bare repository" if bare else "the inside of a git directory"
    return EnvironmentProblem(
        Problem(f"{what} has no files to work on", str(path), "run in a clone or a work tree")
    )
