"""What the published tool gets wrong with manifests of its own format; here each goes well."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.published import make_claude, manifest, read_task, write_task
from support.repository import commit_files, fsck_clean, git, make_repository
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: A task that lasts until the file `go` appears.
WAIT = "touch $CALLS/$PO_TASK_ID.up; until [ -e $CALLS/go ]; do sleep 0.02; done; "


@pytest.fixture
def claude(tmp_path):
    return make_claude(tmp_path)


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3)


def run(scene, claude, *options, **more):
    return scene.run("--claude-exe", str(claude.program), *options, env=claude.env(), **more)


def start(scene, claude, *options):
    return scene.start("--claude-exe", str(claude.program), *options, env=claude.env())


def up(claude):
    return len(list(claude.calls.glob("*.up")))


def test_many_worktrees_made_at_once_abort_nothing(scene, claude):
    names = [f"t{number:02}" for number in range(24)]
    scene.plan(manifest(*(write_task(name, f"echo > {name}.txt") for name in names)))

    run(scene, claude, "--max-workers", "8", check=0)

    assert scene.merges() == dict.fromkeys(names, 1)


def test_resume_after_kill_9_merges_what_was_finished(scene, claude):
    quick = [write_task(name, f"echo >> {name}.txt") for name in ("a", "b", "c")]
    slow = [write_task(name, f"{WAIT}echo >> {name}.txt") for name in ("d", "e", "f")]
    scene.plan(manifest(*quick, *slow))
    with start(scene, claude) as running:
        wait_until(lambda: up(claude) == 3, within=20)
        running.kill_tree(whole_group=False)
    scene.wait_for_silence()
    (claude.calls / "go").touch()
    for name in ("a", "b", "c"):
        (claude.calls / f"{name}.args").unlink()

    run(scene, claude, "--resume", check=0)

    assert scene.merges() == dict.fromkeys("abcdef", 1)
    assert all(scene.files()[f"{name}.txt"] == "\n" for name in "abcdef")
    assert claude.called() == {"d", "e", "f"}
    assert fsck_clean(scene.project)


def test_a_merge_of_the_users_own_is_left_alone(scene, claude):
    scene.git("switch", "--quiet", "--create", "side")
    commit_files(scene.project, {"x.txt": "side\n"})
    scene.git("switch", "--quiet", "main")
    commit_files(scene.project, {"x.txt": "main\n"})
    git(scene.project, "merge", "side", code=1)
    (scene.project / "x.txt").write_text("resolved by hand\n")
    scene.plan(manifest(write_task("a", "echo > a.txt")))

    result = run(scene, claude, check=3)

    assert "a merge is under way in the checkout" in result.err
    assert (scene.project / "x.txt").read_text() == "resolved by hand\n"
    assert (scene.project / ".git/MERGE_HEAD").exists()
    assert claude.called() == set()


def test_a_conflict_stops_no_other_task_and_resume_does_not_call_it_a_success(scene, claude):
    met = "touch $CALLS/$PO_TASK_ID.up; until [ -e $CALLS/one.up ] && [ -e $CALLS/two.up ]; "
    met += "do sleep 0.02; done; echo $PO_TASK_ID > same.txt"
    third = write_task("three", "echo > three.txt")
    scene.plan(manifest(write_task("one", met), write_task("two", met), third))

    result = run(scene, claude, check=4)

    (loser,) = scene.tasks_in("failed")
    (winner,) = {"one", "two"} - {loser}
    assert scene.files()["same.txt"] == f"{winner}\n"
    assert scene.git("show", f"orchestra-kept/m/{loser}-1:same.txt") == f"{loser}\n"
    assert "three.txt" in scene.names()
    assert "same.txt" in result.out
    # the next attempt starts from what is merged, so it can go well
    run(scene, claude, "--resume", check=0)
    assert scene.merges() == {"one": 1, "two": 1, "three": 1}


def test_the_first_ctrl_c_starts_nothing_more(scene, claude):
    scene.plan(manifest(*(read_task(name, f"{WAIT}sleep 0.5") for name in "abcdef")))

    with start(scene, claude, "--max-workers", "2") as running:
        wait_until(lambda: up(claude) == 2, within=20)
        running.interrupt()
        wait_until(lambda: "no new ones start" in running.err())
        (claude.calls / "go").touch()
        result = running.wait()

    assert result.exit_code == 130
    assert len(claude.called()) == 2


def test_sigterm_leaves_no_agent_behind(scene, claude):
    scene.plan(manifest(*(write_task(name, f"{WAIT}true") for name in "abc")))

    with start(scene, claude) as running:
        wait_until(lambda: up(claude) == 3, within=20)
        running.send(signal.SIGTERM)
        result = running.wait()

    assert result.exit_code == 143
    scene.wait_for_silence()
    assert scene.worktrees() == []


def test_the_manifests_repository_counts_and_not_the_current_one(scene, claude, tmp_path):
    scene.plan(manifest(write_task("a", "echo > a.txt")))
    other = make_repository(tmp_path / "other", 3)
    command = (sys.executable, "-m", "parallel_orchestra", "run", str(scene.plan_path()))

    subprocess.run(
        [*command, "--claude-exe", "../claude"],
        cwd=other, env=scene.environment(claude.env()), stdin=subprocess.DEVNULL,
        capture_output=True, check=True,
    )  # fmt: skip

    assert scene.merges() == {"a": 1}
    assert git(other, "rev-list", "--count", "--all") == "1\n"
    assert git(other, "status", "--porcelain") == ""


def test_a_branch_that_the_user_switches_to_meanwhile_is_not_merged_into(scene, claude):
    switch = f"git -C {scene.project} switch --quiet --create elsewhere; echo > a.txt"
    scene.plan(manifest(write_task("a", switch)))

    run(scene, claude, check=0)

    assert "a.txt" in scene.names("main")
    assert "a.txt" not in scene.names("elsewhere")
    assert not (scene.project / "a.txt").exists()


def test_an_agents_own_commits_are_merged_too(scene, claude):
    own = "echo > own.txt; git add own.txt; git commit --quiet --message=own; echo > rest.txt"
    aside = "git checkout --quiet -b aside; echo > aside.txt; git add .; git commit --quiet -m x"
    scene.plan(manifest(write_task("a", own), write_task("b", aside)))

    run(scene, claude, check=0)

    assert scene.names() >= {"own.txt", "rest.txt", "aside.txt"}


def test_all_mistakes_of_a_manifest_are_told_at_once_with_their_lines(scene, claude):
    text = """---
