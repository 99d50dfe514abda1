"""What an agent leaves in the git directory of its worktree, and what must not outlive its attempt."""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

#: What lies there while something is half done (git-worktree(1), gitrepository-layout(5)).
_HALF_DONE = (
    *("MERGE_HEAD", "MERGE_MODE", "MERGE_MSG", "MERGE_RR", "AUTO_MERGE", "SQUASH_MSG"),
    *("CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "BISECT_LOG", "BISECT_START"),
    *("BISECT_TERMS", "BISECT_NAMES", "BISECT_EXPECTED_REV", "BISECT_ANCESTORS_OK"),
    *("rebase-merge", "rebase-apply", "sequencer", "refs"),
)
#: What `git sparse-checkout` and `git config --worktree` write.
_SETTINGS = ("config.worktree", "info/sparse-checkout")
_MARKER = re.compile(rb"^<<<<<<< .*^>>>>>>> ", re.MULTILINE | re.DOTALL)


def is_half_done(git_dir: Path) -> bool:
    """Returns whether a merge, a rebase or the like was begun there and not ended."""
    return any(os.path.lexists(git_dir / name) for name in _HALF_DONE)


def forget_half_done(git_dir: Path) -> None:
    """Takes away all signs of something half done; the files of the tree stay as they are."""
    for name in _HALF_DONE:
        path = git_dir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def keep_settings(git_dir: Path) -> None:
    """Notes the settings that git gave a new tree (those of the user's own, if sparse)."""
    for name in _SETTINGS:
        with suppress(FileNotFoundError):
            shutil.copyfile(git_dir / name, _kept(git_dir, name))


def reset_settings(git_dir: Path) -> None:
    """Puts the settings that hold for this tree only back to the noted ones."""
    for name in _SETTINGS:
        path, kept = git_dir / name, _kept(git_dir, name)
        path.unlink(missing_ok=True)
        if kept.is_file():
            path.parent.mkdir(exist_ok=True)
            shutil.copyfile(kept, path)


def has_markers(path: Path) -> bool:
    """Returns whether a file has conflict markers; a link or a missing file has none."""
    try:
        return not path.is_symlink() and bool(_MARKER.search(path.read_bytes()))
    except OSError:
        return False


def _kept(git_dir: Path, name: str) -> Path:
    return git_dir / f"orchestra-{Path(name).name}"
