"""What a project's files can be like: names, modes, links, line ends, filters, ignored ones."""

import hashlib
import os
import shutil
import subprocess

import pytest

from support.corners import begun, check_all_merged, done, plan_of, run, shell
from support.effort import cases, rare
from support.repository import commit_files
from support.scene import Scene

pytestmark = pytest.mark.slow

FILES = {"a.txt": "a\n", "run.sh": "#!/bin/sh\n", "tool": "t\n"}


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(FILES)


#: As the shell's `printf` takes them, and as git has them.
NAMES = {
    r"a b": b"a b",
    r"\303\251t\303\251": "été".encode(),
    r"line\nbreak": b"line\nbreak",
    r"tab\there": b"tab\there",
    r'"quoted"': b'"quoted"',
    r"it\047s": b"it's",
    r"\055dash": b"-dash",
    r"back\\slash": b"back\\slash",
    r"\377\376": b"\xff\xfe",
    r"*[x]?": b"*[x]?",
    r"#:(top)": b"#:(top)",
    r"x.lock": b"x.lock",
    r"HEAD": b"HEAD",
    r"..more": b"..more",
}


def test_files_of_any_name_are_made_changed_and_delivered(scene):
    written = "; ".join(f"echo $PO_TASK_ID > \"./$(printf '{name}')\"" for name in NAMES)
    tasks = {"make": written, "change": f"{written}; mkdir -p 'd\té'; mv ./-dash 'd\té/-dash'"}

    result = scene.plan(plan_of(tasks, chain=True)).run("--yes", "--report", "../r.md")

    check_all_merged(result, *tasks)
    wanted = {os.fsdecode(name) for name in NAMES.values()} - {"-dash"} | {"d\té/-dash"}
    assert scene.names() == {*FILES, *wanted}
    assert {scene.files()[name] for name in wanted} == {"change\n"}
    assert scene.dirty() == []


@pytest.mark.parametrize("words", cases(["strict", "surrogateescape"], {"strict"}))
def test_a_conflict_and_a_dirty_file_of_a_name_that_is_no_text_are_told(scene, words):
    """The terminal may take only true UTF-8."""
    shell(scene.project, "echo mine > \"$(printf 'dirt\\377\\n')\"")
    line = f"echo task > \"$(printf 'n\\377\\n\\033[31m')\"; touch {scene.project.parent}/begun; "
    line += f"until test -e {scene.project.parent}/gate; do sleep 0.02; done"
    scene.plan(plan_of({"one": line}))
    shell(scene.project, f"touch {scene.project.parent}/gate")
    shell(scene.project, "echo mine > \"$(printf 'n\\377\\n\\033[31m')\"")

    result = scene.run(
        "--yes", "--report", "../r.md", "--report", "../r.json",
        env={"PYTHONIOENCODING": f"utf-8:{words}"},
    )  # fmt: skip

    assert result.exit_code == 4, result
    assert "Traceback" not in result.err
    assert "local changes are in the way" in result.out
    assert "\x1b" not in result.out
    assert scene.merges("orchestra/corner") == {"one": 1}


DIRECTORIES = {
    "space": "with space",
    "quotes": "quote'\"$x`",
    "newline": "line\nbreak",
    "dash": "-dash",
    "accents": "été",
    "no_utf8": os.fsdecode(b"\xff\xfe"),
    "separators": "a:b;c",
}


@pytest.mark.parametrize("kind", cases(DIRECTORIES, {"newline", "no_utf8"}))
def test_a_repository_in_a_directory_of_any_name_is_worked_in(tmp_path, kind):
    folder = tmp_path / DIRECTORIES[kind]
    folder.mkdir()
    scene = Scene(folder).repository(FILES)

    result = run(scene, {"one": "echo task > a.txt"}, top="cwd: project\nverify: test -s a.txt")

    check_all_merged(result, "one")
    assert (scene.project / "a.txt").read_text() == "task\n"


@rare
def test_renames_of_case_only_and_twins_are_kept_apart(scene):
    tasks = {"rename": "mv a.txt A.txt; mv A.txt A.TXT", "twins": "echo x > TOOL; echo y > Tool"}

    result = scene.plan(plan_of(tasks, chain=True)).run("--yes")

    check_all_merged(result, *tasks)
    assert scene.names() == {"A.TXT", "run.sh", "tool", "TOOL", "Tool"}
    assert scene.dirty() == []


