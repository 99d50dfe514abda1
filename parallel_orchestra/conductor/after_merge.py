"""What a plan wants done after its last merge: on the merged result, before it is delivered.

It works in a worktree of the queue's, at the tip of the integration branch, and nothing of it ever
reaches that branch. Its result is written when it is over and names the commit: who comes after a
crash begins again, who comes after a success has nothing to do.
"""

import contextlib
import hashlib
import json
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import backend_of, speaks_claude
from parallel_orchestra.agents.closing import closed
from parallel_orchestra.agents.secrets import hidden, secrets_of
from parallel_orchestra.conductor.crew import Crew
from parallel_orchestra.conductor.keeping import keep, matches
from parallel_orchestra.conductor.picture import spent_of
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.events import AfterMergeBegun, AfterMergeEnded
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import Unusable, Workspace
from parallel_orchestra.merge_queue.bay import Bay, Cancelled
from parallel_orchestra.model import AfterMerge, FailureClass, Plan, Task, as_typed
from parallel_orchestra.plan.abilities import UNITS
from parallel_orchestra.plan.budgets import limit_of
from parallel_orchestra.process import Child, Ending
from parallel_orchestra.spending import lasting, shown
from parallel_orchestra.store import Layout
from parallel_orchestra.store.outlays import note_after_merge

_CLASSES = {
    Ending.EXITED: FailureClass.VERIFY,
    Ending.TIMEOUT: FailureClass.TIMEOUT,
    Ending.STALLED: FailureClass.STALLED,
}
_RESULT = "result.json"


@frozen
class FollowUp:
    """How it went: `reason` says why it failed. If `cancelled`, nothing is known."""

    reason: str = ""
    cancelled: bool = False


@frozen
class _Found:
    """What one turn came to; `failure` None if all is well."""

    failure: FailureClass | None = None
    reason: str = ""
    files: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ref: str = ""
    cost_usd: float | None = None


def due(plan: Plan, layout: Layout, tip: str) -> bool:
    """Returns whether it is still to be done on that commit: no turn on it has succeeded."""
    if not plan.after_merge.wanted:
        return False
    numbers = _numbers(layout)
    content = files.read_bytes(layout.after_merge / str(numbers[-1]) / _RESULT) if numbers else None
    return content != _record(plan.after_merge, tip, "")


def follow_up(crew: Crew) -> FollowUp:
    """Does it, if it is due and something was merged, and returns how it went.

    Raises:
        WaitsForPerson: the integration branch was changed from outside.
    """
    tip = crew.queue.tip()
    if not crew.queue.merged_tasks() or not due(crew.job.plan, crew.job.layout, tip):
        return FollowUp()
    return _Turn(crew, tip).taken()


