"""Commands that look at a plan or a run, or touch a single task: what they print, what they change."""

import json
import re
import subprocess
import sys

import pytest

from parallel_orchestra.cli import main
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.process import identity
from support.scene import Scene
from support.terminal import Terminal, stands

DIAMOND = """---
po_plan_version: "0.2"
name: diamond
max_workers: 2
defaults: {backend: command, timeout: 60s}
concurrency_limits: {db: 1}
tasks:
  - {id: top, command: "echo 1 > top.txt", writes: [top.txt], estimate: 30}
  - {id: left, command: "echo 1 > l.txt", writes: ["*.txt"], depends_on: [top], concurrency_group: db}
  - {id: right, command: "echo 1 > r.txt", writes: [r.txt], depends_on: [top], max_retries: 0}
  - {id: end, read_only: true, command: "cat l.txt r.txt", depends_on: [left, right]}
---
"""

FAILING = """---
po_plan_version: "0.2"
name: failing
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: good, command: "echo hello; echo 1 >> good.txt"}
  - {id: bad, command: "echo no; exit 3"}
  - {id: after, command: "true", depends_on: [bad]}
---
"""


def everything_below(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3)


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A scene whose run has ended with a failed task; to be looked at only."""
    scene = Scene(tmp_path_factory.mktemp("failed")).repository(3).plan(FAILING)
    scene.run(check=1)
    return scene


@pytest.fixture
def touched(scene):
    """The same for tests that change it."""
    scene.plan(FAILING).run(check=1)
    return scene


def test_a_dry_run_shows_the_order_and_changes_nothing(scene):
    scene.plan(DIAMOND)
    before = everything_below(scene.project)

    result = scene.run("--dry-run", check=0)

    assert result.out == (
        "diamond: 4 tasks\n"
        "\n"
        "wave 1\n"
        "  top  command  timeout 1 min 00 s, 1 retry, starts at once\n"
        "\n"
        "wave 2\n"
        "  left   command  timeout 1 min 00 s, 1 retry, group db, after top\n"
        "  right  command  timeout 1 min 00 s, no retry, after top\n"
        "\n"
        "wave 3\n"
        "  end  command  timeout 1 min 00 s, 1 retry, read-only, after left right\n"
        "\n"
        "mode: sequential: no two tasks may run side by side: "
        "the 2 that could write the same files\n"
        "workers: 1, and at most 1 task can run at once\n"
        "critical path: 3 tasks, about 1 min 30 s: top -> left -> end\n"
        "expected: about 2 min 00 s with 1 worker (known of 1 of 4 tasks)\n"
        "never at once: left and right: `*.txt` and `r.txt` both cover `r.txt`\n"
    )
    assert everything_below(scene.project) == before
    assert not any(scene.cache.iterdir())


def test_a_dry_run_outside_of_a_repository_shows_what_would_be_in_the_way(tmp_path):
    scene = Scene(tmp_path).plan(DIAMOND)
    scene.project.mkdir()

    result = scene.run("--dry-run", check=0)

    assert "workers: 1, and at most 1 task can run at once\n" in result.out
    assert result.out.splitlines()[-1] == (
        f"warning: a run would stop here: not a git repository ({scene.project})"
    )
    assert list(scene.project.iterdir()) == []


def test_validate_says_that_a_plan_is_good(scene, capsys):
    path = scene.plan(DIAMOND).plan_path()

    code = main(["validate", str(path)])

    why = "no two tasks may run side by side: the 2 that could write the same files"
    assert code == ExitCode.DONE
    assert capsys.readouterr().out == f"{path}: good, 4 tasks; sequential: {why}\n"


def test_validate_has_the_problems_for_programs_too(scene, capsys):
    path = scene.plan(DIAMOND.replace("[top], c", "[tip], c")).plan_path()

    codes = [main(["validate", str(path), "--format", style]) for style in ("json", "github")]
    found, _, annotation = capsys.readouterr().out.partition("}\n::")

    assert codes == [ExitCode.USAGE, ExitCode.USAGE]
    (problem,) = json.loads(found + "}")["problems"]
    assert problem["where"].startswith(f"{path}:10:")
    assert re.fullmatch(r"error file=.*plan\.md,line=10,col=\d+::tasks\[1\].*`top`.*\n", annotation)


def test_status_counts_first_and_names_what_failed(failed):
    result = failed.call("status", check=1)

    assert result.out == (
        "1 completed / 3 total (0 in progress, 1 failed)\n"
        "1 skipped\n"
        "skipped after: `bad`, which it needs, failed\n"
        "failed bad: transient: exit code 3: no\n"
        "next: `parallel-orchestra why bad` says what to do\n"
        "next: run the 2 tasks that are not done yet, and no other: "
        f"`parallel-orchestra run {failed.project.parent}/plan.md --resume`\n"
    )
    assert result.err == ""


def test_a_status_and_an_error_have_colours_where_they_are_wanted(failed):
    colors = {"FORCE_COLOR": "1", "NO_COLOR": ""}
    red = "\x1b[31m\x1b[1mfailed\x1b[0m bad"

    assert red in failed.call("status", env=colors).out
    assert "\x1b" not in failed.call("status").out
    assert "\x1b[1;31merror:" in failed.call("validate", "nothing.md", env=colors).err
    assert "\x1b" not in failed.call("validate", "nothing.md", env=colors | {"NO_COLOR": "1"}).err


def test_status_as_json_is_the_report(failed):
    found = json.loads(failed.call("status", "--json", check=1).out)

    assert {task["id"]: task["outcome"] for task in found["tasks"]} == {
        "good": "succeeded",
        "bad": "failed",
        "after": "skipped",
    }


def test_status_finds_the_run_from_a_folder_below(failed):
    deeper = failed.project / "folder-000"

    result = failed.call("status", "--tasks-dir", str(failed.tasks_dir))
    below = main_in(deeper, "status")

    assert (below.returncode, below.stdout) == (result.exit_code, result.out)


def test_a_report_is_told_after_the_run_in_any_format(failed, tmp_path):
    page, data, named = tmp_path / "a.md", tmp_path / "b.json", tmp_path / "c"

    printed = failed.call("report", check=0).out
    failed.call("report", "-o", str(page), "-o", str(data), check=0)
    failed.call("report", "--format", "json", "-o", str(named), check=0)

    assert printed.startswith("# failing: failed\n")
    assert "<summary>The end of agent.log</summary>\n\n```text\nno\n```\n" in printed
    assert page.read_text(encoding="utf-8") == printed
    assert json.loads(data.read_text())["failed"] == 1
    assert json.loads(named.read_text())["total"] == 3


def test_a_report_may_follow_a_template_of_the_users(failed, tmp_path):
    template, page = tmp_path / "t.j2", tmp_path / "page.txt"
    template.write_text("{{ report.failed }} of {{ report.total }}\n")

    printed = failed.call("report", "--template", str(template), check=0)
    failed.call("report", "--template", str(template), "-o", str(page), check=0)
    template.write_text("{{ report.fialed }}")
    wrong = failed.call("report", "--template", str(template), "-o", str(page), check=2)

    assert printed.out == "1 of 3\n"
    assert page.read_text() == "1 of 3\n"
    assert wrong.err.startswith("error: the report's template is wrong: ")
    assert f"{template}:1" in wrong.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("-o", "a.pdf"), "error: there is no report format for `a.pdf`\n"),
        (("-o", "."), "error: there is no report format for `.`\n"),
        (("--template", "t.j2", "--json"), "error: a template is a format of its own\n"),
        (("--json", "--format", "markdown"), "error: `--json` and `--format markdown` exclude"),
    ],
)
def test_a_report_that_cannot_be_is_refused(failed, args, said):
    result = failed.call("report", *args, check=2)

    assert result.err.startswith(said)
    assert result.out == ""


def main_in(folder, *args):
    return subprocess.run(
        [sys.executable, "-m", "parallel_orchestra", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_logs_are_the_agents_words_byte_for_byte(failed):
    assert failed.call("logs", "good", check=0).out == "hello\n"
    assert failed.call("logs", "bad", "-f", check=0).out == "no\n"


def test_logs_of_what_is_not_there_say_so(failed):
    unknown = failed.call("logs", "goood", check=2)
    never = failed.call("logs", "after", check=3)
    third = failed.call("logs", "good", "--attempt", "3", check=2)

    assert "hint: did you mean `good`?" in unknown.err
    assert "task `after` was not begun yet" in never.err
    assert "has no attempt 3" in third.err


def test_why_names_the_reason_and_the_way_on(failed):
    bad = failed.call("why", "bad", check=0).out.splitlines()
    after = failed.call("why", "after", check=0).out.splitlines()

    assert bad[0] == "bad failed: transient: exit code 3: no"
    log = "`parallel-orchestra logs bad`"
    assert bad[-2] == "  | no"
    assert bad[-1] == f"hint: read its log with {log}, then `parallel-orchestra retry bad`"
    assert after[0] == "after skipped: `bad`, which it needs, failed"


def test_a_command_that_takes_long_says_on_a_terminal_what_it_is_at(failed):
    env = failed.environment({"TERM": "xterm"})
    command = [sys.executable, "-m", "parallel_orchestra", "deliver"]

    with Terminal() as terminal:
        done = subprocess.run(
            command,
            cwd=failed.project,
            env=env,
            stdout=subprocess.PIPE,
            stderr=terminal.theirs,
            check=True,
        )
        terminal.shows(b"")

    assert b"delivering what was merged" in terminal.shown
    assert stands(terminal.shown, 80, 24) == []
    assert done.stdout == b"`main` has all that was merged\n"


def test_a_retried_task_waits_and_the_run_goes_on_with_it(touched):
    plan = touched.plan_path()
    plan.write_text(plan.read_text().replace("exit 3", "echo 1 > bad.txt"))

    touched.call("retry", "bad", check=0)
    waiting = touched.call("why", "bad", check=0).out.splitlines()
    status = touched.call("status")

    assert waiting[0] == "bad waiting: ready, but no run is at work"
    assert waiting[-1] == f"hint: no run is at work: `parallel-orchestra run {plan} --resume`"
    assert status.exit_code == ExitCode.UNFINISHED


def test_a_done_task_is_done_again_by_name_only(touched):
    touched.call("retry", "good", check=0)
    touched.run("--resume", check=1)

    assert touched.tasks_in("done") == {"good"}
    assert len(touched.attempts("good")) == 2


def test_a_task_of_a_dead_owner_is_shown_and_freed(touched):
    locked = touched.tasks_dir / "locked"
    (source,) = (touched.tasks_dir / "failed").iterdir()
    source.rename(locked / source.name)

    shown = json.loads(touched.call("locks", "--json", "--stale", check=0).out)
    table = touched.call("locks", check=0).out
    touched.call("unlock", "bad", check=0)

    assert [(lock["task"], lock["state"]) for lock in shown] == [("bad", "dead")]
    assert table.startswith("TASK  ATTEMPT  STATE")
    assert touched.tasks_in("available") == {"bad", "after"}
    assert touched.call("locks", check=0).err == "no task is locked\n"


@pytest.mark.skipif(not identity.machine_id(), reason="this machine has no id")
def test_a_task_from_before_a_restart_of_this_machine_is_freed_at_once(touched):
    (source,) = (touched.tasks_dir / "failed").iterdir()
    source.rename(touched.tasks_dir / "locked" / source.name)
    for record in (touched.tasks_dir / "workers").iterdir():
        record.write_text(json.dumps(json.loads(record.read_text()) | {"boot": "another"}))

    (lock,) = json.loads(touched.call("locks", "--json", check=0).out)
    touched.call("unlock", "bad", check=0)

    assert (lock["state"], lock["reason"]) == ("dead", "the machine was restarted")
    assert touched.tasks_in("available") == {"bad", "after"}


def test_a_task_that_is_not_locked_can_not_be_unlocked(failed):
    result = failed.call("unlock", "good", "--force", check=2)

    assert "task `good` is not locked: it lies in `done/`" in result.err


def test_a_dry_run_of_a_plan_with_waves_of_its_own_calls_its_levels_otherwise(scene):
    scene.plan(
        "---\n"
        'po_plan_version: "0.2"\n'
        "name: demo\n"
        'defaults: {backend: command, command: "true"}\n'
        "tasks:\n"
        "  - {id: a, wave: 1}\n"
        "  - {id: b, wave: 1, depends_on: [a]}\n"
        "---\n"
    )

    result = scene.run("--dry-run", check=0)

    heads = [line for line in result.out.splitlines() if line.startswith(("wave", "level"))]
    assert heads == ["level 1", "level 2"]
    assert "1 retry, in wave 1, after a\n" in result.out


def test_a_dry_run_tells_programs_levels_and_waves_apart(scene):
    scene.plan(
        "---\n"
        'po_plan_version: "0.2"\n'
        "name: demo\n"
        'defaults: {backend: command, command: "true"}\n'
        "tasks:\n"
        "  - {id: a, wave: 7}\n"
        "  - {id: b, depends_on: [a]}\n"
        "---\n"
    )

    found = json.loads(scene.run("--dry-run", "--json", check=0).out)

    assert [(task["level"], task["wave"]) for task in found["tasks"]] == [(1, 7), (2, None)]
