"""What a repository and git's configuration can be like: the run works there, end to end."""

import subprocess
from pathlib import Path

import pytest

from support.corners import begun, check_all_merged, check_in_order, done, plan_of, run, shell
from support.effort import cases, rare
from support.repository import git, make_repository
from support.scene import Scene

pytestmark = pytest.mark.slow

FILES = {"a.txt": "a\n", "b.txt": "b\n"}
WORK = {"one": "echo task > a.txt", "two": "grep -q task a.txt; echo two > two.txt"}


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(FILES)


def run_work(scene, *options, top="", **facts):
    return scene.plan(plan_of(WORK, top=top, chain=True)).run("--yes", *options, **facts)


def clone(scene, *options):
    """Puts a clone in the place of the project; returns the original."""
    original = scene.project.parent / "original"
    scene.project.rename(original)
    git(scene.project.parent, "clone", "-q", *options, f"file://{original}", scene.project.name)
    return original


def test_a_sha256_repository_is_worked_in_end_to_end(tmp_path):
    scene = Scene(tmp_path)
    scene.project.mkdir()
    scene.git("init", "-q", "--object-format=sha256")
    shell(scene.project, "echo a > a.txt; git add .; git commit -qm start")
    conflict = f"{done('first')}; echo theirs > a.txt"
    tasks = {
        "first": f"{begun('clash')}; echo ours > a.txt",
        "clash": conflict,
        "two": "echo > two",
    }

    clash = scene.plan(plan_of(tasks, top="verify: test -s a.txt")).run("--yes", "-j", "3", check=4)
    shell(
        scene.project,
        "git merge -q -s ours orchestra-kept/corner/clash-1; git branch -D orchestra/corner",
    )
    result = run_work(scene, "--fresh")

    assert "failed clash: conflict: conflict in 1 file" in clash.out
    assert result.exit_code == 0, result
    assert scene.merges("main") == {"first": 1, "two": 2, "one": 1}
    assert len(scene.git("rev-parse", "main").strip()) == 64
    check_in_order(result)


@pytest.mark.parametrize(
    "option", cases(["--depth=1", "--filter=blob:none", "--filter=tree:0"], {"--filter=blob:none"})
)
def test_a_clone_that_has_only_a_part_is_enough(scene, option):
    shell(
        scene.project,
        "git config uploadpack.allowFilter true; echo b2 > b.txt; git commit -qam two",
    )
    clone(scene, option)

    result = run_work(scene, top="verify: test -s b.txt")

    check_all_merged(result, *WORK)


@rare
def test_a_clone_that_borrows_its_objects_and_has_packed_refs_and_worktree_settings(scene):
    original = clone(scene, "--shared")
    shell(
        scene.project,
        "git config extensions.worktreeConfig true; git config --worktree user.name Worktree;"
        "git pack-refs --all --prune; git gc -q; git config core.splitIndex true",
    )

    result = run_work(scene)

    check_all_merged(result, *WORK)
    assert scene.git("log", "-1", "--format=%cn") == "Worktree\n"
    assert git(original, "status", "--porcelain") == ""


@rare
def test_ten_thousand_refs_and_files_are_no_hindrance(tmp_path):
    scene = Scene(tmp_path).repository(10_000)
    tip = scene.git("rev-parse", "HEAD").strip()
    lines = "".join(f"create refs/tags/t{n} {tip}\n" for n in range(10_000))
    subprocess.run(
        ["git", "-C", scene.project, "update-ref", "--stdin"], input=lines.encode(), check=True
    )
    scene.git("pack-refs", "--all")

    result = run_work(scene)

    check_all_merged(result, *WORK)


def newer_than(major, minor):
    words = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, words.split()[2].split(".")[:2])) >= (major, minor)


@pytest.mark.skipif(not newer_than(2, 45), reason="reftable came with git 2.45")
def test_a_repository_whose_refs_are_in_a_table_is_worked_in(tmp_path):
    scene = Scene(tmp_path)
    scene.project.mkdir()
    scene.git("init", "-q", "--ref-format=reftable")
    shell(scene.project, "echo a > a.txt; git add .; git commit -qm start")

    check_all_merged(run_work(scene), *WORK)


#: What the user's configuration may say that would stop, change or delay a naive caller.
SETTINGS = {
    "signing": "commit.gpgSign=true tag.gpgSign=true gpg.format=ssh merge.verifySignatures=true",
    "openpgp": "commit.gpgSign=true user.signingKey=nobody gpg.program=false",
    "identity": "user.useConfigOnly=true user.name= user.email=",
    "merging": "merge.ff=false pull.rebase=true merge.renames=false branch.main.mergeOptions=--no-ff",
    "showing": "color.ui=always core.pager=false log.showSignature=true log.follow=true "
    "log.date=relative format.pretty=oneline core.quotePath=true core.abbrev=40 log.mailmap=true",
    "status": "status.showUntrackedFiles=no status.short=true status.branch=true status.renames=copies",
    "stash": "merge.autoStash=true rebase.autoStash=true merge.log=20 merge.conflictStyle=diff3",
    "index": "index.version=4 feature.manyFiles=true core.untrackedCache=true index.threads=2",
    "refs": "core.logAllRefUpdates=always transfer.hideRefs=refs/orchestra core.sharedRepository=group",
    "names": "core.ignoreCase=false core.precomposeUnicode=true core.protectNTFS=true",
    "encoding": "i18n.commitEncoding=latin1 i18n.logOutputEncoding=latin1",
    "programs": "diff.external=false core.editor=false core.askPass=false core.sshCommand=false "
    "diff.algorithm=histogram interactive.diffFilter=false",
}


