"""One linked work tree: checked out, staged, cleaned, put right.

An agent works in one with full rights, so nothing in it is believed: its repository is named
on every call and never discovered through the `.git` file, and before reuse the index is put
back to the one that we wrote (an agent may have marked files as unchanged in its own).
"""

import os
import re
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.errors import GitError
from parallel_orchestra.files import regain
from parallel_orchestra.git import leftovers
from parallel_orchestra.git.call import Git
from parallel_orchestra.git.repo import Repo

#: What git takes for a HEAD; with anything else it does not see a repository at all.
_HEAD = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|ref: refs/\S+")
_NO_COMMIT = re.compile(r"'(?P<path>.+?)/?' does not have a commit checked out")

#: A pooled tree's HEAD is made anew for each task: it need not survive a power cut, and a log
#: of it would only keep garbage alive. (`committed` has refs in it, whatever is taken out besides.)
POOLED = ("core.fsync=objects,-reference", "core.logAllRefUpdates=false", "index.sparse=false")

#: Above so many paths git takes long to match each with all that is staged.
_MANY = 200


class EmbeddedRepository(GitError):
    """The work tree holds a repository without commits, which git can't stage; `path` says where."""

    path = ""


class WorkTree:
    """One linked work tree, for one thread at a time."""

    def __init__(self, repo: Repo, path: Path, git_dir: Path) -> None:
        self.path = path
        self.git_dir = git_dir
        self._repo = repo
        # The `commondir` file lies where an agent can write.
        environ = {**repo.environ, "GIT_COMMON_DIR": str(repo.common_dir)}
        # An agent may have given the tree another shape (`git sparse-checkout`).
        settings = (*POOLED, *repo.shape())
        self._git = Git(environ, path, git_dir, path, settings=settings, mutex=repo.mutex)
        self._shape = repo.git_dir / "info" / "sparse-checkout"
        self._index = git_dir / "index"
        self._pristine = git_dir / "orchestra-index"

    def head(self) -> str | None:
        """Returns the commit that HEAD stands for, or None on a branch without commits."""
        with suppress(OSError, UnicodeDecodeError):
            content = (self.git_dir / "HEAD").read_text().strip()
            if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", content):
                return content
        found = self._git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))
        return found.line if found.code == 0 else None

    def resolve(self, revision: str) -> str | None:
        """Returns the commit id that a name stands for here, or None."""
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        found = self._git.run(*asked, ok=(0, 1, 128))
        return found.line if found.code == 0 else None

    def checkout(self, commit: str) -> None:
        """Makes all tracked files those of a commit, detached; local changes are thrown away.

        Where the user's own checkout is sparse, so is this one. Only for a tree that nobody
        works in: locks left in it are removed. Untracked files stay (see `clean`).

        Raises:
            GitError: there is no such commit, or files can't be written.
        """
        self._reset_index()
        leftovers.forget_half_done(self.git_dir)
        leftovers.reset_settings(self.git_dir)
        self._copy_shape()
        words = ("checkout", "--quiet", "--detach", "--force", "--no-recurse-submodules", commit)
        try:
            self._git.run(*words, "--")
        except GitError:
            # A damaged index, or directories an agent made read-only.
            self._index.unlink(missing_ok=True)
            regain(self.path)
            self._git.run(*words, "--")
        self._keep_index()

    def clean(self, spare: Sequence[str] = ()) -> None:
        """Removes all that is not tracked: ignored files, embedded repositories, content of submodules.

        What fits one of the patterns to `spare`, as in a .gitignore, stays.

        Raises:
            GitError: something can't be removed.
        """
        words = ("clean", "-ffdxq", *(f"--exclude={pattern}" for pattern in spare))
        try:
            self._git.run(*words)
        except GitError:
            # Package caches are read-only directories.
            regain(self.path)
            self._git.run(*words)
        for path in self.filled_submodules():
            # Git takes what lies in a submodule for none of its business.
            regain(self.path / path)
            shutil.rmtree(self.path / path)
            (self.path / path).mkdir()

    def has_sound_index(self) -> bool:
        """Returns whether git can read the index."""
        return self._git.run("ls-files", "-z", "--", ":(top).git", ok=range(256)).code == 0

    def untracked(self, spare: Sequence[str] = ()) -> list[str]:
        """Returns all files that are not tracked, ignored ones too; see `clean` for `spare`."""
        words = ("ls-files", "--others", "-z", *(f"--exclude={pattern}" for pattern in spare))
        return self._git.run(*words).fields

    def filled_submodules(self) -> tuple[str, ...]:
        """Returns the submodules that are no empty directory; `clean` makes all of them empty."""
        if not os.path.lexists(self.path / ".gitmodules"):
            return ()
        listed = self._git.run("ls-files", "--stage", "-z").fields
        links = (entry.partition("\t")[2] for entry in listed if entry.startswith("160000 "))
        return tuple(path for path in links if _filled(self.path / path))

    def worked_in(self) -> tuple[str, ...]:
        """Returns the submodules with files, or commits, that nobody else has; call after staging."""
        filled = self.filled_submodules()
        if not filled:
            return ()
        words = ("diff-files", "--name-only", "-z", "--ignore-submodules=none")
        changed = set(self._git.run(*words).fields)
        return tuple(path for path in filled if path in changed or not self._published(path))

    def stage_all(
        self, exclude: Sequence[str] = (), *, base: str = "HEAD", abandoned: bool = False
    ) -> str:
        """Stages all changes (ignored files aside) and returns the id of the tree.

        `exclude` are paths, relative to the tree, that stay as they are in `base`, also if the
        agent staged or committed them. `abandoned` says that nobody works in the tree any
        more: what makes git fail there (locks, a damaged index, missing rights) is put right.

        Raises:
            EmbeddedRepository: there is a repository without commits in it.
            GitError: something can't be read or written.
        """
        if abandoned:
            self._remove_locks()
            leftovers.reset_settings(self.git_dir)
        # Files outside of a sparse checkout that are there all the same are work as well.
        words = ("add", "--all", "--sparse", "--", ":(top)")
        try:
            self._git.run(*words)
        except GitError as error:
            refusal = _explained(error)
            if isinstance(refusal, EmbeddedRepository) or not abandoned:
                raise refusal from error
            self._renew_index(base)
            regain(self.path)
            self._stage_again(words)
        if len(exclude) > _MANY:
            exclude = self._of_index_or(base, exclude)
        if exclude:
            given = b"".join(os.fsencode(f":(top,literal){path}") + b"\0" for path in exclude)
            again = ("reset", "--quiet", "--no-refresh", "--pathspec-from-file=-")
            self._git.run(*again, "--pathspec-file-nul", base, given=given)
        return self._git.run("write-tree").line

    def snapshot(self, exclude: Sequence[str] = (), *, base: str) -> str:
        """Returns what `stage_all` would, and leaves what is staged as it is.

        Raises:
            GitError: something can't be read or written.
        """
        copy = self.git_dir / "orchestra-snapshot"
        shutil.copyfile(self._index, copy)
        twin = WorkTree(self._repo, self.path, self.git_dir)
        twin._git = replace(self._git, environ={**self._git.environ, "GIT_INDEX_FILE": str(copy)})
        try:
            return twin.stage_all(exclude, base=base)
        finally:
            copy.unlink(missing_ok=True)

    def uncover(self, path: str) -> None:
        """Makes an embedded repository a plain directory, its history a part of the content.

        Its `.git` is renamed to `.git.embedded-N`: git stages files below a `.git` of their
        own only as a link to a commit, which nobody else has.
        """
        inner = self.path / path / ".git"
        if os.path.lexists(inner):
            _put_aside(inner, "embedded")
        self._git.run("rm", "--cached", "--quiet", "--force", "--ignore-unmatch", "--", path)

    def mend(self, commit: str) -> None:
        """Puts HEAD at `commit` if what an agent left there keeps git from working."""
        head = self.git_dir / "HEAD"
        try:
            content = head.read_text().strip()
        except (OSError, UnicodeDecodeError):
            content = ""
        if not _HEAD.fullmatch(content):
            self._remove_locks()
            head.unlink(missing_ok=True)
            head.write_text(f"{commit}\n")

    def unresolved(self) -> tuple[str, ...]:
        """Returns the files in which a merge left conflict markers that nobody took out."""
        if not leftovers.is_half_done(self.git_dir):
            return ()
        unmerged = self._git.run("ls-files", "--unmerged", "-z", ok=(0, 128)).fields
        paths = dict.fromkeys(field.partition("\t")[2] for field in unmerged)
        return tuple(path for path in paths if leftovers.has_markers(self.path / path))

    def unlink(self) -> str:
        """Removes a symbolic link that was put in the place of the tree; returns where it led.

        Followed, it would have us work on somebody else's files, the user's checkout, say.
        Returns an empty string if there is none.
        """
        led = ""
        for place in (self.path, self.git_dir):
            if place.is_symlink():
                led = os.readlink(place)
                place.unlink()
        return led

    def dirty(self) -> bool:
        """Returns whether anything differs from HEAD; ignored files do not count."""
        return bool(self._git.run("status", "--porcelain=v1", "-z", "--no-renames").out)

    def restore(self) -> bool:
        """Puts the `.git` file right if it was removed or replaced; returns whether it was.

        Whatever stood there is renamed to `.git.replaced-N`, not deleted.
        """
        link = self.path / ".git"
        wanted = os.fsencode(f"gitdir: {self.git_dir}\n")
        with suppress(OSError):
            if stat.S_ISREG(os.lstat(link).st_mode) and link.read_bytes() == wanted:
                return False
        if os.path.lexists(link):
            _put_aside(link, "replaced")
        self.path.mkdir(parents=True, exist_ok=True)
        link.write_bytes(wanted)
        return True

    def _published(self, path: str) -> bool:
        if not os.path.lexists(self.path / path / ".git"):
            return False
        git = Git(self._repo.environ, self.path / path)
        words = ("for-each-ref", "--count=1", "--contains=HEAD", "refs/remotes", "refs/tags")
        return bool(git.run(*words, ok=range(256)).out)

    def _stage_again(self, words: Sequence[str]) -> None:
        try:
            self._git.run(*words)
        except GitError as error:
            raise _explained(error) from error

    def _of_index_or(self, base: str, paths: Sequence[str]) -> list[str]:
        """Returns those of the paths that are staged or in `base`: most are ignored anyway."""
        known = set(self._git.run("ls-files", "-z").fields)
        known.update(self._git.run("ls-tree", "-r", "-z", "--name-only", base).fields)
        return [path for path in paths if path in known]

    def _remove_locks(self) -> None:
        for name in ("index.lock", "HEAD.lock"):
            (self.git_dir / name).unlink(missing_ok=True)

    def _reset_index(self) -> None:
        self._remove_locks()
        # Two links of one index: git only ever replaces the file, it never writes into it,
        # so ours stays as it was, with its time stamp, whatever was done to the other.
        with suppress(OSError):
            self._index.unlink(missing_ok=True)
            os.link(self._pristine, self._index)

    def _renew_index(self, base: str) -> None:
        """Puts an index that is known to be sound in the place of a damaged one."""
        self._reset_index()
        if self._git.run("ls-files", "--error-unmatch", ":(top)", ok=range(256)).code == 0:
            return
        self._index.unlink(missing_ok=True)
        self._git.run("read-tree", base)
        if self._shape.exists() and self._repo.shape():
            # To `read-tree` files outside the shape are missing, as if they had been deleted.
            self._copy_shape()
            self._git.run("sparse-checkout", "reapply")

    def _copy_shape(self) -> None:
        if self._shape.is_file():
            own = self.git_dir / "info" / "sparse-checkout"
            own.parent.mkdir(exist_ok=True)
            own.unlink(missing_ok=True)
            shutil.copyfile(self._shape, own)

    def _keep_index(self) -> None:
        with suppress(OSError):
            self._pristine.unlink(missing_ok=True)
            os.link(self._index, self._pristine)


def _filled(directory: Path) -> bool:
    return directory.is_dir() and any(directory.iterdir())


def _put_aside(link: Path, why: str) -> None:
    number = 1
    while os.path.lexists(aside := link.with_name(f".git.{why}-{number}")):
        number += 1
    link.rename(aside)


def _explained(error: GitError) -> GitError:
    named = _NO_COMMIT.search(error.problems[0].hint)
    if named is None:
        return error
    embedded = EmbeddedRepository(*error.problems)
    embedded.path = named["path"]
    return embedded
