"""Agents that misbehave: each costs at most its own task."""

import contextlib
import os
import signal
import time

import pytest

from support.processes import children, marked
from support.scene import Scene
from support.storm import check_tidy
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: agents
max_workers: 3
defaults: {{backend: command, max_retries: 0}}
tasks:
  - {{id: good, command: "echo > good.txt"}}
{tasks}---
"""


def scene_of(tmp_path, *tasks):
    lines = "".join(f"  - {task}\n" for task in tasks)
    return Scene(tmp_path).repository(3).plan(PLAN.format(tasks=lines))


def failure_of(result, task):
    """Returns what the summary says of a failed task."""
    lines = [line for line in result.out.splitlines() if line.startswith(f"failed {task}: ")]
    assert len(lines) == 1, result
    return lines[0].removeprefix(f"failed {task}: ")


def highest_memory(pid):
    """Returns the most memory that a process ever had, in MiB; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            lines = [line.split() for line in file if line.startswith("VmHWM:")]
    except OSError:
        return 0
    return int(lines[0][1]) // 1024 if lines else 0


def test_an_agent_that_floods_its_output_costs_no_memory_and_little_disk(tmp_path):
    scene = scene_of(
        tmp_path, '{id: flood, command: "yes flood | head -c 300000000; echo > flood.txt"}'
    )

    with scene.start() as running:
        top = 0
        while running.child.poll() is None:
            top = max(top, highest_memory(running.pid))
            time.sleep(0.01)  # a sample, not a wait for anything
        result = running.wait()

    assert result.exit_code == 0, result
    assert scene.merges() == {"good": 1, "flood": 1}
    assert 0 < top < 150
    (attempt,) = scene.attempts("flood")
    assert (attempt / "agent.log").stat().st_size < 12 << 20
    check_tidy(scene)


def test_daemons_of_an_agent_are_gone_before_its_task_is_done(tmp_path):
    daemon = "setsid sh -c 'echo $$ > $PO_TASKS_DIR/daemon; exec sleep 600' >/dev/null 2>&1 &"
    ready = "while ! [ -s $PO_TASKS_DIR/daemon ]; do sleep 0.01; done"
    scene = scene_of(tmp_path, f'{{id: forker, command: "{daemon} {ready}; echo > forker.txt"}}')

    result = scene.run(check=0)

    pid = int((scene.tasks_dir / "daemon").read_text())
    assert not os.path.exists(f"/proc/{pid}")
    assert result.merges() == {"good": 1, "forker": 1}
    check_tidy(scene)


def test_daemons_of_an_agent_are_gone_after_a_kill_of_everything_but_them(tmp_path):
    daemon = "setsid sh -c 'echo $$ > $PO_TASKS_DIR/daemon; exec sleep 600' >/dev/null 2>&1 &"
    scene = scene_of(
        tmp_path,
        f'{{id: forker, command: "{daemon} test $PO_ATTEMPT = 2 || sleep 600; echo > forker.txt"}}',
    )

    with scene.start() as running:
        wait_until((scene.tasks_dir / "daemon").exists, within=15)
        # conductor and helper at one blow: nobody is left to end the agent's tree
        helpers = list(marked("PO_TASKS_DIR", str(scene.tasks_dir)))
        reapers = [pid for pid in children(running.pid) if pid not in helpers]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in (running.pid, *reapers):
                with contextlib.suppress(ProcessLookupError):  # a git that has ended by itself
                    os.kill(pid, number)
        running.wait()
    assert scene.processes() != []

    scene.run("--resume", check=0)
    assert scene.merges() == {"good": 1, "forker": 1}
    check_tidy(scene)


def test_an_agent_that_removes_git_loses_nothing(tmp_path):
    scene = scene_of(tmp_path, '{id: vandal, command: "rm -rf .git; echo > vandal.txt"}')

    scene.run(check=0)

    assert scene.merges() == {"good": 1, "vandal": 1}
    assert scene.names() == {
        "good.txt", "vandal.txt", *(f"folder-000/file-0000{n}.txt" for n in range(3))
    }  # fmt: skip
    check_tidy(scene)


@pytest.mark.parametrize(
    ("command", "failure"),
    [("rm -rf $PWD", "unusable"), ("rm -rf ./* .git", "tampering")],
    ids=["the directory", "all that is in it"],
)
def test_an_agent_that_removes_its_whole_worktree_is_not_merged(tmp_path, command, failure):
    scene = scene_of(
        tmp_path,
        f'{{id: vandal, command: "{command}"}}',
        '{id: next, command: "echo > next.txt", depends_on: [good]}',
    )

    result = scene.run(check=1)

    assert failure_of(result, "vandal").startswith(f"{failure}: ")
    assert scene.merges() == {"good": 1, "next": 1}
    assert len(scene.names()) == 5
    check_tidy(scene)


def test_commits_of_an_agent_are_kept_as_it_made_them(tmp_path):
    own = "git add -A && git commit -qm one && echo two >> own.txt && git commit -qam two"
    scene = scene_of(tmp_path, f'{{id: own, command: "echo one > own.txt && {own}"}}')

    scene.run(check=0)

    assert scene.files()["own.txt"] == "one\ntwo\n"
    assert scene.merges() == {"good": 1, "own": 1}
    assert {"one", "two"} <= set(scene.git("log", "--format=%s").splitlines())
    check_tidy(scene)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("true", "no_changes: ended well but changed no file"),
        ("echo > x.txt; exit 1", "transient: "),
        ("kill -9 $$", "transient: "),
    ],
    ids=["makes nothing", "fails", "kills itself"],
)
def test_an_agent_that_fails_costs_its_own_task_only(tmp_path, command, said):
    scene = scene_of(tmp_path, f'{{id: bad, command: "{command}"}}')

    result = scene.run(check=1)

    assert failure_of(result, "bad").startswith(said)
    assert scene.merges() == {"good": 1}
    check_tidy(scene)


def test_secrets_are_masked_wherever_an_agent_prints_them(tmp_path):
    scene = scene_of(
        tmp_path, '{id: leak, command: "echo key $MY_API_KEY; echo $MY_API_KEY >&2; exit 3"}'
    )

    result = scene.run(
        "--report", str(tmp_path / "r.json"), "--report", str(tmp_path / "r.md"),
        env={"MY_API_KEY": "hush-hush-0123456789"}, check=1,
    )  # fmt: skip

    written = [path for path in scene.tasks_dir.rglob("*") if path.is_file()]
    texts = [path.read_text(errors="replace") for path in (*written, *tmp_path.glob("r.*"))]
    assert not any("hush-hush" in text for text in (*texts, result.out, result.err))
    assert any("key [masked]" in text for text in texts)


def test_an_agent_that_leaves_locks_and_a_branch_in_its_worktree_harms_nobody(tmp_path):
    mess = "git checkout -q -b mine; echo > mess.txt; touch $(git rev-parse --git-dir)/index.lock"
    scene = scene_of(
        tmp_path,
        f'{{id: mess, command: "{mess}"}}',
        '{id: after, command: "echo > after.txt", depends_on: [mess]}',
    )

    scene.run("-j", "1", check=0)

    assert scene.merges() == {"good": 1, "mess": 1, "after": 1}
    check_tidy(scene)
