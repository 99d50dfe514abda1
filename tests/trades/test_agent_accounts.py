"""Who pays for a task is known by what its agent's environment says of keys and logins."""

from pathlib import Path

import pytest

from parallel_orchestra.agents import BACKENDS, AgentSettings, account_of, own_part
from parallel_orchestra.model import Task

ENVIRON = {"HOME": "/home/ana", "PATH": "/bin", "ANTHROPIC_API_KEY": "sk-ant-one"}


def account(environ=ENVIRON, backend="claude", **facts):
    task = Task("a", backend=backend, **facts)
    return account_of(task, BACKENDS[backend], AgentSettings(environ, Path("/")))


def test_the_same_key_is_the_same_account_whatever_else_differs():
    other = account(ENVIRON | {"PATH": "/usr/bin", "EDITOR": "vi"}, env={"DEBUG": "1"})

    assert account() == other
    assert account().lane == f"claude.{account().key}"


@pytest.mark.parametrize(
    "env", [{"ANTHROPIC_API_KEY": "sk-ant-two"}, {"CLAUDE_CONFIG_DIR": "/two"}, {"HOME": "/two"}]
)
def test_another_key_or_home_is_another_account(env):
    assert account(env=env).key != account().key
    assert account(ENVIRON | env).key == account(env=env).key


def test_another_backend_is_another_account():
    assert account(backend="codex").lane != account().lane


def test_a_provider_that_the_model_names_has_an_account_of_its_own():
    one = account(backend="opencode", model="anthropic/large")

    assert one.key == account(backend="opencode", model="anthropic/small").key
    assert one.key != account(backend="opencode", model="openai/large").key


def test_of_backends_whose_keys_nobody_knows_every_key_counts():
    env = {"SOME_MODEL_API_KEY": "one"}

    assert account(backend="command", command="true", env=env).key != (
        account(backend="command", command="true").key
    )


def test_what_the_plan_says_by_itself_is_known_without_the_runs_environment():
    task = Task("a", env={"ANTHROPIC_API_KEY": "sk-ant-two"})

    assert own_part(Task("a"), BACKENDS["claude"]) == "" == account().own
    assert own_part(task, BACKENDS["claude"]) == account(env=dict(task.env)).own != ""


def test_no_key_can_be_read_from_an_account():
    found = account(env={"ANTHROPIC_API_KEY": "sk-ant-two"})

    assert "sk-ant" not in f"{found.lane}{found.own}"
    assert len(found.key) == len(found.own) == 10
