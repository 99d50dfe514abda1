"""Submodules: a pointer is content like any other, and work inside one is not lost or passed on."""

import pytest

from support.corners import begun, check_all_merged, check_in_order, done, plan_of, run, shell
from support.effort import cases, rare
from support.repository import commit_files, git, make_repository
from support.scene import Scene

pytestmark = pytest.mark.slow

INIT = "git submodule --quiet update --init"


@pytest.fixture
def library(tmp_path):
    return make_repository(tmp_path / "library", {"l.txt": "one\n"})


@pytest.fixture
def scene(tmp_path, library):
    scene = Scene(tmp_path).repository({"a.txt": "a\n"})
    shell(
        scene.project,
        f"git submodule --quiet add file://{library} lib; git commit -qm lib",
    )
    commit_files(library, {"l.txt": "two\n"})
    return scene


@pytest.mark.parametrize("initialised", [True, False], ids=["initialised", "not_initialised"])
def test_a_submodule_is_an_empty_directory_that_an_agent_can_fill(scene, initialised):
    if not initialised:
        scene.git("submodule", "--quiet", "deinit", "--all", "--force")
    tasks = {
        "look": 'test -z "$(ls lib)"; echo task > a.txt',
        "fill": f"{INIT}; cat lib/l.txt > copy.txt",
        "after": 'test -z "$(ls lib)"; echo after > after.txt',
    }

    result = scene.plan(plan_of(tasks, chain=True)).run("--yes")

    check_all_merged(result, *tasks)
    assert scene.git("show", "main:copy.txt") == "one\n"
    assert (scene.project / "lib" / "l.txt").exists() == initialised
    assert scene.dirty() == []


def test_a_setup_fills_submodules_for_each_task_and_downloads_them_once(scene, library, tmp_path):
    deep = make_repository(tmp_path / "deep", {"d.txt": "deep\n"})
    shell(library, f"git submodule --quiet add file://{deep} deep; git commit -qm deep")
    new = git(library, "rev-parse", "HEAD").strip()
    shell(scene.project, f"{INIT}; cd lib; git fetch -q; git checkout -q {new}; cd ..; git add lib")
    shell(scene.project, "echo deps > .gitignore; git add .gitignore; git commit -qm deeper")
    setup = f"setup: {{run: [{INIT} --recursive, mkdir -p deps], keep: [deps, lib], inputs: a.txt}}"
    take_away = f"mv {library} {tmp_path}/away; mv {deep} {tmp_path}/far"
    tasks = {
        "first": f"cat lib/deep/d.txt > first; {take_away}",
        "after": "cat lib/l.txt lib/deep/d.txt > after",
        "inside": "echo task > lib/deep/d.txt",
        "last": "cat lib/deep/d.txt > last",
    }

    result = scene.plan(plan_of(tasks, top=f"max_workers: 1\n{setup}")).run("--yes", check=1)

    assert result.states() == {**dict.fromkeys(tasks, "done"), "inside": "failed"}
    assert scene.git("show", "main:after") == "two\ndeep\n"
    assert scene.git("show", "main:last") == "deep\n"
    (kept,) = [ref for ref in scene.refs() if "/salvage/inside/" in ref]
    assert scene.git("show", f"{kept}:lib/deep/d.txt") == "task\n"
    check_in_order(result)


@rare
def test_a_pointer_that_a_task_moves_is_delivered_and_the_users_submodule_is_let_be(scene, library):
    new = git(library, "rev-parse", "HEAD").strip()
    tasks = {"bump": f"{INIT}; cd lib; git fetch -q; git checkout -q origin/main"}

    result = scene.plan(plan_of(tasks)).run("--yes")

    assert result.exit_code == 0, result
    assert scene.git("rev-parse", "main:lib").strip() == new
    assert (scene.project / "lib" / "l.txt").read_text() == "one\n"
    assert scene.dirty() == [" M lib"]
    check_in_order(result)


@rare
def test_a_task_that_adds_or_removes_a_submodule_is_merged(scene, library):
    add = f"git submodule --quiet add file://{library} second"

    result = run(scene, {"add": add}, top="max_workers: 1")
    removed = scene.plan(
        plan_of(
            {
                "remove": "git rm -q --cached lib; git config -f .gitmodules --remove-section submodule.lib; rm -rf lib"
            }
        )
    ).run("--yes", "--fresh")

    assert (result.exit_code, removed.exit_code) == (0, 0), (result, removed)
    assert "lib" not in scene.names()
    assert "second" in scene.names()


INSIDE = {
    "empty": "echo task > lib/l.txt",
    "changed": f"{INIT}; echo task > lib/l.txt",
    "new_file": f"{INIT}; echo task > lib/new.txt",
    "committed": f"{INIT}; cd lib; git config user.name x; git config user.email x@x; echo task > l.txt;"
    "git commit -qam inside",
}


@pytest.mark.parametrize("what", cases(INSIDE, {"committed"}))
def test_work_inside_a_submodule_fails_with_the_reason_and_its_files_are_kept(scene, what):
    tasks = {
        "inside": f"echo task > a.txt; {INSIDE[what]}",
        "next": "cat lib/* > seen || :; echo > x",
    }

    result = scene.plan(plan_of(tasks)).run("--yes")

    assert result.exit_code == 1, result
    assert "changed files inside a submodule: lib" in result.out
    assert result.states() == {"inside": "failed", "next": "done"}
    (kept,) = [ref for ref in scene.refs() if "/salvage/inside/" in ref]
    name = "lib/new.txt" if what == "new_file" else "lib/l.txt"
    assert scene.git("show", f"{kept}:{name}") == "task\n"
    assert scene.git("show", "main:seen") == ""
    assert scene.git("show", "main:a.txt") == "a\n"
    check_in_order(result)


def test_a_submodule_conflict_is_named_and_others_go_on(scene, library):
    two = git(library, "rev-parse", "HEAD").strip()
    shell(library, "git switch -qc side HEAD~1; echo x > x; git add x; git commit -qm side")
    tasks = {
        "first": f"{begun('clash')}; git update-index --cacheinfo 160000,{two},lib",
        "clash": f"{done('first')}; git update-index --cacheinfo 160000,"
        f"{git(library, 'rev-parse', 'side').strip()},lib",
        "other": "echo > other",
    }

    result = scene.plan(plan_of(tasks)).run("--yes", "-j", "3", check=4)

    assert "failed clash: conflict: conflict in 1 file with `first` (lib)" in result.out
    assert scene.git("rev-parse", "main:lib").strip() == two
    check_in_order(result)
