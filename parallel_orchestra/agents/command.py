"""Any program as an agent: the prompt on its stdin, its exit code for an answer."""

from collections.abc import Sequence

from parallel_orchestra.agents.accounts import HOMES, KEYS
from parallel_orchestra.agents.backend import AgentSettings, Call
from parallel_orchestra.agents.endings import (
    NOT_EXECUTABLE,
    NOT_FOUND,
    cut_short,
    how_it_ended,
)
from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.agents.words import last_lines
from parallel_orchestra.errors import Problem
from parallel_orchestra.model import Answer, FailureClass, Task, Usage, argv_of
from parallel_orchestra.process import Exit


class CommandBackend:
    """Runs the task's `command`: a list as it is, a string by `sh -c`.

    Exit code 0 is success; the last lines of stdout are the answer's text.
    """

    name = "command"
    program = None
    sessions = None
    #: Whose keys it takes, nobody knows.
    account = (*HOMES, *KEYS)
    start_gap = 0.0

    def check(self, settings: AgentSettings) -> Problem | None:
        """Returns None: whether a command exists is seen in its worktree, which comes later."""
        del settings
        return None

    def mode(self, task: Task) -> tuple[str, ...]:
        """Returns nothing: it stands in the plan."""
        del task
        return ()

    def notices(self, settings: AgentSettings, tasks: Sequence[Task]) -> tuple[str, ...]:
        """Returns nothing: what a command may do stands in the plan."""
        del settings, tasks
        return ()

    def call(self, task: Task, settings: AgentSettings, session: str = "") -> Call:
        """Returns the task's command with the user's environment and the task's own."""
        del session
        assert task.command is not None, "the plan's reader demands a command"  # noqa: S101
        return Call(
            argv=argv_of(task.command),
            env=surroundings(settings.environ, task.env),
            secrets=secrets_of(settings.environ, task.env),
        )

    def acts(self, line: str) -> None:
        """Returns None: whatever it prints is plain text."""
        del line

    def answer(
        self, task: Task, settings: AgentSettings, ended: Exit, before: Usage | None = None
    ) -> Answer:
        """Returns success for exit code 0; 126 and 127 can't be helped by another attempt."""
        del settings, before
        if (short := cut_short(task, ended)) is not None:
            return short
        text = last_lines(ended.stdout_tail)
        if ended.code == 0:
            return Answer(text)
        beyond_help = ended.code in (NOT_EXECUTABLE, NOT_FOUND)
        failure = FailureClass.PERMANENT if beyond_help else FailureClass.TRANSIENT
        return Answer(text, failure, how_it_ended(ended))
