"""Contracts and boundaries, judged from real merges on a real branch."""

from pathlib import Path

import pytest

from parallel_orchestra.conductor.agreements import (
    Step,
    contracts_of,
    keepers_of,
    violations_of,
)
from parallel_orchestra.git import Repo
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.progress import Mark
from parallel_orchestra.worker.borders import Ground
from support.repository import git, make_repository

TEXT = "one\ntwo\nthree\n"


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", {"app/types.py": TEXT, "top.txt": "x\n"})


@pytest.fixture
def ground(project):
    repo = Repo.discover(project, {"PATH": "/usr/bin:/bin"})
    yield Ground(repo.objects, Path("app"), {"PATH": "/usr/bin:/bin"})
    repo.close()


def step(project, task, files):
    """Commits these files, None to remove one, as what a task's merge brought."""
    before = git(project, "rev-parse", "HEAD").strip()
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if text is None else path.write_text(text)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--allow-empty", "--message", task.id)
    return Step(task, before, git(project, "rev-parse", "HEAD").strip(), again=False)


def plan_of(*tasks):
    return Plan("0.2", "n", Path("/p/plan.md"), Path("/p"), tasks)


def judged(ground, steps, *, open_tasks=False):
    plan = plan_of(*(one.task for one in steps))
    found = contracts_of(keepers_of(plan), ground, steps, steps[-1].after, open_tasks=open_tasks)
    return [(one.path, one.mark, one.task, one.where) for one in found]


KEEPER = Task(id="keeper", contracts=("types.py",))
OTHER = Task(id="other")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([(KEEPER, {"app/a.py": ""})], (Mark.GOOD, "", "")),
        ([(KEEPER, {"types.py": "not the contract"})], (Mark.GOOD, "", "")),
        ([(KEEPER, {"app/types.py": "one\n2\nthree\n"})], (Mark.BAD, "keeper", "types.py:2")),
        ([(KEEPER, {"app/types.py": TEXT + "4\n"})], (Mark.BAD, "keeper", "types.py:4")),
        (
            [(OTHER, {"app/types.py": "new\n"}), (KEEPER, {"app/a.py": ""})],
            (Mark.GOOD, "", ""),
        ),
        (
            [(KEEPER, {"app/a.py": ""}), (OTHER, {"app/types.py": "new\n"})],
            (Mark.ODD, "other", "types.py:1"),
        ),
    ],
    ids=["kept", "of another folder", "changed", "grown", "written before", "written after"],
)
def test_a_contract_is_kept_or_broken_by_what_a_merge_changed(project, ground, changes, told):
    steps = [step(project, task, files) for task, files in changes]

    mark, task, where = told
    assert judged(ground, steps) == [("types.py", mark, task, where)]


@pytest.mark.parametrize(("open_tasks", "mark"), [(True, Mark.UNKNOWN), (False, Mark.BAD)])
def test_a_contract_that_is_not_there_may_still_come_from_an_open_task(
    project, ground, open_tasks, mark
):
    steps = [step(project, Task(id="k", contracts=("api/",)), {"app/a.py": ""})]

    assert judged(ground, steps, open_tasks=open_tasks) == [("api/", mark, "", "")]


def test_a_contract_may_be_a_folder(project, ground):
    task = Task(id="k", contracts=("api",))
    first = step(project, OTHER, {"app/api/a.yaml": "a\n"})

    found = judged(ground, [first, step(project, task, {"app/api/a.yaml": None})])

    assert found == [("api", Mark.BAD, "k", "api/a.yaml:1"), ("api", Mark.BAD, "", "")]


def test_a_violation_names_whose_file_it_is_and_counts_from_the_project(project, ground):
    mine = Task(id="mine", writes=("a.py",), boundary=("types.py",))
    plan = plan_of(mine, Task(id="hers", writes=("b.py",)))
    changed = step(project, mine, {"app/types.py": "x\n", "app/b.py": "", "top.txt": "y\n"})

    found = list(violations_of(plan, ground, [changed]))

    assert [(one.file, one.grave, one.issue) for one in found] == [
        ("types.py", True, "changed, though it is in its `boundary`"),
        ("b.py", False, "changed, but not among what it may write (that of hers)"),
        ("../top.txt", False, "changed, but not among what it may write"),
    ]