OFTEN = ("signing", "identity")


@pytest.mark.parametrize("what", OFTEN)
def test_settings_that_many_have_do_not_disturb_a_run(scene, what):
    check_undisturbed(scene, what)


@rare
@pytest.mark.parametrize("what", sorted(SETTINGS.keys() - set(OFTEN)))
def test_settings_of_the_users_do_not_disturb_a_run(scene, what):
    check_undisturbed(scene, what)


def check_undisturbed(scene, what):
    for setting in SETTINGS[what].split():
        scene.git("config", *setting.split("=", 1))

    result = run_work(scene, top="verify: test -s a.txt")

    check_all_merged(result, *WORK)
    assert scene.git("status", "--porcelain") == ""


HOOKS = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-rebase",
    "prepare-commit-msg",
    "reference-transaction",
    "update",
]


@pytest.mark.parametrize("where", cases(["hooks", "hooksPath"], {"hooks"}))
def test_hooks_that_fail_or_ask_are_never_run_by_us(scene, tmp_path, where):
    folder = scene.project / ".git/hooks" if where == "hooks" else tmp_path / "own"
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        (folder / name).write_text(
            f"#!/bin/sh\necho {name} >> {tmp_path}/ran\nread answer\nexit 1\n"
        )
        (folder / name).chmod(0o755)
    if where == "hooksPath":
        scene.git("config", "core.hooksPath", str(folder))

    result = run_work(scene, top="verify: test -s a.txt")

    assert result.exit_code == 0, result
    assert not (tmp_path / "ran").exists()
    assert scene.merges() == dict.fromkeys(WORK, 1)


@rare
def test_variables_of_an_outer_git_do_not_reach_the_run_or_its_agents(scene, tmp_path):
    outer = make_repository(tmp_path / "outer", 1)
    before = git(outer, "for-each-ref")
    line = "git add -A; git commit -qm mine; git rev-parse --show-toplevel > where"

    result = run(
        scene,
        {"one": line, "two": "echo > two; env | grep ^GIT_ > env || :"},
        env={
            "GIT_DIR": str(outer / ".git"),
            "GIT_WORK_TREE": str(outer),
            "GIT_INDEX_FILE": str(tmp_path / "index"),
            "GIT_OBJECT_DIRECTORY": str(tmp_path / "objects"),
            "GIT_COMMON_DIR": str(outer / ".git"),
            "GIT_PREFIX": "sub/",
            "GIT_NAMESPACE": "other",
            "GIT_CEILING_DIRECTORIES": "/",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.bare",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_TRACE": "1",
        },
    )

    check_all_merged(result, "one", "two")
    assert git(outer, "for-each-ref") == before
    assert not (tmp_path / "index").exists()
    assert "GIT_DIR" not in scene.files()["env"]


@pytest.mark.parametrize("how", cases(["loose", "packed"], {"packed"}))
@pytest.mark.parametrize("name", cases(["orchestra", "orchestra-kept"], {"orchestra"}))
def test_a_branch_in_the_way_of_ours_is_refused_and_the_hint_moves_it(scene, name, how):
    scene.git("branch", name)
    if how == "packed":
        scene.git("pack-refs", "--all")

    refused = run_work(scene, check=3)

    assert f"the branch `{name}` is in the way of branches `{name}/...`" in refused.err
    assert not Path(scene.tasks_dir).exists()
    shell(scene.project, f"git branch -m {name} NEW")
    check_all_merged(run_work(scene), *WORK)


@rare
def test_branches_and_worktrees_of_the_same_names_are_let_be(scene, tmp_path):
    shell(
        scene.project,
        "git switch -qc orchestra/corner; echo x > x; git add x; git commit -qm mine; git switch -q main;"
        "git branch orchestra/corner-2/deep; git worktree add -q ../wt-1 -b wt-1;"
        "git branch orchestra-kept/corner; git tag orchestra",
    )
    before = scene.git("for-each-ref", "refs/heads/orchestra", "refs/heads/wt-1", "refs/tags")

    result = run_work(scene)

    assert result.exit_code == 0, result
    assert scene.run_record()["integration"] == "refs/heads/orchestra/corner-3"
    kept = scene.git("for-each-ref", "refs/heads/orchestra", "refs/heads/wt-1", "refs/tags")
    assert [line for line in kept.splitlines() if "corner-3" not in line] == before.splitlines()
    assert result.worktrees() == [tmp_path / "wt-1"]


@rare
def test_a_directory_in_the_place_of_a_worktree_of_ours_is_put_aside_with_its_files_kept(scene):
    run_work(scene, check=0)
    (root,) = (scene.cache / "parallel-orchestra").glob("project-*")
    (root / "wt-1").mkdir()
    (root / "wt-1" / "mine.txt").write_text("mine\n")

    result = run_work(scene, "--fresh")

    assert result.exit_code == 1, result
    assert result.worktrees() == []
    (lost,) = scene.refs("refs/orchestra/lost")
    assert scene.files(lost)["mine.txt"] == "mine\n"


@pytest.mark.parametrize("branch", cases(["a;b'c", "été", "feature/$x&y"], {"a;b'c"}))
def test_a_branch_of_any_name_is_delivered_to_and_the_command_can_be_typed(scene, branch):
    scene.git("switch", "-qc", branch)
    (scene.project / "two.txt").write_text("mine\n")

    result = run_work(scene, check=4)

    command = result.out.partition("deliver what was merged: `")[2].partition("`\n")[0]
    shell(scene.project, f"rm two.txt; {command}")
    assert scene.merges(f"refs/heads/{branch}") == dict.fromkeys(WORK, 1)
