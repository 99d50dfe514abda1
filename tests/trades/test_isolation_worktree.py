"""The pool of worktrees against agents who do with theirs what they like."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import Repo
from parallel_orchestra.isolation import (
    CLONES,
    Label,
    Slot,
    Unusable,
    default_root,
    keep_commit,
    salvage,
)
from parallel_orchestra.process import identity
from support.corners import shell
from support.pools import OWNER, SALVAGE, make_pool
from support.processes import inside
from support.repository import (
    commit_files,
    files_at,
    fsck_clean,
    git,
    make_repository,
    names_at,
    worktrees_of,
    write_files,
)
from support.waiting import wait_until

FILES = {"a.txt": "one\n", "app/b.txt": "two\n"}


@pytest.fixture
def slot(pool):
    return pool.slot()


def label(task="build", attempt=1, owner=OWNER):
    return Label("run1", task, attempt, owner, f"{SALVAGE}/{task}/{attempt}.{owner}")


def begin(slot: Slot, base: str, *, claude=False, **facts):
    return slot.open(base, label(**facts), carry_claude=claude)


def label_file(repo: Repo) -> Path:
    (path,) = (repo.common_dir / "worktrees").glob("*/orchestra-slot.json")
    return path


def salvaged(project: Path) -> dict[str, set[str]]:
    refs = git(project, "for-each-ref", "--format=%(refname)", SALVAGE).split()
    return {ref.removeprefix(f"{SALVAGE}/"): names_at(project, ref) for ref in refs}


# one worktree, its ordinary day


def test_work_is_the_whole_content_and_ignored_files_are_not(slot, base, project):
    workspace = begin(slot, base)
    write_files(workspace.path, {".gitignore": "*.log\n", "new.txt": "n\n", "x.log": "noise\n"})
    (workspace.path / "a.txt").unlink()

    work = slot.take(workspace)

    assert work.changed
    assert names_at(project, work.tree) == {".gitignore", "new.txt", "app/b.txt"}


def test_the_next_attempt_finds_a_clean_worktree(slot, base, project):
    first = begin(slot, base)
    write_files(first.path, {".gitignore": "cache\n", "a.txt": "changed\n", "cache/x": "1\n"})
    slot.take(first)
    slot.settled()

    second = begin(slot, base, attempt=2)

    assert first.path == second.path
    assert not (second.path / "cache").exists()
    assert (second.path / "a.txt").read_text() == "one\n"
    assert salvaged(project) == {}


def test_a_project_in_a_folder_of_its_repository_is_where_the_agent_works(repo, project, tmp_path):
    base = commit_files(project, {"app/.claude/agents/me.md": "tracked\n"})
    write_files(project / "app", {".claude/agents/you.md": "untracked\n"})
    pool = make_pool(repo, project / "app", tmp_path)
    slot = pool.slot()

    workspace = begin(slot, base, claude=True)
    write_files(workspace.path, {"c.txt": "three\n"})
    (workspace.path.parent / "a.txt").write_text("outside of the folder\n")
    work = slot.take(workspace)

    assert workspace.path.name == "app"
    assert (workspace.path / ".claude/agents/you.md").is_file()
    assert files_at(project, work.tree) == {
        "a.txt": "outside of the folder\n",
        "app/.claude/agents/me.md": "tracked\n",
        "app/b.txt": "two\n",
        "app/c.txt": "three\n",
    }
    pool.close(remove=True)


def test_a_folder_that_is_not_in_the_base_is_made_for_the_agent(repo, project, tmp_path, base):
    (project / "later").mkdir()
    pool = make_pool(repo, project / "later", tmp_path)

    workspace = begin(pool.slot(), base)

    assert list(workspace.path.iterdir()) == []
    pool.close(remove=True)


# `.claude/`, which is often not committed


CLAUDE = {
    ".claude/settings.json": "{}\n",
    ".claude/agents/coder.md": "coder\n",
    ".claude/skills/tests/SKILL.md": "skill\n",
    ".claude/reports/plan-report-1.md": "report\n",
    ".claude/reports/other.md": "other\n",
    ".claude/logs/old.log": "log\n",
    ".claude/memory/m.md": "memory\n",
}


def carried(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*") if one.is_file()}


def test_claude_files_are_carried_but_not_logs_and_memory(slot, base, project):
    write_files(project, CLAUDE)

    workspace = begin(slot, base, claude=True)

    assert carried(workspace.path / ".claude") - {".gitignore"} == {
        "settings.json",
        "agents/coder.md",
        "skills/tests/SKILL.md",
        "reports/plan-report-1.md",
    }


def test_a_tracked_claude_file_is_not_overwritten(slot, project):
    base = commit_files(project, {".claude/settings.json": "committed\n"})
    write_files(project, {".claude/settings.json": "local\n", ".claude/agents/x.md": "x\n"})

    workspace = begin(slot, base, claude=True)

    assert (workspace.path / ".claude/settings.json").read_text() == "committed\n"
    assert (workspace.path / ".claude/agents/x.md").read_text() == "x\n"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo new > new.txt", id="leaves it to us"),
        pytest.param("echo new > new.txt; git add -A", id="stages everything"),
        pytest.param("echo new > new.txt; git add -A; git commit -qm w", id="commits everything"),
        pytest.param("echo new > new.txt; git add -Af; git commit -qm w", id="insists"),
    ],
)
def test_carried_files_never_get_into_the_work(slot, base, project, script):
    write_files(project, CLAUDE)
    workspace = begin(slot, base, claude=True)
    shell(workspace.path, script)

    work = slot.take(workspace)

    assert names_at(project, work.tree) == {*FILES, "new.txt"}


def test_a_commit_of_everything_does_not_take_carried_files_into_history(slot, base, project):
    write_files(project, CLAUDE)
    workspace = begin(slot, base, claude=True)
    shell(workspace.path, "echo new > new.txt; git add -A; git commit -qm w")

    work = slot.take(workspace)

    assert names_at(project, work.head) == {*FILES, "new.txt"}


def test_an_agents_own_claude_files_are_work(slot, project):
    base = commit_files(project, {".claude/settings.json": "committed\n"})
    workspace = begin(slot, base, claude=True)
    write_files(
        workspace.path, {".claude/agents/new.md": "new\n", ".claude/settings.json": "better\n"}
    )

    work = slot.take(workspace)

    found = files_at(project, work.tree)
    assert found[".claude/agents/new.md"] == "new\n"
    assert found[".claude/settings.json"] == "better\n"


# agents with ideas of their own


TAKEN = {
    "commits": "echo w > w.txt; git add .; git commit -qm w",
    "commits on a branch of its own": "git switch -qc mine; echo w > w.txt; git add .; git commit -qm w",
    "commits and goes on": "git commit -q --allow-empty -m first; echo w > w.txt",
    "rewrites history": "echo w > w.txt; git add .; git commit -q --amend -m other",
    "begins without history": "git switch -q --orphan new; git checkout -q main -- .; echo w > w.txt",
    "deletes the .git file": "rm .git; echo w > w.txt",
    "makes a repository of its own": (
        "rm .git; git init -q; git add .; echo w > w.txt; git add .; git commit -qm w"
    ),
    "leaves a lock": 'echo w > w.txt; touch "$(git rev-parse --git-dir)/index.lock"',
    "damages its index": 'echo w > w.txt; echo x > "$(git rev-parse --git-dir)/index"',
    "breaks its HEAD": 'echo w > w.txt; echo x > "$(git rev-parse --git-dir)/HEAD"',
    "takes rights away": "echo w > w.txt; chmod 500 . app; chmod 400 a.txt",
}


@pytest.mark.parametrize("script", TAKEN.values(), ids=TAKEN.keys())
def test_an_agents_files_are_taken_whatever_it_does_with_git(slot, base, project, script):
    workspace = begin(slot, base)
    shell(workspace.path, script)

    work = slot.take(workspace)
    slot.settled()
    again = begin(slot, base, attempt=2)

    assert names_at(project, work.tree) == {*FILES, "w.txt"}
    assert carried(again.path) - {".git"} == set(FILES)


@pytest.mark.parametrize("script", TAKEN.values(), ids=TAKEN.keys())
def test_what_an_attempt_left_unsaved_is_kept_before_the_next(slot, base, project, script):
    workspace = begin(slot, base)
    shell(workspace.path, script)

    again = begin(slot, base, attempt=2)

    refs = git(project, "for-each-ref", "--format=%(refname)").split()
    assert any({*FILES, "w.txt"} <= names_at(project, ref) for ref in refs)
    assert carried(again.path) - {".git"} == set(FILES)
    assert fsck_clean(project)


def test_what_an_agent_stashed_stays_in_the_stash(slot, base, project):
    workspace = begin(slot, base)
    shell(workspace.path, "echo w > w.txt; echo c > a.txt; git stash -q --include-untracked")

    work = slot.take(workspace)
    slot.settled()
    begin(slot, base, attempt=2)

    assert not work.changed
    assert names_at(project, "stash@{0}^3") == {"w.txt"}
    assert git(project, "show", "stash@{0}:a.txt") == "c\n"


def test_a_repository_that_replaced_ours_is_kept_but_is_no_work(slot, base, project):
    workspace = begin(slot, base)
    shell(workspace.path, TAKEN["makes a repository of its own"])

    work = slot.take(workspace)

    assert names_at(project, work.tree) == {*FILES, "w.txt"}
    (kept,) = salvaged(project).values()
    assert ".git.replaced-1/HEAD" in kept


EMBEDDED = {
    "with commits": "git init -q sub; cd sub; echo s > s.txt; git add .; git commit -qm s; echo t > t.txt",
    "without commits": "git init -q sub; cd sub; echo s > s.txt; echo t > t.txt",
    "two of them": (
        "for one in sub sub/er; do git init -q $one; done; cd sub; echo s > s.txt; echo t > t.txt"
    ),
    "staged as a link": (
        "git init -q sub; cd sub; echo s > s.txt; git add .; git commit -qm s; echo t > t.txt;"
        "cd ..; git add -A; git commit -qm w"
    ),
}


@pytest.mark.parametrize("script", EMBEDDED.values(), ids=EMBEDDED.keys())
def test_an_embedded_repository_is_refused_and_nothing_of_it_is_lost(slot, base, project, script):
    workspace = begin(slot, base)
    shell(workspace.path, script)

    with pytest.raises(Unusable, match="made a git repository inside its worktree: sub") as told:
        slot.take(workspace)
    again = begin(slot, base, attempt=2)

    assert told.value.ref == label().ref
    (kept,) = salvaged(project).values()
    assert {"sub/s.txt", "sub/t.txt", *FILES} <= kept
    assert any(name.startswith("sub/.git.embedded") for name in kept)
    assert carried(again.path) - {".git"} == set(FILES)


@pytest.mark.parametrize("prefix", ["wt", CLONES])
def test_a_sparse_worktree_follows_the_patterns_of_the_users_checkout(repo, pool, project, prefix):
    write_files(project, {"in/a": "a\n", "out/b": "b\n", "far/c": "c\n"})
    shell(project, "git add .; git commit -qm folders; git sparse-checkout set in")
    head = git(project, "rev-parse", "HEAD").strip()
    slot = pool.slot(prefix)
    first = begin(slot, head)
    had = {path.name for path in first.path.iterdir()}
    shell(first.path, "git sparse-checkout set far; git sparse-checkout list")
    slot.take(first)
    slot.settled()

    git(project, "sparse-checkout", "set", "in", "out")
    again = begin(slot, head, attempt=2)

    assert {"in", "out", "far"} & had == {"in"}
    assert {"in", "out", "far"} & {path.name for path in again.path.iterdir()} == {"in", "out"}


def test_a_submodule_of_the_project_is_no_embedded_repository(slot, project, tmp_path):
    other = make_repository(tmp_path / "other", {"o.txt": "o\n"})
    git(project, "submodule", "--quiet", "add", str(other), "lib")
    git(project, "commit", "--quiet", "--message=submodule")
    workspace = begin(slot, git(project, "rev-parse", "HEAD").strip())
    shell(workspace.path, "git submodule --quiet update --init; echo w > w.txt")

    work = slot.take(workspace)

    assert "w.txt" in names_at(project, work.tree)


def test_a_worktree_that_the_agent_removed_is_no_work_of_deleting_everything(slot, base, project):
    workspace = begin(slot, base)
    shell(workspace.path.parent, f"rm -rf '{workspace.path}'")

    with pytest.raises(Unusable, match="removed its worktree"):
        slot.take(workspace)

    assert carried(begin(slot, base, attempt=2).path) - {".git"} == set(FILES)


@pytest.mark.parametrize("directory", ["gone", "there"])
def test_a_worktree_that_the_agent_took_from_git_is_made_anew(slot, base, project, directory):
    workspace = begin(slot, base)
    shell(workspace.path, 'echo w > w.txt; rm -rf "$(git rev-parse --git-dir)"')
    if directory == "gone":
        shell(workspace.path.parent, f"rm -rf '{workspace.path}'")

    with pytest.raises(Unusable, match="removed its worktree"):
        slot.take(workspace)
    again = begin(slot, base, attempt=2)

    assert carried(again.path) - {".git"} == set(FILES)
    if directory == "there":
        (kept,) = salvaged(project).values()
        assert kept == {*FILES, "w.txt"}


def test_a_clean_worktree_is_not_salvaged(slot, base, project):
    begin(slot, base)

    begin(slot, base, attempt=2)

    assert salvaged(project) == {}


def test_salvage_never_overwrites_what_is_kept_already(slot, base, project):
    for text in ("first\n", "second\n", "third\n"):
        workspace = begin(slot, base)
        write_files(workspace.path, {"w.txt": text})
    begin(slot, base)

    kept = git(project, "for-each-ref", "--format=%(refname)", SALVAGE).split()
    assert [git(project, "show", f"{ref}:w.txt") for ref in kept] == [
        "first\n",
        "second\n",
        "third\n",
    ]
    assert kept[0] == label().ref


def test_keeping_the_same_commit_twice_makes_one_ref(repo, base, project):
    refs = [keep_commit(repo, base, f"{SALVAGE}/x/1") for _ in range(2)]

    assert refs == [f"{SALVAGE}/x/1"] * 2


def test_kept_work_builds_on_what_the_agent_committed(slot, base, project):
    workspace = begin(slot, base)
    shell(workspace.path, "echo w > w.txt; git add .; git commit -qm mine; echo x > x.txt")

    ref = slot.keep(slot.take(workspace), label().ref, "kept\n")

    assert git(project, "log", "--format=%s", f"{base}..{ref}").split() == ["kept", "mine"]
    assert names_at(project, ref) == {*FILES, "w.txt", "x.txt"}


# slots, owners and processes


def test_two_pools_never_share_a_slot(repo, project, tmp_path):
    first, second = make_pool(repo, project, tmp_path), make_pool(repo, project, tmp_path)

    paths = [pool.slot().path.name for pool in (first, second, first, second)]
    first.close(remove=False)
    freed = second.slot().path.name

    assert paths == ["wt-1", "wt-2", "wt-3", "wt-4"]
    assert freed == "wt-1"
    second.close(remove=False)


_OWNER_PROCESS = """\
import os, sys
from pathlib import Path
from parallel_orchestra.git import Repo
from parallel_orchestra.isolation import Label, Pool
project, root, base = sys.argv[1:4]
repo = Repo.discover(Path(project), os.environ)
pool = Pool(repo, Path(root), Path(project), "host-9-0000dead")
pool.collect()
for number in (1, 2):
    ref = f"refs/orchestra/run1/salvage/t{number}/1.host-9-0000dead"
    slot = pool.slot()
    space = slot.open(base, Label("run1", f"t{number}", 1, "host-9-0000dead", ref), carry_claude=False)
    (space.path / f"left-{number}.txt").write_text("unsaved")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_owner(repo, project, tmp_path, base):
    """A process that holds `wt-1` and `wt-2` with unsaved content; killed at the end."""
    pool = make_pool(repo, project, tmp_path)
    words = (sys.executable, "-c", _OWNER_PROCESS, str(project), str(pool.root), base)
    child = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert child.stdout.readline() == b"ready\n"
    yield child
    child.kill()
    child.communicate()


