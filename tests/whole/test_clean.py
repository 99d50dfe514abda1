"""`clean` removes what old runs left, says what it is, and takes nothing that is still needed."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from support.corners import begun, done
from support.replay import after_run
from support.repository import fsck_clean
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: garden
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: dig, command: "echo 1 >> dig.txt"}
  - {id: sow, command: "echo 1 >> sow.txt"}
---
"""

#: Its second task leaves work that nobody merges.
FAILING = PLAN.replace('{id: sow, command: "', '{id: sow, command: "echo lost > lost.txt; exit 1; ')


def begun_anew(scene, *words):
    """Moves the run to the attic by a new one and returns the old one's id."""
    old = scene.run_record()["run"]
    scene.plan(PLAN).run("--yes", "--fresh", *words, check=0)
    return old


def items(scene, *words, kind="", env=None):
    found = json.loads(scene.call("clean", "--json", *words, check=0, env=env).out)["items"]
    return [one for one in found if not kind or one["kind"] == kind]


def the_one(scene, kind, *words):
    (one,) = items(scene, *words, kind=kind)
    return one


def everything_below(folder):
    return {path: path.lstat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_after_a_run_there_is_nothing_to_remove():
    scene = after_run(PLAN)

    result = scene.call("clean", "--yes", check=0)

    assert "of the run that is here" in result.out
    assert not [line for line in result.out.splitlines() if line.startswith("goes worktree")]
    assert scene.merges() == {"dig": 1, "sow": 1}
    assert scene.run("--resume", check=0).exit_code == 0


def test_without_yes_it_only_says_what_would_go():
    scene = after_run(PLAN)
    old = begun_anew(scene)
    before = everything_below(scene.project)

    shown = scene.call("clean", "--older-than", "0s", check=0)
    dry = scene.call("clean", "--older-than", "0s", "--yes", "--dry-run", check=0)

    assert f"goes archive {old}, " in shown.out
    assert "may go" in shown.out.splitlines()[-1]
    assert "nothing was removed: `--yes` removes it" in shown.err
    assert dry.out == shown.out
    assert everything_below(scene.project) == before


def test_who_wants_to_know_is_told_what_is_removed():
    scene = after_run(PLAN)
    old = begun_anew(scene)

    told = scene.call("clean", "--older-than", "0s", "--yes", "-v", check=0)

    lines = told.err.splitlines()
    assert lines[0] == "looking for what was left"
    assert f"removing 1 of {len(lines) - 1}: " in lines[1]
    assert any(line.endswith(f": archive {old}") for line in lines)


def test_an_archived_run_goes_when_it_is_old_enough_or_named():
    scene = after_run(PLAN)
    old = begun_anew(scene)
    archive = scene.tasks_dir / "attic" / old

    young = the_one(scene, "archive")
    other = the_one(scene, "archive", "--run", "another", "--yes")
    kept = archive.is_dir()
    named = the_one(scene, "archive", "--run", old, "--yes")

    assert (young["goes"], other["goes"], kept) == (False, False, True)
    assert (named["goes"], named["removed"]) == (True, True)
    assert named["size_bytes"] > 0
    assert not archive.exists()
    assert not [ref for ref in scene.refs() if old in ref]
    assert scene.merges()["dig"] == 2
    assert fsck_clean(scene.project)


def test_salvaged_work_stays_unless_it_is_named():
    scene = after_run(FAILING, code=1)
    old = begun_anew(scene)
    (ref,) = [one for one in scene.refs() if "/salvage/sow/" in one]

    scene.call("clean", "--older-than", "0s", "--yes", check=0)
    kept = the_one(scene, "salvage")
    lost = scene.files(ref)["lost.txt"]
    scene.call("clean", "--run", old, "--salvage", "--yes", check=0)

    assert (kept["refs"], kept["goes"], lost) == ([ref], False, "lost\n")
    assert kept["size_bytes"] > 0
    assert not [one for one in scene.refs() if old in one]


def test_what_was_never_delivered_counts_as_work_that_only_we_keep():
    scene = after_run(PLAN)
    base = scene.run_record()["base_commit"]
    scene.git("reset", "--quiet", "--hard", str(base))
    old = begun_anew(scene)

    scene.call("clean", "--older-than", "0s", "--yes", check=0)

    assert f"refs/orchestra/{old}/integration" in scene.refs()
    assert scene.merges(f"refs/orchestra/{old}/integration") == {"dig": 1, "sow": 1}


def test_every_ref_of_ours_is_named_and_goes_with_its_run():
    scene = after_run(FAILING, code=1)
    old = begun_anew(scene)
    new = scene.run_record()["run"]
    work = scene.git("commit-tree", "-m", "judged", "HEAD^{tree}").strip()
    for ref, value in {
        # as killed workers leave them
        f"{old}/candidate/dig/1.worker": work,
        f"{old}/candidate/dig/2.worker": "HEAD",
        f"{old}/checked/worker": work,
        f"{old}/original/dig/1": work,
        f"{old}/proposed": "HEAD",
        f"{old}/delivering": "HEAD",
        "lost/wt-1": work,
    }.items():
        scene.git("update-ref", f"refs/orchestra/{ref}", value)

    found = items(scene)
    gone = items(scene, "--older-than", "0s", "--salvage", "--yes")

    assert {ref for one in found for ref in one["refs"]} >= scene.refs("refs/orchestra")
    named = {one["kind"]: one for one in found if old in one["name"]}
    assert f"refs/orchestra/{old}/candidate/dig/1.worker" in named["salvage"]["refs"]
    assert named["salvage"]["size_bytes"] > 0
    assert f"refs/orchestra/{old}/candidate/dig/2.worker" in named["refs"]["refs"]
    left = scene.refs("refs/orchestra")
    assert not [ref for ref in left if old in ref]
    assert [ref for ref in left if new in ref]
    assert {ref for one in gone for ref in one["refs"] if not one["removed"]} >= left


def test_what_says_whose_a_branch_was_goes_when_the_branch_is_gone():
    scene = after_run(PLAN)
    scene.git("branch", "-D", "orchestra/garden")

    held = items(scene, "--older-than", "0s", "--yes", kind="refs")
    scene.plan(PLAN.replace("garden", "other")).run("--yes", "--fresh", check=0)
    (free,) = [one for one in items(scene, "--yes", kind="refs") if "garden" in one["name"]]

    owner = "refs/orchestra/branch/garden"
    (stays,) = [one for one in held if owner in one["refs"]]
    assert (stays["goes"], free["refs"], free["removed"]) == (False, [owner], True)
    assert owner not in scene.refs("refs/orchestra")


def test_an_unfinished_run_loses_nothing():
    scene = after_run(FAILING, "--keep-worktrees", code=1)
    refs, trees = scene.refs(), scene.worktrees()

    scene.call("clean", "--older-than", "0s", "--salvage", "--yes", check=0)

    assert scene.refs() == refs
    assert scene.tasks_in("failed") == {"sow"}
    assert trees
    assert all((path / ".git").exists() for path in scene.worktrees())


def test_kept_worktrees_of_a_finished_run_go_and_their_work_is_saved_first():
    scene = after_run(PLAN, "--keep-worktrees")
    tree = scene.worktrees()[0]

    found = items(scene, "--yes", kind="worktree")

    assert tree.name in [one["name"] for one in found if one["removed"]]
    assert all(one["size_bytes"] > 0 for one in found)
    assert scene.worktrees() == []
    assert fsck_clean(scene.project)


def test_unsaved_work_in_a_worktree_of_an_archived_run_is_saved_first(tmp_path):
    scene = (
        Scene(tmp_path)
        .repository(3)
        .plan(PLAN.replace("echo 1 >> dig.txt", "echo 1 >> dig.txt; echo x > half.txt; sleep 60"))
    )
    with scene.start("--yes") as running:
        wait_until(lambda: list(scene.cache.rglob("half.txt")), 30)
        running.kill_tree(whole_group=True)
    scene.wait_for_silence()
    run = str(scene.run_record()["run"])
    (half,) = scene.cache.rglob("half.txt")
    shutil.copytree(scene.tasks_dir, tmp_path / "copy")
    before = items(scene, kind="worktree")
    # What `--fresh` would do, without a run that uses the worktrees again.
    attic = scene.tasks_dir / "attic" / run
    attic.mkdir()
    record = json.loads((scene.tasks_dir / "run.json").read_text())
    (scene.tasks_dir / "run.json").write_text(json.dumps(record | {"run": "another"}))

    scene.call("clean", "--yes", check=0)

    assert [one["goes"] for one in before if one["name"] == half.parent.name] == [False]
    assert not half.exists()
    (ref,) = [one for one in scene.refs() if "/salvage/dig/" in one]
    assert scene.files(ref)["half.txt"] == "x\n"


def test_a_persons_worktree_goes_when_its_claim_and_its_run_are_over():
    scene = after_run(FAILING, code=1)
    scene.call("retry", "sow", check=0)
    taken = json.loads(scene.call("claim", "sow", "--json", check=0).out)
    tree = Path(taken["worktree"])
    (tree / "half.txt").write_text("by hand\n")

    claimed = the_one(scene, "worktree")
    scene.call("unlock", "sow", "--force", check=0)
    given_up = the_one(scene, "worktree")
    begun_anew(scene)
    scene.call("clean", "--yes", check=0)

    assert (claimed["goes"], claimed["why"]) == (
        False, "of a claim by hand: `complete`, `fail` or `release` sow",
    )  # fmt: skip
    assert claimed["name"] == f"by-hand/{tree.name}"
    assert not given_up["goes"]
    assert "of a claim by hand in the unfinished run" in given_up["why"]
    assert not tree.exists()
    kept = [ref for ref in scene.refs() if "/salvage/sow/" in ref]
    assert "by hand\n" in [scene.files(ref).get("half.txt") for ref in kept]
    assert list(tree.parent.parent.glob(".by-hand-*")) == []


def test_nothing_of_a_run_at_work_is_touched(tmp_path):
    go = tmp_path / "go"
    scene = (
        Scene(tmp_path)
        .repository(3)
        .plan(
            PLAN.replace(
                "echo 1 >> dig.txt", "echo 1 >> dig.txt; while test ! -e $GO; do sleep 0.05; done"
            )
        )
    )
    with scene.start("--yes", env={"GO": str(go)}) as running:
        wait_until(lambda: list(scene.cache.rglob("dig.txt")), 30)
        found = items(scene, "--older-than", "0s", "--salvage", "--yes")
        go.touch()
        result = running.wait()

    assert "somebody works in it" in [one["why"] for one in found if one["kind"] == "worktree"]
    assert result.exit_code == 0
    assert scene.merges() == {"dig": 1, "sow": 1}


def test_branches_of_kept_work_go_by_name_only():
    first, second = f"{begun('sow')}; echo 1 > dig.txt", f"{done('dig')}; echo 2 > dig.txt"
    plan = PLAN.replace('"echo 1 >> dig.txt"', json.dumps(first))
    plan = plan.replace('"echo 1 >> sow.txt"', json.dumps(second))
    scene = after_run(plan, "-j", "2", code=4)
    (branch,) = [ref.removeprefix("refs/heads/") for ref in scene.refs("refs/heads/orchestra-kept")]

    stays = the_one(scene, "kept branch", "--older-than", "0s", "--salvage", "--yes")
    goes = the_one(scene, "kept branch", "--kept", branch, "--yes")

    assert (stays["name"], stays["goes"]) == (branch, False)
    assert f"--kept {branch}" in stays["why"]
    assert goes["removed"]
    assert scene.refs("refs/heads/orchestra-kept") == set()


def test_drafts_locks_and_registrations_of_the_dead_go():
    scene = after_run(PLAN, "--keep-worktrees")
    draft = scene.tasks_dir / "tmp" / "dig.worker"
    draft.write_text("x")
    os.utime(draft, (time.time() - 7200,) * 2)
    tree = scene.worktrees()[0]
    shutil.rmtree(tree)

    found = items(scene, "--yes")

    removed = {(one["kind"], one["name"]) for one in found if one["removed"]}
    assert {
        ("draft", "dig.worker"),
        ("registration", tree.name),
        ("pool lock", tree.name),
    } <= removed
    assert not draft.exists()
    assert not (tree.parent / f".{tree.name}.lock").exists()
    assert scene.run("--resume", check=0).exit_code == 0


def test_another_plans_run_in_the_same_repository_is_left_alone(tmp_path):
    scene = after_run(PLAN)
    other = tmp_path / "other-tasks"
    scene.plan(PLAN.replace("garden", "orchard"), "other.md")
    scene.run("--yes", "--tasks-dir", str(other), plan="other.md", check=0)
    run = json.loads((other / "run.json").read_text())["run"]

    found = items(scene, "--older-than", "0s", "--run", run, "--salvage", "--yes", kind="refs")

    assert [one["why"] for one in found if run in one["name"]] == [f"of the run in {other}"]
    assert [ref for ref in scene.refs() if f"/{run}/" in ref]
    assert "refs/heads/orchestra/orchard" in scene.refs("refs/heads")


def test_an_age_that_is_none_is_refused():
    scene = after_run(PLAN)

    result = scene.call("clean", "--older-than", "soon", "--yes", check=2)

    assert "`soon` is no age" in result.err


def killed_in_the_middle(folder):
    """Returns a run that was killed while task `dig` alone was at work, and the worktree of that."""
    script = "echo 1 >> dig.txt; echo x > half.txt; if test ! -e $GO; then sleep 60; fi"
    scene = Scene(folder).repository(3).plan(PLAN.replace("echo 1 >> dig.txt", script))
    with scene.start("--yes", "-j", "1", env={"GO": str(folder / "go")}) as running:
        wait_until(lambda: list(scene.cache.rglob("half.txt")), 30)
        running.kill_tree(whole_group=True)
    scene.wait_for_silence()
    (half,) = scene.cache.rglob("half.txt")
    return scene, half.parent


def kept_of(scene):
    return [scene.files(ref)["half.txt"] for ref in scene.refs() if "/salvage/dig/" in ref]


def test_a_pool_is_cleared_also_when_nobody_has_the_run_any_more(tmp_path):
    scene, tree = killed_in_the_middle(tmp_path)
    unfinished = items(scene, "--pool", "--yes", kind="worktree")
    stays = tree.is_dir()
    shutil.rmtree(scene.tasks_dir)

    found = items(scene, "--pool", "--yes")

    assert [one["goes"] for one in unfinished if one["name"] == tree.name] == [False]
    assert stays
    assert {one["kind"] for one in found} == {"worktree"}
    assert all(one["removed"] for one in found)
    assert scene.worktrees() == []
    assert kept_of(scene) == ["x\n"]
    assert fsck_clean(scene.project)


def test_a_named_worktree_is_reset_with_its_work_kept_and_the_run_goes_on(tmp_path):
    scene, tree = killed_in_the_middle(tmp_path)
    (tree / ".git").write_text("nonsense")
    told = json.loads(scene.call("doctor", "--json").out)["pool"]

    (one,) = [one for one in told if one["name"] == tree.name]
    words = one["reset"].split()[1:]
    result = scene.call(*words, "--yes", check=0)
    (tmp_path / "go").touch()
    scene.run("--resume", check=0, env={"GO": str(tmp_path / "go")})

    assert (one["state"], one["task"], one["held_by"]) == ("unsaved work", "dig", "")
    assert one["faults"] == ["its `.git` does not lead to your repository"]
    assert one["size_bytes"] > 0
    assert f"goes worktree {tree.name}" in result.out
    assert "removed 1, " in result.out
    assert "x\n" in kept_of(scene)
    assert scene.merges() == {"dig": 1, "sow": 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("wt-1",), "worktrees are named only with `--pool`: `wt-1`"),
        (("--pool", "wt-77"), "the pool has no worktree `wt-77`"),
        (("--pool", "--older-than", "1d"), "`--older-than` says which runs"),
    ],
    ids=["without_pool", "unknown", "of_runs"],
)
def test_a_pool_is_cleared_only_as_it_was_meant(words, said):
    scene = after_run(PLAN, "--keep-worktrees")

    result = scene.call("clean", *words, "--yes", check=2)

    assert said in result.err
    assert scene.worktrees()
