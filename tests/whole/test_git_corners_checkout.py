"""The user's checkout in every state: their files stay theirs, and what can't work is refused."""

import os
from pathlib import Path

import pytest

from support.corners import check_all_merged, check_in_order, plan_of, run, shell
from support.effort import cases, rare
from support.repository import commit_files, git
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

FILES = {"a.txt": "a\n", "b.txt": "b\n", "src/c.txt": "c\n"}
WRITE_A = {"one": "echo task > a.txt; echo task > new.txt"}


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(FILES)


def picture(scene):
    """Returns what the user sees: status, and each file's bytes."""
    files = {
        path.relative_to(scene.project).as_posix(): path.read_bytes()
        for path in scene.project.rglob("*")
        if path.is_file() and path.relative_to(scene.project).parts[0] not in {".git", "_tasks"}
    }
    return scene.git("status", "--porcelain", "--untracked-files=all"), files


NOT_IN_THE_WAY = {
    "unstaged": "echo mine > b.txt",
    "staged": "echo mine > b.txt; git add b.txt",
    "staged_and_changed_again": "echo mine > b.txt; git add b.txt; echo again > b.txt",
    "staged_deletion": "git rm -q b.txt",
    "deleted": "rm b.txt",
    "untracked": "echo mine > mine.txt; mkdir -p src/d; echo mine > src/d/e.txt",
    "intent_to_add": "echo mine > mine.txt; git add -N mine.txt",
    "assume_unchanged": "git update-index --assume-unchanged b.txt; echo mine > b.txt",
    "mode": "chmod +x b.txt",
    "stash": "echo mine > b.txt; git stash -q; echo other > b.txt",
}


@pytest.mark.parametrize("what", cases(NOT_IN_THE_WAY, {"staged", "untracked"}))
def test_local_changes_elsewhere_stay_and_the_work_is_delivered(scene, what):
    shell(scene.project, NOT_IN_THE_WAY[what])
    status, files = picture(scene)

    result = run(scene, WRITE_A)

    check_all_merged(result, "one")
    assert picture(scene) == (status, {**files, "a.txt": b"task\n", "new.txt": b"task\n"})


IN_THE_WAY = {
    "unstaged": ("echo mine > a.txt", "a.txt"),
    "staged": ("echo mine > a.txt; git add a.txt", "a.txt"),
    "deleted_in_the_index": ("git rm -q --cached a.txt", "a.txt"),
    "untracked": ("echo mine > new.txt", "new.txt"),
    "intent_to_add": ("echo mine > new.txt; git add -N new.txt", "new.txt"),
    "directory": ("mkdir new.txt; echo mine > new.txt/mine", "new.txt"),
    "merge_tool_left_over": ("echo mine > new.txt; ln -sf new.txt a.txt", "a.txt, new.txt"),
}


@pytest.mark.parametrize("what", cases(IN_THE_WAY, {"unstaged", "untracked"}))
def test_local_changes_in_the_way_stay_and_the_message_names_them(scene, what):
    lines, names = IN_THE_WAY[what]
    shell(scene.project, lines)
    before = picture(scene)

    result = run(scene, WRITE_A, check=4)

    assert picture(scene) == before
    assert all(name in result.out for name in names.split(", ")), result
    assert "git switch main && git merge orchestra/corner" in result.out
    assert scene.merges("orchestra/corner") == {"one": 1}
    assert scene.merges("main") == {}
    check_in_order(result)


def test_an_ignored_file_of_the_users_in_the_way_of_a_delivered_one_is_not_overwritten(scene):
    commit_files(scene.project, {".gitignore": "*.env\n"})
    (scene.project / "secret.env").write_text("mine\n")

    result = run(scene, {"one": "echo task > secret.env; git add -f secret.env"})

    assert (scene.project / "secret.env").read_text() == "mine\n", result
    assert result.exit_code == 4
    assert "secret.env" in result.out


UNDER_WAY = {
    "merge": ("git merge -q side", "git merge --abort"),
    "rebase": ("git rebase -q side", "git rebase --abort"),
    "cherry-pick": ("git cherry-pick side", "git cherry-pick --abort"),
    "revert": ("git revert --no-edit HEAD~1", "git revert --abort"),
    "bisect": ("git bisect start HEAD HEAD~1", "git bisect reset"),
    "am": ("git format-patch -q -1 side -o patches; git am -q patches/*", "git am --abort"),
}


