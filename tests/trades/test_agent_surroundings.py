import pytest

from parallel_orchestra.agents.surroundings import secrets_of, surroundings


def test_only_git_variables_that_name_no_repository_are_kept():
    kept = {"GIT_AUTHOR_NAME": "A", "GIT_COMMITTER_EMAIL": "b@c", "GIT_SSH_COMMAND": "ssh -i k"}
    dropped = {"GIT_DIR": "x", "GIT_WORK_TREE": "x", "GIT_CONFIG_COUNT": "1", "GIT_PREFIX": ""}

    assert surroundings({**kept, **dropped}, {}) == kept


def test_settings_of_an_agent_stay_and_traces_of_its_session_go():
    kept = {"CLAUDE_CODE_MAX_RETRIES": "1", "CLAUDE_CONFIG_DIR": "d", "ANTHROPIC_API_KEY": "k"}
    dropped = {"CLAUDECODE": "1", "CLAUDE_CODE_ENTRYPOINT": "cli", "CLAUDE_CODE_SSE_PORT": "5"}

    assert surroundings({**kept, **dropped}, {}) == kept


@pytest.mark.parametrize(
    "name",
    ["API_KEY", "GITHUB_TOKEN", "aws_secret_access_key", "DB_PASSWORD", "MY_CREDENTIALS"],
)
def test_a_value_is_a_secret_by_its_name(name):
    assert secrets_of({name: "12345678"}) == ("12345678",)


def test_short_values_and_other_names_are_no_secrets():
    assert secrets_of({"API_KEY": "1234567", "HOME": "/home/somebody"}) == ()


def test_the_longest_secret_comes_first_and_none_twice():
    found = secrets_of({"A_KEY": "12345678", "B_KEY": "12345678 and more"}, {"C_KEY": "12345678"})

    assert found == ("12345678 and more", "12345678")


def test_a_secret_is_known_as_json_writes_it_too():
    assert secrets_of({"A_KEY": "line one\nline two"}) == (
        "line one\\nline two",
        "line one\nline two",
    )
