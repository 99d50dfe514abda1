"""Whole runs by the real command that come to an end by themselves."""

import json
import subprocess
import sys

import click
import pytest

from support.repository import commit_files, fsck_clean
from support.scene import Scene
from support.terminal import Terminal
from support.waiting import wait_until

pytestmark = pytest.mark.slow

HEAD = """---
po_plan_version: "0.2"
name: demo
max_workers: 3
defaults: {backend: command, max_retries: 0}
tasks:
"""


#: Says how many helpers a run has: they are the children of an agent's parent's parent.
COUNT_HELPERS = r"""
for one in $(cat /proc/$(cut -d " " -f 4 /proc/$PPID/stat)/task/*/children); do
    tr "\0" " " < /proc/$one/cmdline
    echo
done | grep -c reaper
"""


def plan(*tasks, top=""):
    return (
        HEAD.replace("tasks:\n", top + "tasks:\n") + "".join(f"  - {t}\n" for t in tasks) + "---\n"
    )


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3)


def is_in_order(scene):
    """Checks what holds after every run: nothing runs, no worktree is left, git is content."""
    scene.wait_for_silence()
    assert scene.worktrees() == []
    assert fsck_clean(scene.project)
    return scene.dirty() == []


def test_a_chain_is_merged_link_by_link_and_each_sees_the_one_before(scene):
    scene.plan(
        plan(
            '{id: a, command: "echo a > a.txt"}',
            '{id: b, command: "cat a.txt > b.txt; echo b >> b.txt", depends_on: [a]}',
            '{id: c, command: "cat b.txt > c.txt; echo c >> c.txt", depends_on: [b]}',
        )
    )

    result = scene.run(check=0)

    assert scene.files()["c.txt"] == "a\nb\nc\n"
    assert scene.merges() == {"a": 1, "b": 1, "c": 1}
    assert set(scene.states().values()) == {"done"}
    assert result.out.startswith("3 completed / 3 total (0 in progress, 0 failed)\n")
    assert "mode     sequential: all 3 tasks form one chain" in result.err
    assert is_in_order(scene)


def test_a_diamond_runs_its_sides_at_once_and_joins_them(scene):
    # each side waits until the other has begun: alone, neither would end
    meet = "touch $PO_TASKS_DIR/{me}; while ! [ -e $PO_TASKS_DIR/{it} ]; do :; done; echo > {me}"
    scene.plan(
        plan(
            '{id: top, command: "echo > top"}',
            f'{{id: left, command: "{meet.format(me="left", it="right")}", depends_on: [top]}}',
            f'{{id: right, command: "{meet.format(me="right", it="left")}", depends_on: [top]}}',
            '{id: aside, command: "echo > aside"}',
            '{id: end, read_only: true, command: "ls top left right", depends_on: [left, right]}',
        )
    )

    scene.run(check=0)

    assert scene.names() >= {"top", "left", "right", "aside"}
    assert scene.merges() == {"top": 1, "left": 1, "right": 1, "aside": 1}
    assert is_in_order(scene)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_of_helpers_as_many_are_made_ready_as_tasks_can_run_at_once(scene):
    meet = "touch $PO_TASKS_DIR/{me}; while ! [ -e $PO_TASKS_DIR/{it} ]; do :; done"
    commit_files(scene.project, {"count.sh": COUNT_HELPERS})
    scene.plan(
        plan(
            f'{{id: a, command: "{meet.format(me="a", it="b")}; . ./count.sh > count.txt"}}',
            f'{{id: b, read_only: true, command: "{meet.format(me="b", it="a")}"}}',
        )
    )

    scene.run("-j", "8", check=0)

    # Which of the eight workers have the tasks is theirs: they may be others than those made ready.
    assert 2 <= int(scene.files()["count.txt"]) <= 4