@pytest.mark.parametrize("act", cases(UNDER_WAY, {"rebase", "bisect"}))
def test_a_checkout_in_the_middle_of_something_is_refused_and_the_hint_takes_it_back(scene, act):
    begin, take_back = UNDER_WAY[act]
    shell(
        scene.project,
        "git switch -qc side; echo side > a.txt; git commit -qam side; git switch -q main;"
        f"echo one > a.txt; git commit -qam one; echo two > a.txt; git commit -qam two; {begin} || :",
    )
    before = picture(scene)

    refused = run(scene, WRITE_A, check=3)

    assert f"a {act} is under way in the checkout" in refused.err
    assert f"`{take_back}`" in refused.err
    assert picture(scene) == before
    assert not scene.tasks_dir.exists()
    shell(scene.project, f"{take_back}; git switch -q main")
    check_all_merged(run(scene, WRITE_A), "one")


@rare
def test_with_a_branch_named_a_detached_or_unborn_head_is_no_hindrance(scene):
    plan = plan_of(WRITE_A, top="base: main")
    scene.git("switch", "-q", "--detach")

    detached = scene.plan(plan).run("--yes", check=0)
    scene.git("switch", "-q", "--orphan", "new")
    unborn = scene.run("--yes", "--fresh", check=1)

    assert detached.merges("main") == {"one": 1}
    assert scene.git("status", "--porcelain") == ""
    # The second run starts from what the first one delivered: nothing is left to change.
    assert "changed no file" in unborn.out
    assert scene.git("symbolic-ref", "HEAD") == "refs/heads/new\n"


def test_a_branch_that_two_worktrees_have_checked_out_is_refused(scene, tmp_path):
    scene.git("worktree", "add", "-q", "--force", str(tmp_path / "second"), "main")

    refused = run(scene, WRITE_A, check=3)

    assert "`main` is checked out in two worktrees" in refused.err
    assert str(tmp_path / "second") in refused.err
    assert not scene.tasks_dir.exists()


def test_a_branch_that_a_second_worktree_takes_meanwhile_is_not_moved_under_it(scene, tmp_path):
    second = tmp_path / "second"
    gate = tmp_path / "gate"
    begun = tmp_path / "begun"
    work = f"touch {begun}; until test -e {gate}; do sleep 0.02; done; echo task > a.txt"
    scene.plan(plan_of({"one": work}))

    with scene.start("--yes") as running:
        # Not while ours is made: two at once are more than git can take.
        wait_until(begun.exists, within=20)
        scene.git("worktree", "add", "-q", "--force", str(second), "main")
        gate.touch()
        result = running.wait()

    assert result.exit_code == 4, result
    assert "checked out in two worktrees" in result.out
    assert git(second, "status", "--porcelain") == ""
    assert scene.dirty() == []


def test_a_run_from_a_subdirectory_works_there_and_keeps_to_the_repository(scene):
    scene.plan(plan_of({"one": "echo task > here.txt; pwd > where.txt"}, top="cwd: project/src"))

    result = scene.run("--yes", "--tasks-dir", str(scene.tasks_dir), check=0)

    check_all_merged(result, "one")
    assert scene.names() == {*FILES, "src/here.txt", "src/where.txt"}


@rare
def test_a_run_from_inside_a_linked_worktree_of_the_users_is_delivered_there(scene, tmp_path):
    linked = tmp_path / "linked"
    scene.git("worktree", "add", "-q", "-b", "feature", str(linked))
    scene.plan(plan_of(WRITE_A, top="cwd: linked"))

    result = scene.run("--yes", check=0)

    assert (linked / "new.txt").read_text() == "task\n"
    assert git(linked, "status", "--porcelain") == ""
    assert scene.merges("feature") == {"one": 1}
    assert not (scene.project / "new.txt").exists()
    assert result.worktrees() == [linked]


