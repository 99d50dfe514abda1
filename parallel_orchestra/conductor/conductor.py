"""Conducts a run from `run.lock` to the report: the one process that publishes and delivers."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from parallel_orchestra.board import WALL_CLOCK
from parallel_orchestra.conductor.adopting import added_to
from parallel_orchestra.conductor.after_merge import FollowUp, follow_up
from parallel_orchestra.conductor.control import Control, Snapshot
from parallel_orchestra.conductor.courier import Courier
from parallel_orchestra.conductor.crew import Crew, Tell, clear_worktrees
from parallel_orchestra.conductor.durations import remember_run
from parallel_orchestra.conductor.handover import Handover, event_of
from parallel_orchestra.conductor.heeding import cancelled_tasks
from parallel_orchestra.conductor.integrating import integrate, wanted
from parallel_orchestra.conductor.leaving import leave_word, seen
from parallel_orchestra.conductor.lookout import Lookout
from parallel_orchestra.conductor.opening import Opened, open_run, publish
from parallel_orchestra.conductor.outside import changes, look_outside
from parallel_orchestra.conductor.picture import read_record, report_of, report_on
from parallel_orchestra.conductor.preflight import Preflight, worktree_root
from parallel_orchestra.conductor.present import alive, run_lock
from parallel_orchestra.conductor.selecting import demand_sense, selected, told
from parallel_orchestra.conductor.workshop import Job
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import (
    ExitCode,
    GitError,
    HeldElsewhere,
    OrchestraError,
    Problem,
    worst,
)
from parallel_orchestra.events import (
    NO_ATTEMPT,
    Completed,
    Event,
    RunEnded,
    RunStarted,
    Warned,
)
from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph
from parallel_orchestra.merge_queue import catch_up
from parallel_orchestra.merge_queue.bay import Cancelled
from parallel_orchestra.model import Deliver, Plan
from parallel_orchestra.progress import RunReport
from parallel_orchestra.store import Layout, WorkerKind, steering
from parallel_orchestra.store.records import peek_run, write_run
from parallel_orchestra.store.steering import Selection, Wish

Listen = Callable[[Event], None]

#: Seconds that a run which has just begun is given to make itself known, and between two looks.
_INTRODUCTION = 3.0
_PAUSE = 0.05
#: The descriptors of standard output and error.
_OUTPUTS = (1, 2)


@frozen
class _Run:
    """One invocation: what was asked for and what was found."""

    plan: Plan
    graph: Graph
    found: Preflight
    opened: Opened
    control: Control
    selection: Selection | None
    lookout: Lookout


def conduct(
    plan: Plan,
    settings: Settings,
    found: Preflight,
    control: Control,
    tell: Tell,
    listen: Listen,
) -> RunReport:
    """Carries out a plan and returns how it went; nothing of it runs on afterwards.

    `tell` gets a snapshot every tenth of a second, `listen` every event of this process (from
    any thread). The report's exit code says all: see the reference of exit codes.

    Raises:
        UsageError: `--only` or `--skip` make no sense; nothing was changed.
        HeldElsewhere: another run holds the task directory.
        EnvironmentProblem: something around us is missing or broken; nothing is half-done.
        WaitsForPerson: the integration branch was changed from outside.
    """
    layout = Layout(settings.tasks_root(plan))
    demand_sense(settings, found.graph, added_to(layout))
    if settings.retry_failed:
        read_record(layout)
    layout.create()
    with _singleton(layout):
        opened = open_run(plan, settings, found, layout, WALL_CLOCK.now())
        # Who asked for a stop meant the conductor before; a pause is for the run.
        steering.withdraw(layout, Wish.STOP, Wish.STOP_NOW)
        graph = found.graph if opened.plan is plan else Graph.of(opened.plan.tasks)
        chosen = selected(layout, graph, settings)
        steering.select(layout, chosen)
        ours = (layout.root, settings.log_dir, worktree_root(found.repo, settings))
        lookout = Lookout(found.repo, ours, WALL_CLOCK, _OUTPUTS)
        run = _Run(opened.plan, graph, found, opened, control, chosen, lookout)
        started = WALL_CLOCK.monotonic()
        if opened.finished:
            clear_worktrees(found.repo, plan.cwd, settings)
            return _finished(run, layout, listen)
        job = _job(plan, run, layout, settings)
        with Crew(job, WorkerKind.CONDUCTOR, listen=lookout.hearing(listen)) as crew:
            _work_and_deliver(run, layout, crew, tell)
            before = seen(layout)
            report = report_of(layout, found.repo, WALL_CLOCK.now(), known=crew.job.known)
            remember_run(plan, found.repo, report)
            code = _exit_code(report, crew, control)
            ended = RunEnded(WALL_CLOCK.now(), int(code), WALL_CLOCK.monotonic() - started)
            crew.journal.write(ended)
        report = replace(report, ended=ended.time, exit_code=ended.exit_code, took=ended.seconds)
        leave_word(layout, found.repo, report, before, crew.me.owner, ended)
        return report


def _job(plan: Plan, run: _Run, layout: Layout, settings: Settings) -> Job:
    found, opened = run.found, run.opened
    record = opened.record
    # An older run goes on from its own commit, with tasks that have joined it.
    same = record.base_commit == found.base_commit and opened.plan.tasks == plan.tasks
    contenders = found.contenders if same else None
    agents = found.agents
    return Job(record, opened.plan, run.graph, found.repo, layout, agents, settings, contenders)


def _exit_code(report: RunReport, crew: Crew, control: Control) -> ExitCode:
    codes = [ExitCode(report.exit_code), control.exit_code or ExitCode.DONE]
    if crew.board.stopped():
        # what is left undone waits for a usage limit, and we do not
        codes.append(ExitCode.WAITS_FOR_PERSON)
    return worst(codes)


def _finished(run: _Run, layout: Layout, listen: Listen) -> RunReport:
    for remark in run.opened.remarks:
        listen(Warned(WALL_CLOCK.now(), "", remark))
    repo, opened, now = run.found.repo, run.opened, WALL_CLOCK.now()
    if opened.recorded:
        report = report_on(opened.record, opened.plan, layout, repo, now)
    else:
        report = report_of(layout, repo, now)
    # However its last conductor ended: others finished the work since.
    return replace(report, exit_code=int(ExitCode.DONE))


@contextlib.contextmanager
def _singleton(layout: Layout) -> Iterator[None]:
    """Holds `run.lock`: one conductor per task directory.

    Raises:
        HeldElsewhere: naming the process that has it.
        EnvironmentProblem: something else lies in the place of the file.
    """
    with run_lock(layout) as mine:
        if not mine:
            raise HeldElsewhere(_holder(layout))
        yield


def _holder(layout: Layout) -> Problem:
    conductors = alive(layout, WorkerKind.CONDUCTOR)
    limit = WALL_CLOCK.monotonic() + _INTRODUCTION
    while not conductors and WALL_CLOCK.monotonic() < limit:
        # It has the lock, but has not told yet who it is.
        time.sleep(_PAUSE)
        conductors = alive(layout, WorkerKind.CONDUCTOR)
    who = f"process {conductors[-1].pid} on {conductors[-1].host}" if conductors else "a process"
    return Problem(
        f"another run holds this task directory: {who}",
        str(layout.root),
        "wait for it, look with `parallel-orchestra status`, or join it with "
        f"`parallel-orchestra worker --tasks-dir {layout.root}`",
    )


def _work(run: _Run, crew: Crew, tell: Tell, courier: Courier) -> None:
    found, opened = run.found, run.opened
    started = RunStarted(
        WALL_CLOCK.now(),
        opened.record.run,
        found.workers,
        found.mode.value,
        found.mode_reason,
        opened.resumed,
    )
    crew.journal.write(started)
    if not opened.resumed:
        # What goes on may have little left for them.
        crew.ready(min(found.workers, found.most))
    crew.guard.begin(anew=not opened.resumed)
    crew.queue.tip()
    remarks = [
        *opened.remarks,
        told(run.selection, run.graph),
        *publish(
            run.plan,
            opened.record,
            crew.store,
            resumed=opened.resumed,
            taken=opened.taken,
            undone=crew.recovery.undone,
            cancelled=cancelled_tasks(crew.job.layout),
            selection=run.selection,
        ),
    ]
    crew.journal.write(*(Completed(WALL_CLOCK.now(), task, NO_ATTEMPT) for task in opened.taken))
    if opened.resumed:
        branch = opened.record.base_branch
        remarks.append(crew.attend(lambda: catch_up(found.repo, crew.queue, branch), run.control))
    for remark in filter(None, remarks):
        crew.journal.write(Warned(WALL_CLOCK.now(), "", remark))
    _watched(run, crew, tell, courier)
    _restore_record(crew)


def _watched(run: _Run, crew: Crew, tell: Tell, courier: Courier) -> None:
    """Has the tasks worked on, and says what changed outside of their worktrees meanwhile."""
    repo = run.found.repo
    before = look_outside(repo)
    run.lookout.begin()

    def look(*, last: bool) -> None:
        run.lookout.look(
            crew.store.locked_tasks,
            lambda task, text: crew.journal.write(Warned(WALL_CLOCK.now(), task, text)),
            last=last,
        )

    def look_too(snapshot: Snapshot) -> None:
        tell(snapshot)
        courier.look()
        with contextlib.suppress(GitError):
            # What can't be seen at this moment, since git is at work there, is seen at the end.
            look(last=False)

    crew.work(run.found.workers, run.control, look_too)
    while not run.control.draining and crew.goes_on():
        crew.work(run.found.workers, run.control, look_too)
    crew.settle()
    crew.guard.check()
    look(last=True)
    for remark in changes(before, look_outside(repo)):
        crew.warn(remark)


def _follow_up(crew: Crew, handover: Handover) -> FollowUp:
    """Does what the plan wants done after the last merge, on what the user's branch will be."""
    if crew.job.plan.after_merge.wanted and handover.way is Deliver.END:
        # What keeps it from being taken in keeps it from being delivered, which says so.
        catch_up(crew.job.repo, crew.queue, handover.record.base_branch)
    return follow_up(crew)


