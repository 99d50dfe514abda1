"""Which coding agents can be used here, in which version, and why the others can't."""

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from parallel_orchestra.agents import BACKENDS, AgentSettings, Backend
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.conductor.checkup.finding import Finding, Level
from parallel_orchestra.config import Settings
from parallel_orchestra.process import find_program

#: Seconds that a program may take to say its version: some load all they have for it.
_LIMIT = 20.0
_VERSION = re.compile(r"\d+(?:\.\d+)+")


def agents(settings: Settings) -> Iterator[Finding]:
    """Yields for each backend with a program of its own whether it is usable."""
    found = AgentSettings(
        environ=settings.environ, cwd=settings.directory, claude_exe=settings.claude_exe
    )
    known = [backend for backend in BACKENDS.values() if backend.program is not None]
    with ThreadPoolExecutor(len(known)) as pool:
        yield from pool.map(lambda backend: _agent(backend, found), known)


def _agent(backend: Backend, settings: AgentSettings) -> Finding:
    program = backend.program
    assert program is not None, "the caller has picked those that have one"  # noqa: S101
    problem = backend.check(settings)
    if problem is not None:
        # most people have one or two of them: nothing has to be mended
        said = f"backend `{backend.name}` is not usable: {problem.what}; `{program.install}`"
        return Finding(Level.NOTE, said)
    path = find_program(settings.exe(program), settings.environ, settings.cwd) or ""
    version, why = _version_of(path, settings)
    if not version:
        said = f"backend `{backend.name}` is not usable: {why}"
        return Finding(Level.WARNING, said, path, f"`{program.install}`")
    said = f"backend `{backend.name}`: {program.title} {version}"
    if _numbers(version) < _numbers(program.minimum):
        older = f"{said}, which is older than {program.minimum}, the oldest that we tried"
        return Finding(Level.WARNING, older, path, f"`{program.install}`")
    return Finding(Level.OK, said, path)


def _version_of(path: str, settings: AgentSettings) -> tuple[str, str]:
    """Returns the version that a program says it has, or why it says none."""
    try:
        ended = subprocess.run(
            [path, "--version"],
            env=surroundings(settings.environ, {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"`--version` took more than {_LIMIT:g} s"
    except OSError as error:
        return "", f"it can't be started: {error.strerror}"
    found = _VERSION.search(ended.stdout.decode(errors="replace"))
    if ended.returncode != 0 or found is None:
        return "", f"`--version` ended with exit code {ended.returncode} and named none"
    return found[0], ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
