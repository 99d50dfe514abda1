"""How to call a coding agent and read its answer.

A new backend is one file beside `command.py`, one line in `BACKENDS`, and it passes the
contract test that all of them pass. Knows nothing of git, worktrees or `_tasks/`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from parallel_orchestra.agents.backend import AgentSettings, Backend, Call, Program
from parallel_orchestra.agents.claude import ClaudeBackend
from parallel_orchestra.agents.codex import CodexBackend
from parallel_orchestra.agents.command import CommandBackend
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

__all__ = ["BACKENDS", "AgentSettings", "Backend", "Call", "Program"]