def _restore_record(crew: Crew) -> None:
    """Writes `run.json` again if somebody removed or damaged it: no `--resume` is without it."""
    layout = crew.job.layout
    if peek_run(layout) is None:
        layout.create()
        write_run(layout, crew.job.run)
        crew.warn("`run.json` was removed while the run went on; it was written again")


def _work_and_deliver(run: _Run, layout: Layout, crew: Crew, tell: Tell) -> None:
    """Has all done, and delivered as the plan says; unless the run was stopped: `--resume` does it."""
    record, environ = run.opened.record, crew.job.settings.environ
    handover = Handover(run.found.repo, crew.queue, record, layout, environ)
    with Courier(handover, crew.journal.write, crew.cancel_checks) as courier:
        _work(run, crew, tell, courier)
        # The delivery and the exit code rest on all events, the last ones included.
        crew.settle()
        crew.queue.flush()
        crew.attend(courier.rest, run.control)
        if run.control.draining:
            return
        after = crew.attend(lambda: _follow_up(crew, handover), run.control, can_wait=True)
        required = run.plan.after_merge.required and handover.way in (Deliver.END, Deliver.PR)
        if after.cancelled or run.control.draining:
            return
        if after.reason and required:
            delivery = handover.held(after.reason)
        else:
            delivery = crew.attend(lambda: courier.end(handover.way), run.control)
        crew.journal.write(event_of(delivery, WALL_CLOCK.now()))
        if wanted(run.opened.plan):
            crew.attend(lambda: _look_at_it_all(crew), run.control, can_wait=True)


def _look_at_it_all(crew: Crew) -> None:
    """Makes the integration report; that it can't be made is only told."""
    try:
        integrate(crew)
    except Cancelled:
        crew.warn("no integration report: cancelled; `parallel-orchestra integrate` makes it")
    except (OrchestraError, OSError) as error:
        why = error.problems[0].what if isinstance(error, OrchestraError) else str(error)
        crew.warn(f"no integration report: {why}; `parallel-orchestra integrate` makes it")
