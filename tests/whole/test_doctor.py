"""`doctor` finds each fault that is planted, says what mends it, and changes nothing."""

import json
import os
import platform
import re
import shutil
import time

import pytest

from parallel_orchestra.agents import BACKENDS
from parallel_orchestra.conductor.checkup import ground
from parallel_orchestra.conductor.checkup.finding import Level
from parallel_orchestra.merge_queue.trailers import sealed
from support.repository import commit_files, git
from support.scene import Scene

pytestmark = pytest.mark.slow

#: What differs from one machine to the next.
CHANGING = re.compile(r"\d+(?= MiB| cores)|\([a-z0-9.]+\)|(?<=Python )\S+")

PLAN = """---
po_plan_version: "0.2"
name: garden
max_workers: 2
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: dig, command: "echo 1 >> dig.txt"}
  - {id: sow, depends_on: [dig], command: "echo 1 >> sow.txt"}
  - {id: look, read_only: true, command: "true"}
---
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that is done; to be copied, not to be changed."""
    scene = Scene(tmp_path_factory.mktemp("finished")).repository(3).plan(PLAN)
    scene.run("--yes", check=0)
    return scene


@pytest.fixture
def scene(finished, tmp_path):
    """A copy of the finished run whose records know where it lies."""
    copy = Scene(tmp_path)
    shutil.copytree(finished.project, copy.project, symlinks=True)
    copy.plan(PLAN)
    run_file = copy.tasks_dir / "run.json"
    old, new = str(finished.project.parent), str(tmp_path)
    run_file.write_text(run_file.read_text().replace(old, new))
    return copy


