"""What stands in the way of a run is said before anything is touched, all of it at once."""

import pytest

from support.repository import commit_files, write_files
from support.scene import Scene

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: flight
defaults: {backend: command}
tasks:
  - {id: a, command: "echo > a.txt", writes: ["src/**"]}
---
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3).plan(PLAN)


def snapshot(folder):
    """Returns every file below a folder with its bytes, and every directory."""
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        # git refreshes the time stamps in its index when it is asked for the status
        if path.name != "index"
    }


def detached(scene):
    scene.git("switch", "-q", "--detach")


def merging(scene):
    scene.git("switch", "-q", "-c", "side")
    commit_files(scene.project, {"x.txt": "side\n"})
    scene.git("switch", "-q", "main")
    commit_files(scene.project, {"x.txt": "main\n"})
    scene.git("merge", "--no-commit", "--no-ff", "-s", "ours", "side")


def unborn(scene):
    scene.git("switch", "-q", "--orphan", "new")
    scene.git("branch", "-q", "-D", "main")


def no_repository(scene):
    (scene.project / ".git").rename(scene.project.parent / "moved-away")


def bare(scene):
    scene.git("config", "core.bare", "true")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (no_repository, "not a git repository"),
        (bare, "a bare repository has no files to work on"),
        (unborn, "the repository has no commit yet"),
        (detached, "HEAD is detached, so there is no branch to deliver to"),
        (merging, "a merge is under way in the checkout"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_repository_that_can_not_be_used_is_refused_and_left_as_it_was(scene, spoil, said):
    spoil(scene)
    before = snapshot(scene.project)

    result = scene.run("--yes", check=3)

    assert f"error: {said}\n" in result.err
    assert "hint: " in result.err
    assert "Traceback" not in result.err
    assert snapshot(scene.project) == before


def test_all_that_is_in_the_way_is_said_at_once(scene):
    detached(scene)
    merge_head = scene.git("rev-parse", "HEAD")
    (scene.project / ".git" / "MERGE_HEAD").write_text(merge_head)
    scene.plan(PLAN.replace("backend: command", "backend: claude").replace("command:", "prompt:"))

    result = scene.run("--yes", "--claude-exe", "no-such-claude", check=3)

    assert result.err.count("error: ") == 3
    assert "no-such-claude" in result.err
    assert not scene.tasks_dir.exists()


def test_a_dirty_checkout_is_allowed_and_files_that_tasks_write_are_named(scene):
    write_files(scene.project, {"src/mine.txt": "1\n", "notes.txt": "2\n"})

    result = scene.run("--yes", check=0)

    assert "uncommitted changes in files that tasks write: `src/mine.txt`" in result.err
    assert scene.dirty() == ["?? notes.txt", "?? src/"]
    assert scene.merges() == {"a": 1}


def test_fresh_looks_before_it_moves_the_old_run_away(scene):
    scene.run("--yes", check=0)
    before = snapshot(scene.tasks_dir)
    detached(scene)

    scene.run("--yes", "--fresh", check=3)

    assert snapshot(scene.tasks_dir) == before


def test_a_run_without_an_identity_commits_under_a_name_of_its_own(scene):
    result = scene.run("--yes", check=0, env={"GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nowhere"})

    assert "git knows no user.name" in result.err
    assert scene.git("log", "-1", "--format=%an") == "parallel-orchestra\n"


def test_who_is_to_sign_off_must_be_known(scene):
    scene.plan(PLAN.replace("name:", "merge: {sign_off: true}\nname:", 1))
    env = {"GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nowhere"}

    result = scene.run("--yes", check=3, env=env)

    assert "`merge.sign_off` has nobody to sign off" in result.err
    assert not scene.tasks_dir.exists()


def test_hooks_and_git_variables_around_us_do_not_reach_the_run(scene, tmp_path):
    hook = scene.project / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    scene.run(
        "--yes", check=0,
        env={"GIT_DIR": str(tmp_path / "elsewhere"), "GIT_INDEX_FILE": str(tmp_path / "index")},
    )  # fmt: skip

    assert scene.merges() == {"a": 1}
    assert not (tmp_path / "elsewhere").exists()
