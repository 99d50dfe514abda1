"""Tasks join a run: by the command or by hand, while it goes on, between two calls, after a crash."""

import json

import pytest

from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: `a` lasts until the file `go` appears in `_tasks/`.
PLAN = """---
po_plan_version: "0.2"
name: demo
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: a, command: "touch $PO_TASKS_DIR/up; while ! [ -e $PO_TASKS_DIR/go ]; do sleep 0.05; done; echo > a.txt"}
---
"""
MORE = "---\ncommand: 'cp a.txt more.txt'\ndepends_on: [a]\n---\n"
LAST = "---\ncommand: 'cp more.txt last.txt'\ndepends_on: [more]\n---\n"


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3).plan(PLAN)


def go(scene):
    (scene.tasks_dir / "go").touch()


def started(scene):
    wait_until((scene.tasks_dir / "up").exists, within=20)


def written(scene, name, text):
    path = scene.project.parent / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def drop(scene, name, text):
    (scene.tasks_dir / "available" / name).write_text(text, encoding="utf-8")


def added_tasks(scene):
    return json.loads((scene.tasks_dir / "run.json").read_text())["added"]


def test_tasks_join_a_run_that_goes_on_by_command_and_by_hand(scene):
    with scene.start("--yes") as running:
        started(scene)
        with scene.start_command("worker") as helper:
            added = json.loads(
                scene.call("add", written(scene, "more.md", MORE), "--json", check=0).out
            )
            drop(scene, "last.md", LAST)
            wait_until(lambda: "last  joined the run" in running.err(), within=20)
            why = scene.call("why", "last", check=0).out
            go(scene)
            result, helped = running.wait(), helper.wait()

    assert added == {"task": "more", "title": "", "depends_on": ["a"], "by": "conductor"}
    assert why.startswith("last waiting: waits for `more`")
    assert (result.exit_code, helped.exit_code) == (0, 0), f"{result}{helped}"
    assert {"a.txt", "more.txt", "last.txt"} <= scene.names()
    assert scene.merges() == {"a": 1, "more": 1, "last": 1}
    assert added_tasks(scene) == ["more", "last"]
    again = scene.run("--resume", check=0)
    assert "3 completed / 3 total" in again.out


def test_a_file_that_cant_join_stays_and_joins_when_it_is_mended(scene):
    with scene.start("--yes") as running:
        started(scene)
        refused = scene.call("add", written(scene, "bad.md", "---\nx: 1\n---\n"), check=2)
        drop(scene, "last.md", LAST)
        wait_until(lambda: "last.md:3:14 depends_on[0]: can't join" in running.err(), within=20)
        status = scene.call("status", check=6)
        why = scene.call("why", "last", check=0)
        drop(scene, "more.md", MORE)
        wait_until(lambda: "last  joined the run" in running.err(), within=20)
        go(scene)
        result = running.wait()

    assert "unknown key `x` in task `bad`" in refused.err
    assert not (scene.tasks_dir / "available" / "bad.md").exists()
    assert "available/last.md; `parallel-orchestra why last` says why" in status.out
    assert why.out.splitlines()[:2] == [
        "last not joined: `available/last.md` is no task of the run yet",
        (
            "  available/last.md:3:14 depends_on[0]: can't join the run: task `last` depends on `more`, "
            "which the run lacks (name a task by its `id`)"
        ),
    ]
    assert result.exit_code == 0, result
    assert "last.txt" in scene.names()
    assert running.err().count("can't join") == 1


def test_who_joined_survives_a_crash_and_a_resume_by_the_plan(scene):
    with scene.start("--yes") as running:
        started(scene)
        scene.call("add", written(scene, "more.md", MORE), check=0)
        running.kill_tree(whole_group=False)
    scene.wait_for_silence()
    drop(scene, "last.md", LAST)
    drop(scene, "broken.md", "no front matter")
    go(scene)

    result = scene.run("--resume", check=0)

    assert "task `last` joined the run" in result.err
    assert "available/broken.md:1:1: can't join the run: the first line must be" in result.err
    assert (scene.tasks_dir / "available" / "broken.md").read_text() == "no front matter"
    assert scene.merges() == {"a": 1, "more": 1, "last": 1}


def test_a_task_is_added_while_nobody_is_at_work(scene):
    (scene.project.parent / "go").touch()
    scene.plan(PLAN.replace("$PO_TASKS_DIR/go", str(scene.project.parent / "go")))
    none = scene.call("add", written(scene, "more.md", MORE), check=3)
    scene.run("--yes", check=0)

    added = scene.call("add", written(scene, "more.md", MORE), check=0)
    twice = scene.call("add", written(scene, "more.md", MORE), check=2)
    status = scene.call("status", check=6)
    scene.run("--resume", check=0)

    assert "no `_tasks` directory" in none.err
    assert added.out == "task `more` joined the run, after a\n"
    assert "the run has a task `more` already" in twice.err
    assert "1 waiting" in status.out
    assert "more.txt" in scene.names()
    assert len(list((scene.tasks_dir / "attic").glob("available.*.more.md"))) == 1


def test_what_an_added_task_needs_must_stay_in_the_plan(scene):
    with scene.start("--yes") as running:
        started(scene)
        scene.call("add", written(scene, "more.md", MORE), check=0)
        running.kill_tree(whole_group=False)
    scene.wait_for_silence()
    before = (scene.tasks_dir / "run.json").read_text()
    scene.plan(PLAN.replace("{id: a,", "{id: other,"))

    refused = scene.run("--resume", check=3)

    assert "task `more`, which was added to the run, needs `a`" in refused.err
    assert (scene.tasks_dir / "run.json").read_text() == before


def test_a_task_that_the_plan_has_by_now_is_one_of_the_plan(scene):
    with scene.start("--yes") as running:
        started(scene)
        scene.call("add", written(scene, "more.md", MORE), check=0)
        running.kill_tree(whole_group=False)
    scene.wait_for_silence()
    go(scene)
    scene.plan(PLAN.replace("tasks:\n", "tasks:\n  - {id: more, command: 'echo > other.txt'}\n"))

    scene.run("--resume", check=0)

    assert added_tasks(scene) == []
    assert "other.txt" in scene.names()
    assert "more.txt" not in scene.names()
