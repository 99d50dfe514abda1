"""Runs the commands of a set-up, and takes a set-up down. A failed one is never the task's fault."""

from collections.abc import Mapping
from pathlib import Path

from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation.workspace import Isolation, Label, Workspace
from parallel_orchestra.model import Command, Setup, argv_of, as_typed
from parallel_orchestra.process import Child, Ending, Exit, Supervisor

#: Seconds that each command of a `teardown` may take: somebody waits for the end of the run.
_TEARDOWN_LIMIT = 60.0
_DETAIL_BYTES = 4096


class SetUpFailed(Exception):  # a fact about the surroundings, told in an attempt's result
    """A command of the set-up failed, or was `cancelled`; `detail` is the end of its output."""

    def __init__(self, reason: str, detail: str, *, cancelled: bool) -> None:
        super().__init__(reason)
        self.detail = detail
        self.cancelled = cancelled


@frozen
class Means:
    """With what commands of a set-up run: `variables` come on top of the user's `environ`."""

    supervisor: Supervisor
    environ: Mapping[str, str]
    variables: Mapping[str, str]

    def run(self, command: Command, directory: Path, log: Path, timeout: float) -> Exit:
        """Runs one command to its end."""
        return self.supervisor.run(
            Child(
                argv_of(command),
                directory,
                surroundings(self.environ, self.variables),
                log,
                timeout=timeout,
                secrets=secrets_of(self.environ),
            )
        )


def prepared(
    place: Isolation,
    base: str,
    label: Label,
    setup: Setup,
    means: Means,
    log: Path,
    *,
    carry_claude: bool,
) -> Workspace:
    """Opens a place at a commit and sets it up, if that is due; returns it as the agent gets it.

    Raises:
        SetUpFailed: a command failed or was cancelled; the next opening sets it up from scratch.
        GitError: git failed; nothing is lost.
        OSError: what is to be copied is not there.
    """
    before = place.set_up_as()
    if before != setup and before.teardown:
        place.save()
        take_down(place, means, log)
    workspace = place.open(base, label, carry_claude=carry_claude, setup=setup)
    try:
        if place.setup_due(workspace, setup):
            _run_all(setup, workspace, means, log)
        return place.set_up(workspace, setup)
    except BaseException:
        # There is no work yet, and others may wait for the place.
        place.settled()
        raise


def _run_all(setup: Setup, workspace: Workspace, means: Means, log: Path) -> None:
    for command in setup.run:
        ended = means.run(command, workspace.path, log, setup.timeout)
        if ended.ending is not Ending.EXITED or ended.code != 0:
            raise _failed(command, ended)


def take_down(place: Isolation, means: Means, log: Path) -> tuple[str, ...]:
    """Runs the `teardown` of what was set up here; returns what failed, a sentence each.

    All of its commands run, whatever becomes of the others.
    """
    setup = place.set_up_as()
    place.taken_down()
    failed = []
    for command in setup.teardown:
        ended = means.run(command, place.directory, log, _TEARDOWN_LIMIT)
        if ended.ending is not Ending.EXITED or ended.code != 0:
            failed.append(f"teardown failed: {_how(command, ended)}")
    return tuple(failed)


def _failed(command: Command, ended: Exit) -> SetUpFailed:
    said = (ended.stdout_tail + ended.stderr_tail)[-_DETAIL_BYTES:].decode("utf-8", "replace")
    cancelled = ended.ending is Ending.CANCELLED
    return SetUpFailed(f"set-up failed: {_how(command, ended)}", said, cancelled=cancelled)


def _how(command: Command, ended: Exit) -> str:
    return f"`{as_typed(command)}` {ended.how}"
