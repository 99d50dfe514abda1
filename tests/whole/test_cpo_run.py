"""Real runs of `cpo` folders, with a stand-in for the agents and for uv."""

import json
import os

import pytest

from support import cpo
from support.scene import Scene

pytestmark = pytest.mark.slow

#: Writes what the table says for its task, then gives its signals, as an agent of the format does.
AGENT = """#!/usr/bin/env python3
import json, os, pathlib, subprocess, sys
prompt = sys.stdin.read()
task = os.environ["PO_TASK_ID"]
work = json.loads(os.environ["WORK"])
for name, text in work.get(f"{task}@{os.environ['PO_ATTEMPT']}", work.get(task, {})).items():
    path = pathlib.Path(name)
    if text is None:  # take it back
        if subprocess.run(["git", "checkout", "--quiet", "HEAD", "--", name]).returncode:
            path.unlink()
        continue
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
print("at work on", task)
done = task not in os.environ.get("FAILS", "")
if task not in os.environ.get("SILENT", ""):
    print(json.dumps({"task_completed": done, "validation_passed": True, "tests_run": 2,
                      "tests_passed": 2, "tests_failed": 0, "error_message": "no database"}))
    if done:
        pathlib.Path(".claude-task-complete").touch()
"""

WORK = {
    "task-001": {"shop/__init__.py": "", "shop/users.py": "class User:\n    def save(self): ...\n"},
    "task-002": {"shop/items.py": "ITEMS = []\n", "shop/stock.py": "STOCK = {}\n"},
    "task-003": {"shop/orders.py": "from shop import items, users\n"},
    "task-004": {"tests/test_shop.py": "def test(): ...\n"},
}


def scene_of(tmp_path, texts=None):
    scene = Scene(tmp_path).repository({"README.md": "shop\n"})
    cpo.write(scene.project, cpo.files() if texts is None else texts)
    scene.git("add", "--all")
    scene.git("commit", "--quiet", "--message=the folder")
    agent = tmp_path / "agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    return scene


def run(scene, *args, work=None, check, **env):
    return scene.call(
        *("run", cpo.FOLDER, "--yes", "--claude-exe", str(scene.project.parent / "agent"), *args),
        env={"WORK": json.dumps({**WORK, **(work or {})}), **env},
        check=check,
    )


def report(scene, name):
    return (scene.project / cpo.FOLDER / name).read_text(encoding="utf-8")


def summary(scene):
    rows = [line.split(" | ") for line in report(scene, "integration-report.md").splitlines()]
    return {row[0].removeprefix("| "): row[1] for row in rows if len(row) == 3}


def test_a_folder_of_three_waves_runs_to_its_end(tmp_path):
    scene = scene_of(tmp_path)

    result = run(scene, check=0)

    assert set(result.states().values()) == {"done"}
    assert {"shop/users.py", "shop/orders.py", "tests/test_shop.py"} <= scene.names()
    assert ".claude-task-complete" not in scene.names()
    assert summary(scene)["Branch Merge"] == "✅"
    assert summary(scene)["Boundary Violations"] == "⚠️"  # shop/__init__.py is in nobody's scope
    assert summary(scene)["Tests"] == "✅"
    assert json.loads(report(scene, "report.json"))["succeeded"] == 6
    assert "at work on task-003\n" in report(scene, "logs/task-003.log")
    again = scene.call("status", cpo.FOLDER, check=0)
    assert again.out.startswith("6 completed / 6 total")


def test_a_validation_that_fails_stops_the_waves_after_it(tmp_path):
    scene = scene_of(tmp_path)

    result = run(scene, work={"task-001": {"shop/users.py": "nothing = 1\n"}}, check=1)

    assert result.tasks_in("done") == {"task-001", "task-002"}
    assert result.tasks_in("failed") == {"wave-1-validation"}
    assert result.tasks_in("available") == {"task-003", "wave-2-validation", "task-004"}
    assert "cannot import name 'User'" in result.out
    assert summary(scene)["Tests"] == "❌"
    assert "wave-1-validation failed" in report(scene, "integration-report.md")


