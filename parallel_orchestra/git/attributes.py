"""A work tree that has no files but the `.gitattributes` of one commit, for git to merge by.

git (before 2.41) takes attributes from a work tree only. The user's own is none to rely on: what
agents made is delivered into it, and the user may switch branches meanwhile.
"""

import os
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.git.call import Git

_ATTRIBUTES = ".gitattributes"
#: Where git looks up submodules when both sides moved one.
_MODULES = ".gitmodules"


def lay_out(git: Git, commit: str, checkout: Path, place: Path) -> None:
    """Writes a commit's attributes into an empty directory; submodules lead into the checkout.

    Raises:
        GitError: the commit can't be read.
        OSError: the directory can't be written.
    """
    # Without one git would look for attributes elsewhere.
    (place / _ATTRIBUTES).touch()
    for entry in git.run("ls-tree", "-r", "-z", "--full-tree", commit).fields:
        facts, _, path = entry.partition("\t")
        mode, _, object_id = facts.split(" ")
        at = place / path
        if mode == "160000":
            at.parent.mkdir(parents=True, exist_ok=True)
            at.symlink_to(checkout / path)
        elif mode != "120000" and (at.name == _ATTRIBUTES or path == _MODULES):
            # One that is a symbolic link counts for nothing, see gitattributes(5).
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(git.run("cat-file", "blob", object_id).out)


def standing_in(git: Git, place: Path) -> Git:
    """Returns that git with another directory for its work tree."""
    return replace(git, cwd=place, work_tree=Path(os.path.realpath(place)))