def test_a_worktree_of_a_bare_repository_is_as_good_as_any(scene, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    git(home, "clone", "-q", "--bare", str(scene.project), ".bare")
    (home / ".git").write_text("gitdir: ./.bare\n")
    git(home, "worktree", "add", "-q", "main", "main")
    scene.plan(plan_of(WRITE_A, top="cwd: home/main"))

    scene.run("--yes", check=0)

    assert (home / "main" / "new.txt").read_text() == "task\n"
    assert git(home / "main", "status", "--porcelain") == ""
    assert len(git(home, "worktree", "list").splitlines()) == 2


def test_a_git_directory_that_lies_elsewhere_is_found(scene, tmp_path):
    scene.git("init", "-q", "--separate-git-dir", str(tmp_path / "store.git"))

    result = run(scene, WRITE_A)

    check_all_merged(result, "one")
    assert scene.dirty() == []


@rare
def test_a_work_tree_named_by_configuration_is_found(scene, tmp_path):
    """`core.worktree`, as submodules have it: the plan's `cwd` is a submodule of the user's."""
    outer = tmp_path / "outer"
    outer.mkdir()
    shell(
        outer,
        "git init -q; git commit -q --allow-empty -m start;"
        f"git submodule --quiet add file://{scene.project} lib; git commit -qm lib",
    )
    scene.plan(plan_of(WRITE_A, top="cwd: outer/lib"))

    scene.run("--yes", check=0)

    assert (outer / "lib" / "new.txt").read_text() == "task\n"
    assert git(outer / "lib", "status", "--porcelain") == ""
    assert git(outer, "status", "--porcelain") == " M lib\n"


SPARSE = {
    "in/a.txt": "a\n",
    "in/deep/b.txt": "b\n",
    "out/c.txt": "c\n",
    "out/d.txt": "d\n",
    "top.txt": "t\n",
}


@pytest.mark.parametrize(
    "how",
    cases(["--cone in", "--no-cone /in/ /top.txt", "--cone --sparse-index in"], {"--cone in"}),
)
def test_a_sparse_checkout_keeps_its_shape_and_loses_no_file_outside(tmp_path, how):
    scene = Scene(tmp_path).repository(SPARSE)
    shell(scene.project, f"git sparse-checkout set {how}")
    tasks = {
        "inside": "echo task > in/new.txt",
        "outside": "mkdir -p out; echo task > out/new.txt; echo task > other.txt",
        "staged": "mkdir -p out; echo task > out/c.txt; git add --sparse out/c.txt",
        "damaged": "echo task > in/damaged.txt; : > $(git rev-parse --git-path index)",
        "widened": "git sparse-checkout disable; echo task > out/widened.txt",
        "after": "test ! -e out/d.txt; echo task > in/after.txt",
    }

    result = scene.plan(plan_of(tasks, chain=True)).run("--yes")

    check_all_merged(result, *tasks)
    new = {
        "in/new.txt",
        "out/new.txt",
        "other.txt",
        "in/damaged.txt",
        "out/widened.txt",
        "in/after.txt",
    }
    assert scene.names() == {*SPARSE, *new}
    assert scene.files()["out/c.txt"] == "task\n"
    assert (scene.project / "in/new.txt").read_text() == "task\n"
    assert not (scene.project / "out").exists()
    assert scene.dirty() == []


@rare
def test_files_that_git_was_told_to_overlook_stay_overlooked(scene):
    shell(scene.project, "git update-index --skip-worktree b.txt; echo mine > b.txt")

    result = run(scene, WRITE_A)

    check_all_merged(result, "one")
    assert (scene.project / "b.txt").read_text() == "mine\n"
    assert scene.files()["b.txt"] == "b\n"


@rare
def test_a_lock_on_the_users_index_is_named_and_the_delivery_waits(scene):
    (scene.project / ".git/index.lock").write_bytes(b"")

    result = run(scene, WRITE_A, check=4)

    assert "index.lock" in result.out
    assert (scene.project / ".git/index.lock").exists()
    assert scene.merges("orchestra/corner") == {"one": 1}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_repository_of_another_owner_is_refused_in_gits_own_words(scene):
    shell(scene.project, "chown -R 12345 .")

    refused = run(scene, WRITE_A, check=3)

    assert "git refuses this directory" in refused.err
    assert "safe.directory" in refused.err
    assert not Path(scene.tasks_dir).exists()