def test_a_mended_wave_goes_on_where_it_stopped(tmp_path):
    scene = scene_of(tmp_path)
    run(scene, work={"task-001": {"shop/users.py": "nothing = 1\n"}}, check=1)
    (scene.project / "shop/users.py").write_text("class User: ...\n")
    scene.git("commit", "--quiet", "--all", "--message=mend")

    result = run(scene, "--resume", check=0)

    assert set(result.states().values()) == {"done"}
    assert scene.merges()["task-001"] == 1


def test_a_task_that_fails_keeps_the_next_wave_from_beginning(tmp_path):
    scene = scene_of(tmp_path)

    result = run(scene, check=1, FAILS="task-002")

    assert result.tasks_in("done") == {"task-001"}
    assert result.tasks_in("failed") == {"task-002"}
    assert "says that it is not done: no database" in result.out
    assert "===== retry attempt 1 =====" in report(scene, "logs/task-002.log")


def test_a_boundary_that_is_broken_fails_the_task_and_is_in_the_report(tmp_path):
    scene = scene_of(tmp_path)
    both = {**WORK["task-002"], "shop/users.py": "mine = 1\n"}

    result = run(scene, work={"task-002": both}, check=1)

    assert result.tasks_in("failed") == {"task-002"}
    assert scene.files()["shop/users.py"] == WORK["task-001"]["shop/users.py"]
    told = report(scene, "integration-report.md")
    assert summary(scene)["Boundary Violations"] == "❌"
    issue = "kept out: changed, though it is in its `boundary` (that of task-001, task-003)"
    assert f"| `task-002` | `shop/users.py` | {issue} |" in told


def test_a_boundary_that_only_the_first_attempt_broke_is_in_the_report_as_mended(tmp_path):
    scene = scene_of(tmp_path)
    both = {**WORK["task-002"], "shop/users.py": "mine = 1\n"}

    # before the second attempt, the file that is not its own is put back
    run(scene, work={"task-002@1": both}, check=0)

    told = report(scene, "integration-report.md")
    issue = (
        "kept out of attempt 1, mended since: changed, though it is in its `boundary` "
        "(that of task-001, task-003)"
    )
    assert "| Boundary Violations | ⚠️ | 0 violations, 1 remark, 1 mended |" in told
    assert f"| `task-002` | `shop/users.py` | {issue} |" in told
    assert issue not in told.partition("## Action Items")[2]


def test_a_boundary_that_was_broken_is_not_called_mended_while_the_task_fails(tmp_path):
    scene = scene_of(tmp_path)
    both = {**WORK["task-002"], "shop/users.py": "mine = 1\n"}

    # what it writes the second time is a directory: it dies
    run(scene, work={"task-002@1": both, "task-002@2": {"shop": ""}}, check=1)

    told = report(scene, "integration-report.md")
    assert "| `task-002` | `shop/users.py` | kept out of attempt 1: changed, though" in told
    assert "mended" not in told
    assert "- task-002: shop/users.py: kept out of attempt 1" in told.partition("### Should")[2]


def test_a_file_outside_of_all_scopes_is_merged_and_told(tmp_path):
    scene = scene_of(tmp_path)
    more = {**WORK["task-003"], "tests/test_orders.py": "", "notes.txt": ""}

    run(scene, work={"task-003": more}, check=0)

    told = report(scene, "integration-report.md")
    assert summary(scene)["Boundary Violations"] == "⚠️"
    assert "`notes.txt` | changed, but not among what it may write |" in told
    assert (
        "`tests/test_orders.py` | changed, but not among what it may write (that of task-004)"
        in told
    )


def test_an_agent_that_gives_no_signal_was_not_done(tmp_path):
    scene = scene_of(tmp_path)

    result = run(scene, check=1, SILENT="task-001 task-002")

    assert result.tasks_in("failed") == {"task-001", "task-002"}
    assert summary(scene)["Boundary Violations"] == "⚪"
    assert "ended without saying that it is done" in result.out


