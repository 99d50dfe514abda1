"""How to call a coding agent and read its answer.

A new backend is one file beside `command.py`, one line in `registry`, and it passes the
contract test that all of them pass. Knows nothing of git, worktrees or `_tasks/`.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.agents.accounts import account_of, own_part
    from parallel_orchestra.agents.backend import AgentSettings, Backend, Call, Program, Sessions
    from parallel_orchestra.agents.registry import BACKENDS, backend_of, speaks_claude
    from parallel_orchestra.agents.sessions import by_hand
else:
    __getattr__, __dir__ = door(
        __name__,
        accounts="account_of own_part",
        backend="AgentSettings Backend Call Program Sessions",
        registry="BACKENDS backend_of speaks_claude",
        sessions="by_hand",
    )

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
