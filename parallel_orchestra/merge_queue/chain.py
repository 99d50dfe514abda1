"""A chain of merges on top of each other, of which only the last state has to be checked.

Pure: how two states are joined is passed in. Who contradicts the branch itself goes back; who only
contradicts somebody before it in the chain waits, for that one may be found red and be gone.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from parallel_orchestra.frozen import frozen
from parallel_orchestra.merge_queue.outcome import Conflicted

K = TypeVar("K")


@frozen
class Joint:
    """A merge of one candidate: a commit that no ref names yet."""

    commit: str
    tree: str
    message: str


@frozen
class Link(Generic[K]):
    """One candidate's place in the chain."""

    key: K
    joint: Joint


@frozen
class Chain(Generic[K]):
    """The links in their order, who contradicts the branch, and who has to wait."""

    links: tuple[Link[K], ...]
    contradicted: tuple[tuple[K, Conflicted], ...] = ()
    postponed: tuple[K, ...] = ()

    @property
    def keys(self) -> tuple[K, ...]:
        """Those who have a place in it."""
        return tuple(link.key for link in self.links)

    @property
    def end(self) -> Joint:
        """The state with all of them; there must be one."""
        return self.links[-1].joint


def chained(
    tip: str, wanted: Iterable[K], join: Callable[[str, K], Joint | Conflicted]
) -> Chain[K]:
    """Returns the chain of all who can be merged one after the other, beginning at the tip."""
    links: list[Link[K]] = []
    contradicted: list[tuple[K, Conflicted]] = []
    postponed: list[K] = []
    for key in wanted:
        joint = join(links[-1].joint.commit if links else tip, key)
        if isinstance(joint, Joint):
            links.append(Link(key, joint))
            continue
        found = join(tip, key) if links else joint
        if isinstance(found, Conflicted):
            contradicted.append((key, found))
        else:
            postponed.append(key)
    return Chain(tuple(links), tuple(contradicted), tuple(postponed))
