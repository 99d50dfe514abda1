"""Takes a task from its owner, so that somebody else can do it; its work stays where it can be found."""

from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.byhand.holding import watched
from parallel_orchestra.conductor.byhand.whose import entry_of, path_of
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import Problem, UsageError
from parallel_orchestra.events import Event, Recovered
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import rescue
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskName
from parallel_orchestra.store.liveness import Life, Verdict


@frozen
class Freed:
    """A task that was taken from its owner: where it went, and what became of its work.

    `ref` keeps what was not merged; `later` if its owner may still be writing, and will keep it
    under that ref by itself.
    """

    task: str
    owner: str
    target: TaskState
    reason: str
    ref: str = ""
    later: bool = False


def free_task(
    layout: Layout, task: str, settings: Settings, *, force: bool, wait: float = 0.0
) -> Freed | None:
    """Takes a task from its owner; None if somebody else was faster.

    Its fence moves first, so that a worker that was only slow can't merge any more. Without
    `force` only what nobody alive holds is freed; an owner out of sight is watched for `wait`
    seconds at most.

    Raises:
        UsageError: the task is not locked, or its owner may be alive and there is no `force`.
        EnvironmentProblem: there is no run, or no such task.
    """
    told: list[Event] = []
    with workshop(layout, settings, listen=told.append) as shop:
        entry = entry_of(layout, shop.job.run, shop.store, task)
        if entry.state is not TaskState.LOCKED:
            raise UsageError(
                Problem(
                    f"task `{task}` is not locked: it lies in `{entry.state.value}/`",
                    path_of(layout, entry),
                )
            )
        (verdict,) = watched(shop.watch, layout, (entry,), 0.0 if force else wait)
        if verdict.life in (Life.ALIVE, Life.ELSEWHERE) and not force:
            raise UsageError(_refusal(shop, task, verdict, path_of(layout, entry), entry.name))
        dead = verdict.reason if verdict.life is Life.DEAD else ""
        if not shop.recovery.free(entry, dead or "freed by hand"):
            return None
        moved = next(event for event in told if isinstance(event, Recovered))
        ref, later = kept_work(shop, entry.name, alive=not dead)
        return Freed(
            task, entry.name.owner, TaskState(moved.target), moved.reason, ref, later=later
        )


def kept_work(shop: Workshop, name: TaskName, *, alive: bool) -> tuple[str, bool]:
    """Keeps what a claim that was freed left in its worktree; returns the ref, and if that comes later.

    An owner that may be alive still has its worktree: it finds its claim gone, and then keeps
    all by itself.
    """
    if not name.owner or shop.tasks[name.task].read_only:
        return "", False
    by = (name.task, name.attempts, name.owner)
    job = shop.job
    ref = rescue(job.repo, job.plan.cwd, by, shop.me.owner)
    if ref or not alive:
        return ref, False
    return shop.refs.salvage(*by), True


def _refusal(shop: Workshop, task: str, verdict: Verdict, where: str, name: TaskName) -> Problem:
    forced = f"`parallel-orchestra unlock {task} --force`"
    if verdict.life is Life.ALIVE:
        what = f"task `{task}` is held by {name.owner}, which is alive: {verdict.reason}"
        return Problem(what, where, f"if it must end: {forced}")
    record = shop.watch.record(name.owner)
    lease = (record.lease if record else shop.me.lease) + 1
    return Problem(
        f"task `{task}` is held by {name.owner}, which is not known to be dead: {verdict.reason}",
        where,
        f"watch it: `parallel-orchestra unlock {task} --wait {lease:.0f}`; if it must end: {forced}",
    )