def test_slots_of_a_living_process_are_left_alone(other_owner, repo, project, tmp_path, base):
    pool = make_pool(repo, project, tmp_path)

    workspace = begin(pool.slot(), base)
    pool.close(remove=True)

    assert workspace.path.name == "wt-3"
    assert [path.name for path in worktrees_of(project)] == ["wt-1", "wt-2"]
    assert (workspace.path.parent / "wt-1/left-1.txt").exists()


def test_a_dead_owners_slot_is_taken_over_and_its_work_kept_under_its_name(
    other_owner, repo, project, tmp_path, base
):
    other_owner.kill()
    other_owner.wait()
    pool = make_pool(repo, project, tmp_path)

    workspace = begin(pool.slot(), base)

    assert workspace.path.name == "wt-1"
    assert salvaged(project) == {"t1/1.host-9-0000dead": {*FILES, "left-1.txt"}}
    pool.close(remove=True)


def test_closing_saves_and_removes_the_worktrees_of_the_dead_too(
    other_owner, repo, project, tmp_path
):
    other_owner.kill()
    other_owner.wait()
    pool = make_pool(repo, project, tmp_path)

    pool.close(remove=True)

    assert worktrees_of(project) == []
    assert salvaged(project) == {
        "t1/1.host-9-0000dead": {*FILES, "left-1.txt"},
        "t2/1.host-9-0000dead": {*FILES, "left-2.txt"},
    }
    assert fsck_clean(project)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_what_a_dead_owners_agent_left_running_is_ended_before_its_slot_is_used(
    repo, project, tmp_path, base
):
    dead = make_pool(repo, project, tmp_path, owner="host-9-0000dead")
    path = begin(dead.slot(), base, owner="host-9-0000dead").path
    dead.close(remove=False)
    words = ["sh", "-c", "while :; do echo x >> left.txt; sleep 0.01; done"]
    agent = subprocess.Popen(words, cwd=path, env={**os.environ, "PO_OWNER": "host-9-0000dead"})
    wait_until((path / "left.txt").exists)
    pool = make_pool(repo, project, tmp_path)

    try:
        begin(pool.slot(), base)

        assert agent.wait(60) != 0
        assert inside(path) == ()
        assert not identity.alive(agent.pid, "")
        assert list(salvaged(project)) == ["build/1.host-9-0000dead"]
    finally:
        agent.kill()
        agent.wait()
        pool.close(remove=True)


