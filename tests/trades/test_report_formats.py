"""The contract of all formats, and how one is chosen."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.plain import UNSAFE
from parallel_orchestra.progress import Outcome
from parallel_orchestra.report import html, json_report, markdown
from parallel_orchestra.report.registry import REPORTS, format_for
from support import runs
from support.machine import fair

EVERY = sorted(set(REPORTS.values()), key=lambda report: report.__name__)

HOSTILE = "a|b `c` ``` <script>x</script> [l](http://e) \x1b[31mred\x07\r\n# h\u202e \ud800 é"


def hostile():
    return runs.run(
        runs.task(
            "evil",
            Outcome.FAILED,
            title=HOSTILE,
            failure="conflict",
            reason=HOSTILE,
            files=(HOSTILE,),
            kept=("refs/heads/orchestra-kept/x|y`z-1",),
            warnings=(HOSTILE,),
            attempts=(runs.attempt(failure="conflict", reason=HOSTILE, log=HOSTILE),),
        ),
        runs.task("next", Outcome.SKIPPED, reason=HOSTILE),
        name=HOSTILE,
        warnings=(HOSTILE,),
        strange=(HOSTILE,),
        mode_reason=HOSTILE,
    )


def whole(report):
    return report.__name__.rpartition(".")[2]


@pytest.mark.parametrize("report", EVERY, ids=whole)
def test_a_report_names_every_task_and_ends_with_one_line_feed(report):
    run = runs.failures()

    text = report.render(run)

    assert all(task.id in text for task in run.tasks)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("report", EVERY, ids=whole)
def test_a_run_without_tasks_has_a_report(report):
    text = report.render(runs.run())

    assert "demo" in text


@pytest.mark.parametrize("report", EVERY, ids=whole)
def test_a_run_that_goes_on_has_a_report(report):
    running = runs.task("core", Outcome.RUNNING, attempts=(runs.attempt(seconds=None),))

    text = report.render(runs.run(running, ended=None))

    assert "in progress" in text


@pytest.mark.parametrize("report", EVERY, ids=whole)
def test_a_run_that_was_killed_is_not_told_as_one_that_goes_on(report):
    running = runs.task("core", Outcome.RUNNING, attempts=(runs.attempt(seconds=None),))

    text = report.render(replace(runs.run(running, ended=None), killed="process 1 is gone"))

    assert "killed" in text


@pytest.mark.parametrize("report", EVERY, ids=whole)
def test_a_run_without_git_has_a_report(report):
    nothing = dict.fromkeys(("base_branch", "base_commit", "integration", "tip"), "")

    text = report.render(runs.run(runs.task(read_only=True), **nothing))

    assert "build" in text


@pytest.mark.parametrize("report", EVERY, ids=whole)
def test_hostile_text_can_be_written_and_moves_no_cursor(report):
    text = report.render(hostile())

    assert text.encode("utf-8")
    assert not UNSAFE.search(text)
    assert "[31m" not in text.replace("\\u001b[31m", "")


@pytest.mark.slow
@pytest.mark.parametrize("report", EVERY, ids=whole)
def test_ten_thousand_tasks_are_rendered_in_seconds(report):
    run = runs.large()

    began = time.process_time()
    text = report.render(run)
    spent = time.process_time() - began

    assert text.count("task-0") >= 10_000
    # a page of HTML has all that the others have, and two drawings
    assert spent < fair(3.5 if report is html else 1.5)


@pytest.mark.parametrize(
    ("name", "report"),
    [("a.md", markdown), ("a.MARKDOWN", markdown), ("b/a.x.json", json_report)],
)
def test_the_suffix_chooses_the_format(name, report):
    assert format_for(Path(name)) is report


@pytest.mark.parametrize("name", ["a.pdf", "md", ".md", "a"])
def test_an_unknown_suffix_chooses_none(name):
    assert format_for(Path(name)) is None


def test_nothing_heavy_is_loaded_before_a_report_is_rendered():
    heavy = "{'jinja2', 'rich', 'pydantic', 'portalocker', 'psutil'}"
    program = f"import sys, parallel_orchestra.report; print(sorted({heavy} & set(sys.modules)))"

    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == "[]\n"
