"""What comes after the last merge: on all of it, once, and never on the branch."""

import json

import pytest

from support.repository import fsck_clean
from support.scene import Scene
from support.storm import check_tidy, kill_marked
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: after
{after}
defaults: {{backend: command}}
tasks:
  - {{id: one, command: "echo 1 > one.txt"}}
  - {{id: two, command: "echo 2 > two.txt"}}
---
"""
#: Fails until a file lies beside the project.
CHECK = "test -e one.txt && test -e two.txt && mkdir shots && echo > shots/a.png && test -e $FLAG"


def scene_of(tmp_path, after):
    return Scene(tmp_path).repository(1).plan(PLAN.format(after=after))


def aftermath(scene):
    return json.loads(scene.call("report", "--format", "json").out)["after_merge"]


def test_what_fails_is_delivered_unless_it_is_required_and_comes_again(tmp_path):
    flag = tmp_path / "flag"
    env = {"FLAG": str(flag)}
    scene = scene_of(tmp_path, f"after_merge: {{run: {json.dumps(CHECK)}, keep: '*.png'}}")

    result = scene.run("--yes", env=env, check=1)

    found = aftermath(scene)
    assert (found["state"], found["failure"]) == ("failed", "verify")
    assert found["files"] == ["after-merge/1/kept/shots/a.png"]
    assert "after merge: failed" in result.out
    assert "after merge: failed" in scene.call("status", check=1).out
    assert scene.names() >= {"one.txt", "two.txt"}
    assert "shots/a.png" not in scene.names()

    flag.touch()
    scene.run("--resume", env=env, check=0)
    scene.run("--resume", env=env, check=0)

    assert aftermath(scene)["log"] == "after-merge/2/output.log"
    check_tidy(scene)


def test_what_is_required_holds_the_delivery_back_until_a_person_says_so(tmp_path):
    scene = scene_of(tmp_path, "after_merge: {run: 'exit 3', required: true}")

    result = scene.run("--yes", check=4)

    assert "after    `exit 3`; what fails it is not delivered" in result.err
    assert "`after_merge` is required and failed: `exit 3` exited with code 3" in result.out
    assert "one.txt" not in scene.names()

    scene.call("deliver", check=0)

    assert scene.names() >= {"one.txt", "two.txt"}
    assert fsck_clean(scene.project)


@pytest.mark.parametrize("how", ["kill", "Ctrl-C"])
def test_it_begins_again_after_a_sudden_end_and_ends_once(tmp_path, how):
    told = tmp_path / "told"
    command = f"echo begun >> {told}; test -e {tmp_path}/on || sleep 600; echo ended >> {told}"
    scene = scene_of(tmp_path, f"after_merge: {json.dumps(command)}")
    with scene.start("--yes") as running:
        wait_until(lambda: told.exists() and told.read_text(), 30, "it begins")
        if how == "kill":
            kill_marked(running.marker)
        else:
            running.interrupt()
        assert running.wait().exit_code == (-9 if how == "kill" else 130)
    assert "one.txt" not in scene.names()
    (tmp_path / "on").touch()

    scene.run("--resume", check=0)

    assert told.read_text().split() == ["begun", "begun", "ended"]
    assert aftermath(scene)["state"] == "passed"
    check_tidy(scene)


def test_what_an_agent_is_to_keep_counts_from_the_projects_directory(tmp_path):
    after = (
        "cwd: project/sub\n"
        "backends: {looker: {command: [sh, -c, 'mkdir shots; echo > shots/a.png; echo > odd']}}\n"
        "after_merge: {prompt: Look at the page., backend: looker, keep: [shots/*.png]}"
    )
    scene = Scene(tmp_path).repository({"sub/old.txt": ""}).plan(PLAN.format(after=after))

    scene.run("--yes", "--report", str(tmp_path / "report.json"), check=0)

    found = json.loads((tmp_path / "report.json").read_text())["after_merge"]
    assert found["files"] == ["after-merge/1/kept/shots/a.png"]
    assert found["changed"] == ["sub/odd"]


def test_an_agent_looks_at_it_and_what_it_changes_is_not_merged(tmp_path):
    agent = tmp_path / "agent.sh"
    agent.write_text(
        "#!/bin/sh\ngrep -q 'Look at the page' || exit 9\n"
        "echo > one.txt.png; echo 3 > one.txt; git commit -qam mine\n"
        "echo 'TASK_FAILED: the button is gone'\n"
    )
    agent.chmod(0o755)
    after = (
        f"backends: {{looker: {{command: ['{agent}']}}}}\n"
        "after_merge: {prompt: Look at the page., backend: looker, keep: ['*.png']}"
    )
    scene = scene_of(tmp_path, after)

    scene.run("--yes", check=1)

    found = aftermath(scene)
    assert found["reason"].endswith("the button is gone")
    assert found["files"] == ["after-merge/1/kept/one.txt.png"]
    assert found["changed"] == ["one.txt"]
    assert scene.git("show", f"{found['ref']}:one.txt") == "3\n"
    assert scene.files()["one.txt"] == "1\n"
    assert fsck_clean(scene.project)
