from parallel_orchestra.agents.surroundings import surroundings


def test_only_git_variables_that_name_no_repository_are_kept():
    kept = {"GIT_AUTHOR_NAME": "A", "GIT_COMMITTER_EMAIL": "b@c", "GIT_SSH_COMMAND": "ssh -i k"}
    dropped = {"GIT_DIR": "x", "GIT_WORK_TREE": "x", "GIT_CONFIG_COUNT": "1", "GIT_PREFIX": ""}

    assert surroundings({**kept, **dropped}, {}) == kept


def test_settings_of_an_agent_stay_and_traces_of_its_session_go():
    kept = {"CLAUDE_CODE_MAX_RETRIES": "1", "CLAUDE_CONFIG_DIR": "d", "ANTHROPIC_API_KEY": "k"}
    dropped = {"CLAUDECODE": "1", "CLAUDE_CODE_ENTRYPOINT": "cli", "CLAUDE_CODE_SSE_PORT": "5"}

    assert surroundings({**kept, **dropped}, {}) == kept
