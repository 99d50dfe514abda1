"""A whole plan, and what holds for all of its tasks."""

import re
from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model.after_merge import NO_AFTER_MERGE, AfterMerge
from parallel_orchestra.model.budget import NO_BUDGET, Budget
from parallel_orchestra.model.checks import NO_CHECKS, Checks
from parallel_orchestra.model.command import Command, Timed
from parallel_orchestra.model.qa import DEFAULT_QA_TIMEOUT, Qa
from parallel_orchestra.model.task import NO_SETUP, Setup, Task

#: The version of a plan that was read from a `cpo` folder.
CPO = "cpo"
#: The file by which such a folder is known.
CPO_MANIFEST = "manifest.json"


class Boundaries(Enum):
    """What follows if a task changes what is not its to change: nothing, a warning, a failure."""

    OFF = "off"
    WARN = "warn"
    BLOCK = "block"


class HaltWhen(Enum):
    """When a run stops because tasks failed: not, once running tasks have ended, or at once."""

    KEEP_GOING = "keep-going"
    SOON = "soon"
    NOW = "now"


_HALT = re.compile(
    r"(?P<when>keep-going|soon|now)(?:\s*,\s*(?P<after>[0-9]{1,6})\s*(?P<share>%?))?"
)


@frozen
class Halt:
    """Whether a run stops when `after` tasks have failed, or that many percent of all tasks."""

    when: HaltWhen = HaltWhen.KEEP_GOING
    after: int = 1
    percent: bool = False

    @classmethod
    def of(cls, text: str) -> "Halt":
        """Returns what `keep-going`, `soon`, `now`, `soon,3` or `now,20%` means.

        Raises:
            ValueError: it is none of these.
        """
        found = _HALT.fullmatch(text.strip())
        after = int(found["after"] or 1) if found else 0
        keeps_going = found is not None and found["when"] == HaltWhen.KEEP_GOING.value
        if found is None or after < 1 or (keeps_going and found["after"]):
            raise ValueError(f"not a way to halt: {text!r}")
        if found["share"] and after > 100:
            raise ValueError(f"more than all tasks: {text!r}")
        return cls(HaltWhen(found["when"]), after, percent=found["share"] == "%")

    def __str__(self) -> str:
        """Returns the text that `of` reads."""
        if self.when is HaltWhen.KEEP_GOING or (self.after == 1 and not self.percent):
            return self.when.value
        return f"{self.when.value},{self.after}{'%' if self.percent else ''}"

    def reached(self, failed: int, total: int) -> bool:
        """Returns whether so many failed tasks of all are enough to stop."""
        if self.when is HaltWhen.KEEP_GOING or not failed:
            return False
        return failed * 100 >= self.after * total if self.percent else failed >= self.after


class Deliver(Enum):
    """How merged work reaches the user: at the end, after each merge, not at all, by a pull request."""

    END = "end"
    EACH = "each"
    NEVER = "never"
    PR = "pr"


class Strategy(Enum):
    """What a task becomes on the branch: a merge of its commits, one in their place, or a copy of each."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class OnConflict(Enum):
    """What follows a conflict: its task fails, the run ends and asks, the task begins anew.

    Or an agent resolves it.
    """

    KEEP = "keep"
    HALT = "halt"
    RETRY = "retry"
    AGENT = "agent"


@frozen
class MergeRules:
    """How merge candidates are judged, what they become on the branch, and how what was merged is delivered.

    With a `baseline`, only what the base does not fail in counts. What fails is read from the
    `junit` files that `verify` writes (patterns, counted from the project), and from the lines that
    the command `failing` prints. `message` is the text of a Jinja template for our commits; empty
    means our own words. `co_author` is `Name <address>`; True means that of each task's agent.
    """

    baseline: bool = False
    junit: tuple[str, ...] = ()
    failing: Command | None = None
    deliver: Deliver = Deliver.END
    strategy: Strategy = Strategy.MERGE
    on_conflict: OnConflict = OnConflict.KEEP
    regenerate: tuple[tuple[str, Command], ...] = ()
    message: str = ""
    sign_off: bool = False
    co_author: str | bool = False


class LimitMode(Enum):
    """What a run does when an account's usage limit is met: wait for its end, or stop."""

    WAIT = "wait"
    STOP = "stop"


#: Seconds that a run waits for the end of a usage limit if its plan says nothing: the windows of
#: most subscriptions are five hours long, and a weekly limit needs a person.
DEFAULT_MAX_WAIT = 6 * 3600.0


@frozen
class UsageLimit:
    """What follows a usage limit; one that lasts longer than `max_wait` seconds is not waited for."""

    mode: LimitMode = LimitMode.WAIT
    max_wait: float = DEFAULT_MAX_WAIT

    def waits(self, seconds: float) -> bool:
        """Returns whether a limit that lasts so long is waited for."""
        return self.mode is LimitMode.WAIT and seconds <= self.max_wait

    def facts(self) -> dict[str, str | float]:
        """Returns it as JSON values."""
        return {"mode": self.mode.value, "max_wait": self.max_wait}


