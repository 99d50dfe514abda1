"""The stage itself: what it shows must be so, or every test on it says nothing."""

import signal
import subprocess
import sys

import pytest

from parallel_orchestra import __version__
from support.clock import FakeClock
from support.preloaded import can_do_without_a_start
from support.processes import marked
from support.replay import after_run
from support.repository import (
    commit_files,
    fsck_clean,
    git,
    log_graph,
    make_repository,
    merges_of,
    worktrees_of,
)
from support.scene import Running, Scene
from support.views import SCENE_MARKER
from support.waiting import wait_until

READ_ONLY_PLAN = """---
po_plan_version: "0.2"
name: small
defaults: {backend: command}
tasks:
  - {id: look, read_only: true, command: "true"}
---
"""


def start(scene, program):
    """Starts a Python program in place of the tool, marked as the scene marks."""
    out, err = scene.project.parent / "out", scene.project.parent / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-S", "-u", "-c", program],
            env=scene.environment(),
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    return Running(scene, child, out, err)


def test_a_repository_has_one_commit_with_its_files(tmp_path):
    repo = make_repository(tmp_path / "repo", {"a.txt": "1\n", "deep/er/b.txt": "2\n"})

    assert git(repo, "log", "--format=%s %an", "--all") == "start Test Person\n"
    assert git(repo, "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert git(repo, "ls-files") == "a.txt\ndeep/er/b.txt\n"
    assert fsck_clean(repo)


@pytest.mark.slow
@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_scene_after_a_run_is_put_back_for_each_test_and_lent_once(turn):
    scene = after_run(READ_ONLY_PLAN)

    assert scene.tasks_in("done") == {"look"}
    assert scene.names() == {f"folder-000/file-0000{number}.txt" for number in range(3)}
    commit_files(scene.project, {f"{turn}.txt": "changed\n"})
    with pytest.raises(AssertionError, match="two uses"):
        after_run(READ_ONLY_PLAN)


def test_a_repository_of_a_number_has_so_many_files(tmp_path):
    repo = make_repository(tmp_path / "repo", 120)

    names = git(repo, "ls-files").split()

    assert len(names) == 120
    assert len({name.partition("/")[0] for name in names}) == 3


def test_git_that_fails_shows_its_words(tmp_path):
    repo = make_repository(tmp_path / "repo", {})

    with pytest.raises(AssertionError, match=r"exit code 128\n.*unknown revision"):
        git(repo, "log", "nowhere")


def test_merges_are_counted_by_their_trailer(tmp_path):
    repo = make_repository(tmp_path / "repo", {})
    for task in ("a", "b", "a"):
        git(repo, "commit", "--allow-empty", f"--message=merge\n\nOrchestra-Task: run-1/{task}")
    git(repo, "commit", "--allow-empty", "--message=by hand")

    assert merges_of(repo) == {"a": 2, "b": 1}
    assert "by hand" in log_graph(repo)


def test_linked_worktrees_are_listed_without_the_main_one(tmp_path):
    scene = Scene(tmp_path).repository({"a": "1"})
    known, forgotten = scene.cache / "wt-1", scene.cache / "deep" / "wt-2"
    git(scene.project, "worktree", "add", "--detach", str(known))
    forgotten.mkdir(parents=True)
    (forgotten / ".git").write_text("gitdir: /nowhere\n")

    assert worktrees_of(scene.project) == [known]
    assert scene.worktrees() == [forgotten, known]


def test_a_task_is_found_by_the_directory_it_lies_in(tmp_path):
    scene = Scene(tmp_path).repository({})
    for entry in ("available/a.md", "locked/b.a1f0.host-1-x.md", "done/c.a2f1.host-1-x.md"):
        path = scene.tasks_dir / entry
        path.parent.mkdir(parents=True)
        path.touch()

    assert scene.states() == {"a": "available", "b": "locked", "c": "done"}
    assert scene.tasks_in("locked") == {"b"}


def test_a_task_in_two_directories_is_an_error(tmp_path):
    scene = Scene(tmp_path).repository({})
    for place in ("available", "done"):
        (scene.tasks_dir / place).mkdir(parents=True)
        (scene.tasks_dir / place / "a.md").touch()

    with pytest.raises(AssertionError, match="a in available and done"):
        scene.states()


def test_a_plan_without_a_directory_gets_that_of_the_scene(tmp_path):
    scene = Scene(tmp_path).repository({}).plan("---\nname: x\n---\n")

    assert scene.plan_path().read_text() == "---\ncwd: project\nname: x\n---\n"
    assert scene.dirty() == []


def test_files_are_read_at_a_ref_not_from_the_checkout(tmp_path):
    scene = Scene(tmp_path).repository({"a": "1"})
    commit_files(scene.project, {"a": "2"})
    (scene.project / "a").write_text("3")

    assert scene.files("HEAD~1") == {"a": "1"}
    assert scene.files() == {"a": "2"}
    assert scene.names() == {"a"}
    assert scene.dirty() == [" M a"]


def test_a_command_that_is_unknown_is_a_result_like_any_other(tmp_path):
    scene = Scene(tmp_path).repository({})

    result = scene.call("no-such-command")

    assert (result.exit_code != 0, result.err != "") == (True, True)
    assert result.out == ""


def test_an_unexpected_exit_code_shows_what_was_said(tmp_path):
    scene = Scene(tmp_path).repository({})

    with pytest.raises(AssertionError, match=r"expected exit code 77(.|\n)*--- err"):
        scene.call("no-such-command", check=77)


@pytest.mark.parametrize(
    "words",
    [("status",), ("--version",), ("no-such-command",), ("validate", "../plan.md", "--json")],
)
def test_a_command_that_is_forked_ends_and_speaks_as_one_that_is_started(tmp_path, words):
    scene = Scene(tmp_path).repository({}).plan(READ_ONLY_PLAN)
    with scene.start_command(*words, via=("env",)) as running:
        started = running.wait()

    forked = scene.call(*words)

    assert (forked.exit_code, forked.out, forked.err) == (
        started.exit_code,
        started.out,
        started.err,
    )


def test_a_forked_command_has_the_environment_that_it_was_given_and_no_other(tmp_path):
    scene = Scene(tmp_path).repository({}).plan(READ_ONLY_PLAN)
    ride = tmp_path / "ride"
    ride.mkdir()
    (ride / "sitecustomize.py").write_text(
        "import os, sys\nprint(os.getcwd(), os.environ.get('GIFT'), *sys.orig_argv[1:])\n"
    )

    given = scene.call("--version", env={"PYTHONPATH": str(ride), "GIFT": "1"})
    later = scene.call("--version", env={"PYTHONPATH": str(ride)})

    end = f"-m parallel_orchestra --version\nparallel-orchestra {__version__}\n"
    assert given.out == f"{scene.project} 1 {end}"
    assert later.out == f"{scene.project} None {end}"


def test_a_forked_command_is_found_by_the_mark_of_its_scene_as_one_that_was_started(tmp_path):
    plan = READ_ONLY_PLAN.replace('"true"', '"sleep 60"')
    scene = Scene(tmp_path).repository({}).plan(plan)

    with scene.start() as running:
        assert running.pid in wait_until(lambda: marked(SCENE_MARKER, scene.marker))

    scene.wait_for_silence()


@pytest.mark.parametrize(
    ("variable", "forked"), [("PYTHONPATH", True), ("NO_COLOR", True), ("PYTHONIOENCODING", False)]
)
def test_only_what_python_reads_at_its_start_asks_for_one(variable, forked):
    assert can_do_without_a_start({variable: "x"}) is forked


@pytest.mark.slow
def test_a_forked_command_that_takes_too_long_is_ended_with_its_agents(tmp_path):
    plan = READ_ONLY_PLAN.replace('"true"', '"sleep 60"')
    scene = Scene(tmp_path).repository({}).plan(plan)

    with pytest.raises(AssertionError, match=r"still running after 0\.\d+ s"):
        scene.run(within=0.1)

    scene.wait_for_silence()
    assert scene.call("--version").exit_code == 0


def test_what_runs_in_a_scene_is_seen_until_it_is_gone(tmp_path):
    scene = Scene(tmp_path).repository({})
    program = "print('up'); input()"

    with start(scene, f"import time; {program.replace('input()', 'time.sleep(60)')}") as running:
        wait_until(lambda: running.out() == "up\n")
        assert len(scene.processes()) == 1
        running.kill_tree(whole_group=False)

    scene.wait_for_silence()


def test_a_process_without_the_mark_is_found_by_its_folder(tmp_path):
    scene = Scene(tmp_path).repository({})
    env = scene.environment()
    del env[SCENE_MARKER]

    with subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"], cwd=scene.project, env=env, stdin=subprocess.PIPE
    ) as child:
        assert wait_until(scene.processes)[0].startswith(f"{child.pid}: ")
        child.communicate(b"\n")

    scene.wait_for_silence()


