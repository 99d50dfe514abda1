"""The pool of worktrees: whose each one is, how large, set up as what, and whether it is sound."""

from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra.conductor.checkup.finding import Finding, Level
from parallel_orchestra.git import Repo, worktrees
from parallel_orchestra.isolation import PoolSlot, SlotState, slots_in
from parallel_orchestra.report.text import amount, counted


def pool(repo: Repo, root: Path) -> Iterator[Finding]:
    """Yields how many worktrees there are, if any, and each of them."""
    slots = slots_in(repo, root)
    if slots:
        size = amount(sum(slot.size_bytes for slot in slots))
        said = f"pool: {counted(len(slots), 'worktree')}, {size}, in {root}"
        yield Finding(Level.OK, said, str(root))
    resolved = root.resolve()
    for _, path in worktrees.known(repo):
        if path.resolve().is_relative_to(resolved) and not path.is_dir():
            said = f"git knows a worktree `{path.name}` whose directory is gone"
            yield Finding(Level.NOTE, said, str(path), "`parallel-orchestra clean --pool`")
    for slot in slots:
        # Who has one is not to be disturbed, and people come back to theirs.
        taken = slot.state in (SlotState.HELD, SlotState.BY_HAND)
        level = Level.OK if taken else Level.NOTE
        yield Finding(level, _told(slot), str(slot.left.path), reset_of(slot), slot=slot)


def reset_of(slot: PoolSlot) -> str:
    """Returns the command after which the next user gets a fresh one, empty if it is not free."""
    if slot.state in (SlotState.HELD, SlotState.BY_HAND):
        return ""
    return f"`parallel-orchestra clean --pool {slot.name}`"


def _told(slot: PoolSlot) -> str:
    told = [f"worktree `{slot.name}` {_whose(slot)}", amount(slot.size_bytes)]
    told.append(str(slot.set_up) or "not set up")
    if slot.state not in (SlotState.HELD, SlotState.UNKNOWN):
        told.append("; ".join(slot.faults) or "sound")
    return "; ".join(told)


def _whose(slot: PoolSlot) -> str:
    left, state = slot.left, slot.state
    task = f" for task `{left.task}`" if left.task else ""
    if state is SlotState.HELD:
        return f"is held by {slot.holder or 'somebody'}{task}"
    if state is SlotState.BY_HAND:
        return f"is a person's{task}"
    if state is SlotState.UNKNOWN:
        return "was left behind, and git does not know it"
    if state is SlotState.UNSAVED:
        unsaved = f"unsaved work of task `{left.task}`: it is kept before anything else"
        return f"was left behind, with {unsaved}"
    return "was left behind"
