"""What `run`, `--resume` and `--fresh` do with a `_tasks/` that has been used before."""

import signal

import pytest

from support.repository import write_files
from support.scene import Scene
from support.storm import Step, Storm, check_tidy, kill
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: All but the first one wait in a run that has HOLD in its environment, until that file is gone.
HELD = 'while test -e "$HOLD"; do sleep 0.02; done'
STEPS = (Step("a"), Step("b", does=HELD), Step("c", does=HELD), Step("d", ("a",), does=HELD))


@pytest.fixture
def storm(tmp_path):
    return Storm(Scene(tmp_path).repository(3), STEPS, options=("--yes",))


def contents(scene):
    """Returns every file of `_tasks/` with its bytes; what locks leave behind aside."""
    return {
        path.relative_to(scene.tasks_dir): path.read_bytes()
        for path in scene.tasks_dir.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def finished(storm):
    storm.scene.run("--yes", check=0)


def unfinished(storm):
    with storm.start(NAP="600") as running:
        wait_until(lambda: len(storm.lines()) == 3, 15)
        kill(running, "alone")
    storm.scene.wait_for_silence()


def half_published(storm):
    unfinished(storm)
    for task in "bd":
        (file,) = (
            path
            for place in ("available", "locked")
            for path in (storm.scene.tasks_dir / place).glob(f"{task}.*")
        )
        file.unlink()


def undelivered(storm):
    """All tasks done, but in the user's way of the delivery lies a file."""
    (storm.scene.project / "a.txt").write_text("mine\n")
    storm.scene.run("--yes", check=4)


def stopped(storm):
    with storm.start(NAP="600") as running:
        wait_until(lambda: len(storm.lines()) == 3, 15)
        running.send(signal.SIGTERM)
        assert running.wait().exit_code == 143


def stop_after_a(storm):
    """Stops a run in which only `a` got done: at most one of the others was begun."""
    hold = storm.scene.project.parent / "hold"
    hold.touch()
    with storm.start("-j", "1", NAP="0", HOLD=str(hold)) as running:
        wait_until(lambda: "a" in storm.scene.tasks_in("done"), 15)
        kill(running, "alone")
    storm.scene.wait_for_silence()
    assert storm.scene.tasks_in("done") == {"a"}


@pytest.mark.parametrize("used", [unfinished, half_published, undelivered, stopped])
def test_an_unfinished_run_is_not_touched_without_being_told_how(storm, used):
    used(storm)
    before = contents(storm.scene)

    refused = storm.scene.run("--yes", check=3)

    assert "`--resume`" in refused.err
    assert "`--fresh`" in refused.err
    assert contents(storm.scene) == before


@pytest.mark.parametrize("used", [unfinished, half_published, stopped])
def test_resume_goes_on_with_an_unfinished_run(storm, used):
    used(storm)
    run = storm.scene.run_record()["run"]

    storm.scene.run("--yes", "--resume", check=0)

    assert storm.scene.run_record()["run"] == run
    storm.check()


def test_resume_delivers_what_could_not_be_delivered(storm):
    undelivered(storm)
    (storm.scene.project / "a.txt").unlink()
    before = len(storm.lines())

    storm.scene.run("--yes", "--resume", check=0)

    assert len(storm.lines()) == before
    storm.check()


@pytest.mark.parametrize("used", [unfinished, half_published, stopped])
def test_fresh_begins_anew_and_keeps_the_old_run(storm, used):
    used(storm)
    old = storm.scene.run_record()["run"]

    storm.scene.run("--yes", "--fresh", check=0)

    assert storm.scene.run_record()["run"] != old
    assert (storm.scene.tasks_dir / "attic" / old / "available").is_dir()
    assert f"refs/orchestra/{old}/integration" in storm.scene.refs()
    storm.check()


def test_resume_of_a_finished_run_changes_nothing(storm):
    finished(storm)
    before, refs = contents(storm.scene), storm.scene.git("show-ref")

    storm.scene.run("--yes", "--resume", check=0)

    assert contents(storm.scene) == before
    assert storm.scene.git("show-ref") == refs


def test_resume_of_a_stopped_run_that_was_finished_by_hand_since_is_a_success(tmp_path):
    storm = Storm(Scene(tmp_path).repository(3), tuple(Step(one, does=HELD) for one in "abc"))
    hold = tmp_path / "hold"
    hold.touch()
    with storm.start(NAP="0", HOLD=str(hold)) as running:
        wait_until(lambda: len(storm.lines()) == 3, 15)
        running.interrupt()
        wait_until(lambda: "no new ones start" in running.err())
        hold.unlink()
        assert running.wait().exit_code == 130
    assert set(storm.scene.states().values()) == {"done"}
    storm.scene.git("merge", "-q", "--ff-only", "orchestra/storm")

    storm.scene.run("--yes", "--resume", check=0)

    storm.check()


@pytest.mark.parametrize("options", [(), ("--fresh",)], ids=["run", "--fresh"])
def test_a_finished_run_goes_to_the_attic_and_a_new_one_begins(tmp_path, storm, options):
    finished(storm)
    old = storm.scene.run_record()["run"]
    word = (storm.scene.tasks_dir / "standing.json").read_bytes()
    again = Storm(storm.scene, (Step("x"), Step("y"), Step("z")))

    result = again.scene.run("--yes", *options, check=0)

    assert (storm.scene.tasks_dir / "attic" / old / "done").is_dir()
    assert (storm.scene.tasks_dir / "attic" / old / "standing.json").read_bytes() == word
    assert set(again.scene.states()) == {"x", "y", "z"}
    assert result.merges("HEAD") == {"x": 1, "y": 1, "z": 1} | dict.fromkeys("abcd", 1)
    check_tidy(storm.scene)


@pytest.mark.parametrize("options", [("--resume",), ("--fresh",), ()])
def test_a_directory_never_used_is_begun_however_it_is_asked(storm, options):
    result = storm.scene.run("--yes", *options, check=0)

    assert ("nothing to resume" in result.err) == (options == ("--resume",))
    storm.check()


def test_a_directory_with_files_of_nobody_is_not_touched(storm):
    write_files(storm.scene.tasks_dir, {"available/a.md": "mine\n"})
    before = contents(storm.scene)

    storm.scene.run("--yes", check=3)

    assert before.items() <= contents(storm.scene).items()


def test_resume_names_a_done_task_whose_definition_changed_and_runs_the_new_ones(storm):
    stop_after_a(storm)
    text = storm.scene.plan_path().read_text()
    storm.scene.write_plan(
        text.replace("  - id: a\n", "  - id: a\n    title: Another\n").replace(
            "  - id: b\n", f"  - id: e\n    command: ['{storm.agent}']\n  - id: b\n"
        )
    )

    result = storm.scene.run("--yes", "--resume", check=0)

    assert "parallel-orchestra retry a" in result.err + result.out
    assert storm.scene.merges() == dict.fromkeys("abcde", 1)
    assert [line[1] for line in storm.lines() if line[0] == "start"].count("a") == 1


def test_resume_takes_a_removed_task_out_of_the_run(storm):
    stop_after_a(storm)
    kept = Storm(storm.scene, STEPS[:2])

    kept.scene.run("--yes", "--resume", check=0)

    kept.check()


def test_a_run_killed_while_it_archives_an_old_one_can_go_on(storm):
    finished(storm)
    old = storm.scene.run_record()["run"]
    attic = storm.scene.tasks_dir / "attic" / old
    attic.mkdir()
    storm.scene.git("update-ref", "-d", "refs/heads/orchestra/storm")
    (storm.scene.tasks_dir / "available").rename(attic / "available")
    (storm.scene.tasks_dir / "done").rename(attic / "done")
    again = Storm(storm.scene, (Step("x"), Step("y"), Step("z")))

    again.scene.run("--yes", check=0)

    assert again.scene.run_record()["run"] != old
    assert set(again.scene.states().values()) == {"done"}