def test_killing_the_command_alone_leaves_its_children_and_the_group_takes_them(tmp_path):
    scene = Scene(tmp_path).repository({})
    program = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "print('up'); time.sleep(60)"
    )

    with start(scene, program) as running:
        wait_until(lambda: running.out() == "up\n")
        wait_until(lambda: len(scene.processes()) == 2)
        running.child.kill()
        running.child.wait()
        assert len(scene.processes()) == 1
        running.kill_tree(whole_group=True)

    scene.wait_for_silence()


def test_an_interrupt_reaches_the_command(tmp_path):
    scene = Scene(tmp_path).repository({})

    with start(scene, "import time\nprint('up')\ntime.sleep(60)") as running:
        wait_until(lambda: running.out() == "up\n")
        running.interrupt()
        result = running.wait()

    assert result.exit_code == -signal.SIGINT
    assert "KeyboardInterrupt" in result.err


def test_what_takes_too_long_is_ended_and_said(tmp_path):
    scene = Scene(tmp_path).repository({})

    with (
        start(scene, "import time; time.sleep(60)") as running,
        pytest.raises(AssertionError, match=r"still running after 0\.06 s"),
    ):
        running.wait(within=0.01)

    scene.wait_for_silence()


def test_waiting_ends_with_the_name_of_what_did_not_come():
    with pytest.raises(AssertionError, match=r"not true within 0 s: the tide \(last answer: 0\)"):
        wait_until(lambda: 0, within=0, what="the tide")


def test_a_fake_clock_moves_only_when_told():
    clock = FakeClock(epoch=100.0)

    clock.advance(2.5)
    clock.sleep(0.5)

    assert (clock.now(), clock.monotonic()) == (103.0, 3.0)
