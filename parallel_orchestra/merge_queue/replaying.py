"""A task's own commits, copied one by one onto a state of the branch, without any checkout.

Each is a three-way merge of what it changed. What comes out is not on the branch yet, and its last
commit not written: that one gets our lines, and only with them does it count.
"""

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Conflicted, Repo
from parallel_orchestra.merge_queue.trailers import cleaned


@frozen
class Last:
    """The last commit of a replay: what it is to be on top of, its tree, its author's words.

    `onto` is the commit before it, or the state that the replay began from if there is none.
    """

    onto: str
    tree: str
    message: str
    author: str


def replayed(repo: Repo, tip: str, head: str) -> Last | Conflicted | None:
    """Returns the end of a line of copies on `tip`; or the first conflict on the way.

    Copied is what `head` has along its first parents: a merge of the agent's own is one commit.
    One that changes nothing any more is left out. None if there is no such line, as when somebody
    merged the branch itself into the work: that commit may hold what resolves a conflict, and is
    not to be parted from the others.

    Raises:
        GitError: git failed, or `head` is not there.
    """
    objects = repo.objects
    own = objects.first_parents(head, tip)
    if not own or repo.merge_base(tip, head) not in own[-1].parents[:1]:
        return None
    if len(own) == 1 and len(own[0].parents) > 1:
        # All of the work in one merge: what that says is how it came together, not what was done.
        return None
    onto, tree = tip, objects.tree_of(tip)
    before = objects.tree_of(own[-1].parents[0])
    for one in reversed(own):
        found = objects.merge_from(before, tree, one.tree)
        if isinstance(found, Conflicted):
            return found
        message = cleaned(one.message)
        if one is own[0]:
            return Last(onto, found.tree, message, one.author)
        if found.tree != tree or one.tree == before:
            same = one.parents == (onto,) and message == one.message
            parents = (onto,)
            onto = one.id if same else objects.commit(found.tree, parents, message, one.author)
        tree, before = found.tree, one.tree
    return None
