"""The nouns of a plan, frozen.

Knows nothing of files, YAML or git: `plan` makes these values, everything else reads them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

#: A command is an argument list, or one line for `sh -c`.
Command = tuple[str, ...] | str

NO_ENV: Mapping[str, str] = MappingProxyType({})

#: Seconds that an attempt may take if the plan does not say; less in plans of version 0.1.
DEFAULT_TIMEOUT = 7200.0
DEFAULT_TIMEOUT_V01 = 900.0
DEFAULT_SETUP_TIMEOUT = 1800.0
DEFAULT_MAX_RETRIES = 1
DEFAULT_MAX_WORKERS = 3
DEFAULT_BACKEND = "claude"

#: The version of a plan that was read from a `cpo` folder.
CPO = "cpo"
#: The file by which such a folder is known.
CPO_MANIFEST = "manifest.json"


def argv_of(command: Command) -> tuple[str, ...]:
    """Returns a command as an argument list; a line goes to `sh -c`."""
    return ("sh", "-c", command) if isinstance(command, str) else command


def as_typed(command: Command) -> str:
    """Returns a command as a person would type it."""
    return command if isinstance(command, str) else " ".join(command)


class Isolation(Enum):
    """Where an agent works.

    `WORKTREE`: a pooled git worktree. `CLONE`: the same with a repository of its own. `SHARED`: one
    worktree for all such tasks, each with files of its own. `NONE`: the project itself
    (read-only tasks).
    """

    WORKTREE = "worktree"
    CLONE = "clone"
    SHARED = "shared"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What must be there after an attempt: `path` (a glob), or what `command` prints.

    With `contains`, a file of that path, or the output, has this text.
    """

    path: str = ""
    command: Command | None = None
    contains: str = ""

    def facts(self) -> dict[str, str | list[str]]:
        """Returns what was said, as JSON has it."""
        command = self.command if isinstance(self.command, str) else list(self.command or ())
        named = {"path": self.path, "command": command, "contains": self.contains}
        return {name: one for name, one in named.items() if one}


@dataclass(frozen=True, slots=True)
class Setup:
    """How a worktree is made ready for agents, before the first one and when it is due again.

    `copy` and `symlink` are paths of the project, `keep` and `inputs` patterns of paths in the
    worktree. `run` and `teardown` are commands, `timeout` is in seconds, for each of `run`.
    `include` says whether a `.worktreeinclude` is read.
    """

    copy: tuple[str, ...] = ()
    symlink: tuple[str, ...] = ()
    run: tuple[Command, ...] = ()
    teardown: tuple[Command, ...] = ()
    keep: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    timeout: float = DEFAULT_SETUP_TIMEOUT
    include: bool = False

    def then(self, more: "Setup") -> "Setup":
        """Returns both, this one first."""
        # A run that depends on everything goes on to do so.
        whole = bool(self.run and not self.inputs) or bool(more.run and not more.inputs)
        return Setup(
            copy=_joined(self.copy, more.copy),
            symlink=_joined(self.symlink, more.symlink),
            run=self.run + more.run,
            teardown=more.teardown + self.teardown,
            keep=_joined(self.keep, more.keep),
            inputs=() if whole else _joined(self.inputs, more.inputs),
            timeout=max(self.timeout, more.timeout),
            include=self.include or more.include,
        )

    def facts(self) -> dict[str, Any]:
        """Returns what differs from no set-up, as JSON has it."""
        named = ((one.name, getattr(self, one.name)) for one in fields(self))
        default = {one.name: one.default for one in fields(self)}
        return {name: value for name, value in named if value != default[name]}


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one + other))


#: For who wants a place as it is.
NO_SETUP = Setup()


