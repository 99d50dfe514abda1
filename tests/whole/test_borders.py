"""What tasks change beyond what they said, by the real command and with real git."""

import json
import shutil

import pytest

from support.repository import fsck_clean
from support.scene import Scene

pytestmark = pytest.mark.slow

SHOP = "def add(a):\n    return a\n\n\ndef sub(a):\n    return -a\n"
FILES = {
    "keep.txt": "kept\n",
    "old/a.txt": "a\n",
    "core/b.txt": "b\n",
    "run.sh": "true\n",
    "shop.py": SHOP,
    "shop.c": "int add(void)\n{\n  return 1;\n}\n\nint sub(void)\n{\n  return 2;\n}\n",
}
HEAD = """---
po_plan_version: "0.2"
name: borders
max_workers: 3
defaults: {{backend: command, max_retries: 0}}
{top}tasks:
{tasks}---
"""


def plan(*tasks, top=""):
    return HEAD.format(top=top, tasks="".join(f"  - {task}\n" for task in tasks))


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(FILES)


def report(scene, result, code):
    """The tasks of the report by their ids, after a run that ended with this code."""
    assert result.exit_code == code, result
    found = json.loads((scene.project.parent / "r.json").read_text())
    assert fsck_clean(scene.project)
    return {task["id"]: task for task in found["tasks"]}


def test_what_was_forbidden_is_put_back_for_an_agent_that_does_not_look_back(scene):
    agent = (
        "echo > $PO_TASK_ID.txt; test $PO_ATTEMPT = 2 && exit; "
        "echo > safe; rm core/b.txt; sed -i s/kept/lost/ keep.txt"
    )
    task = (
        "{id: hasty, boundary: [core/, safe/, keep.txt], backend: mine, prompt: p, max_retries: 1}"
    )
    scene.plan(plan(task, top=f"backends: {{mine: {{command: [sh, -c, {json.dumps(agent)}]}}}}\n"))

    tasks = report(scene, scene.run("--yes", "--report", "../r.json"), 0)

    first, second = tasks["hasty"]["attempts"]
    assert first["reason"] == "changed what is in its `boundary`: core/b.txt, keep.txt, safe"
    assert (second["failure"], second["way"]) == ("", "tree")
    assert scene.files() == {**FILES, "hasty.txt": "\n"}
    told = scene.call("show-prompt", "hasty", "--attempt", "2").out
    assert "was put back as it was, so leave it: `core/b.txt`, `keep.txt`, `safe`." in told


def test_more_than_was_said_is_a_warning_and_what_was_forbidden_a_failure(scene):
    scene.plan(
        plan(
            '{id: within, writes: [new/], command: "mkdir new; echo > new/x"}',
            '{id: moves, writes: [a.txt], command: "git mv old/a.txt a.txt"}',
            '{id: mode, writes: ["*.md"], command: "chmod +x run.sh; ln -s keep.txt link"}',
            '{id: lazy, creates: [made.txt], command: "echo > other.txt"}',
            '{id: removes, boundary: [core/], command: "rm core/b.txt; echo > left.txt"}',
            '{id: shadows, boundary: [safe/], command: "echo > safe"}',
            '{id: shared, writes: ["shop.py::sub"], command: "sed -i s/-a/0-a/ shop.py"}',
            '{id: nosy, boundary: ["shop.py::add"], command: "sed -i s/a$/a+0/ shop.py"}',
        )
    )

    tasks = report(scene, scene.run("--yes", "--report", "../r.json"), 1)

    assert {name: task["warnings"] for name, task in tasks.items() if task["warnings"]} == {
        "moves": ["changed more than it may write: old/a.txt"],
        "mode": ["changed more than it may write: link, run.sh"],
        "lazy": [
            "changed more than it may write: other.txt",
            "did not make what it `creates`: made.txt",
        ],
    }
    failed = {name: task["reason"] for name, task in tasks.items() if task["reason"]}
    assert failed == {
        "removes": "changed what is in its `boundary`: core/b.txt",
        "shadows": "changed what is in its `boundary`: safe",
        "nosy": "changed what is in its `boundary`: shop.py (`add`)",
    }
    assert all(tasks[name]["failure_category"] == "boundary" for name in failed)
    assert {"new/x", "a.txt", "link", "other.txt"} <= scene.names()
    assert {"core/b.txt"} <= scene.names()
    assert "0-a" in scene.files()["shop.py"]