def test_a_folder_in_disorder_changes_nothing_and_costs_nothing(tmp_path):
    scene = scene_of(tmp_path, cpo.with_task("task-003", "deps: [", "deps: [task-009, "))

    result = run(scene, check=2)

    assert f"{cpo.FOLDER}/tasks/task-003-orders.md:5:8 deps[0]" in result.err
    assert not scene.tasks_dir.exists()
    assert scene.dirty() == []


def test_a_folder_that_was_changed_during_the_run_hides_nothing(tmp_path):
    scene = scene_of(tmp_path)
    folder = scene.project / cpo.FOLDER
    change = f'sed -i \'s/"waves"/"wave"/\' {folder}/manifest.json'
    (tmp_path / "agent").write_text(
        AGENT.replace("import json", f"import os; os.system({change!r})\nimport json")
    )

    result = run(scene, check=3)

    assert result.out.startswith("6 completed / 6 total")
    assert "cannot write the report: the manifest has no `waves`" in result.err
    assert (folder / "report.json").is_file()


def test_reports_of_others_are_moved_aside(tmp_path):
    scene = scene_of(tmp_path)
    folder = scene.project / cpo.FOLDER
    (folder / "integration-report.md").write_text("mine\n")
    (folder / "report.json").write_text("{}\n")

    run(scene, check=0)
    run(scene, "--resume", check=0)

    assert (folder / "integration-report.md.backup").read_text() == "mine\n"
    assert (folder / "report.json.backup").read_text() == "{}\n"
    assert not (folder / "report.json.backup1").exists()


PINS = {
    "add": ["pydantic==2.5.3"],
    "upgrade": ["requests==2.31.0"],
    "remove": ["old"],
    "add_dev": ["pytest==7.4.3"],
}
UV = """#!/bin/sh
echo "$@" >> uv-said.txt
"""


def with_pins():
    return cpo.with_manifest(lambda m: m.update(dependencies={"python": PINS}))


def test_dependencies_are_installed_in_order_and_committed_before_any_task(tmp_path):
    scene = scene_of(tmp_path, with_pins())
    (scene.project / "pyproject.toml").write_text('[project]\ndependencies = ["old"]\n')
    scene.git("add", "--all")
    scene.git("commit", "--quiet", "--message=project")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").write_text(UV)
    (programs / "uv").chmod(0o755)

    result = run(scene, check=0, PATH=f"{programs}{os.pathsep}{scene.environment()['PATH']}")

    assert result.files()["uv-said.txt"].splitlines() == [
        "remove old",
        "add --upgrade requests==2.31.0",
        "add pydantic==2.5.3",
        "add --dev pytest==7.4.3",
    ]
    first_parents = scene.git("log", "--first-parent", "--reverse", "--format=%s").splitlines()
    assert "Merge task `dependencies`" in first_parents[3]


def test_without_uv_nothing_begins(tmp_path):
    scene = scene_of(tmp_path, with_pins())
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "sh", "python3"):
        (programs / name).symlink_to(
            os.path.realpath(
                next(
                    place
                    for folder in scene.environment()["PATH"].split(os.pathsep)
                    if os.path.exists(place := f"{folder}/{name}")
                )
            )
        )

    result = run(scene, check=3, PATH=str(programs))

    assert "the plan needs the program `uv`" in result.err
    assert "pip install uv" in result.err
    assert result.states() == {}


def test_a_contract_that_a_task_changed_is_broken_and_integrate_writes_the_page_anew(tmp_path):
    scene = scene_of(tmp_path)
    contract = f"{cpo.FOLDER}/contracts/types.py"
    changed = {**WORK["task-002"], contract: "class User: ...\nclass Item: ...\n"}
    run(scene, work={"task-002": changed}, check=0)
    (scene.project / cpo.FOLDER / "integration-report.md").unlink()

    again = scene.call("integrate", cpo.FOLDER, check=1)

    words = f"the contract `{contract}:2` was changed by `task-002`"
    assert f"must fix: {words}\n" in again.out
    assert f"- {words}\n" in report(scene, "integration-report.md")
    assert summary(scene)["Contract Compliance"] == "❌"