def test_modes_links_and_empty_files_are_merged_and_empty_directories_are_not(scene):
    tasks = {
        "modes": "chmod +x run.sh; echo x > new; chmod 700 new",
        "links": "ln -s a.txt link; ln -s /nowhere dangling; ln -s .. up; : > empty; mkdir -p x/y",
        "swap": "rm link; echo file > link; rm tool; ln -s a.txt tool; chmod -x run.sh",
    }

    result = scene.plan(plan_of(tasks, chain=True)).run("--yes")

    check_all_merged(result, *tasks)
    modes = {line[:6]: line for line in scene.git("ls-files", "-s", "new", "run.sh").splitlines()}
    assert set(modes) == {"100755", "100644"}
    assert os.readlink(scene.project / "tool") == "a.txt"
    assert os.readlink(scene.project / "dangling") == "/nowhere"
    assert (scene.project / "link").read_text() == "file\n"
    assert (scene.project / "empty").read_bytes() == b""
    assert not (scene.project / "x").exists()
    assert scene.dirty() == []


@rare
def test_an_empty_directory_alone_is_no_change(scene):
    result = run(scene, {"one": "mkdir -p x/y"}, check=1)

    assert "changed no file" in result.out


@rare
def test_without_file_modes_those_that_were_stay_and_git_decides_on_others(scene):
    shell(scene.project, "git update-index --chmod=+x run.sh; git commit -qm x; chmod -x run.sh")
    scene.git("config", "core.fileMode", "false")

    result = run(
        scene, {"one": "echo more >> run.sh; chmod +x a.txt; echo x > b; git add --chmod=+x b"}
    )

    check_all_merged(result, "one")
    modes = dict(line.split("\t")[::-1] for line in scene.git("ls-files", "-s").splitlines())
    assert {name: facts[:6] for name, facts in modes.items()} == {
        "a.txt": "100644",
        "b": "100755",
        "run.sh": "100755",
        "tool": "100644",
    }


def test_ignored_files_stay_behind_unless_they_are_tracked_or_added_on_purpose(scene):
    shell(
        scene.project,
        "mkdir sub; printf '*.log\\n/build/\\n' > .gitignore; echo '!keep.log' > sub/.gitignore;"
        "echo old > tracked.log; git add -f .; git commit -qm ignore; echo '*.mine' >> .git/info/exclude",
    )
    line = (
        "echo new > tracked.log; echo x > x.log; mkdir build; echo x > build/x; echo x > x.mine;"
        "echo x > sub/keep.log; echo x > sub/x.log; echo x > forced.log; git add -f forced.log"
    )

    result = run(scene, {"one": line})

    check_all_merged(result, "one")
    new = {"forced.log", "sub/keep.log"}
    assert scene.names() == {*FILES, ".gitignore", "sub/.gitignore", "tracked.log", *new}
    assert scene.files()["tracked.log"] == "new\n"


def blob(scene, name):
    """Returns a file as git has it: `Scene.files` would make one line end of all."""
    words = ["git", "-C", scene.project, "cat-file", "blob", f"HEAD:{name}"]
    return subprocess.run(words, capture_output=True, check=True).stdout


LINE_ENDS = {
    "autocrlf": ("", "git config core.autocrlf true"),
    "input": ("", "git config core.autocrlf input; git config core.safecrlf true"),
    "attributes": ("* text=auto\n*.crlf text eol=crlf\n*.bin -text\n", ":"),
    "utf16": ("*.u16 text working-tree-encoding=UTF-16LE eol=crlf\n", ":"),
}


@pytest.mark.parametrize("how", cases(LINE_ENDS, {"attributes"}))
def test_line_ends_are_converted_as_the_users_git_would_and_others_untouched(scene, how):
    attributes, settings = LINE_ENDS[how]
    shell(
        scene.project,
        "printf 'one\\r\\ntwo\\r\\n' > win.txt; printf 'a\\r\\nb\\n' > x.bin; git add .; git commit -qm w",
    )
    if attributes:
        commit_files(scene.project, {".gitattributes": attributes})
    shell(scene.project, f"{settings}; rm -f win.txt a.txt; git checkout -q win.txt a.txt")
    line = "printf 'x\\n' > new.txt; printf 'x\\r\\n' > new.crlf; printf 'x\\0\\r\\n' > new.bin; "
    line += "printf 'x\\0\\r\\0\\n\\0' > new.u16"

    result = run(scene, {"one": line})

    check_all_merged(result, "one")
    assert blob(scene, "win.txt") == b"one\r\ntwo\r\n"
    assert blob(scene, "x.bin") == b"a\r\nb\n"
    assert blob(scene, "new.txt") == b"x\n"
    assert blob(scene, "new.bin") == b"x\0\r\n"
    if how == "attributes":
        assert blob(scene, "new.crlf") == b"x\n"
        assert (scene.project / "new.crlf").read_bytes() == b"x\r\n"
    if how == "utf16":
        assert blob(scene, "new.u16") == b"x\n"
        assert (scene.project / "new.u16").read_bytes() == "x\r\n".encode("utf-16-le")


