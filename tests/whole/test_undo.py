"""`undo` takes one task's merge back, wherever the run stands, and `retry` brings it again."""

import json

import pytest

from support.effort import by_effort
from support.figures import tell
from support.replay import after_run
from support.repository import commit_files, fsck_clean
from support.scene import Scene
from support.storm import check_tidy
from support.waiting import wait_until

pytestmark = pytest.mark.slow

CHAIN = """---
po_plan_version: "0.2"
name: chain
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: one, title: The first, command: "echo 1 >> one.txt; echo one >> shared.txt"}
  - {id: two, depends_on: [one], command: "echo 2 >> two.txt"}
  - {id: three, depends_on: [two], read_only: true, command: "cat two.txt"}
  - {id: apart, command: "echo a >> apart.txt"}
---
"""

ONE_FILE = """---
po_plan_version: "0.2"
name: layers
max_workers: 1
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: base, command: "printf 'a\\\\nb\\\\n' > shared.txt"}
  - {id: upon, depends_on: [base], command: "printf 'A\\\\nB\\\\n' > shared.txt"}
  - {id: apart, command: "echo a > apart.txt"}
---
"""

VERIFIED = """---
po_plan_version: "0.2"
name: verified
defaults: {backend: command, max_retries: 0}
verify: ["test ! -e user.txt || test -e lib.txt"]
tasks:
  - {id: lib, command: "echo 1 > lib.txt"}
  - {id: user, command: "echo 1 > user.txt"}
---
"""


def outcome(scene, task):
    found = json.loads(scene.call("status", "--json").out)
    return next(one for one in found["tasks"] if one["id"] == task)


def undos(scene, ref="HEAD"):
    trailers = scene.git(
        "log", "--first-parent", "--format=%(trailers:key=Orchestra-Undo,valueonly)", ref
    )
    return [line.rpartition("/")[2] for line in trailers.split()]


def generations(scene, task, ref="HEAD"):
    log = scene.git("log", "--first-parent", "--format=%B%x00", ref)
    merges = [one for one in log.split("\0") if f"/{task}\nOrchestra-Generation" in one]
    facts = [line for one in merges for line in one.splitlines() if "Orchestra-" in line]
    return [line for line in facts if line.startswith(("Orchestra-Task", "Orchestra-Undo"))], [
        line.rpartition(" ")[2] for line in facts if line.startswith("Orchestra-Generation")
    ]


def test_an_undone_task_is_gone_from_the_branch_and_from_the_users_too():
    scene = after_run(CHAIN)

    result = scene.call("undo", "apart", "--message", "It was too much.", check=0)

    assert "task `apart` is undone" in result.out
    assert "delivered to `main`" in result.out
    assert scene.names() == scene.names("orchestra/chain")
    assert "apart.txt" not in scene.names()
    assert {"one.txt", "two.txt"} <= scene.names()
    assert scene.dirty() == []
    assert undos(scene) == ["apart"]
    assert "It was too much." in scene.git("log", "-1", "--format=%B")
    assert scene.tasks_in("failed") == {"apart"}
    assert fsck_clean(scene.project)


def test_an_undone_task_is_reported_as_such_and_not_as_merged():
    scene = after_run(CHAIN)
    scene.call("undo", "apart", check=0)

    found = outcome(scene, "apart")
    why = scene.call("why", "apart", check=0).out

    assert (found["outcome"], found["failure_category"], found["commit"]) == (
        "failed",
        "undone",
        "",
    )
    assert "was taken back by Test Person" in found["reason"]
    assert scene.git("rev-parse", "--short=12", "HEAD").strip() in found["reason"]
    assert found["next_step"].startswith("`parallel-orchestra retry apart`")
    assert why.startswith("apart failed: undone: its merge ")
    assert not [ref for ref in scene.refs() if ref.endswith("merged/apart")]


