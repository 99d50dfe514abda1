"""The example project: what its plan promises is true, with nothing but a bare Python."""

import os
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from parallel_orchestra.errors import UsageError
from parallel_orchestra.example import copy_example
from parallel_orchestra.plan import parse
from support.repository import git, log_graph, names_at

EXAMPLE = Path(__file__).parent.parent / "example"
PLAN = yaml.safe_load((EXAMPLE / "plan.md").read_text(encoding="utf-8").split("---\n")[1])
TASKS = {task["id"]: task for task in PLAN["tasks"]}
ORDER = tuple(
    TopologicalSorter({i: t.get("depends_on", ()) for i, t in TASKS.items()}).static_order()
)


def python(project, *args, prompt="", **variables):
    """Runs Python in the project as the plan's commands do, with an environment of nothing but PATH."""
    return subprocess.run(
        [sys.executable, "-B", "-s", *args],
        cwd=project,
        env={"PATH": os.environ["PATH"], "AGENT_SECONDS": "0", **variables},
        input=prompt,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def perform(project, task, prompt="Please.\n"):
    """Does the task as its command says."""
    _, *command = TASKS[task]["command"]
    done = python(project, *command, prompt=prompt, PO_TASK_ID=task)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needed_by(task):
    """Returns what the task depends on, directly or not, in an order in which it can be done."""
    wanted = {task}
    for other in reversed(ORDER):
        if other in wanted:
            wanted.update(TASKS[other].get("depends_on", ()))
    return [other for other in ORDER if other in wanted - {task}]


FEEDBACK = "Please.\n\n## Feedback\n\nAssertionError: '14.0' != '14'\n"


@pytest.fixture
def project(tmp_path):
    return shutil.copytree(
        EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__")
    )


@pytest.mark.slow
@pytest.mark.parametrize("task", ORDER)
def test_each_task_needs_what_its_plan_says_and_nothing_else(project, task):
    for other in needed_by(task):
        perform(project, other, FEEDBACK)

    perform(project, task, FEEDBACK)
    tests = python(project, "-m", "unittest", "-q")

    assert (tests.returncode, tests.stdout) == (0, "")
    assert all((project / path).is_file() for path in TASKS[task].get("writes", ()))


def test_the_first_draft_fails_its_own_verify_and_the_second_passes_it(project):
    verify = ("-m", "unittest", "-q", "tests.test_numbers")
    assert TASKS["numbers"]["verify"] == "python3 " + " ".join(verify)

    perform(project, "numbers")
    first = python(project, *verify)
    perform(project, "numbers", FEEDBACK)
    second = python(project, *verify)

    assert (first.returncode, second.returncode) == (1, 0)
    assert "'14.0' != '14'" in first.stderr


def test_the_finished_program_calculates(project):
    for task in ORDER:
        said = perform(project, task, FEEDBACK)

    done = python(project, "-m", "calc", "2 + 3 * 4", "sqrt(2) ** 2")

    assert done.stdout == "2 + 3 * 4 = 14\nsqrt(2) ** 2 = 2\n"
    assert "11 modules" in said
    assert said.endswith(done.stdout)


def test_the_plan_has_every_shape_that_a_newcomer_wants_to_see():
    starts = [task for task in TASKS.values() if not task.get("depends_on")]
    readers = [task for task in TASKS.values() if task.get("read_only")]
    prompts = (EXAMPLE / "plan.md").read_text(encoding="utf-8").split("---\n", 2)[2]

    assert len(TASKS) == 10
    assert len(starts) >= 3
    assert max(len(task.get("depends_on", ())) for task in TASKS.values()) == 4
    assert [task["id"] for task in readers] == ["review"]
    assert all(f"\n## {task}\n" in prompts for task in TASKS)


def test_the_plan_is_read_without_a_remark_and_every_task_has_its_prompt():
    path = EXAMPLE / "plan.md"

    plan = parse(path.read_bytes(), path, Path.read_bytes)

    assert plan.warnings == ()
    assert [task.id for task in plan.tasks] == list(TASKS)
    assert all(task.prompt.startswith(("Write `calc/", "Say ")) for task in plan.tasks)


def test_a_copy_is_a_clean_repository_with_one_commit(tmp_path):
    plan = copy_example(tmp_path / "demo", os.environ)

    assert plan == tmp_path / "demo" / "plan.md"
    assert log_graph(plan.parent).count("\n") == 1
    assert git(plan.parent, "symbolic-ref", "--short", "HEAD") == "main\n"
    assert git(plan.parent, "status", "--porcelain", "--ignored") == ""
    assert names_at(plan.parent) >= {"plan.md", "agent.py", "calc/errors.py", ".gitignore"}


def test_a_copy_leaves_out_what_runs_leave_behind(tmp_path):
    plan = copy_example(tmp_path / "demo", os.environ)

    left = [path for path in plan.parent.rglob("*") if path.name in {"__pycache__", "_tasks"}]

    assert left == []


def test_a_copy_works_where_git_knows_nobody(tmp_path):
    nobody = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_SYSTEM": os.devnull}

    plan = copy_example(tmp_path / "demo", nobody)

    assert git(plan.parent, "log", "--format=%an") == "parallel-orchestra\n"


def test_a_copy_goes_into_an_empty_folder_that_is_there(tmp_path):
    assert copy_example(tmp_path, os.environ).is_file()


@pytest.mark.parametrize("make", [Path.touch, lambda path: (path / "x").mkdir(parents=True)])
def test_a_copy_overwrites_nothing(tmp_path, make):
    target = tmp_path / "demo"
    make(target)

    with pytest.raises(UsageError) as caught:
        copy_example(target, os.environ)

    (problem,) = caught.value.problems
    assert (problem.what, problem.where) == ("the example needs an empty folder", str(target))
