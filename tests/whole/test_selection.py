"""Some of a plan's tasks: by name, those that failed, one level of the graph after the other."""

import json

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

#: `b` fails until somebody makes the file `mended` in `_tasks/`.
PLAN = """---
po_plan_version: "0.2"
name: demo
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: a, command: "echo > a.txt"}
  - {id: b, command: "test -e $PO_TASKS_DIR/mended && echo > b.txt"}
  - {id: c, command: "echo > c.txt", depends_on: [a]}
  - {id: d, command: "echo > d.txt", depends_on: [b, c]}
  - {id: e, command: "echo > e.txt"}
---
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3).plan(PLAN)


def mend(scene):
    (scene.tasks_dir / "mended").touch()


def test_only_carries_out_what_is_named_and_what_that_needs(scene):
    dry = scene.run("--only", "c", "--dry-run", check=0)
    result = scene.run("--only", "c", check=0)
    status = scene.call("status", "--json", check=6)
    why = scene.call("why", "e", check=0)

    assert dry.out.startswith("demo: 2 tasks\n")
    assert scene.tasks_in("done") == {"a", "c"}
    assert scene.tasks_in("available") == {"b", "d", "e"}
    assert "only these tasks are carried out: `a`, `c` (--only c)" in result.err
    assert "c.txt" in scene.names()
    assert {one["reason"] for one in json.loads(status.out)["tasks"]} == {
        "",
        "left out of this run: --only c",
    }
    assert "left out of this run: --only c" in why.out


def test_what_a_run_left_out_the_next_one_does(scene):
    scene.run("--skip", "b,e", check=0)
    left_out = scene.tasks_in("available")
    mend(scene)

    scene.run("--resume", check=0)

    assert left_out == {"b", "d", "e"}
    assert scene.tasks_in("done") == set("abcde")


def test_a_worker_that_joins_keeps_to_what_the_run_carries_out(scene):
    scene.run("--only", "a", check=0)

    scene.call("worker", check=0)
    claim = scene.call("claim", "e", "--json", check=6)

    assert scene.tasks_in("done") == {"a"}
    assert "left out of this run" in json.loads(claim.out)["reason"]


def test_unknown_names_are_all_said_and_nothing_is_changed(scene):
    result = scene.run("--only", "aa,c", "--skip", "x", check=2)

    assert "there is no task `aa` for `--only`" in result.err
    assert "there is no task `x` for `--skip`" in result.err
    assert not scene.tasks_dir.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "c", "--skip", "a"), "`--only` asks for `c`, which `--skip` leaves out"),
        (("--skip", "a,b,e"), "`--skip` leaves out all tasks"),
    ],
    ids=["one that needs it", "all"],
)
def test_a_selection_that_leaves_nothing_to_do_is_refused_and_nothing_is_changed(
    scene, options, said
):
    result = scene.run(*options, check=2)

    assert said in result.err
    assert not scene.tasks_dir.exists()


def test_what_failed_is_tried_again_and_nothing_else(scene):
    none = scene.run("--retry-failed", check=3)
    made_nothing = not scene.tasks_dir.exists()
    scene.run("--skip", "e", check=1)
    mend(scene)

    result = scene.run("--retry-failed", check=0)

    assert "there is no run here" in none.err
    assert made_nothing
    assert "only these tasks are carried out: `b`, `d` (--retry-failed)" in result.err
    assert (scene.tasks_in("done"), scene.tasks_in("available")) == (set("abcd"), {"e"})


def test_one_group_after_the_other_until_all_is_done(scene):
    scene.plan(PLAN.replace("test -e $PO_TASKS_DIR/mended && ", ""))

    done, said = [], ""
    for code in (6, 6, 0, 0):
        said += scene.run("--one-group", check=code).err
        done.append("".join(sorted(scene.tasks_in("done"))))

    assert done == ["abe", "abce", "abcde", "abcde"]
    assert {"a.txt", "d.txt"} <= scene.names()
    assert "nothing to resume" not in said


def test_a_dry_run_of_one_group_shows_what_this_call_carries_out(scene):
    before = scene.run("--one-group", "--dry-run", check=0).out
    scene.run("--one-group", check=1)
    after = json.loads(scene.run("--one-group", "--dry-run", "--json", check=0).out)
    failed = json.loads(scene.run("--retry-failed", "--dry-run", "--json", check=0).out)
    fresh = json.loads(scene.run("--one-group", "--fresh", "--dry-run", "--json", check=0).out)

    assert "  d  command  timeout 2 h 00 min, no retry, after b c, later\n" in before
    assert "only these tasks are carried out: `a`, `b`, `e` (--one-group)\n" in before
    assert states(after) == {"a": "done", "b": "ready", "c": "ready", "d": "later", "e": "done"}
    assert after["outlook"]["tasks"] == 2
    assert states(failed) == {**states(after), "c": "left_out", "d": "waiting"}
    assert states(fresh) == {**states(after), "a": "ready", "c": "later", "e": "ready"}


def states(record):
    return {task["id"]: task["state"] for task in record["tasks"]}


def test_a_group_whose_task_failed_is_tried_again_by_the_next_call(scene):
    first = scene.run("--one-group", check=1)
    mend(scene)

    second = scene.run("--one-group", check=6)

    assert "failed b: " in first.out
    assert "only these tasks are carried out: `b`, `c` (--one-group)" in second.err
    assert scene.tasks_in("available") == {"d"}


def test_fresh_and_retry_failed_exclude_each_other(scene):
    result = scene.run("--fresh", "--retry-failed", check=2)

    assert "`--retry-failed` and `--fresh` exclude each other" in result.err