def test_a_failed_verify_is_told_to_the_next_attempt(scene):
    scene.plan(
        plan(
            '{id: a, max_retries: 1, prompt: Write., command: "cat > said; wc -l < said > lines",'
            ' verify: "echo too short; grep -q ^##.Feedback said"}'
        )
    )

    result = scene.run(check=0)

    said = scene.files()["said"]
    assert said.startswith("# Task `a`\n\n## Objective\n\nWrite.\n")
    assert "\n## Feedback\n\nAttempt 1 at this task failed (verify): " in said
    assert "too short" in said
    assert "a  again  attempt 1  verify: " in result.err
    assert "a  done  attempt 2" in result.err
    assert is_in_order(scene)


def test_dependents_of_a_failed_task_are_skipped_and_the_rest_is_delivered(scene):
    scene.plan(
        plan(
            '{id: bad, command: "echo half > half.txt; exit 7"}',
            '{id: child, command: "true", depends_on: [bad]}',
            '{id: grandchild, command: "true", depends_on: [child]}',
            '{id: good, command: "echo > good.txt", verify: "test -e good.txt"}',
        )
    )

    result = scene.run("--report", "r.json", "--report", "r.md", check=1)

    found = json.loads((scene.project / "r.json").read_text())
    outcomes = {task["id"]: (task["outcome"], task["reason"]) for task in found["tasks"]}
    assert outcomes["grandchild"] == ("skipped", "`bad`, which it needs, failed")
    assert outcomes["good"][0] == "succeeded"
    phases = {
        task["id"]: [one["phase"] for attempt in task["attempts"] for one in attempt["phases"]]
        for task in found["tasks"]
    }
    assert phases["good"] == ["agent", "verify", "merge"]
    assert phases["bad"] == ["agent"]
    assert "good.txt" in scene.names()
    assert "half.txt" not in scene.names()
    assert any("/salvage/bad/" in ref for ref in scene.refs())
    assert result.out.endswith("report: r.json\nreport: r.md\n")
    assert (scene.project / "r.md").read_text().startswith("# ")


def test_a_conflict_keeps_the_branch_and_waits_for_a_person(scene):
    both = "touch $PO_TASKS_DIR/$PO_TASK_ID; while ! [ -e $PO_TASKS_DIR/{} ]; do :; done; echo $PO_TASK_ID > x"
    scene.plan(
        plan(
            f'{{id: one, command: "{both.format("two")}"}}',
            f'{{id: two, command: "{both.format("one")}"}}',
            '{id: three, command: "echo > three"}',
        )
    )

    result = scene.run(check=4)

    (loser,) = scene.tasks_in("failed")
    assert scene.files()["x"] == {"one": "two\n", "two": "one\n"}[loser]
    assert scene.git("show", f"orchestra-kept/demo/{loser}-1:x") == f"{loser}\n"
    assert "three" in scene.names()
    winner = {"one": "two", "two": "one"}[loser]
    said = (scene.attempts(loser)[0] / "conflict.log").read_text()
    assert f"<<<<<<< {winner}\n  {winner}\n  =======\n  {loser}\n  >>>>>>> {loser}\n" in said
    assert f"git switch orchestra-kept/demo/{loser}-1" in result.out
    assert is_in_order(scene)


def test_a_read_only_task_changes_nothing(scene):
    scene.plan(plan('{id: look, read_only: true, command: "echo > new; cat folder-000/*"}'))
    before = scene.git("rev-parse", "HEAD")

    result = scene.run(check=0)

    assert scene.git("rev-parse", "HEAD") == before
    assert "warning  look  is read-only but changed files; discarded" in result.err
    assert is_in_order(scene)


def test_a_task_without_isolation_looks_at_the_project_itself(scene):
    (scene.project / "draft.txt").write_text("not committed\n")
    scene.plan(plan('{id: look, read_only: true, isolation: none, command: "cat draft.txt"}'))

    scene.run(check=0)

    assert scene.call("logs", "look").out == "not committed\n"


def test_a_finished_run_is_archived_by_the_next_and_left_alone_by_resume(scene):
    scene.plan(plan('{id: a, command: "date +%N >> a.txt"}'))
    scene.run(check=0)
    first = scene.run_record()["run"]

    resumed = scene.run("--resume", check=0)
    kept = scene.run_record()["run"]
    again = scene.run(check=0)

    assert kept == first
    assert resumed.out.startswith("1 completed / 1 total")
    assert scene.run_record()["run"] != first
    assert (scene.tasks_dir / "attic" / first).is_dir()
    assert f"the finished run {first} was moved to" in again.err
    assert scene.files()["a.txt"].count("\n") == 2


