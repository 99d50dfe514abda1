"""Where an attempt goes on after the one before it: its session, its files, or neither.

The work of every attempt that ended is kept under a ref, so the same files can be had in any
worktree of any process. The session can't: it is bound to the directory that it was begun in.
There, an agent that goes on elsewhere looks for its files and writes them (tried with Claude Code)
or waits for ever (tried with opencode).
"""

import re
from collections.abc import Callable
from dataclasses import replace

from parallel_orchestra.errors import GitError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Conflicted, Repo
from parallel_orchestra.isolation import Isolation, Workspace
from parallel_orchestra.model import FailureClass, Plan, QaVerdict, Task, Usage
from parallel_orchestra.retry import Way, way_after
from parallel_orchestra.store import AttemptResult, Layout
from parallel_orchestra.store.feedback import said_after
from parallel_orchestra.store.records import attempt_results, candidate_of, last_result
from parallel_orchestra.worker.borders import NOTHING_BARRED, Barred

#: It comes from an agent's output and becomes a word of a command line.
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,127}")
#: What a result says lies where agents can write, too.
_REF = re.compile(r"refs/(?:orchestra|heads/orchestra-kept)/[\w./+-]+")
#: What QA said of work that only waits for its word.
_UNJUDGED = (QaVerdict.UNHEARD.value, QaVerdict.BLOCKED.value)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@frozen
class Onward:
    """How an attempt goes on, after `last`, which is None if there is nothing to go on from.

    `moved` if other tasks were merged since. `refused` are the files in which the work of the last
    attempt does not go together with them. `why` says why it did not go on as it should have.
    `put_back` are files of it that were not its to change, and are again as they were;
    `to_put_back` is what else was not, and is not.
    """

    way: Way = Way.FRESH
    last: AttemptResult | None = None
    moved: bool = False
    refused: tuple[str, ...] = ()
    why: str = ""
    put_back: tuple[str, ...] = ()
    to_put_back: tuple[str, ...] = ()

    @property
    def session(self) -> str:
        """The session to go on with, or an empty string."""
        return self.last.session if self.last is not None and self.way is Way.SESSION else ""


NOTHING = Onward()


def is_session(text: str) -> bool:
    """Returns whether that can be the name of an agent's session."""
    return bool(_SESSION.fullmatch(text))


def due(layout: Layout, plan: Plan, task: Task, attempt: int, definition: str) -> Onward:
    """Returns how that attempt at a task should go on, as far as the last one's record tells.

    A program (`backend: command`) has no memory of its own, so all of its attempts begin alike; so do
    those of manifests of version 0.1, whose agents are told of no failure either. A task that was
    changed since is another task. Work that only was not judged goes on to be judged, unless a person
    has something to say to its agent.
    """
    if attempt <= 1 or plan.published:
        return NOTHING
    last = last_result(layout, task.id)
    if last is None or last.attempt != attempt - 1 or not _sound(last):
        last = candidate_of(layout, task.id, attempt - 1)
    if last is None or last.attempt != attempt - 1 or not _sound(last):
        # What was done by hand, or cut off without an end, says not what it built upon.
        return NOTHING
    if last.definition != definition:
        return NOTHING
    if last.qa in _UNJUDGED and last.ref and not said_after(layout, task.id, last.attempt):
        return Onward(Way.JUDGE, last)
    way = way_after(last.failure)
    if way is Way.FRESH or task.backend == "command":
        return NOTHING
    if way is Way.SESSION and not is_session(last.session):
        way = Way.TREE
    return Onward(way, last)


def stand(
    repo: Repo,
    place: Isolation,
    workspace: Workspace,
    onward: Onward,
    barred: Callable[[str, str], Barred] = lambda *_: NOTHING_BARRED,
) -> Onward:
    """Makes the files those of the last attempt, on what was merged since; returns how it goes on.

    Files for which it failed because nothing in them is its task's to change are as they were before:
    an agent that does not think of that would else fail for them again and again. `barred` says which,
    asked with the commit that the attempt began from and the tree that it left.

    Raises:
        GitError: they can't be written; some may have been.
    """
    last = onward.last
    if last is None:
        return onward
    onward = replace(onward, moved=last.base != workspace.base)
    if last.ref:
        content, breach = _on_top(repo, last, workspace.base, barred)
        if isinstance(content, Conflicted):
            files = content.files
            return Onward(last=last, refused=files, why="its work contradicts what was merged")
        onward = replace(onward, put_back=breach.files, to_put_back=breach.rest)
        if not content or not place.bring(workspace, content):
            return Onward(last=last, why="its work can't be put into this worktree")
    if onward.session and last.directory != str(workspace.path):
        # Not worth a word: whichever worktree was free first took the task.
        onward = replace(onward, way=Way.TREE)
    if onward.way is Way.TREE and not last.ref:
        # There are no files to go on from.
        return Onward(last=last)
    return onward


def without_session(onward: Onward) -> Onward:
    """Returns how an attempt goes on whose agent does not have the session any more."""
    assert onward.last is not None  # noqa: S101  # it has had one
    why = f"its agent has no session {onward.session} any more"
    return replace(onward, way=Way.TREE if onward.last.ref else Way.FRESH, why=why)


def used_before(layout: Layout, task: str, session: str) -> Usage:
    """Returns what all attempts in a session used together."""
    used = Usage()
    for one in attempt_results(layout, task):
        if one.session == session:
            used += Usage(one.cost_usd, one.input_tokens, one.output_tokens, one.turns)
    return used


def _sound(last: AttemptResult) -> bool:
    return bool(_COMMIT.fullmatch(last.base)) and (not last.ref or bool(_REF.fullmatch(last.ref)))


def _on_top(
    repo: Repo,
    last: AttemptResult,
    base: str,
    barred: Callable[[str, str], Barred],
) -> tuple[str | Conflicted, Barred]:
    """Returns the last attempt's files with what was merged since, as a tree; empty if it is gone.

    Besides, what was not its to change, of which the whole files are put back in them.
    """
    objects = repo.objects
    found = NOTHING_BARRED
    try:
        work = objects.tree_of(last.ref)
        if last.failure == FailureClass.BOUNDARY.value:
            found = barred(last.base, work)
        if found.files:
            work = objects.with_files(work, last.base, found.files)
        if last.base == base:
            return work, found
        message = f"Unmerged work of task `{last.task}`, attempt {last.attempt}\n"
        merged = objects.merge_trees(base, objects.commit(work, (last.base,), message))
    except GitError:
        # The branch began anew, or somebody cleaned up: `clean` may remove what is kept.
        return "", NOTHING_BARRED
    return (merged if isinstance(merged, Conflicted) else merged.tree), found
