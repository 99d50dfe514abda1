"""What a report or a status shows of a run: plain values, made by `fold`."""

from enum import Enum

from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress.aftermath import Aftermath
from parallel_orchestra.progress.exhibits import Exhibit, Landed
from parallel_orchestra.progress.integration import IntegrationReport
from parallel_orchestra.schedule import Cause, Outlook
from parallel_orchestra.schedule.usage_limits import Limit


class Outcome(Enum):
    """How a task stands, in words for a reader."""

    SUCCEEDED = "succeeded"
    RESUMED = "resumed"
    BY_HAND = "done by hand"
    FAILED = "failed"
    SKIPPED = "skipped"
    RUNNING = "running"
    WAITING = "waiting"
    MISSING = "missing"

    @property
    def done(self) -> bool:
        """Whether dependents may go on."""
        return self in (Outcome.SUCCEEDED, Outcome.RESUMED, Outcome.BY_HAND)


@frozen
class Stretch:
    """A part of an attempt: its `phase`, see `model.Phase`, from `started` (epoch) to the next."""

    phase: str
    started: float


@frozen
class Wait:
    """A time in which tasks did not start: `ended` None if it goes on; both in epoch seconds.

    `what` names the account whose limit was met; it is empty where a process started nothing.
    """

    what: str
    reason: str
    started: float
    ended: float | None = None


@frozen
class Judgement:
    """What QA said of an attempt's work; `verdict` is a `QaVerdict`, `log` relative to `_tasks/`."""

    verdict: str
    reason: str
    backend: str
    model: str
    seconds: float
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    session: str = ""
    log: str = ""


@frozen
class Attempt:
    """One attempt of a task: `started` in epoch seconds UTC, `seconds` None while it runs.

    `failure` is empty for a success and while it runs; `log` is relative to `_tasks/`. `unseen`
    if it runs no more, but nobody wrote down how it ended: its worker was killed, or lost it.
    `way` is how it went on after an earlier one, see `retry.Way`; empty for a first one. `directory`
    is where its agent worked, in its `session`. `phases` follow each other; before the first one
    its place is set up. `qa` is None if nobody judged its work; what that
    used stands there alone. `told_in` is the log that shows why it failed, if that is not `log`.
    `exhibits` are there only if somebody asked for them.
    """

    number: int
    owner: str
    slot: int
    started: float
    seconds: float | None = None
    failure: str = ""
    reason: str = ""
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    turns: int | None = None
    session: str = ""
    log: str = ""
    unseen: bool = False
    way: str = ""
    directory: str = ""
    phases: tuple[Stretch, ...] = ()
    qa: Judgement | None = None
    told_in: str = ""
    exhibits: tuple[Exhibit, ...] = ()


@frozen
class Silence:
    """An agent that shows no sign of life: `quiet`, or `stuck` and to be ended; `since` an epoch."""

    state: str
    since: float


@frozen
class TaskReport:
    """One task as a report shows it.

    `commit` is its merge commit; `kept` are refs of work that was not merged; `files` are the
    conflicting ones, `against` the tasks whose merges they conflict with; `failures` counts as the
    file name does. `cause` is why a waiting or skipped one does not run. `silence` is that of a
    running one's agent, None if it is at work. `landed` is there only if
    somebody asked for it.
    """

    id: str
    title: str
    agent: str
    backend: str
    read_only: bool
    depends_on: tuple[str, ...]
    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    failures: int = 0
    failure: str = ""
    reason: str = ""
    commit: str = ""
    kept: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cause: Cause | None = None
    silence: Silence | None = None
    against: tuple[str, ...] = ()
    landed: Landed | None = None
    wave: int | None = None

    @property
    def seconds(self) -> float:
        """The time of all its attempts that ended, in seconds."""
        return sum(attempt.seconds or 0.0 for attempt in self.attempts)

    @property
    def cost_usd(self) -> float | None:
        """What all its attempts cost, QA too, or None if no agent said."""
        told = [one.cost_usd for one in self.attempts]
        costs = [cost for cost in (*told, self.qa_cost_usd) if cost is not None]
        return sum(costs) if costs else None

    @property
    def qa_cost_usd(self) -> float | None:
        """What QA alone cost, or None if it did not say."""
        told = [one.qa.cost_usd for one in self.attempts if one.qa is not None]
        costs = [cost for cost in told if cost is not None]
        return sum(costs) if costs else None