def test_an_unfinished_run_asks_how_to_go_on(scene):
    scene.plan(plan('{id: a, command: "echo > a"}', '{id: bad, command: "exit 1"}'))
    scene.run(check=1)

    refused = scene.run(check=3)
    scene.plan(plan('{id: a, command: "echo > a"}', '{id: bad, command: "echo > b"}'))
    resumed = scene.run("--resume", check=0)

    assert "holds the unfinished run" in refused.err
    assert "--resume" in refused.err
    assert "--fresh" in refused.err
    assert scene.merges() == {"a": 1, "bad": 1}
    assert "resumed" in resumed.err
    assert is_in_order(scene)


def test_fresh_begins_anew_and_keeps_the_old_tip(scene):
    scene.plan(plan('{id: a, command: "date +%N >> a"}', '{id: bad, command: "exit 1"}'))
    scene.run(check=1)
    first = scene.run_record()["run"]

    scene.run("--fresh", check=1)

    assert scene.run_record()["run"] != first
    assert f"refs/orchestra/{first}/integration" in scene.refs()
    assert len(scene.attempts("a")) == 1


def test_a_checkout_that_is_in_the_way_is_left_alone(scene):
    commit_files(scene.project, {"mine.txt": "1\n"})
    (scene.project / "mine.txt").write_text("my own change\n")
    scene.plan(plan('{id: a, command: "echo theirs > mine.txt", writes: [mine.txt]}'))

    result = scene.run(check=4)

    assert (scene.project / "mine.txt").read_text() == "my own change\n"
    assert scene.files("orchestra/demo")["mine.txt"] == "theirs\n"
    assert "uncommitted changes in files that tasks write: `mine.txt`" in result.err
    assert "undelivered  main" in result.err


def test_a_report_that_can_not_be_written_does_not_hide_the_result(scene):
    scene.plan(plan('{id: a, command: "echo > a"}'))
    (scene.project / "file").write_text("")

    result = scene.run("--report", "file/r.md", check=3)

    assert result.out.startswith("1 completed / 1 total")
    assert "error: cannot write the report: " in result.err


def test_quiet_says_only_what_failed(scene):
    scene.plan(plan('{id: a, command: "echo > a"}', '{id: bad, command: "echo oh; exit 1"}'))

    result = scene.run("--quiet", check=1)

    lines = [line for line in result.err.splitlines() if not line.startswith(BRIEFING)]
    assert lines == ["bad  failed  attempt 1  transient: exit code 1: oh"]


BRIEFING = ("plan ", "mode ", "groups ", "workers ", "base ", "project ", "note ")


def test_on_a_terminal_the_plan_is_confirmed_and_a_picture_is_drawn(scene):
    scene.plan(plan('{id: a, command: "echo > a"}', '{id: bad, command: "echo [red]; exit 1"}'))

    refused, _ = on_a_terminal(scene, b"n\n")
    untouched = not scene.tasks_dir.exists()
    code, shown = on_a_terminal(scene, b"y\n")

    assert (refused, untouched) == (130, True)
    assert code == 1
    assert "Start? [y/N]" in shown
    plain = click.unstyle(shown)
    assert "│ mode     parallel: " in plain
    assert "✗ bad  failed: transient  exit code 1: [red]" in plain
    # the picture: how far the second task came when it was drawn last is chance
    assert " done, " in plain


def on_a_terminal(scene, answer):
    """Runs the plan with a terminal for all three; returns exit code and what it showed."""
    env = scene.environment({"TERM": "xterm", "COLUMNS": "100", "LINES": "30", "PYTHONUTF8": "1"})
    command = [sys.executable, "-m", "parallel_orchestra", "run", str(scene.plan_path())]
    with Terminal() as terminal:
        side = terminal.theirs
        streams = {"stdin": side, "stdout": side, "stderr": side}
        with subprocess.Popen(
            command, cwd=scene.project, env=env, **streams, start_new_session=True
        ) as child:
            wait_until(lambda: terminal.shows(b"Start?"), within=20)
            terminal.enter(answer)
            # read on, or it waits for room
            wait_until(lambda: terminal.shows(b"") and child.poll() is not None, within=30)
        terminal.shows(b"")
    return child.returncode, terminal.shown.decode()


