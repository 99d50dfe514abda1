"""A person looks at what a task has left, or goes on with the session of its agent.

The look is in a worktree of its own, as a claim by hand has one. A session belongs to the directory
that it was begun in: that worktree is made again, as it was, and kept from everybody else meanwhile.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra.agents import by_hand
from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.byhand.whose import entry_of, person
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import Problem, UsageError, WaitsForPerson
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import Label, Slot, Unusable, labelled
from parallel_orchestra.model import Isolation, Task
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import AttemptResult, Entry, Layout
from parallel_orchestra.store.records import attempt_results


@frozen
class Visit:
    """Where to look: a directory, and in one sentence what is there."""

    path: Path
    what: str


@frozen
class Talk:
    """The session of an agent: the command that opens it, where."""

    argv: tuple[str, ...]
    path: Path


class Afterwards:
    """What is known once a session is over: the ref that keeps what was changed in it, or ''."""

    ref = ""


@contextlib.contextmanager
def visit(layout: Layout, settings: Settings, task: str) -> Iterator[Visit]:
    """Opens what a task left, in a worktree that nobody else gets until the block ends.

    That of a running task is the one that its agent works in. A worktree that was opened before and
    changed by the person is given back as it is.

    Raises:
        UsageError: there is no such task, or it has left nothing yet.
        EnvironmentProblem: there is no run.
    """
    with workshop(layout, settings, person(read_record(layout).run, layout)) as shop:
        entry = entry_of(layout, shop.job.run, shop.store, task)
        found = shop.tasks[task]
        if found.isolation is Isolation.NONE:
            yield Visit(shop.job.plan.cwd, "the project itself: the task has no other place")
        elif entry.state is TaskState.LOCKED and (there := _at_work(shop, entry)) is not None:
            yield Visit(there, f"attempt {entry.name.attempts} works here at this moment")
        else:
            yield _looked_at(shop, found, entry)


@contextlib.contextmanager
def talk(layout: Layout, settings: Settings, task: str, afterwards: Afterwards) -> Iterator[Talk]:
    """Makes the worktree of a task's last session again, as the attempt left it.

    What was changed there is kept under a ref when the block ends.

    Raises:
        UsageError: there is no such task, or its agent told of no session.
        WaitsForPerson: the task is at work.
        HeldElsewhere: somebody else works in that worktree.
    """
    with workshop(layout, settings, person(read_record(layout).run, layout)) as shop:
        entry = entry_of(layout, shop.job.run, shop.store, task)
        found = shop.tasks[task]
        if entry.state is TaskState.LOCKED:
            what = f"task `{task}` is at work: its session is in use"
            hint = f"`parallel-orchestra open {task}` opens its worktree"
            raise WaitsForPerson(Problem(what, str(layout.root), hint))
        last = _last_talk(layout, found)
        argv = by_hand(found.backend, last.session)
        if found.isolation is not Isolation.WORKTREE:
            yield Talk(argv, Path(last.directory))
            return
        top = Path(last.directory)
        for _ in shop.pool.inside.parts:
            top = top.parent
        slot = shop.pool.at(top)
        tree = _made_again(shop, slot, found, last)
        try:
            yield Talk(argv, slot.directory)
        finally:
            ref = slot.save()
            slot.settled()
            if ref and shop.job.repo.objects.tree_of(ref) != tree:
                afterwards.ref = ref


def _at_work(shop: Workshop, entry: Entry) -> Path | None:
    for path, left in labelled(shop.job.repo):
        if (left.task, left.owner) == (entry.name.task, entry.name.owner):
            return path / shop.pool.inside
    return None


def _looked_at(shop: Workshop, task: Task, entry: Entry) -> Visit:
    commit, what = _left_by(shop, task, entry)
    slot = shop.pool.by_hand(f"{task.id}-open")
    found = slot.found()
    if found is not None:
        workspace, _ = found
        try:
            work = slot.take(workspace)
        except Unusable:
            return Visit(slot.directory, "as you left it")
        if work.changed or work.head != workspace.base:
            return Visit(slot.directory, "as you left it")
    label = _label(shop, task.id, entry.name.attempts)
    slot.open(commit, label, carry_claude=False)
    slot.note_home(shop.job.layout.root)
    return Visit(slot.directory, what)


def _left_by(shop: Workshop, task: Task, entry: Entry) -> tuple[str, str]:
    """Returns the commit that has what a task left, and what that is."""
    shop.queue.tip()
    merge = shop.queue.merge_of(task.id)
    if entry.state is TaskState.DONE and merge is not None:
        return merge.commit, f"its merge {merge.commit[:12]}, with all that was merged before"
    for one in reversed(attempt_results(shop.job.layout, task.id)):
        commit = shop.job.repo.refs.read(one.ref) if one.ref else None
        if commit:
            return commit, f"what attempt {one.attempt} had written, as kept under `{one.ref}`"
    if merge is not None:
        return merge.commit, f"its merge {merge.commit[:12]}, which was taken back"
    what = f"task `{task.id}` has left nothing that could be opened"
    hint = f"`parallel-orchestra why {task.id}` says how it stands"
    raise UsageError(Problem(what, str(shop.job.layout.root), hint))


def _last_talk(layout: Layout, task: Task) -> AttemptResult:
    for one in reversed(attempt_results(layout, task.id)):
        if one.directory and by_hand(task.backend, one.session):
            return one
    what = f"no agent of task `{task.id}` told of a session that can be opened"
    hint = f"`parallel-orchestra open {task.id}` opens what it left"
    raise UsageError(Problem(what, str(layout.attempts / task.id), hint))


def _made_again(shop: Workshop, slot: Slot, task: Task, last: AttemptResult) -> str:
    """Makes the worktree what it was when the attempt ended; returns the tree."""
    objects, repo = shop.job.repo.objects, shop.job.repo
    tip = shop.queue.tip()
    merge = shop.queue.merge_of(task.id)
    base = merge.commit if merge is not None and not last.failure else last.base or tip
    label = _label(shop, task.id, last.attempt)
    workspace = slot.open(base, label, carry_claude=task.backend == "claude")
    if last.ref and repo.refs.read(last.ref):
        tree = objects.tree_of(last.ref)
        slot.bring(workspace, tree)
        return tree
    return objects.tree_of(base)


def _label(shop: Workshop, task: str, attempt: int) -> Label:
    owner = shop.me.owner
    return Label(shop.refs.run, task, attempt, owner, shop.refs.salvage(task, attempt, owner))