def everything_below(folder):
    return {path: path.lstat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def found(scene, *words, level="", env=None, code=None):
    result = scene.call("doctor", "--json", *words, env=env)
    answer = json.loads(result.out)
    assert answer["exit_code"] == result.exit_code
    assert code is None or result.exit_code == code, result
    return [one for one in answer["findings"] if not level or one["level"] == level]


def said(scene, words, level, code, **more):
    """Returns the one finding of that level with those words; the command must end so."""
    (one,) = [x for x in found(scene, level=level, code=code, **more) if words in x["what"]]
    return one


def a_file_of(scene, task):
    (path,) = (path for path in scene.tasks_dir.glob(f"*/{task}*.md"))
    return path


def moved(scene, task, state, name=""):
    path = a_file_of(scene, task)
    target = scene.tasks_dir / state / (name or path.name)
    path.rename(target)
    return target


def test_a_healthy_run_is_called_so_and_nothing_is_changed(scene):
    before = everything_below(scene.project)

    result = scene.call("doctor", check=0)

    shown = [
        line
        for line in result.out.splitlines()
        if not any(words in line for words in ("this is root", "you are root", " backend `"))
    ]
    version = git(scene.project, "version").strip()
    assert [CHANGING.sub("N", line) for line in shown[:-1]] == [
        "ok       Python N on Linux: all processes of an agent can be found and ended",
        "ok       N MiB free N",
        f"ok       {version}, sha1 repository",
        "ok       agents: command; isolation: worktree",
        "ok       2 workers on N cores with N MiB of memory free",
        "ok       the integration branch `orchestra/garden` is as we wrote it",
    ]
    assert shown[-1].startswith("0 problems, 0 warnings, ")
    assert everything_below(scene.project) == before
    assert result.err == ""


def test_what_is_pasted_into_a_bug_report_names_no_folder(scene):
    told = scene.call("doctor", "--paste", check=0).out

    first, tool, python, program, *_ = told.splitlines()
    assert (first, program) == ("```text", git(scene.project, "version").strip())
    assert tool.startswith("parallel-orchestra ")
    assert platform.python_version() in python
    assert "the integration branch `orchestra/garden` is as we wrote it" in told
    assert str(scene.project) not in told
    assert scene.call("doctor", "--paste", "--json", check=2).out == ""


def test_an_ill_run_is_shown_with_what_mends_it(scene):
    moved(scene, "dig", "available", "dig.a1f0.md")
    (scene.tasks_dir / "done" / "notes.txt").write_text("x")
    a_file_of(scene, "look").unlink()
    before = everything_below(scene.project)

    result = scene.call("doctor", check=3)

    tasks, plan = scene.tasks_dir, scene.plan_path()
    bad = [line for line in result.out.splitlines() if not line.startswith(("ok ", "note "))]
    assert bad[:-1] == [
        "warning  `done/notes.txt` is not the name of a task file: it is left alone",
        f"          --> {tasks}/done/notes.txt",
        f"         mend: `mv {tasks}/done/notes.txt {tasks}/attic`",
        "problem  no file is there of 1 task: `look`",
        f"          --> {tasks}",
        f"         mend: `parallel-orchestra run {plan} --resume`",
        "warning  task `dig` is merged, but lies in `available/`",
        f"          --> {tasks}",
        f"         mend: `parallel-orchestra run {plan} --resume`",
    ]
    assert bad[-1].startswith("1 problem, 2 warnings, ")
    assert everything_below(scene.project) == before


def test_each_agent_is_said_to_be_usable_or_why_not(scene, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in {
        "claude": 'echo "3.0.1 (Claude Code)"',
        "codex": "echo codex-cli 0.1.2",
        "gemini": "echo cannot find module; exit 1",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    for needed in ("git", "sh"):
        (programs / needed).symlink_to(shutil.which(needed))

    result = scene.call("doctor", env={"PATH": str(programs)}, check=0)

    shown = result.out.splitlines()
    about = [line for line in shown if " backend `" in line]
    oldest = BACKENDS["codex"].program.minimum
    assert about == [
        "ok       backend `claude`: Claude Code 3.0.1",
        f"warning  backend `codex`: Codex 0.1.2, which is older than {oldest}, the oldest that we tried",
        "warning  backend `gemini` is not usable: `--version` ended with exit code 1 and named none",
        "note     backend `opencode` is not usable: the agent program `opencode` is not there or not executable; `npm install -g opencode-ai`",
    ]
    at = shown.index(about[1])
    assert shown[at + 1 : at + 3] == [
        f"          --> {programs}/codex",
        "         mend: `npm install -g @openai/codex`",
    ]


def test_a_plan_is_looked_at_before_it_runs(tmp_path):
    text = PLAN.partition("defaults")[0] + "tasks: [{id: dig, prompt: Dig.}]\n---\n"
    scene = Scene(tmp_path).repository(3).plan(text)

    absent = scene.call("doctor", str(scene.plan_path()), "--claude-exe", "no-such", check=3)

    assert "problem  the agent program `no-such` is not there" in absent.out
    assert "mend: install Claude Code" in absent.out
    assert not scene.tasks_dir.exists()


def test_a_folder_without_a_repository_is_a_problem(tmp_path):
    scene = Scene(tmp_path)
    scene.project.mkdir()

    one = said(scene, "not a git repository", "problem", 3)

    assert one["command"] == "run `git init` and make a first commit"


def test_no_git_and_an_old_git_are_problems(scene, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text('#!/bin/sh\necho "git version 2.20.1"\n')
    (programs / "git").chmod(0o755)

    said(scene, "`git version 2.20.1` is too old", "problem", 3, env={"PATH": str(programs)})
    (programs / "git").unlink()
    said(scene, "git is not installed", "problem", 3, env={"PATH": str(programs)})


def test_a_merge_under_way_and_a_detached_head_are_problems(scene):
    (scene.project / ".git" / "MERGE_HEAD").write_text(scene.git("rev-parse", "HEAD"))

    one = said(scene, "a merge is under way", "problem", 3)
    (scene.project / ".git" / "MERGE_HEAD").unlink()
    scene.git("checkout", "--quiet", "--detach")
    said(scene, "HEAD is detached", "problem", 3)

    assert "git merge --abort" in one["command"]


def test_a_branch_that_somebody_wrote_to_waits_for_a_person(scene):
    tip = scene.git("rev-parse", "orchestra/garden").strip()
    foreign = scene.git("commit-tree", f"{tip}^{{tree}}", "-p", tip, "-m", "mine").strip()
    scene.git("update-ref", "refs/heads/orchestra/garden", foreign)

    one = said(scene, "was changed from outside", "problem", 4)

    assert f"git update-ref refs/heads/orchestra/garden {tip}" not in one["where"]
    assert one["where"] == foreign


def test_a_branch_that_is_gone_waits_for_a_person(scene):
    scene.git("update-ref", "-d", "refs/heads/orchestra/garden")

    one = said(scene, "the integration branch `orchestra/garden` is gone", "problem", 4)

    assert "git branch orchestra/garden COMMIT" in one["command"]


def test_a_merge_that_was_rebased_away_waits_for_a_person(scene):
    parent = scene.git("rev-parse", "orchestra/garden^1").strip()
    scene.git("update-ref", "refs/heads/orchestra/garden", parent)

    one = said(scene, "the merge of task `sow` is not on", "problem", 4)

    assert one["command"] == "`parallel-orchestra retry sow` does it again"


def test_merged_work_that_was_not_delivered_is_named(scene):
    scene.git("reset", "--quiet", "--hard", "HEAD^1")

    one = said(scene, "has not reached `main`", "warning", 0)

    assert one["command"] == "`parallel-orchestra deliver`"


def test_a_fence_that_points_to_nothing_is_named(scene):
    ref = next(one for one in scene.refs() if "/claim/dig" in one)
    (scene.project / ".git" / ref).write_text("1" * 40 + "\n")

    one = said(scene, "the fence of a task points to an object that is not there", "warning", 0)

    assert one["command"] == f"`git update-ref -d {ref}`"


@pytest.mark.parametrize("name", ["index.lock", "refs/heads/main.lock", "packed-refs.lock"])
def test_a_lock_file_that_a_git_left_is_named(scene, name):
    lock = scene.project / ".git" / name
    lock.write_text("")
    os.utime(lock, (time.time() - 100,) * 2)

    one = said(scene, f"`{name}` is ", "warning", 0)

    assert "s old, and no git is at work here; git refuses to work" in one["what"]
    assert one["command"] == f"`rm {lock}`"


def test_a_lock_file_on_a_ref_of_ours_removes_itself(scene):
    lock = scene.project / ".git" / "refs/heads/orchestra/garden.lock"
    lock.write_text("")
    os.utime(lock, (time.time() - 100,) * 2)

    assert "the next merge removes it" in said(scene, "garden.lock", "note", 0)["what"]


def test_the_lock_of_the_dead_is_named(scene):
    moved(scene, "dig", "locked")

    one = said(scene, "task `dig` is locked by the dead: process", "warning", 0)

    assert one["command"] == "`parallel-orchestra unlock dig`"


def test_a_lock_by_hand_is_named(scene):
    path = moved(scene, "look", "locked", "look.md")

    one = said(scene, "task `look` is locked by hand", "warning", 0)

    assert one["command"] == f"`mv {path} {scene.tasks_dir / 'available'}`"


def test_a_lock_without_a_sign_of_life_is_named(scene):
    record = next((scene.tasks_dir / "workers").glob("*.json"))
    facts = json.loads(record.read_text())
    record.write_text(json.dumps(facts | {"boot": "elsewhere", "machine": "another"}))
    path = moved(scene, "dig", "locked")
    os.utime(path, (time.time() - 7200,) * 2)

    one = said(scene, "task `dig` gave no sign of life for 2 h", "warning", 0)

    assert "unlock dig --force" in one["command"]


def test_a_task_in_two_places_is_named(scene):
    path = a_file_of(scene, "look")
    shutil.copy(path, scene.tasks_dir / "available" / path.name)

    assert "available/look" in said(scene, "task `look` lies in two places", "warning", 0)["what"]


def test_a_task_that_the_run_does_not_have_is_named(scene):
    (scene.tasks_dir / "available" / "weed.md").write_text("")

    said(scene, "the run has no task `weed`", "warning", 0)


@pytest.mark.parametrize("text", ["id: look\n", "---\nid: look\n---\nLook twice.\n", None])
def test_a_changed_file_of_a_waiting_task_is_named_since_it_has_no_effect(scene, text):
    path = moved(scene, "look", "available", "look.md")
    path.write_text(path.read_text() + "Look twice.\n" if text is None else text)

    words = "the file of task `look` was changed, which has no effect"
    one = said(scene, words, "warning", 0)

    assert "--resume" in one["command"]
    assert words in scene.call("why", "look", check=0).out


def test_a_file_that_was_only_moved_was_not_changed(scene):
    moved(scene, "look", "available")

    assert not [one for one in found(scene) if "was changed" in one["what"]]
    assert "was changed" not in scene.call("why", "look", check=0).out


def test_a_run_without_its_record_is_a_problem(scene):
    (scene.tasks_dir / "run.json").unlink()

    said(scene, "no `run.json` that says what they belong to", "problem", 3)


def test_records_that_can_not_be_read_are_named_and_left_where_they_are(scene):
    worker = next((scene.tasks_dir / "workers").glob("*.json"))
    worker.write_text('{"torn')
    (journal,) = (scene.tasks_dir / "journal").glob("*.jsonl")
    journal.write_text(journal.read_text() + '{"torn')

    one = said(scene, "1 record can't be read", "warning", 0)
    said(scene, "1 journal with lines that can't be read", "note", 0)
    (scene.tasks_dir / "run.json").write_text("{")
    run = said(scene, "`run.json` can't be read", "problem", 3)

    assert one["where"] == str(worker)
    assert worker.exists()
    assert (run["where"], (scene.tasks_dir / "run.json").read_text()) == (
        str(scene.tasks_dir / "run.json"),
        "{",
    )


@pytest.mark.parametrize("fault", ["missing", "link"])
def test_a_task_directory_that_is_not_fit_is_a_problem(scene, tmp_path, fault):
    place = scene.tasks_dir / "attempts"
    place.rename(tmp_path / "attempts")
    if fault == "link":
        place.symlink_to(tmp_path / "attempts")

    words = "`attempts` is not a directory" if fault == "link" else "`attempts` cannot be read"
    said(scene, words, "problem", 3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_can_not_be_written_is_a_problem(scene):
    (scene.tasks_dir / "done").chmod(0o500)

    said(scene, "`done/` in the task directory is not writable", "problem", 3)
    (scene.tasks_dir / "done").chmod(0o700)


def test_drafts_of_the_dead_and_worktrees_that_were_left_are_noted(scene):
    draft = scene.tasks_dir / "tmp" / "dig.worker"
    draft.write_text("")
    os.utime(draft, (time.time() - 7200,) * 2)
    scene.call("run", str(scene.plan_path()), "--fresh", "--keep-worktrees", check=0)
    draft.write_text("")
    os.utime(draft, (time.time() - 7200,) * 2)

    said(scene, "1 file under construction", "note", 0)
    left = [one["what"] for one in found(scene, level="note") if "was left behind" in one["what"]]

    assert left
    shutil.rmtree(next(path for path in scene.cache.rglob("wt-1")))
    said(scene, "git knows a worktree `wt-1` whose directory is gone", "note", 0)


def test_an_undo_that_was_not_ended_is_named(scene):
    tip = scene.git("rev-parse", "orchestra/garden").strip()
    run = scene.run_record()["run"]
    words = f"Undo\n\nOrchestra-Undo: {run}/sow\nOrchestra-Generation: 1"
    tree = scene.git("rev-parse", f"{tip}^1^{{tree}}").strip()
    undo = scene.git("commit-tree", tree, "-p", tip, "-m", sealed(words, tree, (tip,))).strip()
    merge = scene.git("log", "--format=%H", "--grep=Orchestra-Task: .*/sow", tip).strip()
    scene.git("update-ref", f"refs/orchestra/{run}/claim/sow", merge)
    scene.git("update-ref", "refs/heads/orchestra/garden", undo)

    said(scene, "task `sow` was undone, but its file was not moved yet", "warning", 0)


def test_a_session_of_an_agent_around_us_is_noted(scene):
    assert (
        "CLAUDECODE"
        in said(scene, "this is an agent's session", "note", 0, env={"CLAUDECODE": "1"})["what"]
    )


def test_a_network_file_system_is_warned_of(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")

    findings = list(ground.place(tmp_path, mounts))

    assert [one.level for one in findings] == [Level.WARNING]
    assert "(nfs4)" in findings[0].what


@pytest.mark.parametrize(
    ("workers", "cores", "memory", "level"),
    [(3, 2, 4 << 30, Level.OK), (64, 2, 64 << 30, Level.WARNING), (8, 8, 1 << 30, Level.WARNING)],
)
def test_too_many_workers_for_a_machine_are_warned_of(workers, cores, memory, level):
    assert ground.strength(workers, cores, memory).level is level


def test_no_identity_is_noted(scene, tmp_path):
    config = tmp_path / "gitconfig"
    config.write_text("")

    said(scene, "git knows no user.name", "note", 0, env={"GIT_CONFIG_GLOBAL": str(config)})


def test_what_the_user_committed_is_no_illness(scene):
    commit_files(scene.project, {"mine.txt": "mine\n"})

    assert found(scene, level="problem", code=0) == []
    assert git(scene.project, "status", "--porcelain") == ""
