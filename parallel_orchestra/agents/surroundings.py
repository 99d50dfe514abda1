"""The environment that an agent gets, and which of its values must never be printed.

Pure: the user's environment is passed in.
"""

import json
import re
from collections.abc import Mapping

#: Set by an agent for the tools it starts. An agent that finds them takes itself for a part of
#: another session: it refuses to start, or talks to that session's editor.
_NESTED_SESSION = frozenset({
    "CLAUDECODE", "CLAUDE_AGENT_SDK_VERSION", "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_EXECPATH", "CLAUDE_CODE_PARENT_SESSION_ID",
    "CLAUDE_CODE_REMOTE_SESSION_ID", "CLAUDE_CODE_SESSION_ACCESS_TOKEN",
    "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_SSE_PORT", "CLAUDE_PROJECT_DIR",
})  # fmt: skip

#: The only GIT_* variables that say nothing of WHICH repository is meant: who commits, and how a
#: server is reached. With the others (GIT_DIR, GIT_INDEX_FILE ... of a hook that started us) an
#: agent's git would work in the user's checkout instead of its worktree.
_GIT_KEPT = re.compile(
    r"GIT_(AUTHOR_\w+|COMMITTER_\w+|SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|TERMINAL_PROMPT"
    r"|SSL_\w+|PROXY_\w+|HTTP_\w+|ALLOW_PROTOCOL|LFS_\w+)"
)

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
#: Shorter values would mask ordinary words, `KEY=1` every digit one.
SHORTEST_SECRET = 8


def outer_session(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the variables that say that we run inside an agent's session, sorted."""
    return tuple(sorted(_NESTED_SESSION & environ.keys()))


def surroundings(environ: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for an agent: the user's without traces of outer sessions, then `own`.

    Removed are the variables of an agent's session that we may run in, and the GIT_* ones that
    point at a repository.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _NESTED_SESSION
        and not (name.startswith("GIT_") and not _GIT_KEPT.fullmatch(name))
    }
    return {**kept, **own}


def secrets_of(*environments: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the values of variables with a secret's name, the longest first.

    A value that looks different inside a JSON string is there in both spellings, because agents
    print JSON.
    """
    found: set[str] = set()
    for environment in environments:
        for name, value in environment.items():
            if len(value) >= SHORTEST_SECRET and _SECRET_NAME.search(name):
                found |= {value, json.dumps(value, ensure_ascii=False)[1:-1]}
    # the longest first: a secret that begins with another one must be masked whole
    return tuple(sorted(found, key=lambda value: (-len(value), value)))
