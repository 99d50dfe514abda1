"""All backends that there are, by name, and those that plans describe."""

from collections.abc import Mapping
from types import MappingProxyType

from parallel_orchestra.agents.backend import AgentSettings, Backend
from parallel_orchestra.agents.claude import ClaudeBackend
from parallel_orchestra.agents.codex import CodexBackend
from parallel_orchestra.agents.command import CommandBackend
from parallel_orchestra.agents.described import DescribedBackend
from parallel_orchestra.agents.gemini import GeminiBackend
from parallel_orchestra.agents.opencode import OpencodeBackend

BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "claude": ClaudeBackend(),
        "codex": CodexBackend(),
        "command": CommandBackend(),
        "gemini": GeminiBackend(),
        "opencode": OpencodeBackend(),
    }
)


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
