"""Agents that lay hands on the run itself: on `_tasks/`, the conductor, the memory of the machine."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from support.effort import by_effort, rare
from support.figures import tell
from support.misbehaviour import PROGRAMS, between_good_ones
from support.storm import check_tidy

pytestmark = pytest.mark.slow

ONCE = "test $PO_ATTEMPT != 1 || {{ {0}; }}; echo > bad.txt"


@rare
def test_an_agent_that_removes_the_record_of_the_run_harms_nothing(tmp_path):
    scene = between_good_ones(tmp_path, "rm $PO_TASKS_DIR/run.json; echo > bad.txt")

    result = scene.run(check=0)

    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    assert "`run.json` was removed while the run went on; it was written again" in result.err
    assert scene.run_record()["base_branch"] == "main"
    scene.run("--resume", check=0)
    check_tidy(scene)


def test_an_agent_that_removes_the_whole_task_directory_costs_no_merged_work(tmp_path):
    scene = between_good_ones(
        tmp_path, "test -e $PO_TASKS_DIR/../gone || rm -rf $PO_TASKS_DIR; echo > bad.txt"
    )

    scene.run(check=3)
    (scene.project / "gone").touch()
    scene.run("--resume", check=0)

    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    assert set(scene.states().values()) == {"done"}
    (scene.project / "gone").unlink()
    check_tidy(scene)


@rare
def test_an_agent_that_gives_its_own_task_back_has_it_done_again(tmp_path):
    back = "mv $PO_TASKS_DIR/locked/$PO_CLAIM $PO_TASKS_DIR/available/bad.md"
    once = f"test -e $PO_TASKS_DIR/moved || {{ touch $PO_TASKS_DIR/moved; {back}; }}"
    scene = between_good_ones(tmp_path, f"{once}; echo > bad.txt")

    result = scene.run(check=0)

    assert "bad: attempt 1 lost its claim; its work is kept" in result.out
    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    check_tidy(scene)


def test_a_task_that_an_agent_moves_to_done_counts_as_done_by_hand_and_is_told_apart(tmp_path):
    forge = "mv $PO_TASKS_DIR/available/next.md $PO_TASKS_DIR/done/; echo > bad.txt"
    scene = between_good_ones(tmp_path, forge)

    scene.run("--report", str(tmp_path / "report.json"), check=0)

    assert scene.merges() == {"good": 1, "bad": 1}
    tasks = json.loads((tmp_path / "report.json").read_text())["tasks"]
    (forged,) = [task for task in tasks if task["id"] == "next"]
    assert "hand" in json.dumps(forged)
    check_tidy(scene)


@rare
def test_an_agent_that_kills_the_conductor_ends_with_it_and_the_run_is_resumed(tmp_path):
    conductor = '$(cut -d" " -f4 /proc/$PPID/stat)'
    scene = between_good_ones(tmp_path, ONCE.format(f"kill -KILL {conductor}; sleep 60"))

    killed = scene.run()
    scene.wait_for_silence()
    scene.run("--resume", check=0)

    assert killed.exit_code == -9
    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    check_tidy(scene)


@pytest.mark.storm
@pytest.mark.skipif(
    by_effort(sample=True, short=True, full=False) or not shutil.which("unshare"),
    reason="takes a lease of 60 s, and needs `unshare` of util-linux",
)
def test_an_agent_that_kills_every_process_there_is_ends_a_run_that_can_be_resumed(tmp_path):
    """In a pid namespace of its own, whose first process is `sh`: so it reaches nobody else."""
    # Not here, whatever goes wrong: only where the namespace is another one than that of the tests.
    elsewhere = f'test "$(readlink /proc/self/ns/pid)" != "{os.readlink("/proc/self/ns/pid")}"'
    scene = between_good_ones(tmp_path, ONCE.format(f"{elsewhere} && kill -KILL -1 && sleep 60"))
    words = [sys.executable, "-m", "parallel_orchestra", "run", str(scene.plan_path())]
    unshare = "unshare --user --map-root-user --pid --fork --mount-proc sh -c"
    try:
        subprocess.run(
            [*unshare.split(), '"$@"; true', "sh", *words],
            cwd=scene.project, env=scene.environment(), capture_output=True, timeout=60, check=True,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no namespaces here: {error.stderr.decode()}")

    assert scene.merges("orchestra/agents").get("bad") is None
    # Its processes had numbers of another namespace: only the lease tells that they are dead.
    scene.run("--resume", check=0, within=180)
    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    check_tidy(scene)


@pytest.mark.storm
@pytest.mark.parametrize(
    "kind", by_effort(["one line"], *2 * [["lines", "one line", "no text", "escapes"]])
)
def test_a_flood_without_end_costs_neither_memory_nor_disk(tmp_path, kind):
    megabytes = by_effort(100, 300, 1024)
    flood = f'{sys.executable} {PROGRAMS}/flood.py {megabytes} "{kind}"; echo > bad.txt'
    scene = between_good_ones(tmp_path, flood)

    with scene.start() as running:
        top = 0
        while running.child.poll() is None:
            top = max(top, highest_memory(scene))
        result = running.wait()

    assert result.exit_code == 0, result
    assert 0 < top < 150
    (attempt,) = scene.attempts("bad")
    assert (attempt / "agent.log").stat().st_size < 12 << 20
    assert "\x1b" not in result.err + result.out
    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    tell("flood", kind=kind, megabytes=megabytes, highest_memory_mb=top)
    check_tidy(scene)


def highest_memory(scene):
    """Returns the most memory that one of the scene's Pythons ever had, in MiB."""
    top = 0
    for line in scene.processes():
        pid = line.partition(":")[0]
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                high = [one.split()[1] for one in file if one.startswith("VmHWM:")]
        except OSError:
            continue
        if "flood.py" not in line and high:
            top = max(top, int(high[0]) // 1024)
    return top