#: The defaults of a plan that has none.
NO_DEFAULTS = Task(id="")


@frozen
class Hook:
    """A command that is run for each event of these kinds, or of any if none is named."""

    run: Command
    events: tuple[str, ...] = ()


@frozen
class Webhooks:
    """Where a plan wants its end to be told: https URLs, or empty."""

    on_complete: str = ""
    on_failure: str = ""


@frozen
class Template:
    """An agent that the plan describes: see `plan.described`; `classify` is (class, pattern)."""

    command: tuple[str | tuple[str, ...], ...]
    stdin: bool = True
    result: str = "text"
    classify: tuple[tuple[str, str], ...] = ()


@frozen
class Plan:
    """A whole plan: its tasks in the order of the file, and what holds for all of them.

    `source` is the plan's file and `cwd` the project directory, both absolute. `base` is the
    branch to start from; empty means the branch that is checked out. `context` stands in every
    prompt. `prompt_template` is the text of a Jinja template; empty means ours. `programs` must be
    there before anything starts. `defaults` hold for tasks that join later. `fewest` and
    `keep_worktrees` are a project's settings, not a plan's. `warnings` are remarks of the reader,
    one sentence each.
    """

    version: str
    name: str
    source: Path
    cwd: Path
    tasks: tuple[Task, ...]
    base: str = ""
    max_workers: int | None = None
    verify: tuple[Command | Timed, ...] = ()
    concurrency_limits: Mapping[str, int] = field(default_factory=dict)
    halt: Halt = Halt()
    usage_limit: UsageLimit = UsageLimit()
    context: str = ""
    prompt_template: str = ""
    programs: tuple[str, ...] = ()
    backends: Mapping[str, Template] = field(default_factory=dict)
    fewest: int | None = None
    keep_worktrees: bool = False
    setup: Setup = NO_SETUP
    boundaries: Boundaries | None = None
    merge: MergeRules = MergeRules()
    qa: Qa | None = None
    budget: Budget = NO_BUDGET
    checks: Checks = NO_CHECKS
    after_merge: AfterMerge = NO_AFTER_MERGE
    webhooks: Webhooks = Webhooks()
    on_event: Hook | None = None
    notify: tuple[str, ...] = ()
    defaults: Task = NO_DEFAULTS
    warnings: tuple[str, ...] = ()

    @property
    def agents(self) -> tuple[Task, ...]:
        """All that backends are called for: the tasks, who judges them, what comes after the merge."""
        others = [*map(self.judge_of, self.tasks), self.after_merge.task]
        return (*self.tasks, *(one for one in others if one is not None))

    @property
    def published(self) -> bool:
        """Whether it is a manifest of the published format, 0.1."""
        return self.version == "0.1"

    def setup_of(self, task: Task) -> Setup:
        """Returns how a worktree is made ready for a task: as for all, then as it says itself."""
        return self.setup.then(task.setup) if task.setup != NO_SETUP else self.setup

    def qa_of(self, task: Task) -> Qa | None:
        """Returns how a task's work is judged before it is merged; None if it is not.

        What only looks and answers has nothing to merge.
        """
        found = task.qa.over(self.qa) if task.qa is not None else self.qa
        return None if found is None or not found.on or task.read_only else found

    def judge_of(self, task: Task) -> Task | None:
        """Returns the agent that judges a task's work, as a task of its own; None if nobody does.

        It is the task's own, in a fresh session and without its role, unless another is named.
        """
        qa = self.qa_of(task)
        if qa is None:
            return None
        other = bool(qa.backend) and qa.backend != task.backend
        return Task(
            id=task.id,
            title=task.title,
            backend=qa.backend or task.backend,
            agent=qa.agent,
            model=qa.model or ("" if other else task.model),
            command=qa.command,
            read_only=True,
            timeout=DEFAULT_QA_TIMEOUT if qa.timeout is None else qa.timeout,
            idle_timeout=task.idle_timeout,
            env=task.env,
            max_turns=qa.max_turns,
            max_cost_usd=qa.max_cost_usd,
            max_tokens=qa.max_tokens,
        )

    @property
    def cpo(self) -> bool:
        """Whether it was read from a folder of the `cpo` format: `source` is its `manifest.json`."""
        return self.version == CPO

    @property
    def on_beyond(self) -> Boundaries:
        """What follows if a task changes more than it said."""
        # the published tool does not look
        usual = Boundaries.OFF if self.published else Boundaries.WARN
        return self.boundaries or usual

    @property
    def on_boundary(self) -> Boundaries:
        """What follows if a task touches what it must not."""
        return self.boundaries or Boundaries.BLOCK

    @property
    def fewest_beside(self) -> int:
        """How many tasks that could run beside others make the plan worth several workers.

        `fewest` if it is given; else a plan that names a number of workers means it.
        """
        if self.fewest is not None:
            return self.fewest
        return 2 if self.published or self.cpo or self.max_workers else 3

    def task(self, task_id: str) -> Task:
        """Returns the task of that id.

        Raises:
            KeyError: the plan has no such task.
        """
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KeyError(task_id)