def test_closing_leaves_no_worktree_and_nothing_unsaved(repo, project, tmp_path, base):
    pool = make_pool(repo, project, tmp_path)
    spaces = [begin(pool.slot(), base, task=f"t{number}") for number in (1, 2)]
    write_files(spaces[0].path, {"w.txt": "unsaved\n"})

    pool.close(remove=True)

    assert worktrees_of(project) == []
    assert not any(space.path.exists() for space in spaces)
    assert salvaged(project) == {f"t1/1.{OWNER}": {*FILES, "w.txt"}}


def test_settled_work_is_not_saved_again_when_closing(repo, project, tmp_path, base):
    pool = make_pool(repo, project, tmp_path)
    slot = pool.slot()
    workspace = begin(slot, base)
    write_files(workspace.path, {"w.txt": "merged\n"})
    slot.take(workspace)
    slot.settled()

    pool.close(remove=True)

    assert salvaged(project) == {}


def test_closing_leaves_worktrees_of_the_user_alone(repo, project, tmp_path, base):
    git(project, "worktree", "add", "--quiet", "-b", "mine", str(tmp_path / "elsewhere/wt-1"))
    pool = make_pool(repo, project, tmp_path)
    begin(pool.slot(), base)

    pool.close(remove=True)

    assert worktrees_of(project) == [tmp_path / "elsewhere/wt-1"]
    locks = {path.name for path in pool.root.glob(".*")}
    assert locks <= {".wt-1.lock"}


