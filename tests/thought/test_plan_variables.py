"""Which variables a plan may set."""

import pytest

from parallel_orchestra.plan.variables import NESTED_SESSION, PUBLISHED, why_refused

HARMLESS = (
    "PATH HOME NODE_OPTIONS CLAUDE_CONFIG_DIR ANTHROPIC_API_KEY POSTGRES_URL GIT_AUTHOR_NAME "
    "GIT_SSH_COMMAND GIT_TERMINAL_PROMPT ld_preload LD_BIND_NOW"
)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_what_harms_nobody_may_be_set(name):
    assert why_refused(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("DYLD_FRAMEWORK_PATH", "it changes what every program loads"),
        ("PYTHONHOME", "it changes what every program loads"),
        ("PO_TASK_ID", "belong to the tool"),
        ("GIT_WORK_TREE", "out of its worktree"),
        ("GIT_CONFIG_COUNT", "out of its worktree"),
        ("GIT_SSH_DIR", "out of its worktree"),
        ("CLAUDE_CODE_SSE_PORT", "another session"),
    ],
)
def test_a_refusal_says_why(name, why):
    assert why in why_refused(name)


@pytest.mark.parametrize("name", sorted(PUBLISHED | NESTED_SESSION))
def test_what_the_published_tool_refuses_and_what_no_agent_inherits_is_refused(name):
    assert why_refused(name)
