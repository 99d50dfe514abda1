"""A repository of its own for who works in a work tree: it borrows our objects and shares no ref.

What is done there to refs, configuration and hooks stays there; its commits come back by `bring`.
Of its configuration nothing is read that could run a program: objects are copied by their ids,
and git checks each of them on the way in.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.git.call import Git
from parallel_orchestra.git.repo import Repo
from parallel_orchestra.git.worktree import WorkTree

#: The refs that are there to look at.
_SHOWN = ("refs/heads", "refs/tags", "refs/remotes")


def lend(repo: Repo, tree: WorkTree, commit: str) -> None:
    """Gives a work tree a repository of its own in `.git`, with HEAD detached at a commit.

    The branches, tags and remote branches of ours are there to look at. It has no remote.

    Raises:
        GitError: git failed.
        OSError: the disk is full, say.
    """
    inner = tree.path / ".git"
    inner.unlink()
    words = ("init", "--quiet", "--template=", f"--object-format={repo.object_format}")
    environ = {**repo.environ, "GIT_DEFAULT_REF_FORMAT": "files"}
    Git(environ, tree.path).run(*words, "--", str(tree.path))
    (inner / "objects" / "info").mkdir(parents=True, exist_ok=True)
    alternates = os.fsencode(repo.common_dir / "objects") + b"\n"
    (inner / "objects" / "info" / "alternates").write_bytes(alternates)
    shown = repo.git.run("for-each-ref", "--format=%(objectname) %(refname)", *_SHOWN).out
    (inner / "packed-refs").write_bytes(b"# pack-refs with: sorted \n" + shown)
    (inner / "HEAD").write_text(f"{commit}\n")
    shutil.copyfile(tree.git_dir / "index", inner / "index")
    git = Git(repo.environ, tree.path, inner, tree.path)
    who = repo.committer()
    settings = [f"user.name={who.name}", f"user.email={who.email}", *repo.shape()]
    # Also where there is no store yet: one in here would go with the lent repository.
    settings.append(f"lfs.storage={_lfs_store(repo)}")
    for setting in settings:
        key, _, value = setting.partition("=")
        git.run("config", "--local", key, value)
    shape = tree.git_dir / "info" / "sparse-checkout"
    if shape.is_file():
        (inner / "info").mkdir(exist_ok=True)
        shutil.copyfile(shape, inner / "info" / "sparse-checkout")


def _lfs_store(repo: Repo) -> Path:
    """Returns where the large files of a repository lie (git-lfs-config(5))."""
    named = repo.git.run("config", "--get", "lfs.storage", ok=(0, 1)).line
    return repo.common_dir / (named or "lfs")


def is_lent(tree: WorkTree) -> bool:
    """Returns whether a repository, and no link to ours, lies in a work tree's `.git`."""
    try:
        return stat.S_ISDIR(os.lstat(tree.path / ".git").st_mode)
    except OSError:
        return False


def bring(repo: Repo, tree: WorkTree) -> tuple[str, ...]:
    """Brings all commits of a lent repository into ours, and returns those that no ref has yet.

    Its HEAD, if it has one, becomes that of the work tree; the lent repository is removed.

    Raises:
        GitError: it can't be read; nothing was removed.
    """
    inner = tree.path / ".git"
    theirs = Git(repo.environ, tree.path, inner)
    head = theirs.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))
    listed = theirs.run("for-each-ref", "--format=%(objectname)", "refs/heads", "refs/stash")
    tips = tuple(dict.fromkeys([*([head.line] if head.code == 0 else []), *listed.line.split()]))
    fresh = tuple(tip for tip in tips if not repo.objects.has(tip))
    if fresh:
        _copy(repo, inner, fresh)
    if head.code == 0:
        (tree.git_dir / "HEAD").write_text(f"{head.line}\n")
    shutil.rmtree(inner)
    return fresh


def _copy(repo: Repo, inner: Path, tips: Sequence[str]) -> None:
    """Copies what is reachable from these commits and not there yet into our object store."""
    environ = {**repo.environ, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(inner / "objects")}
    both = replace(repo.git, environ=environ)
    ours = set(repo.git.run("for-each-ref", "--format=%(objectname)").line.split())
    wanted = "".join(f"{tip}\n" for tip in (*tips, *(f"^{one}" for one in ours)))
    with tempfile.TemporaryDirectory() as folder:
        words = ("pack-objects", "--quiet", "--revs", str(Path(folder) / "pack"))
        both.run(*words, given=wanted.encode())
        for pack in Path(folder).glob("*.pack"):
            with pack.open("rb") as stream:
                _unpack(repo, stream.fileno())


def _unpack(repo: Repo, pack: int) -> None:
    words = ("index-pack", "--stdin", "--strict")
    child = repo.git.start(*words, stdin=pack)
    _, said = child.communicate(timeout=repo.git.limit)
    if child.returncode != 0:
        how = f"failed with exit code {child.returncode}"
        raise repo.git.failure(words, how, said.decode("utf-8", "replace"))