def test_a_task_that_others_have_used_is_undone_only_if_it_is_meant():
    scene = after_run(CHAIN)
    before = scene.git("rev-parse", "HEAD", "orchestra/chain")

    refused = scene.call("undo", "one", check=2)

    assert "needs it: two (done)" in refused.err
    assert "needs it: three (done, through others)" in refused.err
    assert "`two`, `three`; nothing was changed" in refused.err
    assert scene.git("rev-parse", "HEAD", "orchestra/chain") == before
    assert scene.tasks_in("done") == {"one", "two", "three", "apart"}
    scene.call("undo", "one", "--yes", check=0)
    assert {"one.txt", "shared.txt"}.isdisjoint(scene.names())
    assert "two.txt" in scene.names()


def test_dependents_are_undone_first_one_commit_each():
    scene = after_run(CHAIN)

    result = scene.call("undo", "one", "--with-dependents", "--yes", "--json", check=0)

    found = json.loads(result.out)
    assert [one["task"] for one in found["undone"]] == ["two", "one"]
    assert found["delivery"]["done"] is True
    assert undos(scene) == ["one", "two"]
    assert scene.tasks_in("failed") == {"one", "two"}
    assert {"one.txt", "two.txt", "shared.txt"}.isdisjoint(scene.names())


def test_retry_does_an_undone_task_again_once_as_its_next_generation():
    scene = after_run(CHAIN)
    scene.call("undo", "apart", check=0)

    scene.call("retry", "apart", check=0)
    scene.run("--resume", check=0)

    _, numbers = generations(scene, "apart")
    assert numbers == ["2", "1", "1"]
    assert scene.files()["apart.txt"] == "a\n"
    assert scene.tasks_in("done") == {"one", "two", "three", "apart"}
    assert (outcome(scene, "apart")["outcome"], len(scene.attempts("apart"))) == ("succeeded", 2)
    assert scene.run("--resume", check=0).out.startswith("4 completed / 4 total")


@pytest.mark.parametrize("strategy", ["squash", "rebase"])
def test_a_task_in_a_straight_line_is_undone_and_comes_again_as_its_next_generation(strategy):
    plan = CHAIN.replace("name: chain\n", f"name: chain\nmerge: {{strategy: {strategy}}}\n")
    plan = plan.replace(
        "> apart.txt", "> apart.txt; git add .; git commit -qm draft; echo > last.txt"
    )
    scene = after_run(plan)
    scene.call("undo", "apart", check=0)
    scene.call("retry", "apart", check=0)

    scene.run("--yes", "--resume", check=0)

    assert scene.files()["apart.txt"] == "a\n"
    assert "last.txt" in scene.names()
    assert generations(scene, "apart")[1] == ["2", "1", "1"]
    assert scene.git("rev-list", "--merges", "HEAD") == ""
    assert fsck_clean(scene.project)


def test_a_task_that_came_again_can_be_undone_again():
    scene = after_run(CHAIN)
    scene.call("undo", "apart", check=0)
    scene.call("retry", "apart", check=0)
    scene.run("--resume", check=0)

    scene.call("undo", "apart", check=0)

    assert undos(scene) == ["apart", "apart"]
    assert "apart.txt" not in scene.names()
    assert generations(scene, "apart")[1] == ["2", "2", "1", "1"]


def test_going_on_with_a_run_leaves_an_undone_task_undone():
    scene = after_run(CHAIN)
    scene.call("undo", "apart", check=0)

    result = scene.run("--resume", check=1)

    assert "task `apart` was undone and stays so: `parallel-orchestra retry apart`" in result.err
    assert scene.tasks_in("failed") == {"apart"}
    assert "apart.txt" not in scene.names()
    assert len(scene.attempts("apart")) == 1


def test_an_undone_task_that_a_person_did_instead_stays_done():
    scene = after_run(CHAIN)
    scene.call("undo", "apart", check=0)
    (file,) = (scene.tasks_dir / "failed").iterdir()
    file.rename(scene.tasks_dir / "done" / file.name)

    scene.run("--resume", check=0)

    assert outcome(scene, "apart")["outcome"] == "done by hand"
    assert scene.tasks_in("failed") == set()