po_plan_version: "0.1"
name: m
cwd: project
tasks:
  - {id: a, agent: "-x", read_only: "yes"}
  - {id: a, agent: dev, read_only: true, depends_on: [b]}
  - {id: c, agent: dev, read_only: true, timeout_sec: 5, depend_on: [a]}
---
"""
    scene.write_plan(text)

    result = run(scene, claude, check=2)

    lines = [word for word in result.err.split() if word.startswith(("plan.md:", "../plan.md:"))]
    places = {place.rpartition("/")[2].split(":")[1] for place in lines} or result.err
    assert {"6", "7", "8"} <= set(places), result
    for mistake in ("`agent`", "`read_only`", "used twice", "`b`", "`timeout_sec`"):
        assert mistake in result.err
    assert not scene.tasks_dir.exists()


def test_a_long_chain_whose_first_link_fails_is_skipped_to_its_end(scene, claude):
    chain = [read_task("t0", "exit 2")]
    chain += [read_task(f"t{n}", "true", depends_on=[f"t{n - 1}"]) for n in range(1, 1000)]
    scene.plan(manifest(*chain))

    result = run(scene, claude, check=1)

    assert "Traceback" not in result.err
    assert claude.called() == {"t0"}


def peak_memory(pid):
    """Returns the most memory that a process had at once so far, in KiB; 0 if it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(row.split()[1]) for row in text.splitlines() if row.startswith("VmHWM")), 0)