@frozen
class Purse:
    """One budget of the whole run: `unit` is its name in plans.

    `used` by attempts that ended, `held` for those that run, of `limit`.
    """

    unit: str
    used: float
    held: float
    limit: float


@frozen
class Delivery:
    """Whether the merged work reached the user's branch: `reason` and `command` if not.

    With a `url` it stands in that pull request into the branch. A `command` without a `reason`: the
    plan leaves it to the user.
    """

    branch: str = ""
    before: str = ""
    after: str = ""
    done: bool = False
    reason: str = ""
    command: str = ""
    url: str = ""


@frozen
class RunReport:
    """A whole run: instants in epoch seconds UTC, `ended` None while it runs.

    `took` is how long it took by a clock that never jumps, None if nobody measured it. `paused`
    says by whom nothing may start at this moment; empty if it may. `critical_path_seconds` is the
    longest chain of durations actually seen. `outlook` is how the rest will go, None if nothing is
    open. `held` says why processes start nothing at the moment. `purses` are what is limited in all,
    `limits` the usage limits that hold, `waits` all times in which something kept tasks from
    starting, in order. `integration_report` is None if none was made of this very tip. `aftermath` is
    what the plan wanted done after the last merge. `seen` is when this picture was taken. `killed` says
    why nobody is at work on a run that has not ended, if somebody asked for it.
    """

    run: str
    name: str
    source: str
    cwd: str
    tasks_dir: str
    started: float
    ended: float | None
    workers: int
    mode: str
    mode_reason: str
    base_branch: str
    base_commit: str
    integration: str
    tip: str
    delivery: Delivery
    tasks: tuple[TaskReport, ...]
    exit_code: int
    critical_path_seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    took: float | None = None
    paused: str = ""
    outlook: Outlook | None = None
    held: tuple[str, ...] = ()
    purses: tuple[Purse, ...] = ()
    limits: tuple[Limit, ...] = ()
    waits: tuple[Wait, ...] = ()
    integration_report: IntegrationReport | None = None
    aftermath: Aftermath | None = None
    seen: float = 0.0
    killed: str = ""

    def count(self, *outcomes: Outcome) -> int:
        """Returns how many tasks stand at one of these outcomes."""
        return sum(task.outcome in outcomes for task in self.tasks)

    @property
    def total(self) -> int:
        """How many tasks the plan has."""
        return len(self.tasks)

    @property
    def completed(self) -> int:
        """How many tasks are done, by whomever."""
        return sum(task.outcome.done for task in self.tasks)

    @property
    def seconds(self) -> float | None:
        """How long the run took, or None while it runs."""
        if self.ended is None:
            return None
        return self.ended - self.started if self.took is None else self.took

    @property
    def work_seconds(self) -> float:
        """The time of all attempts together: what one worker alone would have needed."""
        return sum(task.seconds for task in self.tasks)

    @property
    def cost_usd(self) -> float | None:
        """What all attempts cost, QA too, or None if no agent said."""
        told = [task.cost_usd for task in self.tasks]
        costs = [cost for cost in told if cost is not None]
        return sum(costs) if costs else None

    @property
    def qa_cost_usd(self) -> float | None:
        """What QA alone cost, or None if it did not say."""
        told = [task.qa_cost_usd for task in self.tasks]
        costs = [cost for cost in told if cost is not None]
        return sum(costs) if costs else None
