"""One task of a plan, and what is said in it."""

from collections.abc import Mapping
from dataclasses import field, fields
from enum import Enum
from types import MappingProxyType
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model.command import Command, Timed
from parallel_orchestra.model.qa import Qa

NO_ENV: Mapping[str, str] = MappingProxyType({})

#: Seconds that an attempt may take if the plan does not say; less in plans of version 0.1.
DEFAULT_TIMEOUT = 7200.0
DEFAULT_TIMEOUT_V01 = 900.0
#: Seconds without any sign of life after which an attempt is ended.
DEFAULT_IDLE_TIMEOUT = 1800.0
DEFAULT_SETUP_TIMEOUT = 1800.0
DEFAULT_MAX_RETRIES = 1
DEFAULT_MAX_WORKERS = 3
DEFAULT_BACKEND = "claude"


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


@frozen
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


@frozen
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


@frozen
class Task:
    """One task, with all defaults of the plan filled in.

    `prompt` is data and never rendered. `timeout` and `idle_timeout` are in seconds. `estimate` is a duration in
    seconds (S, M and L are 60, 300 and 1200) or None. `writes`, `creates` (new files), `modifies`
    (files that are there) and `boundary` (not to be touched) are patterns as `ownership` reads
    them; empty means undeclared. `verify` runs in the task's worktree after the agent. `skills`
    are names and `contracts` paths, counted from the project, that its prompt tells of.
    `max_cost_usd`, `max_tokens` and `max_duration` (seconds) hold for all of its attempts together;
    0 says that it uses none. `qa` is what it says of that itself, None for nothing: see `Plan.qa_of`.
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
    idle_timeout: float = DEFAULT_IDLE_TIMEOUT
    # a factory, because Python 3.11 takes an unhashable default for a shared mutable one
    env: Mapping[str, str] = field(default_factory=lambda: NO_ENV)
    verify: tuple[Command | Timed, ...] = ()
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
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_duration: float | None = None
    wave: int | None = None
    setup: Setup = NO_SETUP
    qa: Qa | None = None

    @property
    def may_write(self) -> tuple[str, ...]:
        """The patterns of all files that it may write; empty if it does not say."""
        return (*self.writes, *self.creates, *self.modifies)