def test_what_agents_print_costs_no_memory(scene, claude):
    loud = "head -c 60000000 /dev/zero | tr '\\0' 'x'"
    scene.plan(manifest(*(read_task(name, loud) for name in "abcd")))

    peak = 0
    with start(scene, claude) as running:
        # Not wait4(2): it counts the memory of the process that started this one, too.
        while running.child.poll() is None:
            peak = max(peak, peak_memory(running.pid))

    assert running.child.returncode == 0, running.err()
    assert 10_000 < peak < 120_000  # KiB


@pytest.mark.parametrize(
    ("program", "said"),
    [("./missing", "is not there or not executable"), ("/dev/null", "is not there or not exec")],
)
def test_a_claude_that_can_not_run_is_found_before_anything_starts(scene, program, said):
    scene.plan(manifest(write_task("a", "true")))

    result = scene.run("--claude-exe", program, check=3)

    assert said in result.err
    assert not scene.tasks_dir.exists()


def test_a_detached_head_is_found_before_anything_starts(scene, claude):
    scene.plan(manifest(write_task("a", "true")))
    scene.git("checkout", "--quiet", "--detach")

    result = run(scene, claude, check=3)

    assert "HEAD is detached" in result.err
    assert claude.called() == set()


@pytest.mark.parametrize(
    "options",
    [["--max-workers", "0"], ["--report", "r.txt"], ["--dashboard=1"], ["--no-such-option"]],
    ids=" ".join,
)
def test_wrong_options_are_found_before_anything_starts(scene, claude, options):
    scene.plan(manifest(write_task("a", "true")))

    run(scene, claude, *options, check=2)

    assert claude.called() == set()


def test_a_manifest_that_is_not_there_is_exit_code_2(scene, claude):
    result = run(scene, claude, plan="missing.md", check=2)

    assert "Traceback" not in result.err


def test_a_staged_change_of_the_users_stops_no_merge(scene, claude):
    (scene.project / "folder-000/file-00000.txt").write_text("mine\n")
    scene.git("add", "--all")
    scene.plan(manifest(write_task("a", "echo > a.txt")))

    run(scene, claude, check=0)

    assert scene.merges() == {"a": 1}
    assert scene.dirty() == ["M  folder-000/file-00000.txt"]


def test_another_manifest_does_not_go_on_with_the_run_of_this_one(scene, claude):
    scene.plan(manifest(write_task("a", "echo > a.txt"), write_task("b", "exit 2")))
    run(scene, claude, check=1)
    scene.plan(manifest(write_task("c", "echo > c.txt"), name="n"), "other.md")
    before = scene.states()

    result = run(scene, claude, "--resume", plan="other.md", check=3)

    assert scene.states() == before
    assert "plan.md" in result.err
    assert "--tasks-dir" in result.err


def test_a_finished_run_of_another_manifest_makes_room_also_for_resume(scene, claude):
    scene.plan(manifest(write_task("a", "echo > a.txt")))
    run(scene, claude, check=0)
    scene.plan(manifest(write_task("c", "echo > c.txt"), name="n"), "other.md")

    result = run(scene, claude, "--resume", plan="other.md", check=0)

    assert "nothing to resume: starting a new run" in result.err
    assert scene.states() == {"c": "done"}
    assert scene.names() >= {"a.txt", "c.txt"}


def test_a_plan_that_was_moved_goes_on(scene, claude):
    scene.plan(manifest(write_task("a", "[ -e $CALLS/go ] || exit 2; echo > a.txt")))
    run(scene, claude, check=1)
    scene.plan_path().rename(scene.plan_path("moved.md"))
    (claude.calls / "go").touch()

    run(scene, claude, "--resume", plan="moved.md", check=0)

    assert scene.merges() == {"a": 1}
