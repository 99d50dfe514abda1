"""What every way to call a coding agent must be able to do, and what it gets told.

Knows nothing of worktrees, the store or the terminal. A backend says WHAT to run and reads WHAT
came out; running it is the supervisor's work (`process`), so a backend never starts anything.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from parallel_orchestra.agents.acts import Act
from parallel_orchestra.errors import Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import CPO, Answer, Task, Template, Usage
from parallel_orchestra.process import NO_LAST_WORDS, DeadEnd, Exit, LastWords


@frozen
class Program:
    """A coding agent's program, the `command` that starts it, and its package in the npm registry.

    `tried` is the newest version whose ways to succeed and to fail were recorded, `minimum` the
    oldest. `otherwise` says how else than by installing it the program is found.
    """

    title: str
    command: str
    package: str
    minimum: str
    tried: str
    otherwise: str = ""

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"npm install -g {self.package}"


#: Stands in a call's arguments for the path of the prompt's file: no argument can have a NUL.
PROMPT_FILE = "\0prompt\0"


@frozen
class AgentSettings:
    """What holds for all agents of a run.

    `environ` is the environment that the user started us with, `cwd` the absolute directory that
    relative program paths are meant from (the user's, not the worktree). `clock` gives
    seconds since the epoch; it is asked only to turn an agent's "resets at" into a wait.
    `templates` are the agents that the plan describes, by the names of their backends.
    """

    environ: Mapping[str, str]
    cwd: Path
    claude_exe: str = "claude"
    as_root: bool = False
    plan_version: str = "0.2"
    templates: Mapping[str, Template] = field(default_factory=dict)
    clock: Callable[[], float] = time.time

    def exe(self, program: Program) -> str:
        """Returns the name or path by which the user wants a program to be started."""
        return self.claude_exe if program.command == "claude" else program.command

    @property
    def published(self) -> bool:
        """Whether the plan is of the published format, whose agents may print plain text."""
        return self.plan_version == "0.1"

    @property
    def prints_text(self) -> bool:
        """Whether its agents may end without the backend's own result, with plain text."""
        return self.plan_version in ("0.1", CPO)


@frozen
class Call:
    """One agent, ready to be started.

    `env` is the child's whole environment, but for the task's own variables (`PO_TASK_ID` ...),
    which the worker adds. `PROMPT_FILE` in an argument becomes the path of the prompt's file. `secrets` are the values to mask in everything that it prints, the
    longest first. `stdin_prompt` says that it reads its prompt from stdin. Lines of its stdout that
    hold one of the words of `keep` reach `Backend.answer` however long the output is. By its
    `last_words` an agent is known to be done, so that one which hangs then is ended; by its `dead_ends`
    to wait for what no attempt should wait for.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    secrets: tuple[str, ...] = ()
    stdin_prompt: bool = True
    keep: tuple[bytes, ...] = ()
    last_words: LastWords = NO_LAST_WORDS
    dead_ends: tuple[DeadEnd, ...] = ()


@frozen
class Sessions:
    """How one goes on with a session of an agent's, in the directory that it was begun in.

    `by_hand` are the words that a person types before its id. `gone` fits what the program says
    of a session that it does not have (any more).
    """

    by_hand: tuple[str, ...]
    gone: re.Pattern[str]

    def lost(self, ended: Exit, session: str, answered: str) -> bool:
        """Returns whether an agent that was to go on with a session did not have it.

        `answered` is the session that it said it was in; empty if it did not say.
        """
        said = (ended.stderr_tail + ended.stdout_tail).decode("utf-8", "replace")
        # Codex begins a fresh one, without a word, where it can't make sense of an id.
        other = bool(answered) and answered != session
        return other or (ended.code != 0 and self.gone.search(said) is not None)


class Backend(Protocol):
    """A way to call agents. A new one is a file beside this one and a line in `BACKENDS`.

    Implementations keep no state: any worker thread may call them at any time.
    """

    @property
    def name(self) -> str:
        """Returns the name that plans use in `backend:`."""

    @property
    def program(self) -> Program | None:
        """Returns the program that it starts; None if the plan names one."""

    @property
    def account(self) -> tuple[str, ...]:
        """Returns the environment variables by which it is known who pays: keys, logins' places.

        A `*` at the front stands for any beginning.
        """

    @property
    def start_gap(self) -> float:
        """Returns about how many seconds should lie between two starts; 0 if it doesn't matter.

        For programs that trip over each other when many start at once (a shared login or
        settings file, a limit of requests per second). No worker waits for it.
        """

    @property
    def sessions(self) -> Sessions | None:
        """Returns how its agents' sessions are gone on with; None if they have none."""

    def check(self, settings: AgentSettings) -> Problem | None:
        """Returns why no task can use this backend here, or None. Starts nothing."""

    def mode(self, task: Task) -> tuple[str, ...]:
        """Returns the arguments that say what a task's agent may do without being asked."""

    def notices(self, settings: AgentSettings, tasks: Sequence[Task]) -> tuple[str, ...]:
        """Returns what the user must know before the first agent of its tasks starts, a sentence each."""

    def call(self, task: Task, settings: AgentSettings, session: str = "") -> Call:
        """Returns how to start this task's agent; with a session, how to go on with it."""

    def acts(self, line: str) -> tuple[Act, ...] | None:
        """Returns what a line of the log tells of acts; None if it is no event but plain text.

        Nothing for an event that tells of none, is not known or broken. Never raises.
        """

    def answer(
        self, task: Task, settings: AgentSettings, ended: Exit, before: Usage | None = None
    ) -> Answer:
        """Returns what the agent said and, if it did not succeed, the class of the failure.

        `before` is what a session had used when it was gone on with: the answer tells what was
        used since, whatever the agent counts.
        Never raises for what an agent printed, however broken it is.
        """