def test_what_cant_be_saved_is_not_removed_and_holds_up_nothing_else(
    repo, project, tmp_path, base, monkeypatch
):
    pool = make_pool(repo, project, tmp_path)
    spaces = [begin(pool.slot(), base, task=f"t{number}") for number in (1, 2)]
    for space in spaces:
        write_files(space.path, {"w.txt": "unsaved\n"})
    save = Slot.save

    def refuse(slot):
        if slot.path.name == "wt-1":
            raise GitError
        return save(slot)

    monkeypatch.setattr(Slot, "save", refuse)

    pool.close(remove=True)

    assert worktrees_of(project) == [spaces[0].path]
    assert (spaces[0].path / "w.txt").exists()
    assert pool._locks == {}


@pytest.mark.parametrize("script", ["echo { > {}", "rm {}"], ids=["damaged", "removed"])
def test_a_label_that_the_agent_spoiled_loses_no_work(slot, base, project, repo, script):
    workspace = begin(slot, base)
    write_files(workspace.path, {"w.txt": "unsaved\n"})
    shell(workspace.path, script.replace("{}", f"'{label_file(repo)}'"))

    begin(slot, base, attempt=2)

    assert salvaged(project) == {f"build/1.{OWNER}": {*FILES, "w.txt"}}


def test_unsaved_work_whose_label_nobody_can_read_is_kept_as_lost(repo, project, tmp_path, base):
    dead = make_pool(repo, project, tmp_path, owner="host-9-0000dead")
    write_files(begin(dead.slot(), base).path, {"w.txt": "unsaved\n"})
    dead.close(remove=False)
    label_file(repo).write_text('{"task": "build"')
    pool = make_pool(repo, project, tmp_path)

    begin(pool.slot(), base)

    assert names_at(project, "refs/orchestra/lost/wt-1") == {*FILES, "w.txt"}
    pool.close(remove=True)


