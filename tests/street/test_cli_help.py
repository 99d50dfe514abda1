"""Help in all its forms: pages, topics, completion, the manual page."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from parallel_orchestra.cli import main
from parallel_orchestra.cli.catalogue import COMMANDS, GROUPS, example, overview
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.group import LazyGroup
from parallel_orchestra.cli.topics import EXIT_CODES, TOPICS
from parallel_orchestra.errors import ExitCode

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs" / "parallel-orchestra.1"


def test_every_command_stands_in_one_group_of_the_help_page():
    grouped = [name for _, names in GROUPS for name in names.split()]

    assert sorted(grouped) == sorted(entry.name for entry in COMMANDS)
    assert all(f"  {entry.name} " in overview() for entry in COMMANDS)


def test_every_commands_help_ends_with_an_example_of_it():
    group = LazyGroup()
    context = click.Context(group)

    missing = [
        entry.name
        for entry in COMMANDS
        if (command := group.get_command(context, entry.name)) is None
        or f"parallel-orchestra {entry.name}" not in (command.epilog or "")
    ]

    assert missing == []
    assert "Example: `parallel-orchestra why api`" in str(group.get_command(context, "why").epilog)


def test_every_command_that_tells_something_tells_it_to_programs_too():
    without = {
        "completion": "prints a script",
        "demo": "is a show; its run writes `report.json`",
        "help": "prints a page",
        "schema": "prints JSON anyway",
        "watch": "needs a terminal; programs have `status --json`",
        "worker": "has `--progress json`, as `run` has",
    }

    group = LazyGroup()
    context = click.Context(group)
    options = {
        entry.name: [option for one in command.params for option in one.opts]
        for entry in COMMANDS
        if (command := group.get_command(context, entry.name)) is not None
    }

    lacking = sorted(name for name, known in options.items() if "--json" not in known)

    assert lacking == sorted(without)


def test_examples_have_only_options_that_there_are():
    group = LazyGroup()
    context = click.Context(group)

    for entry in COMMANDS:
        command = group.get_command(context, entry.name)
        options = {name for one in command.params for name in one.opts}
        words = [word for word in example(entry.name).split() if word.startswith("-")]
        assert set(words) <= options, entry.name


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_something_to_say(topic, capsys):
    assert main(["help", topic]) == ExitCode.DONE

    assert len(capsys.readouterr().out.splitlines()) >= 5


def test_help_of_a_command_is_its_own_help(capsys):
    main(["help", "why"])
    by_topic = capsys.readouterr().out
    main(["why", "--help"])

    assert by_topic.splitlines()[0] == capsys.readouterr().out.splitlines()[0]
    assert "Example: `parallel-orchestra why api`" in by_topic


def test_a_topic_that_there_is_not_is_answered_with_the_nearest(capsys):
    assert main(["help", "exitcodes"]) == ExitCode.USAGE

    assert "hint: did you mean `exit-codes`?" in capsys.readouterr().err


def test_help_without_a_topic_is_the_help_page(capsys):
    main(["help"])

    assert capsys.readouterr().out == overview()


def test_every_exit_code_is_explained():
    assert set(EXIT_CODES) == set(ExitCode)


@pytest.fixture
def project(tmp_path):
    for state, name in (
        ("done", "api.a1f0"),
        ("locked", "auth.a1f0.host-4711-0a1b2c3d"),
        ("failed", "web"),
    ):
        (tmp_path / "_tasks" / state).mkdir(parents=True, exist_ok=True)
        (tmp_path / "_tasks" / state / f"{name}.md").write_text("")
    (tmp_path / "_tasks" / "run.json").write_text("{}")
    (tmp_path / "below").mkdir()
    return tmp_path


def offered(project, monkeypatch, begun, **params):
    monkeypatch.chdir(project / "below")
    context = click.Context(click.Command("why"))
    context.params = params
    return [
        (item.value, item.help) for item in tasks_here(context, click.Argument(["task"]), begun)
    ]


def test_tasks_are_offered_with_where_they_lie(project, monkeypatch):
    assert offered(project, monkeypatch, "a") == [("api", "done"), ("auth", "locked")]
    assert offered(project, monkeypatch, "", tasks=("api", "web")) == [("auth", "locked")]


def test_in_a_list_of_tasks_the_last_one_is_completed(project, monkeypatch):
    assert offered(project, monkeypatch, "web,ap") == [("web,api", "done")]


def test_where_there_is_no_run_nothing_is_offered(project, monkeypatch):
    assert offered(project, monkeypatch, "a", tasks_dir="/nowhere") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "current", "answer"),
    [
        ("bash", "2", "plain,api\nplain,auth\n"),
        ("zsh", "2", "plain\napi\ndone\nplain\nauth\nlocked\n"),
        ("fish", "a", "plain,api\tdone\nplain,auth\tlocked\n"),
    ],
)
def test_each_shell_is_answered_as_it_asks(project, shell, current, answer):
    asked = {
        "_PARALLEL_ORCHESTRA_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "parallel-orchestra why a",
        "COMP_CWORD": current,
    }

    done = run_in(project, [sys.executable, "-m", "parallel_orchestra"], asked)

    assert (done.stdout, done.stderr) == (answer, "")


@pytest.mark.slow
def test_bash_completes_commands_and_tasks_with_what_completion_prints(project):
    script = """
        eval "$(parallel-orchestra completion bash)"
        COMP_WORDS=(parallel-orchestra why a) COMP_CWORD=2
        _parallel_orchestra_completion parallel-orchestra
        echo "${COMPREPLY[@]}"
        complete -p parallel-orchestra
    """

    done = run_in(project, ["bash", "-c", script], with_program(project))

    assert done.stdout.splitlines()[0] == "api auth", done.stderr
    assert "_parallel_orchestra_completion" in done.stdout.splitlines()[1]


def with_program(project):
    """Returns what makes `parallel-orchestra` a program on the path."""
    program = project / "bin" / "parallel-orchestra"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m parallel_orchestra "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}"}


def run_in(project, command, variables):
    env = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_the_manual_page_is_sound_and_has_every_command():
    env = {**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["man", "--warnings", "-l", str(MANUAL)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stderr == ""
    assert [entry.name for entry in COMMANDS if f"       {entry.name} " not in done.stdout] == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_tasks_with_what_completion_prints(project):
    script = "parallel-orchestra completion fish | source; complete -C 'parallel-orchestra why a'"

    done = run_in(project, ["fish", "--no-config", "-c", script], with_program(project))

    assert done.stdout == "api\tdone\nauth\tlocked\n", done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_what_completion_prints(project):
    script = """
        autoload -Uz compinit; compinit -u -d .zcompdump
        eval "$(parallel-orchestra completion zsh)"
        echo ${_comps[parallel-orchestra]}
    """

    done = run_in(project, ["zsh", "-f", "-c", script], with_program(project))

    assert done.stdout == "_parallel_orchestra_completion\n", done.stderr