class _Turn:
    """One time that it is done, in a directory of its own."""

    def __init__(self, crew: Crew, tip: str) -> None:
        layout = crew.job.layout
        self._crew = crew
        self._tip = tip
        self._plan = crew.job.plan
        self._wanted = crew.job.plan.after_merge
        self._number = (_numbers(layout) or [0])[-1] + 1
        self._directory = layout.after_merge / str(self._number)
        self._log = self._directory / "output.log"
        self._named = self._log.relative_to(layout.root).as_posix()

    def taken(self) -> FollowUp:
        clock, journal = self._crew.clock, self._crew.journal
        files.make_directory(self._directory)
        journal.write(AfterMergeBegun(clock.now(), self._tip, self._named))
        begun = clock.monotonic()
        try:
            found = self._found()
        except Cancelled:
            return FollowUp(cancelled=True)
        except (EnvironmentProblem, OSError) as error:
            # What was merged is no worse for it.
            found = _Found(FailureClass.ENVIRONMENT, _words(error))
        reason = hidden(found.reason, secrets_of(self._crew.job.settings.environ))
        failure = found.failure.value if found.failure is not None else ""
        record = _record(self._wanted, self._tip, failure)
        path = self._directory / _RESULT
        files.replace(path, record, via=path.with_suffix(".tmp"))
        journal.write(
            AfterMergeEnded(
                clock.now(),
                self._tip,
                clock.monotonic() - begun,
                failure,
                reason,
                self._named,
                found.files,
                found.changed,
                found.ref,
                self._wanted.required,
                found.cost_usd,
            )
        )
        return FollowUp(reason or failure)

    def _found(self) -> _Found:
        """Returns what came of it.

        Raises:
            Cancelled: the run was stopped.
            EnvironmentProblem: the worktree can't be set up.
            OSError: a file can't be written.
        """
        bay, tree = self._crew.bay(), self._crew.job.repo.objects.tree_of(self._tip)
        with bay.lock:
            if self._crew.unwanted:
                raise Cancelled
            task = self._wanted.task
            carry = task is not None and speaks_claude(task.backend, self._crew.job.agents)
            workspace = bay.open(self._tip, tree, self._log, carry_claude=carry)
            try:
                found = (
                    self._run(bay, workspace) if task is None else self._ask(bay, workspace, task)
                )
                kept = self._kept(workspace)
            finally:
                bay.used()
        return _Found(found.failure, found.reason, kept, found.changed, found.ref, found.cost_usd)

    def _run(self, bay: Bay, workspace: Workspace) -> _Found:
        for command in self._wanted.run:
            ended = bay.run(command, workspace.path, self._log, self._wanted.timeout)
            if ended.ending is Ending.CANCELLED:
                raise Cancelled
            if ended.ending is not Ending.EXITED or ended.code != 0:
                failure = _CLASSES.get(ended.ending, FailureClass.ENVIRONMENT)
                return _Found(failure, f"`{as_typed(command)}` {ended.how}")
        return _Found()

    def _ask(self, bay: Bay, workspace: Workspace, task: Task) -> _Found:
        settings = self._crew.job.agents
        backend = backend_of(task.backend, settings)
        short = self._short(task)
        if isinstance(short, str):
            return _Found(FailureClass.BUDGET, short)
        task = short
        prompt = self._directory / "prompt.md"
        files.write(prompt, _prompt(self._plan, self._tip).encode("utf-8", "replace"))
        child = Child(
            (),
            workspace.path,
            {},
            self._log,
            prompt,
            timeout=task.timeout,
            idle_timeout=task.idle_timeout,
        )
        ended = bay.ask(backend.call(task, settings), child)
        if ended.ending is Ending.CANCELLED:
            raise Cancelled
        answer = backend.answer(task, settings, ended)
        note_after_merge(self._directory, answer.usage)
        answer = closed(answer, task, ended.stdout_tail, marked=False)
        changed, ref = self._changed(bay, workspace)
        cost = answer.usage.cost_usd
        return _Found(answer.failure, answer.reason, (), changed, ref, cost)

    def _short(self, task: Task) -> Task | str:
        """Returns the task with what is left for its agent as its limits; or why nothing is left."""
        budget, layout = self._plan.budget, self._crew.job.layout
        spent = spent_of(self._plan, layout, self._crew.clock.now())
        limits: dict[str, float] = {}
        for unit in UNITS:
            limit = limit_of(budget, unit)
            if limit is None:
                continue
            gone = spent.used.get(unit, 0.0) + spent.held.get(unit, 0.0)
            if gone >= limit:
                return f"the run's budget is used up: {shown(unit, gone)} of {shown(unit, limit)}"
            limits[unit] = limit - gone
        if budget.max_duration is not None and spent.seconds >= budget.max_duration:
            words = f"{lasting(spent.seconds)} of {lasting(budget.max_duration)}"
            return f"the run's budget is used up: {words}"
        tokens = limits.get("max_tokens")
        return replace(
            task,
            max_cost_usd=limits.get("max_cost_usd"),
            max_tokens=None if tokens is None else int(tokens),
        )

    def _changed(self, bay: Bay, workspace: Workspace) -> tuple[tuple[str, ...], str]:
        """Returns what the agent changed beside the files to keep, and the ref that has it."""
        ref = self._crew.queue.refs.salvage("after-merge", self._number, self._crew.me.owner)
        try:
            changed, kept = bay.taken(workspace, ref)
        except Unusable as refusal:
            self._crew.warn(f"the agent of `after_merge` {refusal}; see {refusal.ref}")
            return (), refusal.ref
        inside = self._crew.pool.inside
        below = "" if inside == Path() else f"{inside.as_posix()}/"
        mine = {path: path.removeprefix(below) for path in changed if path.startswith(below)}
        wanted = matches(self._wanted.keep, tuple(mine.values()))
        others = tuple(path for path in changed if mine.get(path) not in wanted)
        return others, kept if others else ""

    def _kept(self, workspace: Workspace) -> tuple[str, ...]:
        target = self._directory / "kept"
        kept = keep(workspace.path, self._wanted.keep, target)
        if kept.left_out:
            self._crew.warn(f"`after_merge.keep`: {kept.left_out} more files match than are kept")
        folder = target.relative_to(self._crew.job.layout.root).as_posix()
        return tuple(f"{folder}/{path}" for path in kept.paths)


def _prompt(plan: Plan, tip: str) -> str:
    wanted = plan.after_merge
    kept = ", ".join(f"`{pattern}`" for pattern in wanted.keep)
    but = f" but for files that match {kept}, which are kept for people to look at" if kept else ""
    return (
        "# After the last merge\n\n"
        f"All tasks of the plan `{plan.name}` that succeeded are merged. You are in a worktree of the "
        f"result, commit {tip}. Whatever you change is discarded{but}. Nobody answers questions, and "
        "nothing that you start may go on when you end.\n\n"
        f"## Objective\n\n{wanted.prompt.strip()}\n\n"
        "## Output format\n\n"
        "End with a summary of what you looked at and found. If the result is not as it should be, "
        "let the last line be `TASK_FAILED: ` and the reason in a sentence.\n"
    )


def _words(error: EnvironmentProblem | OSError) -> str:
    if isinstance(error, EnvironmentProblem):
        return "; ".join(one.what for one in error.problems)
    return f"{error.filename or ''} {error.strerror or error}".strip()


def _record(wanted: AfterMerge, tip: str, failure: str) -> bytes:
    said = json.dumps(wanted.facts(), sort_keys=True).encode()
    definition = hashlib.sha256(said).hexdigest()
    return json.dumps({"commit": tip, "definition": definition, "failure": failure}).encode()


def _numbers(layout: Layout) -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(int(name) for name in files.names(layout.after_merge) if name.isdigit())
    return []