def test_later_work_on_the_same_lines_is_in_the_way_and_named():
    scene = after_run(ONE_FILE)
    before = scene.git("rev-parse", "HEAD", "orchestra/layers")
    merge = scene.git("log", "--format=%H", "--grep=Orchestra-Task: .*/base").strip()

    result = scene.call("undo", "base", "--yes", check=4)

    assert "cannot undo task `base`: conflict in 1 file with later work of `upon`" in result.err
    assert " --> shared.txt" in result.err
    assert f"`git switch main && git revert -m 1 {merge}`" in result.err
    assert scene.git("rev-parse", "HEAD", "orchestra/layers") == before
    assert scene.tasks_in("done") == {"base", "upon", "apart"}
    scene.call("undo", "upon", check=0)
    assert scene.files()["shared.txt"] == "a\nb\n"


def test_what_the_plans_verify_needs_is_not_undone():
    scene = after_run(VERIFIED)
    before = scene.git("rev-parse", "HEAD", "orchestra/verified")

    result = scene.call("undo", "lib", check=4)

    assert "cannot undo task `lib`: without it the plan's `verify` fails" in result.err
    assert scene.git("rev-parse", "HEAD", "orchestra/verified") == before
    assert scene.tasks_in("done") == {"lib", "user"}
    scene.call("undo", "user", check=0)
    scene.call("undo", "lib", check=0)
    assert scene.worktrees() == []
    assert {"lib.txt", "user.txt"}.isdisjoint(scene.names())


def test_what_can_not_be_undone_says_why():
    scene = after_run(CHAIN)
    scene.call("undo", "apart", check=0)

    again = scene.call("undo", "apart", check=2)
    reader = scene.call("undo", "three", check=2)
    unknown = scene.call("undo", "tree", check=2)

    assert "task `apart` is undone already, by Test Person with commit" in again.err
    assert "task `three` has no merge that could be taken back" in reader.err
    assert "hint: did you mean `three`?" in unknown.err
    assert undos(scene) == ["apart"]


def test_an_undo_is_not_delivered_and_no_failure_where_nothing_is_to_be(tmp_path):
    scene = Scene(tmp_path).repository(1)
    scene.plan(ONE_FILE.replace("max_workers: 1", "merge: {deliver: never}")).run("--yes")
    scene.call("deliver", check=0)

    undone = scene.call("undo", "apart", check=0)

    assert "as the plan says: `parallel-orchestra deliver` does it" in undone.out
    assert "mended" not in undone.err
    assert "apart.txt" in scene.files()
    scene.call("deliver", check=0)
    assert "apart.txt" not in scene.files()


def test_a_dirty_file_keeps_the_undo_from_the_users_branch_and_the_command_is_said():
    scene = after_run(CHAIN)
    (scene.project / "apart.txt").write_text("mine\n")

    result = scene.call("undo", "apart", check=4)

    assert "not delivered to `main`: local changes are in the way: apart.txt" in result.out
    assert "`git switch main && git merge orchestra/chain`" in result.err
    assert undos(scene, "orchestra/chain") == ["apart"]
    scene.git("checkout", "--", "apart.txt")
    scene.git("merge", "--quiet", "orchestra/chain")
    assert "apart.txt" not in scene.names()


def test_what_the_user_committed_meanwhile_stays_when_a_task_is_undone():
    scene = after_run(CHAIN)
    commit_files(scene.project, {"mine.txt": "mine\n"})

    scene.call("undo", "apart", check=0)

    assert scene.files()["mine.txt"] == "mine\n"
    assert "apart.txt" not in scene.names()
    assert scene.dirty() == []


WAITING = """---
po_plan_version: "0.2"
name: live
max_workers: 2
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: early, command: "echo 1 > early.txt"}
  - {id: long, command: "echo 1 > long.txt; while test ! -e $GO; do sleep 0.05; done"}
  - {id: late, depends_on: [long], command: "echo 1 > late.txt"}
  - {id: needs, depends_on: [early, long], command: "echo 1 > needs.txt"}
---
"""


