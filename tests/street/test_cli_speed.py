"""The command line is there at once: what it loads."""

import subprocess
import sys

import pytest

from support.scene import Scene

HEAVY = ("pydantic", "rich", "jinja2", "portalocker", "yaml", "frontmatter", "psutil")
#: What works on tasks: who only looks has no use for it.
AT_WORK = tuple(
    f"parallel_orchestra.{room}"
    for room in (
        "agents.registry",
        "board.board",
        "conductor.crew",
        "isolation.slot",
        "merge_queue.queue",
        "process.supervisor",
        "worker.attempt",
    )
)
READ_ONLY_PLAN = """---
po_plan_version: "0.2"
name: small
defaults: {backend: command}
tasks:
  - {id: look, read_only: true, command: "true"}
---
"""


def loaded_by(scene, *args):
    """Returns the modules that a command line loads, and its exit code."""
    program = (
        "import sys; from parallel_orchestra.cli import main\n"
        f"code = main({list(args)!r})\n"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=scene.project,
        env=scene.environment({"PYTHONPATH": sys.path[0]}),
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stderr.split()), done.returncode


@pytest.mark.parametrize("page", ["--help", "--version"])
def test_the_first_pages_load_nothing_that_python_has_not_loaded_by_itself(tmp_path, page):
    scene = Scene(tmp_path).repository(1)

    modules, code = loaded_by(scene, page)
    bare = "import sys; print(*sys.modules)"
    known = set(subprocess.check_output([sys.executable, "-c", bare], text=True).split())

    assert code == 0
    assert modules - known == {
        "parallel_orchestra",
        "parallel_orchestra.cli",
        "parallel_orchestra.cli.catalogue",
    }


@pytest.mark.slow
def test_who_only_looks_loads_nothing_heavy_and_nothing_that_works(tmp_path):
    scene = Scene(tmp_path).repository(1).plan(READ_ONLY_PLAN)
    scene.run(check=0)
    (scene.project / "_tasks" / "standing.json").unlink()

    looks = [loaded_by(scene, *words.split()) for words in ("status", "status --json", "runs")]

    assert [code for _, code in looks] == [0, 0, 0]
    assert all("click" in modules for modules, _ in looks)
    assert not set().union(*(modules for modules, _ in looks)) & {*HEAVY, *AT_WORK}


@pytest.mark.slow
def test_status_of_a_run_at_rest_reads_what_the_run_left_and_says_the_same(tmp_path):
    scene = Scene(tmp_path).repository(1).plan(READ_ONLY_PLAN)
    scene.run(check=0)
    words = ("status", "--tasks-dir", "_tasks")

    modules, _ = loaded_by(scene, "status")
    others, _ = loaded_by(scene, *words)
    told = [scene.call(*each, check=0).out for each in (("status",), words)]
    (scene.project / "_tasks" / "standing.json").unlink()

    assert not modules & {"click", "parallel_orchestra.journal", "parallel_orchestra.model"}
    assert not others & {"parallel_orchestra.journal", "parallel_orchestra.model"}
    assert told == [scene.call("status", check=0).out] * 2


@pytest.mark.slow
def test_status_does_not_believe_what_a_run_left_once_a_task_was_moved_by_hand(tmp_path):
    scene = Scene(tmp_path).repository(1).plan(READ_ONLY_PLAN)
    scene.run(check=0)
    tasks = scene.project / "_tasks"
    (done,) = (tasks / "done").iterdir()

    done.rename(tasks / "available" / done.name)

    assert scene.call("status", check=6).out.startswith("0 completed / 1 total")


@pytest.mark.slow
def test_what_scripts_call_often_loads_nothing_heavy(tmp_path):
    failing = READ_ONLY_PLAN.replace('"true"', '"exit 126"')
    scene = Scene(tmp_path).repository(1).plan(failing)
    scene.run(check=1)
    assert not (scene.project / "_tasks" / "standing.json").exists()
    scene.call("retry", "look", check=0)
    scene.call("claim", "look", check=0)

    looks = [loaded_by(scene, *words) for words in (("locks", "--json"), ("heartbeat", "look"))]

    assert [code for _, code in looks] == [0, 0]
    assert not set().union(*(modules for modules, _ in looks)) & set(HEAVY)
