"""Folds events and a listing into the picture of a run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from parallel_orchestra.errors import ExitCode, worst
from parallel_orchestra.events import (
    Delivered,
    Event,
    Returned,
    RunEnded,
    RunStarted,
    StartsHeld,
    Undelivered,
    Undone,
    Warned,
)
from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.ownership import NOTHING, Tree
from parallel_orchestra.progress.aftermath import Aftermath, after
from parallel_orchestra.progress.meaning import exit_code
from parallel_orchestra.progress.picture import (
    Attempt,
    Delivery,
    Outcome,
    RunReport,
    TaskReport,
)
from parallel_orchestra.progress.purses import purses
from parallel_orchestra.progress.story import Place, Story, tell
from parallel_orchestra.progress.waiting import Crew, with_causes
from parallel_orchestra.progress.waits import Waits
from parallel_orchestra.retry import not_later_than_a_week
from parallel_orchestra.schedule import Cause, Seen, doomed
from parallel_orchestra.schedule.usage_limits import Limit
from parallel_orchestra.spending import NOTHING_SPENT, Spent
from parallel_orchestra.states import TaskState


@frozen
class RunFacts:
    """What does not come from the journal.

    `merges` gives each merged task's commit, `undone` how a task's newest merge was taken back.
    `left_out` gives each task that the run was told not to carry out, with the reason.
    `past` are seconds that tasks took before in this repository, `tree` the files of its base.
    `limits` are the usage limits that hold, `limited` gives each task that one of them concerns.
    `spent` is what was used of budgets. `killed` says why nobody is at work on a run that has not ended.
    """

    run: str
    plan: Plan
    tasks_dir: str
    base_branch: str
    base_commit: str
    integration: str
    tip: str
    merges: Mapping[str, str]
    strange: tuple[str, ...] = ()
    undone: Mapping[str, Undone] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    paused: str = ""
    past: Mapping[str, float] = field(default_factory=dict)
    tree: Tree = NOTHING
    spent: Spent = NOTHING_SPENT
    limits: tuple[Limit, ...] = ()
    limited: Mapping[str, Cause] = field(default_factory=dict)
    killed: str = ""


#: Stands where a failure class stands if a person took the task's merge back.
UNDONE = "undone"


@dataclass(slots=True)
class _Memory:
    """What the journal tells of the whole run; the last conductor's words count."""

    delivery: Delivery
    stories: defaultdict[str, Story] = field(default_factory=lambda: defaultdict(Story))
    begun: RunStarted | None = None
    ended: RunEnded | None = None
    warnings: list[str] = field(default_factory=list)
    undone_since: bool = False
    delivered_since: bool = False
    held: dict[str, str] = field(default_factory=dict)
    waits: Waits = field(default_factory=Waits)
    aftermath: Aftermath | None = None

    def take(self, writer: str, event: Event) -> None:
        if task := getattr(event, "task", ""):
            self.undone_since |= isinstance(event, Undone)
            tell(self.stories[task], writer, event)
            return
        self.waits.take(writer, event)
        self.aftermath = after(self.aftermath, event)
        if isinstance(event, RunStarted):
            self.begun, self.ended, self.warnings, self.held = event, None, [], {}
            self.delivery = Delivery(self.delivery.branch)
        elif isinstance(event, RunEnded):
            self.ended, self.undone_since, self.delivered_since = event, False, False
        elif isinstance(event, Delivered):
            self.delivery = Delivery(
                event.branch, event.before, event.after, done=True, url=event.url
            )
            self.delivered_since = True
        elif isinstance(event, Undelivered):
            self.delivery = Delivery(event.branch, reason=event.reason, command=event.command)
        elif isinstance(event, StartsHeld):
            self.held[writer] = event.reason
        elif isinstance(event, Warned):
            self.warnings.append(event.text)


def fold(
    facts: RunFacts, places: Mapping[str, Place], history: Iterable[tuple[str, Event]], now: float
) -> RunReport:
    """Returns the picture of a run: `history` are (writer, event) in order of time."""
    memory = _remembered(facts, history)
    graph = Graph.of(facts.plan.tasks)
    culprits = doomed(graph, {task: place.state for task, place in places.items()})
    begun, ended = memory.begun, memory.ended
    since = begun.time if begun is not None and begun.resumed else 0.0
    tasks = tuple(
        _report(task, places.get(task.id), memory.stories.get(task.id), facts, culprits, since)
        for task in facts.plan.tasks
    )
    seen = {task: _seen(place, memory.stories.get(task), now) for task, place in places.items()}
    crew = _crew(facts, memory)
    tasks, ahead = with_causes(facts.plan, tasks, seen, crew, now)
    levels = graph.bottom_levels({task.id: task.seconds for task in tasks})
    return RunReport(
        run=facts.run,
        name=facts.plan.name,
        source=str(facts.plan.source),
        cwd=str(facts.plan.cwd),
        tasks_dir=facts.tasks_dir,
        started=begun.time if begun else now,
        ended=ended.time if ended else None,
        workers=begun.workers if begun else 0,
        mode=begun.mode if begun else "",
        mode_reason=begun.reason if begun else "",
        base_branch=facts.base_branch,
        base_commit=facts.base_commit,
        integration=facts.integration,
        tip=facts.tip,
        delivery=memory.delivery,
        tasks=tasks,
        exit_code=int(_standing(memory, [one for one in tasks if one.id not in facts.left_out])),
        critical_path_seconds=max(levels.values(), default=0.0),
        warnings=tuple(memory.warnings),
        strange=facts.strange,
        took=ended.seconds if ended else None,
        paused=facts.paused,
        outlook=ahead,
        held=crew.held,
        purses=tuple(purses(facts.plan.budget, facts.spent)),
        limits=facts.limits,
        waits=memory.waits.all(now),
        aftermath=memory.aftermath,
        seen=now,
        killed=facts.killed if ended is None else "",
    )