def test_a_task_is_undone_while_the_run_goes_on(tmp_path):
    scene = Scene(tmp_path).repository(3).plan(WAITING)
    go = tmp_path / "go"

    with scene.start("--yes", env={"GO": str(go)}) as running:
        wait_until(lambda: scene.tasks_dir.exists() and "early" in scene.tasks_in("done"), 30)
        wait_until(lambda: "long" in scene.tasks_in("locked"), 30)
        undone = scene.call("undo", "early", check=0)
        go.touch()
        result = running.wait()

    assert "early.txt" not in scene.names()
    assert {"long.txt", "late.txt"} <= scene.names()
    assert scene.states() == {
        "early": "failed",
        "long": "done",
        "late": "done",
        "needs": "available",
    }
    assert result.exit_code == 1
    assert outcome(scene, "early")["failure_category"] == "undone"
    assert "needs it: needs (available)" in undone.err


#: Kills the command with all its kind at its N-th act: a process started, a file renamed.
DYING = """\
import os, signal, sys

left = int(os.environ.get("DIE_AT", "0"))
target = os.environ.get("DIE_BEFORE", "")

def die(event, args):
    global left
    if target:
        hit = event == "os.rename" and target in str(args[1])
    else:
        hit = event in ("subprocess.Popen", "os.rename", "os.link", "open")
        hit = hit and (event != "open" or (args[2] or 0) & (os.O_WRONLY | os.O_RDWR))
        if hit and left:
            left -= 1
            hit = left == 0
        else:
            hit = False
    if hit:
        os.kill(0, signal.SIGKILL)

if "undo" in sys.orig_argv and (left or target):
    sys.addaudithook(die)
"""


def dies(scene, *words, **env):
    folder = scene.project.parent / "dying"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(DYING)
    return scene.call(*words, env={"PYTHONPATH": str(folder), **env})


def test_an_undo_that_died_before_its_last_move_is_ended_by_the_next_look():
    scene = after_run(CHAIN)
    killed = dies(scene, "undo", "apart", DIE_BEFORE="/failed/")
    half = (scene.tasks_in("done"), outcome(scene, "apart")["failure_category"])

    scene.run("--resume", check=1)

    assert killed.exit_code == -9
    assert half == ({"one", "two", "three", "apart"}, "undone")
    assert scene.tasks_in("failed") == {"apart"}
    assert undos(scene) == ["apart"]
    assert "apart.txt" not in scene.names()
    assert outcome(scene, "apart")["failure_category"] == "undone"


def test_an_undo_that_died_before_its_last_move_is_ended_by_the_same_command():
    scene = after_run(CHAIN)
    dies(scene, "undo", "apart", DIE_BEFORE="/failed/")

    again = scene.call("undo", "apart", check=2)

    assert "is undone already" in again.err
    assert scene.tasks_in("failed") == {"apart"}


@pytest.mark.storm
def test_wherever_an_undo_is_killed_it_happened_entirely_or_not_at_all(tmp_path):
    scene = after_run(CHAIN)
    number, killed, step = 0, 0, by_effort(30, 9, 1)

    while True:
        number += step
        ended = dies(scene, "undo", "apart", DIE_AT=str(number))
        if ended.exit_code != -9:
            break
        killed += 1
        resumed = scene.run("--resume")
        undone = undos(scene, "orchestra/chain")
        assert undone in ([], ["apart"]), ended
        assert resumed.exit_code == (1 if undone else 0), resumed
        assert scene.tasks_in("failed") == set(undone), number
        assert undos(scene) == undone
        assert ("apart.txt" in scene.names()) == (not undone)
        check_tidy(scene)
        if undone:
            scene.call("retry", "apart", check=0)
            scene.run("--resume", check=0)
            scene = Scene(tmp_path / f"again-{number}").repository(3).plan(CHAIN)
            scene.run("--yes", check=0)

    tell("undo kill points", tried=killed, steps=number)
    assert ended.exit_code == 0
    assert killed
