"""What lies outside of the agents' worktrees, compared before and after: the branch and the refs.

An agent has the user's rights and may write anywhere. What it did cannot be told from what the
user did meanwhile, so this only says what changed, and how to have it back. For the files of the
checkout see `lookout`.
"""

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo

#: Refs that change while we work, or while somebody fetches.
_MOVING = (
    "refs/orchestra/",
    "refs/heads/orchestra/",
    "refs/heads/orchestra-kept/",
    "refs/remotes/",
)
_REPLACED = "refs/replace/"
#: Refs whose old value is lost when they are moved.
_FIXED = ("refs/tags/", "refs/stash")


@frozen
class Outside:
    """How it was at one moment: the branch of the checkout, the user's refs."""

    branch: str | None
    refs: dict[str, str]


def look_outside(repo: Repo) -> Outside:
    """Returns how the checkout's branch and the refs are at this moment.

    Raises:
        GitError: git can't tell.
    """
    refs = repo.refs.list("refs")
    own = {ref: value for ref, value in refs.items() if not ref.startswith(_MOVING)}
    return Outside(repo.head().branch, own)


def changes(before: Outside, after: Outside) -> tuple[str, ...]:
    """Returns a sentence for each kind of change; none for what a commit of the user's changes."""
    remarks = []
    if before.branch != after.branch:
        remarks.append(
            f"the checkout was switched from `{before.branch or 'no branch'}` to "
            f"`{after.branch or 'no branch'}` while the run went on"
        )
    for ref, value in before.refs.items():
        if ref not in after.refs:
            remarks.append(
                f"`{ref}` was deleted while the run went on; "
                f"`git update-ref {ref} {value}` brings it back"
            )
        elif ref.startswith(_FIXED) and after.refs[ref] != value:
            remarks.append(f"`{ref}` was moved while the run went on; it was {value}")
    remarks += [
        f"`{ref}` appeared while the run went on: git shows you another commit in the place of "
        f"that one; `git replace -d {ref.removeprefix(_REPLACED)}` takes it out"
        for ref in after.refs
        if ref.startswith(_REPLACED) and ref not in before.refs
    ]
    if "refs/stash" in after.refs and "refs/stash" not in before.refs:
        remarks.append("`refs/stash` appeared while the run went on: see `git stash list`")
    return tuple(remarks)
