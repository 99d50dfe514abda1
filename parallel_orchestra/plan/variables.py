"""Which variables a plan may not set for its tasks, and why: names in, words out.

A plan's writer may run anything, so this is no wall against malice. It is one against accidents
that nobody finds: an agent whose git works in the user's checkout, a library path under which
every program of the task breaks.
"""

import re

#: What the published tool refuses, and by that every plan: see `plan.manifest`.
PUBLISHED = frozenset(
    {
        "DYLD_INSERT_LIBRARIES",
        "DYLD_LIBRARY_PATH",
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "PO_WORKTREE_GUARD",
        "PYTHONPATH",
    }
)

#: Set by an agent for the tools it starts. An agent that finds them takes itself for a part of
#: another session: it refuses to start, or talks to that session's editor.
NESTED_SESSION = frozenset({
    "AI_AGENT", "CLAUDECODE", "CLAUDE_AGENT_SDK_VERSION", "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_MESSAGING_SOCKET", "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_PARENT_SESSION_ID", "CLAUDE_CODE_REMOTE_SESSION_ID",
    "CLAUDE_CODE_SESSION_ACCESS_TOKEN", "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_SSE_PORT", "CLAUDE_EFFORT", "CLAUDE_PID",
    "CLAUDE_PROJECT_DIR", "CODEX_APPLY_PATCH_PRESERVE_LINE_ENDINGS", "CODEX_CI",
    "CODEX_MANAGED_BY_NPM", "CODEX_MANAGED_PACKAGE_ROOT", "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED", "CODEX_SESSION_ID", "CODEX_THREAD_ID",
    "CODEX_TOOL_CALL_ID", "CODEX_VERSION", "GEMINI_CLI", "OPENCODE", "OPENCODE_PID",
})  # fmt: skip

#: The only GIT_* variables that say nothing of WHICH repository is meant: who commits, and how a
#: server is reached. With the others (GIT_DIR, GIT_INDEX_FILE ... of a hook that started us) an
#: agent's git would work in the user's checkout instead of its worktree.
_GIT_KEPT = re.compile(
    r"GIT_(AUTHOR_\w+|COMMITTER_\w+|SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|TERMINAL_PROMPT"
    r"|SSL_\w+|PROXY_\w+|HTTP_\w+|ALLOW_PROTOCOL|LFS_\w+)"
)
_LOADERS = re.compile(r"LD_(?:AUDIT|LIBRARY_PATH|PRELOAD)|DYLD_\w+|PYTHON(?:HOME|PATH)")


def points_at_a_repository(name: str) -> bool:
    """Returns whether a variable may tell git of another repository, or change how it works."""
    return name.startswith("GIT_") and not _GIT_KEPT.fullmatch(name)


def why_refused(name: str) -> str:
    """Returns what a plan's writer should know of a variable that can't be set; "" if it can."""
    if _LOADERS.fullmatch(name):
        return "it changes what every program loads: set it in the command that needs it"
    if name.startswith("PO_"):
        return "names that begin with `PO_` belong to the tool: choose another"
    if points_at_a_repository(name):
        return "it could lead the task's git out of its worktree: remove it"
    if name in NESTED_SESSION:
        return "an agent would take itself for a part of another session: remove it"
    return ""
