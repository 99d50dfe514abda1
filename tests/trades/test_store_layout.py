import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout
from support.tasks_dir import ME, tasks_dir

DIRECTORIES = (
    "attempts",
    "attic",
    "available",
    "done",
    "failed",
    "journal",
    "locked",
    "tmp",
    "workers",
)


def test_all_directories_are_made_private_beside_readme_and_gitignore(tmp_path):
    layout = tasks_dir(tmp_path)

    assert sorted(os.listdir(layout.root)) == sorted(
        [
            ".gitignore",
            "README.md",
            "limits",
            "steering",
            *DIRECTORIES,
        ]
    )
    for name in ("", "limits", "steering", *DIRECTORIES):
        assert stat.S_IMODE((layout.root / name).stat().st_mode) == 0o700
    assert os.listdir(layout.tmp) == []


def test_git_sees_nothing_of_the_directory(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    tasks_dir(tmp_path)

    status = ["git", "-C", tmp_path, "status", "--porcelain", "-uall"]
    assert subprocess.run(status, check=True, capture_output=True).stdout == b""


def test_what_exists_stays_as_it_is(tmp_path):
    layout = tasks_dir(tmp_path)
    (layout.root / "README.md").write_text("my notes", encoding="utf-8")
    (layout.state(TaskState.DONE) / "a.md").write_text("done", encoding="utf-8")

    layout.create()

    assert (layout.root / "README.md").read_text(encoding="utf-8") == "my notes"
    assert os.listdir(layout.state(TaskState.DONE)) == ["a.md"]


def test_the_directory_may_itself_be_reached_by_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "_tasks").symlink_to(tmp_path / "elsewhere")

    tasks_dir(tmp_path)

    assert "available" in os.listdir(tmp_path / "elsewhere")


def test_an_attempt_has_a_directory_of_its_own(tmp_path):
    layout = Layout(tmp_path)

    assert layout.attempt("build", 2, ME) == tmp_path / "attempts" / "build" / f"2.{ME}"


def _file(path: Path) -> None:
    path.write_bytes(b"")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_a_directory(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    path.symlink_to(elsewhere)


def _link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("name", DIRECTORIES)
@pytest.mark.parametrize("put", [_file, _pipe, _link_to_a_directory, _link_to_nowhere])
def test_anything_else_in_a_directory_s_place_is_refused_by_name(tmp_path, name, put):
    layout = Layout(tmp_path / "_tasks")
    layout.root.mkdir()
    put(layout.root / name)

    with pytest.raises(EnvironmentProblem) as caught:
        layout.create()

    (problem,) = caught.value.problems
    assert problem.where == str(layout.root / name)
    assert problem.what
    assert problem.hint


@pytest.mark.parametrize("put", [_file, _pipe, _link_to_nowhere])
def test_anything_else_in_the_place_of_the_whole_is_refused(tmp_path, put):
    put(tmp_path / "_tasks")

    with pytest.raises(EnvironmentProblem) as caught:
        tasks_dir(tmp_path)

    assert caught.value.problems[0].where == str(tmp_path / "_tasks")


def test_a_check_names_the_directory_that_is_missing(tmp_path):
    layout = tasks_dir(tmp_path)
    layout.state(TaskState.LOCKED).rmdir()

    with pytest.raises(EnvironmentProblem, match="`locked` cannot be read"):
        layout.check()


def test_a_check_of_nothing_is_a_clear_error(tmp_path):
    with pytest.raises(EnvironmentProblem) as caught:
        Layout(tmp_path / "nowhere").check()

    assert caught.value.problems[0].where == str(tmp_path / "nowhere")


def test_a_check_leaves_nothing_behind(tmp_path):
    layout = tasks_dir(tmp_path)

    layout.check()

    assert os.listdir(layout.tmp) == []


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_refused(tmp_path):
    layout = tasks_dir(tmp_path)
    layout.tmp.chmod(0o500)

    with pytest.raises(EnvironmentProblem, match="does not let files be written"):
        layout.check()


def test_a_directory_that_refuses_writing_is_unfit(tmp_path, monkeypatch):
    layout = tasks_dir(tmp_path)

    def refuse(*_):
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename", refuse)

    with pytest.raises(EnvironmentProblem, match="Read-only file system"):
        layout.check()


def test_a_directory_on_another_file_system_is_refused(tmp_path, monkeypatch):
    layout = tasks_dir(tmp_path)
    real = Path.lstat

    def elsewhere(path):
        found = real(path)
        if path.name != "done":
            return found
        values = list(found)
        values[stat.ST_DEV] = found.st_dev + 1
        return os.stat_result(values)

    monkeypatch.setattr(Path, "lstat", elsewhere)

    with pytest.raises(EnvironmentProblem, match="`done` lies on another file system"):
        layout.check()


def test_several_may_set_it_up_at_once(tmp_path):
    problems = []

    def create():
        try:
            Layout(tmp_path / "_tasks").create()
        except EnvironmentProblem as problem:
            problems.append(problem)

    for _ in range(10):
        threads = [threading.Thread(target=create) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (tmp_path / "_tasks" / "README.md").read_text("utf-8").endswith("`attic/`.\n")
        (tmp_path / "_tasks" / "README.md").unlink()
        (tmp_path / "_tasks" / ".gitignore").unlink()

    assert problems == []


def test_a_lock_file_is_made_and_opened_and_what_it_has_stays(tmp_path):
    layout = tasks_dir(tmp_path)
    path = layout.root / "run.lock"

    layout.lock_file("run.lock").close()
    path.write_bytes(b"whatever")
    layout.lock_file("run.lock").close()

    assert path.read_bytes() == b"whatever"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "spoil",
    [
        os.mkfifo,
        os.mkdir,
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to(path.parent.parent / "elsewhere"),
        lambda path: path.symlink_to("/dev/full"),
    ],
    ids=["pipe", "directory", "loop", "link to nothing", "link to a device"],
)
def test_something_else_in_the_place_of_a_lock_file_is_refused_and_made_nowhere(tmp_path, spoil):
    layout = tasks_dir(tmp_path)
    path = layout.root / "run.lock"
    spoil(path)

    with pytest.raises(EnvironmentProblem) as caught:
        layout.lock_file("run.lock")

    assert caught.value.problems == (
        Problem(
            "`run.lock` is no plain file, so it can't be locked",
            str(path),
            f"nothing is in it; if no run goes on here, put it aside: `mv {path} {path}.odd`",
        ),
    )
    assert not (tmp_path / "elsewhere").exists()


def test_a_pipe_with_a_reader_is_no_lock_file_either(tmp_path):
    layout = tasks_dir(tmp_path)
    os.mkfifo(layout.root / "run.lock")
    reader = os.open(layout.root / "run.lock", os.O_RDONLY | os.O_NONBLOCK)

    with pytest.raises(EnvironmentProblem, match="no plain file"):
        layout.lock_file("run.lock")

    os.close(reader)
