"""What the options of `run` come to: settings, log folder, webhooks, exit code."""

from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.cli import news, run
from parallel_orchestra.cli.run import Options, settings_for
from parallel_orchestra.cli.standing import standing
from parallel_orchestra.conductor import Control
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.model import Plan, Webhooks
from parallel_orchestra.progress import Outcome
from support import runs


def plan(cwd=Path("/nowhere"), **facts):
    facts = {"version": "0.2", "name": "p", "source": cwd / "plan.md", "tasks": ()} | facts
    return Plan(cwd=cwd, **facts)


def test_an_option_beats_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PO_WORKTREE_ROOT", "from-environment")

    inherited = settings_for(Options(Path("p.md")), plan())
    chosen = settings_for(Options(Path("p.md"), worktree_root=Path("from-option")), plan())

    assert inherited.worktree_root == tmp_path / "from-environment"
    assert chosen.worktree_root == tmp_path / "from-option"


def test_paths_count_from_where_the_command_was_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    found = settings_for(
        Options(Path("p.md"), tasks_dir=Path("t"), log_dir=Path("l"), keep_worktrees=True), plan()
    )

    assert (found.tasks_dir, found.log_dir) == (tmp_path / "t", tmp_path / "l")
    assert (found.directory, found.keep_worktrees) == (tmp_path, True)


@pytest.mark.parametrize(
    ("version", "options", "logs"),
    [
        ("0.1", {}, ".claude/logs"),
        ("0.1", {"no_log": True}, None),
        ("0.1", {"log_dir": Path("/var/l")}, "/var/l"),
        ("0.2", {}, None),
        ("0.2", {"log_dir": Path("/var/l"), "no_log": True}, None),
    ],
)
def test_only_plans_of_the_published_format_have_a_log_folder_by_default(
    tmp_path, version, options, logs
):
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()

    found = settings_for(Options(Path("p.md"), **options), plan(tmp_path / "deep", version=version))

    assert found.log_dir == (None if logs is None else tmp_path / logs)


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (runs.all_done(), [("https://a.invalid/", "complete", 3, 0, 0)]),
        (
            runs.failures(),
            [
                ("https://a.invalid/", "complete", 1, 2, 2),
                ("https://b.invalid/", "failure", 1, 2, 2),
            ],
        ),
    ],
    ids=["done", "failed"],
)
def test_webhooks_are_told_what_the_published_tool_tells(monkeypatch, capsys, report, told):
    calls = []

    def tell(url, message):
        counts = (message.succeeded, message.failed, message.skipped)
        calls.append((url, message.event.value, *counts))
        return "nobody answered"

    monkeypatch.setattr(news, "tell", tell)
    whole = plan(webhooks=Webhooks("https://a.invalid/", "https://b.invalid/"))

    code = run._conclude(whole, report, (), Control(), news.News(whole, {}))

    assert calls == told
    assert code == report.exit_code
    assert capsys.readouterr().err == "warning: nobody answered\n" * len(told)


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (runs.all_done(), ExitCode.DONE),
        (runs.failures(), ExitCode.WAITS_FOR_PERSON),
        (runs.interrupted(), ExitCode.UNFINISHED),
        (replace(runs.all_done(), ended=None), ExitCode.UNFINISHED),
        (runs.run(runs.task(outcome=Outcome.FAILED), exit_code=130), ExitCode.TASK_FAILED),
        (runs.run(runs.task(outcome=Outcome.RUNNING), exit_code=4), ExitCode.WAITS_FOR_PERSON),
        (runs.run(runs.task(outcome=Outcome.WAITING), exit_code=1), ExitCode.UNFINISHED),
        (runs.run(runs.task(), exit_code=130), ExitCode.UNFINISHED),
    ],
)
def test_status_says_how_the_tasks_stand_not_how_the_last_command_ended(report, code):
    assert standing(report) == code
