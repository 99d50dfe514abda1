"""What the user does to the repository while a run is at work: what is so is said, nothing forced."""

import subprocess

import pytest

from support.corners import check_all_merged, check_in_order, plan_of, shell
from support.effort import cases, rare
from support.repository import commit_files, git
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

FILES = {"a.txt": "a\n", "b.txt": "b\n"}
DELIVER = "git switch main && git merge orchestra/corner"


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path).repository(FILES)
    commit_files(scene.project, {"b.txt": "second\n"}, "second")
    return scene


def run_meanwhile(scene, lines, work="echo task > a.txt", **tasks):
    """Runs a task that waits until these lines of shell are done in the user's checkout."""
    gate = scene.project.parent / "gate"
    begun = scene.project.parent / "begun"
    waiting = f"touch {begun}; until test -e {gate}; do sleep 0.02; done; {work}"
    scene.plan(plan_of({"one": waiting, **tasks}))
    with scene.start("--yes") as running:
        wait_until(begun.exists, within=20)
        shell(scene.project, lines) if isinstance(lines, str) else lines()
        gate.touch()
        return running.wait()


REWRITTEN = {
    "amended": "git commit -q --amend -m 'without the secret'",
    "reset": "git reset -q --hard HEAD~1",
    "reset_and_went_on": "git reset -q --hard HEAD~1; echo mine > mine.txt; git add .; git commit -qm mine",
    "rebased": "git reset -q --hard HEAD~1; echo mine > mine.txt; git add .; git commit -qm mine;"
    "git cherry-pick ORIG_HEAD",
    "unrelated": "git switch -q --orphan x; echo x > x; git add x; git commit -qm root; git branch -f main;"
    "git switch -q main",
    "elsewhere": "git switch -q -c other HEAD~1; git branch -f main HEAD",
}


@pytest.mark.parametrize("how", cases(REWRITTEN, {"amended", "unrelated"}))
def test_a_base_branch_that_was_rewritten_does_not_get_the_old_commits_back(scene, how):
    old = scene.git("rev-parse", "main").strip()

    result = run_meanwhile(scene, f"{REWRITTEN[how]}; git rev-parse main > ../theirs")

    assert result.exit_code == 4, result
    assert "`main` was rewritten meanwhile" in result.out
    assert DELIVER in result.out
    assert scene.merges("main") == {}
    assert scene.merges("orchestra/corner") == {"one": 1}
    assert scene.git("rev-parse", "main") == (scene.project.parent / "theirs").read_text()
    assert old not in scene.git("rev-list", "main")
    assert scene.dirty() == []
    check_in_order(result)


@rare
def test_a_commit_of_the_users_that_was_amended_meanwhile_is_no_rewriting_of_the_base(scene):
    result = run_meanwhile(
        scene,
        "echo mine > mine.txt; git add .; git commit -qm mine; git commit -q --amend -m better",
    )

    check_all_merged(result, "one")
    assert scene.files() == {"a.txt": "task\n", "b.txt": "second\n", "mine.txt": "mine\n"}


@pytest.mark.parametrize(
    ("lines", "there"),
    [
        ("git branch -m main trunk", "trunk"),
        ("git switch -q -c other; git branch -D main", "other"),
    ],
    ids=["renamed", "deleted"],
)
def test_a_base_branch_that_is_gone_is_said_and_the_command_delivers(scene, lines, there):
    result = run_meanwhile(scene, lines)

    assert result.exit_code == 4, result
    assert "branch `main` does not exist any more" in result.out
    assert "`git merge orchestra/corner`" in result.out
    shell(scene.project, "git merge orchestra/corner")
    assert scene.merges(there) == {"one": 1}
    assert scene.git("for-each-ref", "refs/heads/main") == ""


@rare
def test_a_branch_that_was_switched_and_is_dirty_is_delivered_out_of_sight(scene):
    result = run_meanwhile(scene, "git switch -q -c other; echo mine > a.txt")

    assert result.exit_code == 0, result
    assert scene.merges("main") == {"one": 1}
    assert (scene.project / "a.txt").read_text() == "mine\n"
    assert scene.git("branch", "--show-current") == "other\n"


IN_USE = {
    "rebase": ("git rebase -q side", "git rebase --abort"),
    "bisect": ("git bisect start HEAD HEAD~2", "git bisect reset"),
}


@pytest.mark.parametrize("act", cases(IN_USE, {"rebase"}))
def test_a_branch_in_the_middle_of_something_is_not_moved_under_it(scene, act):
    begin, end = IN_USE[act]
    prepare = "git switch -qc side; echo side > b.txt; git commit -qam side; git switch -q main;"
    prepare += "echo mine > b.txt; git commit -qam mine;"
    before = "git rev-parse main > ../before"

    result = run_meanwhile(scene, f"{prepare} {before}; {begin} || :")

    assert result.exit_code == 4, result
    assert f"a {act} of `main` is under way" in result.out
    assert scene.git("rev-parse", "main") == (scene.project.parent / "before").read_text()
    shell(scene.project, f"{end}; {DELIVER}")
    assert scene.files("main")["a.txt"] == "task\n"


def test_garbage_collection_all_the_time_takes_nothing_away(scene):
    begun = scene.project.parent / "begun"
    wait = f"until test -e {begun}; do sleep 0.02; done"
    tasks = {f"t{n}": f"{wait}; echo {n} > t{n}.txt" for n in range(4)}
    scene.plan(plan_of(tasks))

    with scene.start("--yes", "-j", "2") as running:
        while running.child.poll() is None:
            for words in ("gc --quiet", "repack -adq", "pack-refs --all --prune", "worktree prune"):
                # One may well be refused: two at once, or a ref that moves.
                subprocess.run(
                    ["git", "-C", scene.project, *words.split()], capture_output=True, check=False
                )
            begun.touch()
        result = running.wait()

    check_all_merged(result, *tasks)


def test_a_worktree_that_is_deleted_by_hand_costs_one_attempt(scene):
    def delete():
        (worktree,) = scene.worktrees()
        shell(scene.project, f"rm -rf '{worktree}'; git worktree prune")

    result = run_meanwhile(scene, delete, 'test "$PO_ATTEMPT" = 1 || echo task > a.txt')

    assert result.exit_code == 1, result
    assert "the agent removed its worktree" in result.out
    assert git(scene.project, "status", "--porcelain") == ""
    check_in_order(result)


@rare
def test_tags_and_branches_that_are_made_meanwhile_disturb_nothing(scene):
    result = run_meanwhile(
        scene,
        "git tag main; git tag orchestra/corner; git tag heads/main; git branch orchestra/mine HEAD",
    )

    assert result.exit_code == 0, result
    assert scene.merges("refs/heads/main") == {"one": 1}