def test_a_plan_that_is_all_yaml_runs_and_is_resumed_like_any_other(scene):
    text = f'po_plan_version: "0.2"\nname: y\ncwd: {scene.project.name}\ntasks:\n'
    task = '  - {id: a, backend: command, command: "echo a > a.txt"}\n'
    scene.write_plan(text + task, "plan.yaml")

    checked = scene.call("validate", str(scene.plan_path("plan.yaml")), check=0)
    scene.run(plan="plan.yaml", check=0)
    again = scene.run("--resume", plan="plan.yaml", check=0)
    shown = scene.call("status", check=0)

    assert "plan.yaml" in checked.out
    assert scene.files()["a.txt"] == "a\n"
    assert scene.merges() == {"a": 1}
    assert again.out.startswith("1 completed / 1 total")
    assert shown.out.startswith("1 completed / 1 total")


def test_missing_evidence_fails_an_attempt_and_all_of_it_is_its_feedback(scene):
    # The second attempt does what the prompt of the first one's failure says.
    script = 'if grep -q "there is no" $PO_PROMPT_FILE; then echo new > a.txt; fi; echo x > x.txt'
    evidence = '[a.txt, {path: "*.txt", contains: new}, {command: cat a.txt, contains: new}]'
    task = f"{{id: a, command: '{script}', max_retries: 1, expect: {evidence}}}"
    scene.plan(plan(task))

    scene.run(check=0)

    (first, second) = (json.loads((one / "result.json").read_text()) for one in scene.attempts("a"))
    assert first["failure"] == "verify"
    assert first["reason"] == "expected evidence is missing: there is no `a.txt`, and 2 more"
    assert first["detail"].startswith(
        "- there is no `a.txt`\n- `*.txt` does not contain `new`\n- `cat a.txt` exited with code 1"
    )
    assert second["failure"] == ""
    assert scene.files()["a.txt"] == "new\n"


def test_agents_in_clones_are_merged_with_their_commits_and_see_each_other(scene):
    scene.plan(
        plan(
            '{id: a, isolation: clone, command: "echo a > a.txt; git add -A; git commit -qm mine; '
            'git branch side; git config core.hooksPath /x"}',
            '{id: b, isolation: clone, command: "cp a.txt b.txt", depends_on: [a]}',
            '{id: c, isolation: clone, read_only: true, command: "cat b.txt; touch c", depends_on: [b]}',
        )
    )

    result = scene.run(check=0)

    assert scene.files()["b.txt"] == "a\n"
    assert "mine" in scene.git("log", "--format=%s").splitlines()
    assert scene.git("branch", "--list", "side") == ""
    assert "is read-only but changed files" in result.err
    assert is_in_order(scene)


def test_tasks_in_the_shared_worktree_work_at_once_and_commit_their_own_files_only(scene):
    # Each waits until the other one has begun, and sees what it wrote.
    script = "echo {0} > {0}.txt; until test -e {1}.txt; do sleep 0.02; done; touch {0}.out"
    scene.plan(
        plan(
            f"{{id: a, writes: [a.txt], command: '{script.format('a', 'b')}'}}",
            f"{{id: b, writes: [b.txt], command: '{script.format('b', 'a')}'}}",
            "{id: c, writes: [c.txt], command: 'cat a.txt b.txt > c.txt', depends_on: [a, b]}",
            top="",
        ).replace("max_retries: 0", "max_retries: 0, isolation: shared")
    )

    result = scene.run(check=0)

    assert scene.files()["c.txt"] == "a\nb\n"
    assert not {"a.out", "b.out"} & scene.names()
    assert "no task there writes" in result.err
    assert scene.merges() == {"a": 1, "b": 1, "c": 1}
    assert is_in_order(scene)