def test_a_refused_attempt_is_told_which_files_and_the_next_one_may_mend_it(scene):
    scene.plan(
        plan(
            "{id: t, max_retries: 1, writes: [good.txt], prompt: Do it., command: "
            '"cat > seen; if grep -q bad.txt seen; then rm seen; else echo > bad.txt; fi; '
            'echo > good.txt"}',
            top="boundaries: block\n",
        )
    )

    result = scene.run("--yes", "--report", "../r.json")

    tasks = report(scene, result, 0)
    assert tasks["t"]["retry_count"] == 1
    assert scene.names() >= {"good.txt"}
    assert "bad.txt" not in scene.names()
    words = "boundary: changed more than it may write: bad.txt, seen"
    assert words in result.err
    (first,) = [path for path in scene.attempts("t") if path.name.startswith("1.")]
    ref = json.loads((first / "result.json").read_text())["ref"]
    assert "bad.txt" in scene.git("ls-tree", "--name-only", ref)


def test_boundaries_that_are_off_are_not_looked_at(scene):
    scene.plan(
        plan(
            '{id: t, writes: [x], boundary: [core/], command: "echo > core/b.txt"}',
            top="boundaries: off\n",
        )
    )

    tasks = report(scene, scene.run("--yes", "--report", "../r.json"), 0)

    assert tasks["t"]["warnings"] == []


def test_the_project_is_a_folder_of_its_repository(scene):
    scene.plan(
        plan(
            '{id: t, writes: [b.txt], command: "echo 1 > b.txt; echo 1 > ../keep.txt"}',
            '{id: u, boundary: [b.txt], command: "echo 2 > b.txt"}',
        ).replace("---\n", "---\ncwd: project/core\n", 1)
    )

    tasks = report(scene, scene.run("--yes", "--report", "../r.json"), 1)

    assert tasks["t"]["warnings"] == ["changed more than it may write: ../keep.txt"]
    assert tasks["u"]["reason"] == "changed what is in its `boundary`: b.txt"


@pytest.mark.skipif(shutil.which("ctags") is None, reason="Universal Ctags is not installed")
def test_symbols_of_other_languages_are_told_apart_by_ctags(scene):
    scene.plan(
        plan(
            '{id: good, writes: ["shop.c::sub"], command: "sed -i s/2/3/ shop.c"}',
            '{id: bad, writes: ["shop.c::add"], depends_on: [good], '
            'command: "sed -i s/3/4/ shop.c"}',
        )
    )

    tasks = report(scene, scene.run("--yes", "--report", "../r.json"), 0)

    assert tasks["good"]["warnings"] == []
    assert tasks["bad"]["warnings"] == ["changed more than it may write: shop.c (`sub`)"]


def test_without_ctags_other_files_count_in_whole_and_that_is_said(scene, tmp_path):
    scene.plan(plan('{id: t, writes: ["shop.c::sub"], command: "sed -i s/2/3/ shop.c"}'))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh", "sed"):
        (programs / name).symlink_to(shutil.which(name))
    environ = scene.environment
    scene.environment = lambda extra=None: {**environ(extra), "PATH": str(programs)}

    tasks = report(scene, scene.run("--yes", "--report", "../r.json"), 0)

    assert tasks["t"]["warnings"] == [
        "can't be told: shop.c: whether only `sub` was changed, as Universal Ctags is not installed"
    ]


def test_a_write_into_the_checkout_is_told_of_the_task_that_was_at_work(scene):
    (scene.project / ".gitignore").write_text(".env\n")
    (scene.project / ".env").write_text("KEY=1\n")
    scene.git("add", "--all")
    scene.git("commit", "-qm", "ignore")
    scene.plan(
        plan(
            '{id: good, command: "echo > good.txt"}',
            '{id: bad, depends_on: [good], command: "echo > bad.txt; echo KEY=2 > $HERE/.env; '
            'echo > $HERE/planted"}',
        )
    )

    result = scene.run("--yes", "--report", "../r.json", env={"HERE": str(scene.project)})

    tasks = report(scene, result, 0)
    assert tasks["good"]["warnings"] == []
    (warning,) = tasks["bad"]["warnings"]
    assert warning == (
        "the checkout changed while only this task was at work: .env, planted; "
        "if it was not you, it wrote outside of its worktree"
    )