def test_a_union_driver_merges_what_two_tasks_append_as_git_merge_would(scene):
    commit_files(scene.project, {".gitattributes": "*.md merge=union\n", "log.md": "log\n"})
    wait = "until test $(ls $PO_TASKS_DIR/locked $PO_TASKS_DIR/done | grep -c md) = 3; do sleep 0.02; done"
    tasks = {name: f"{wait}; echo {name} >> log.md" for name in ("x", "y", "z")}

    result = run(scene, tasks)

    check_all_merged(result, *tasks)
    assert sorted(scene.files()["log.md"].split()) == ["log", "x", "y", "z"]


def test_attributes_that_a_task_adds_decide_no_merge_of_the_run(scene):
    commit_files(scene.project, {"log.md": "log\n"})
    wait = f'{done("plant")}; until grep -q union "$PO_PROJECT/.gitattributes"; do sleep 0.02; done'
    tasks = {
        "plant": "echo '*.md merge=union' > .gitattributes",
        "x": f"{wait}; {begun('y')}; echo x >> log.md",
        "y": f"{wait}; {done('x')}; echo y >> log.md",
    }
    environ = {"PO_PROJECT": str(scene.project)}

    result = run(scene, tasks, "--deliver", "each", "-j", "3", env=environ)

    assert result.exit_code == 4, result
    assert result.states() == {"plant": "done", "x": "done", "y": "failed"}
    assert "conflict in 1 file" in result.out


@rare
def test_a_filter_of_the_users_is_applied_both_ways(scene):
    shell(
        scene.project,
        "git config filter.case.clean 'tr a-z A-Z'; git config filter.case.smudge 'tr A-Z a-z';"
        "git config filter.case.required true; echo '*.low filter=case' > .gitattributes;"
        "echo export-ignore >> .gitattributes; echo old > old.low; git add .; git commit -qm filter",
    )

    result = run(
        scene, {"one": "test $(cat old.low) = old; echo new > new.low; echo more >> old.low"}
    )

    check_all_merged(result, "one")
    assert (scene.files()["new.low"], scene.files()["old.low"]) == ("NEW\n", "OLD\nMORE\n")
    assert (scene.project / "old.low").read_text() == "old\nmore\n"
    assert scene.dirty() == []


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_large_files_of_lfs_are_real_in_worktrees_and_pointers_in_commits(scene):
    shell(
        scene.project,
        "git lfs install --local; git lfs track '*.big'; echo old > old.big; git add .; git commit -qm lfs",
    )

    result = run(
        scene, {"one": "test $(cat old.big) = old; echo new > new.big; echo more >> old.big"}
    )

    check_all_merged(result, "one")
    assert scene.files()["new.big"].startswith("version https://git-lfs.github.com/spec/")
    assert (scene.project / "new.big").read_text() == "new\n"
    assert (scene.project / "old.big").read_text() == "old\nmore\n"
    assert scene.dirty() == []


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
@pytest.mark.parametrize("store", cases(["lfs", "elsewhere"], {"lfs"}))
def test_large_files_are_downloaded_once_where_wished_and_none_is_lost(scene, tmp_path, store):
    remote = tmp_path / "remote.git"
    shell(
        scene.project,
        f"git lfs install --local; git lfs track '*.big'; echo old > old.big; git add .; git commit -qm lfs;"
        f"git init -q --bare {remote}; git remote add origin file://{remote}; git push -q origin main;"
        "rm -rf .git/lfs; " + (f"git config lfs.storage {store}" if store != "lfs" else ":"),
    )
    pull = f"git lfs pull --include old.big; mv {remote} {remote}.gone; cat old.big > pulled"
    tasks = {
        "begin": "grep -q git-lfs old.big; echo 1 > new.big; git add .; git commit -qm 1; echo 2 > new.big",
        "pull": f"grep -q git-lfs old.big; {pull}",
        "again": "grep -q git-lfs old.big; git lfs checkout old.big; cat old.big > again",
    }
    plan = plan_of(tasks, top="max_workers: 1", chain=True)
    plan = plan.replace("id: begin,", "id: begin, isolation: clone,")

    result = scene.plan(plan).run("--yes", env={"GIT_LFS_SKIP_SMUDGE": "1"})

    check_all_merged(result, *tasks)
    assert (scene.files()["pulled"], scene.files()["again"]) == ("old\n", "old\n")
    place = scene.project / ".git" / store
    digests = {hashlib.sha256(text).hexdigest() for text in (b"old\n", b"1\n", b"2\n")}
    assert {path.name for path in place.rglob("*") if path.is_file()} >= digests
    assert scene.dirty() == []


@rare
def test_pointers_of_lfs_stay_pointers_where_it_is_not_installed(scene):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 4\n"
    commit_files(
        scene.project,
        {".gitattributes": "*.big filter=lfs diff=lfs merge=lfs -text\n", "old.big": pointer},
    )

    result = run(scene, {"one": "grep -q git-lfs old.big; echo x > a.txt"})

    check_all_merged(result, "one")
    assert scene.files()["old.big"] == pointer