@dataclass(frozen=True, slots=True)
class Task:
    """One task, with all defaults of the plan filled in.

    `prompt` is data and never rendered. `timeout` is in seconds. `estimate` is a duration in
    seconds (S, M and L are 60, 300 and 1200) or None. `writes`, `creates` (new files), `modifies`
    (files that are there) and `boundary` (not to be touched) are patterns as `ownership` reads
    them; empty means undeclared. `verify` runs in the task's worktree after the agent. `skills`
    are names and `contracts` paths, counted from the project, that its prompt tells of.
    """

    id: str
    title: str = ""
    prompt: str = ""
    agent: str = ""
    backend: str = DEFAULT_BACKEND
    model: str = ""
    command: Command | None = None
    read_only: bool = False
    depends_on: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    modifies: tuple[str, ...] = ()
    boundary: tuple[str, ...] = ()
    priority: int = 0
    estimate: float | None = None
    max_retries: int = DEFAULT_MAX_RETRIES
    timeout: float = DEFAULT_TIMEOUT
    # a factory, because Python 3.11 takes an unhashable default for a shared mutable one
    env: Mapping[str, str] = field(default_factory=lambda: NO_ENV)
    verify: tuple[Command, ...] = ()
    expect: tuple[Evidence, ...] = ()
    allow_empty: bool = False
    completion_signal: bool = False
    skills: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    isolation: Isolation = Isolation.WORKTREE
    concurrency_group: str = ""
    permission_mode: str = ""
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    max_turns: int | None = None
    wave: int | None = None
    setup: Setup = NO_SETUP

    @property
    def may_write(self) -> tuple[str, ...]:
        """The patterns of all files that it may write; empty if it does not say."""
        return (*self.writes, *self.creates, *self.modifies)


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


@dataclass(frozen=True, slots=True)
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


#: The defaults of a plan that has none.
NO_DEFAULTS = Task(id="")


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Where a 0.1 plan wants to be told of its end: https URLs, or empty."""

    on_complete: str = ""
    on_failure: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """An agent that the plan describes: see `plan.described`; `classify` is (class, pattern)."""

    command: tuple[str | tuple[str, ...], ...]
    stdin: bool = True
    result: str = "text"
    classify: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
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
    verify: tuple[Command, ...] = ()
    concurrency_limits: Mapping[str, int] = field(default_factory=dict)
    halt: Halt = Halt()
    context: str = ""
    prompt_template: str = ""
    programs: tuple[str, ...] = ()
    backends: Mapping[str, Template] = field(default_factory=dict)
    fewest: int | None = None
    keep_worktrees: bool = False
    setup: Setup = NO_SETUP
    boundaries: Boundaries | None = None
    webhooks: Webhooks = Webhooks()
    defaults: Task = NO_DEFAULTS
    warnings: tuple[str, ...] = ()

    @property
    def published(self) -> bool:
        """Whether it is a manifest of the published format, 0.1."""
        return self.version == "0.1"

    def setup_of(self, task: Task) -> Setup:
        """Returns how a worktree is made ready for a task: as for all, then as it says itself."""
        return self.setup.then(task.setup) if task.setup != NO_SETUP else self.setup

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


class FailureClass(Enum):
    """Why an attempt did not succeed, and by that what happens next."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    PERMANENT = "permanent"
    TIMEOUT = "timeout"
    VERIFY = "verify"
    CONFLICT = "conflict"
    NO_CHANGES = "no_changes"
    BOUNDARY = "boundary"
    TAMPERING = "tampering"
    ENVIRONMENT = "environment"
    CANCELLED = "cancelled"

    @property
    def counted(self) -> bool:
        """Whether it uses up one of the task's retries; the others give the attempt back."""
        return self not in (
            FailureClass.RATE_LIMITED,
            FailureClass.ENVIRONMENT,
            FailureClass.CANCELLED,
        )

    @property
    def final(self) -> bool:
        """Whether another attempt can't help, so that the task fails at once."""
        return self in (
            FailureClass.AUTH,
            FailureClass.PERMANENT,
            FailureClass.CONFLICT,
            FailureClass.TAMPERING,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """What an agent said that it used; None where it did not say."""

    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    turns: int | None = None
    session: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An agent's answer: `failure` is None when it says that it succeeded.

    `text` is its last words, `reason` one sentence on the failure; `retry_after` seconds it
    asked us to wait, or None.
    """

    text: str = ""
    failure: FailureClass | None = None
    reason: str = ""
    usage: Usage = Usage()
    retry_after: float | None = None
