"""The gates of a task that look at its files: the evidence that it is to leave, then its commands.

Each command has a log of its own, and its own time. They run what the agent wrote, so they get what the
agent got: the user's environment without traces of an outer session, and the task's variables.
"""

from collections.abc import Callable

from parallel_orchestra.agents import Call
from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.isolation import Workspace
from parallel_orchestra.model import (
    Evidence,
    FailureClass,
    Task,
    Timed,
    argv_of,
    as_typed,
    timeout_of,
)
from parallel_orchestra.process import Ending, Exit
from parallel_orchestra.prompt.judging import Checked
from parallel_orchestra.worker.ended import DETAIL_BYTES, Ended
from parallel_orchestra.worker.evidence import lacking_file, lacking_output
from parallel_orchestra.worker.shop import Shop

#: Runs a call in a workspace with a log of that name, for at most so many seconds if they are given.
Runner = Callable[[Call, Workspace, str, float | None], Exit]

_EXPECT_LOG = "expect.log"


def checked(shop: Shop, task: Task, workspace: Workspace, run: Runner) -> tuple[Checked, ...]:
    """Returns how the task's `verify` went, once all that it is to `expect` is there.

    Raises:
        Ended: something expected is not there, a command failed, or the run was stopped.
    """
    gates = _Gates(shop, task, workspace, run)
    gates.demand_evidence()
    return tuple(gates.verified(number) for number in range(len(task.verify)))


class _Gates:
    def __init__(self, shop: Shop, task: Task, workspace: Workspace, run: Runner) -> None:
        self._environ = shop.environ
        self._task = task
        self._workspace = workspace
        self._run = run

    def demand_evidence(self) -> None:
        lacking = [lack for one in self._task.expect if (lack := self._lack(one))]
        if lacking:
            first = lacking[0].partition("\n")[0].removesuffix("; it printed:")
            more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            detail = "\n".join(f"- {lack}" for lack in lacking)[:DETAIL_BYTES]
            raise Ended(FailureClass.VERIFY, f"expected evidence is missing: {first}{more}", detail)

    def verified(self, number: int) -> Checked:
        command = self._task.verify[number]
        log = verify_log(number)
        ended = self._ran(command, log)
        said = (ended.stdout_tail + ended.stderr_tail)[-DETAIL_BYTES:]
        words = said.decode("utf-8", "replace")
        if ended.ending is not Ending.EXITED or ended.code != 0:
            raise Ended(
                FailureClass.VERIFY,
                f"`{as_typed(command)}` {ended.how}",
                words,
                log=log if words else "",
            )
        return Checked(as_typed(command), words)

    def _lack(self, expected: Evidence) -> str:
        """Returns what is wrong with one piece of expected evidence, or an empty string."""
        if expected.command is None:
            return lacking_file(self._workspace.path, expected)
        return lacking_output(expected, self._ran(expected.command, _EXPECT_LOG))

    def _ran(self, command: str | tuple[str, ...] | Timed, log: str) -> Exit:
        call = Call(
            argv_of(command),
            surroundings(self._environ, {}),
            secrets_of(self._environ, self._task.env),
            stdin_prompt=False,
        )
        ended = self._run(call, self._workspace, log, timeout_of(command))
        if ended.ending is Ending.CANCELLED:
            raise Ended(FailureClass.CANCELLED, "the run was stopped")
        return ended


def verify_log(number: int) -> str:
    """Returns the name of the log of a task's `verify` command, counted from 0."""
    return f"verify-{number + 1}.log" if number else "verify.log"