def _remembered(facts: RunFacts, history: Iterable[tuple[str, Event]]) -> _Memory:
    memory = _Memory(Delivery(facts.base_branch))
    for writer, event in history:
        memory.take(writer, event)
    return memory


def _crew(facts: RunFacts, memory: _Memory) -> Crew:
    at_work = memory.ended is None and not facts.killed
    return Crew(
        workers=memory.begun.workers if memory.begun else 0,
        at_work=at_work,
        held=tuple(filter(None, memory.held.values())) if at_work else (),
        past=facts.past,
        paused=facts.paused,
        left_out=facts.left_out,
        limited=facts.limited,
        tree=facts.tree,
        spent=facts.spent,
    )


def _seen(place: Place, story: Story | None, now: float) -> Seen:
    back = story.failed if story is not None else None
    if place.state is TaskState.AVAILABLE and isinstance(back, Returned):
        return Seen(place.state, not_before=not_later_than_a_week(back.not_before, now))
    return Seen(place.state, parked=place.state is TaskState.LOCKED and not place.owner)


def _report(
    task: Task,
    place: Place | None,
    told: Story | None,
    facts: RunFacts,
    culprits: Mapping[str, str],
    since: float,
) -> TaskReport:
    story = told or Story()
    commit = facts.merges.get(task.id, "")
    outcome, reason = _outcome(task, place, story, commit, culprits, since)
    if outcome is Outcome.WAITING:
        reason = facts.left_out.get(task.id, "")
    failed = story.failed if outcome in (Outcome.FAILED, Outcome.WAITING) else None
    undone = _undone(task, place, story, facts) if outcome is Outcome.FAILED else None
    if undone is not None:
        reason = _how_undone(undone)
    return TaskReport(
        id=task.id,
        title=task.title,
        agent=task.agent,
        backend=task.backend,
        read_only=task.read_only,
        depends_on=task.depends_on,
        wave=task.wave,
        outcome=outcome,
        attempts=tuple(_attempts(story, place)),
        failures=place.failures if place else 0,
        failure=failed.failure if failed else UNDONE if undone else "",
        reason=reason or (failed.reason if failed else ""),
        commit=commit,
        kept=tuple(story.kept),
        files=story.files if failed else (),
        against=story.against if failed else (),
        warnings=tuple(story.warnings),
        silence=place.silence if place and outcome is Outcome.RUNNING else None,
    )


def _undone(task: Task, place: Place | None, story: Story, facts: RunFacts) -> Undone | None:
    """Returns how a task in `failed/` was undone, unless an attempt has failed since."""
    if story.failed is not None or place is None or story.unended(place):
        return None
    return facts.undone.get(task.id)


def _how_undone(event: Undone) -> str:
    when = datetime.fromtimestamp(event.time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    merge, commit = event.merge[:12], event.commit[:12]
    return f"its merge {merge} was taken back by {event.by}, {when}, with commit {commit}"


def _attempts(story: Story, place: Place | None) -> Iterator[Attempt]:
    held = place is not None and place.state is TaskState.LOCKED
    running = (place.attempts, place.owner) if place is not None and held else None
    for key, tried in story.attempts.items():
        yield tried.attempt(unseen=tried.ended is None and key != running)


def _outcome(
    task: Task,
    place: Place | None,
    story: Story,
    commit: str,
    culprits: Mapping[str, str],
    since: float,
) -> tuple[Outcome, str]:
    if place is None:
        return Outcome.MISSING, "its file is in none of the four directories"
    if place.state is TaskState.LOCKED:
        parked = "" if place.owner else "locked by hand, without an owner"
        return Outcome.RUNNING, parked
    if place.state is TaskState.FAILED:
        if story.unended(place):
            return Outcome.FAILED, "how its last attempt ended was not recorded; its log may tell"
        return Outcome.FAILED, "" if story.failed else "moved to `failed/` by hand"
    if place.state is TaskState.DONE:
        return _done(task, place, story, commit, since), ""
    if task.id in culprits:
        return Outcome.SKIPPED, f"`{culprits[task.id]}`, which it needs, failed"
    return Outcome.WAITING, ""


def _done(task: Task, place: Place, story: Story, commit: str, since: float) -> Outcome:
    attempts = story.attempts.values()
    if task.read_only:
        well = any(one.ended is not None and not one.ended.failure for one in attempts)
        by_us = well or story.unended(place)
    else:
        by_us = bool(commit)
    if not by_us:
        return Outcome.RESUMED if story.taken else Outcome.BY_HAND
    when = story.completed
    if when is None:
        # The word on its end was lost; no attempt of this run means that an earlier one did it.
        when = max((one.started for one in attempts), default=0.0)
    return Outcome.RESUMED if when < since else Outcome.SUCCEEDED


def _standing(memory: _Memory, tasks: Iterable[TaskReport]) -> int:
    """Returns how the run ended, or how it stands; what was undone or delivered since counts."""
    if memory.ended is None:
        return exit_code(tasks, memory.delivery, memory.aftermath)
    if memory.delivered_since and memory.ended.exit_code == ExitCode.WAITS_FOR_PERSON:
        # The delivery was what it waited for, or the tasks tell what else it is.
        return exit_code(tasks, memory.delivery, memory.aftermath)
    if memory.undone_since:
        now = exit_code(tasks, memory.delivery, memory.aftermath)
        return worst([ExitCode(memory.ended.exit_code), now])
    return memory.ended.exit_code
