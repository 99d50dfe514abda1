"""The package as other programs use it."""

import subprocess
import sys

import pytest

import parallel_orchestra as po
from support.scene import Scene

PLAN = """---
po_plan_version: "0.2"
name: small
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: a, command: "echo 1 > a.txt"}
  - {id: b, command: "cat a.txt > b.txt", depends_on: [a]}
---
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(2).plan(PLAN)


def settings(scene, **choices):
    return po.default_settings(scene.environment(), cache=scene.cache, **choices)


def test_every_public_name_is_there():
    assert sorted(po.__all__) == dir(po)
    assert all(getattr(po, name) is not None for name in po.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'run_plans'"):
        po.run_plans  # noqa: B018


def test_the_package_loads_no_room_before_its_name_is_used():
    program = "import sys, parallel_orchestra; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert [name for name in loaded if name.startswith("parallel_orchestra")] == [
        "parallel_orchestra"
    ]


def test_a_plan_is_run_and_its_report_says_how_it_went(scene):
    plan, events, found = po.load_plan(scene.plan_path()), [], []

    report = po.run_plan(plan, settings(scene), on_event=events.append, on_preflight=found.append)

    assert [task.id for task in plan.tasks] == ["a", "b"]
    assert (report.exit_code, report.completed, report.total) == (po.ExitCode.DONE, 2, 2)
    assert {task.outcome for task in report.tasks} == {po.Outcome.SUCCEEDED}
    assert found[0].base_branch == "main"
    assert "RunEnded" in {type(event).__name__ for event in events}
    assert scene.files()["b.txt"] == "1\n"


def test_what_the_preflight_hook_raises_stops_the_run_before_it_begins(scene):
    def refuse(_found):
        raise po.UsageError(po.Problem("no"))

    with pytest.raises(po.UsageError):
        po.run_plan(scene.plan_path(), settings(scene), on_preflight=refuse)

    assert not scene.tasks_dir.exists()


def test_a_run_that_was_stopped_before_it_began_starts_nothing(scene):
    control = po.Control()
    control.drain()

    report = po.run_plan(scene.plan_path(), settings(scene), control=control)

    assert report.exit_code == po.ExitCode.INTERRUPTED
    assert report.completed == 0
    assert set(scene.states().values()) == {"available"}


def test_settings_follow_the_environment_that_is_passed_in(tmp_path):
    environ = {"PO_WORKTREE_ROOT": str(tmp_path), "PO_KEEP_WORKTREE": "1"}

    found = po.default_settings(environ, max_workers=7)

    assert (found.worktree_root, found.keep_worktrees) == (tmp_path, True)
    assert (found.environ, found.max_workers) == (environ, 7)
