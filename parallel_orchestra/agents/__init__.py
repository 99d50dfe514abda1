"""How to call a coding agent and read its answer.

A new backend is one file beside `command.py`, one line in `BACKENDS`, and it passes the
contract test that all of them pass. Knows nothing of git, worktrees or `_tasks/`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from parallel_orchestra.agents.accounts import account_of, own_part
from parallel_orchestra.agents.backend import AgentSettings, Backend, Call, Program, Sessions
from parallel_orchestra.agents.claude import ClaudeBackend
from parallel_orchestra.agents.codex import CodexBackend
from parallel_orchestra.agents.command import CommandBackend
from parallel_orchestra.agents.described import DescribedBackend
from parallel_orchestra.agents.gemini import GeminiBackend
from parallel_orchestra.agents.opencode import OpencodeBackend

#: Every way to call an agent, by the name that plans use in `backend:`.
BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "claude": ClaudeBackend(),
        "codex": CodexBackend(),
        "command": CommandBackend(),
        "gemini": GeminiBackend(),
        "opencode": OpencodeBackend(),
    }
)


def by_hand(backend: str, session: str) -> tuple[str, ...]:
    """Returns the words that open a session of a backend's for a person; none if it has none."""
    found = BACKENDS.get(backend)
    sessions = found.sessions if found is not None else None
    return (*sessions.by_hand, session) if sessions is not None and session else ()


def backend_of(name: str, settings: AgentSettings) -> Backend:
    """Returns the backend of that name: one of `BACKENDS`, or one that the plan describes.

    Raises:
        KeyError: there is none.
    """
    found = BACKENDS.get(name)
    return found if found is not None else DescribedBackend(name, settings.templates[name])


def speaks_claude(name: str, settings: AgentSettings) -> bool:
    """Returns whether a backend is Claude Code, or a program that answers in its language."""
    template = settings.templates.get(name)
    return "claude" in (name, template and template.result)


__all__ = [
    "BACKENDS",
    "AgentSettings",
    "Backend",
    "Call",
    "Program",
    "Sessions",
    "account_of",
    "backend_of",
    "by_hand",
    "own_part",
    "speaks_claude",
]
