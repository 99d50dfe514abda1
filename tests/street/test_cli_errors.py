"""Errors in words: what, where, how to mend; and the exit code that says it to the shell."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from parallel_orchestra.cli import main
from parallel_orchestra.cli.catalogue import COMMANDS
from parallel_orchestra.cli.failures import exit_code_of, words_of
from parallel_orchestra.cli.group import LazyGroup
from parallel_orchestra.errors import ExitCode, HeldElsewhere, PlanError, Problem

ROOT = Path(__file__).parent.parent.parent

BROKEN = """---
po_plan_version: "0.2"
name: broken
cwd: .
tasks:
  - id: test
    backend: command
    command: "true"
    depend_on: [build]
    depends_on: [biuld]
  - id: build
    backend: command
    command: "true"
---
"""


def test_every_command_of_the_table_is_there_and_says_what_the_table_says():
    context = click.Context(LazyGroup())

    commands = [(entry, LazyGroup().get_command(context, entry.name)) for entry in COMMANDS]

    for entry, command in commands:
        assert command is not None
        assert (command.name, command.short_help) == (entry.name, entry.summary)


def test_a_wrong_plan_shows_all_that_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.md").write_text(BROKEN)

    code = main(["run", "plan.md"])

    out, err = capsys.readouterr()
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == (
        "error: unknown key `depend_on` in task `test`\n"
        " --> plan.md:9:5 tasks[0].depend_on\n"
        "hint: did you mean `depends_on`?\n"
        "error: task `test` depends on `biuld`, which the plan does not have\n"
        " --> plan.md:10:18 tasks[0].depends_on[0]\n"
        "hint: did you mean `build`?\n"
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["run"],
            (
                "error: missing argument 'PLAN'\n"
                " --> parallel-orchestra run\n"
                "hint: see `parallel-orchestra run --help`\n"
            ),
        ),
        (
            ["run", "p.md", "-j", "0"],
            (
                "error: invalid value for '-j' / '--max-workers': 0 is not in the range x>=1\n"
                " --> parallel-orchestra run\n"
                "hint: see `parallel-orchestra run --help`\n"
            ),
        ),
        (
            ["run", "p.md", "--resume", "--fresh"],
            "error: `--resume` and `--fresh` exclude each other\nhint: give one of them\n",
        ),
        (
            ["run", "p.md", "--report", "r.docx"],
            (
                "error: there is no report format for `r.docx`\n"
                "hint: a report ends in `.md`, `.markdown`, `.html`, `.htm`, `.json`, `.xml`\n"
            ),
        ),
    ],
    ids=["no plan", "no workers", "two ways", "unknown report"],
)
def test_a_wrong_command_line_is_refused_before_anything_is_read(args, said, capsys):
    code = main(args)

    out, err = capsys.readouterr()
    assert (code, out, err) == (ExitCode.USAGE, "", said)


@pytest.mark.parametrize("args", [["run", "p.md", "--rezume"], ["--nothing"]])
def test_what_is_unknown_is_a_usage_error(args, capsys):
    code = main(args)

    assert code == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("error: no such ")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("rum", "did you mean `run`?"),
        ("Status", "did you mean `status`?"),
        ("xyzzy", "see `parallel-orchestra --help`"),
    ],
)
def test_a_command_that_there_is_not_gets_a_guess(word, hint, capsys):
    code = main([word])

    assert code == ExitCode.USAGE
    assert capsys.readouterr().err == f"error: there is no command `{word}`\nhint: {hint}\n"


def test_looking_at_no_run_says_where_it_looked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    code = main(["status"])

    assert code == ExitCode.ENVIRONMENT
    assert capsys.readouterr().err == (
        "error: there is no `_tasks` directory here or above\n"
        f" --> {tmp_path}\n"
        "hint: go to the project, or name it with `--tasks-dir DIR`\n"
    )


def test_a_directory_without_a_run_is_named(tmp_path, capsys):
    code = main(["status", "--tasks-dir", str(tmp_path)])

    assert code == ExitCode.ENVIRONMENT
    assert capsys.readouterr().err == (
        "error: there is no run here\n"
        f" --> {tmp_path}/run.json\n"
        "hint: start one with `parallel-orchestra run PLAN`, or name its directory with "
        "`--tasks-dir`\n"
    )


def test_a_problem_is_told_without_what_moves_a_cursor():
    problem = Problem("the \x1b[31magent\x07 died", "a\x1b]0;x\x07.txt", "read\x9b2J it")

    words = words_of(problem)

    assert words == "error: the agent died\n --> a.txt\nhint: read it\n"


def test_colors_are_for_terminals():
    words = words_of(Problem("a", "b", "c"), color=True, width=40)

    assert words == ("\x1b[1;31merror:\x1b[0m a\n \x1b[36m-->\x1b[0m b\n\x1b[36mhint:\x1b[0m c\n")


def test_on_a_terminal_errors_break_between_words_but_not_within_what_is_copied():
    hint = "go on with it: `parallel-orchestra run plan.md --resume`; or begin anew: `--fresh`"
    problem = Problem(
        "the directory holds the unfinished run 7\n  a log | of it", "/a/b/" + "c" * 50, hint
    )

    lines = words_of(problem, width=40).splitlines()

    assert lines == [
        "error: the directory holds the",
        "  unfinished run 7",
        "  a log | of it",
        " --> /a/b/" + "c" * 50,
        "hint: go on with it:",
        "  `parallel-orchestra run plan.md --resume`;",
        "  or begin anew: `--fresh`",
    ]
    assert words_of(problem).splitlines()[-1] == f"hint: {hint}"
    assert words_of(Problem("x" * 50), width=40) == f"error: {'x' * 50}\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PlanError(Problem("a"), Problem("b")), ExitCode.USAGE, "error: a\nerror: b\n"),
        (HeldElsewhere(Problem("held")), ExitCode.HELD_ELSEWHERE, "error: held\n"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "stopped\n"),
        (click.Abort(), ExitCode.INTERRUPTED, "stopped\n"),
        (SystemExit(3), ExitCode.ENVIRONMENT, ""),
    ],
    ids=["plan", "held", "ctrl-c", "no", "exit"],
)
def test_an_error_has_its_exit_code_and_its_words(error, code, said, capsys):
    found = exit_code_of(error)

    assert (found, capsys.readouterr().err) == (code, said)


def test_a_mistake_of_ours_is_one_line_and_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    code = exit_code_of(ZeroDivisionError("by nobody"))

    (file,) = tmp_path.iterdir()
    assert code == ExitCode.ENVIRONMENT
    assert capsys.readouterr().err == (
        "error: internal error: ZeroDivisionError: by nobody\n"
        f" --> {file}\n"
        "hint: this is a mistake of ours: please report it with that file and with what "
        "`parallel-orchestra doctor --paste` prints\n"
    )
    assert "ZeroDivisionError: by nobody" in file.read_text()


def test_a_mistake_of_ours_is_shown_whole_on_request(monkeypatch, capsys):
    monkeypatch.setenv("PO_TRACEBACK", "1")

    exit_code_of(ZeroDivisionError("by nobody"))

    assert capsys.readouterr().err.endswith("\nZeroDivisionError: by nobody\n")


def test_what_the_system_refuses_is_no_mistake_of_ours(capsys):
    code = exit_code_of(PermissionError(13, "Permission denied", "/root/x"))

    assert code == ExitCode.ENVIRONMENT
    assert capsys.readouterr().err == (
        "error: the system says: permission denied\n"
        " --> /root/x\n"
        "hint: `PO_TRACEBACK=1` shows what was being done\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [["validate", "example/plan.md"], ["--help"], ["--version"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_nobody_takes_is_an_error_of_the_environment(words, unbuffered):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "parallel_orchestra", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == ExitCode.ENVIRONMENT
    assert done.stderr == (
        "error: the system says: no space left on device\n"
        "hint: make room on that disk, then go on with `--resume`\n"
    )


def test_streams_that_are_closed_are_no_trouble():
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m parallel_orchestra validate nowhere.md <&- >&- 2>&-"],
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == ExitCode.USAGE
