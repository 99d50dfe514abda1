"""The programs behind the backends: whether they are there."""

from collections.abc import Mapping

from parallel_orchestra.agents.backend import AgentSettings, Program
from parallel_orchestra.errors import Problem
from parallel_orchestra.process import find_program


def missing(program: Program, settings: AgentSettings) -> Problem | None:
    """Returns a problem if the program is not there or not executable."""
    exe = settings.exe(program)
    if find_program(exe, settings.environ, settings.cwd) is not None:
        return None
    return Problem(
        what=f"the agent program `{exe}` is not there or not executable",
        where=f"PATH={settings.environ.get('PATH', '')}",
        hint=f"install {program.title} (`{program.install}`){program.otherwise}",
    )


def path_of(program: Program, env: Mapping[str, str], settings: AgentSettings) -> str:
    """Returns where the program lies: a relative path means the user's directory, not the worktree."""
    exe = settings.exe(program)
    return find_program(exe, env, settings.cwd) or exe