def test_the_label_says_who_works_in_a_slot(slot, base, repo):
    begin(slot, base, task="docs", attempt=3)

    assert json.loads(label_file(repo).read_text())["ref"] == f"{SALVAGE}/docs/3.{OWNER}"


def test_repositories_of_one_name_have_worktrees_of_their_own(tmp_path):
    roots = {default_root(tmp_path, tmp_path / one / "app/.git") for one in ("x", "y")}

    assert len(roots) == 2
    assert {root.name.rpartition("-")[0] for root in roots} == {"app"}


GOOD_LABEL = {"task": "a", "attempt": 1, "owner": "o", "ref": "refs/orchestra/x", "base": "b"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1, 2]",
        "[" * 100_000,
        json.dumps(GOOD_LABEL | {"ref": 5}),
        json.dumps(GOOD_LABEL | {"ref": "refs/heads/main"}),
        json.dumps(GOOD_LABEL | {"attempt": "1"}),
    ],
    ids=["empty", "a list", "deep", "a number for a ref", "a branch", "a word for a number"],
)
def test_a_label_that_is_not_ours_keeps_the_work_under_a_ref_of_the_lost(tmp_path, content):
    (tmp_path / "label").write_text(content)

    left = salvage.read_label(tmp_path / "label", "wt-1")

    assert left.ref == "refs/orchestra/lost/wt-1"
    assert left.task == "unknown"
