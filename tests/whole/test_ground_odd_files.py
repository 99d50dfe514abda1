"""Files in `_tasks/` that are not what they should be: damaged, doubled, links, pipes, devices.

A run that was killed half-way is spoiled in one way and then resumed. It does its work in spite of
it, or says in words what is wrong; it never hangs, it writes nothing outside, and when the spoiled
thing is put right it comes to the right end.
"""

import os
import shutil
import stat
import subprocess

import pytest

from support.effort import EFFORT, Effort, rare
from support.faults import SHORT_LEASES, bad_ground, said_well
from support.scene import Scene
from support.small_disk import mounted
from support.storm import Step, Storm, kill
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.storm]

STEPS = (Step("a"), Step("b", ("a",)), Step("c", ("b",)), Step("r", looks_only=True))
OPTIONS = ("--yes", "--resume", "-j", "2")
#: An owner whose record is spoiled is judged by its lease alone.
GROUND = {"NAP": "0", **bad_ground(hasten=SHORT_LEASES)}
#: Seconds in which a run on spoiled ground has to end.
LIMIT = 45

DIRECTORIES = (
    "attempts", "attic", "available", "done", "failed", "journal", "locked", "tmp", "workers",
)  # fmt: skip
#: What is spoiled, as patterns below `_tasks/`; each finds at least one file.
FILES = (
    "run.json", "run.lock", "README.md", "workers/*.json", "journal/*.jsonl", "locked/b.*.md",
    "available/c.md", "done/a.*.md", "attempts/b/*/agent.log",
)  # fmt: skip


@pytest.fixture
def killed(tmp_path):
    """A run that was killed while `b` was at work: `a` is done, `c` waits."""
    storm = Storm(Scene(tmp_path).repository(2), STEPS, options=OPTIONS)
    go = storm.agent.with_name("go")
    slow = f'echo works; test "$PO_TASK_ID" != b -o -e "{go}" || sleep 60; sleep'
    storm.agent.write_text(storm.agent.read_text().replace("sleep", slow))
    with storm.start(NAP="0") as running:
        logs = storm.scene.tasks_dir
        wait_until(lambda: any(log.stat().st_size for log in logs.glob(FILES[-1])), 30)
        kill(running, "everything")
    go.touch()
    storm.remember()
    return storm


@pytest.fixture
def outside(tmp_path):
    """A directory with a file, where links may point to and where nothing may be written."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_bytes(b"not yours")
    return folder


def _empty(path, outside):
    path.write_bytes(b"")


def _half(path, outside):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _garbage(path, outside):
    path.write_bytes(bytes(range(256)) * 40)


def _another_json(path, outside):
    path.write_bytes(b'[{"run": 7, "plan": null}]')


def _directory(path, outside):
    path.unlink()
    path.mkdir()
    (path / "file").write_bytes(b"x")


def _link_outside(path, outside):
    path.unlink()
    path.symlink_to(outside / "file")


def _link_nowhere(path, outside):
    path.unlink()
    path.symlink_to(outside / "missing")


def _link_inside(path, outside):
    moved = outside.with_name("project") / "_tasks" / "moved"
    path.rename(moved)
    path.symlink_to(moved)


def _loop(path, outside):
    path.unlink()
    path.symlink_to(path.name)


def _pipe(path, outside):
    path.unlink()
    os.mkfifo(path)


def _device(path, outside):
    path.unlink()
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


def _huge(path, outside):
    os.truncate(path, 5 << 30)


def _no_rights(path, outside):
    path.chmod(0)


def _foreign(path, outside):
    try:
        os.chown(path, 65534, 65534)
    except PermissionError:
        pytest.skip("only root gives files away")


FILE_SPOILERS = (
    _empty, _half, _garbage, _another_json, _directory, _link_outside, _link_nowhere, _link_inside,
    _loop, _pipe, _device, _huge, _no_rights, _foreign,
)  # fmt: skip


def spoiled_files():
    pairs = [(pattern, spoil) for pattern in FILES for spoil in FILE_SPOILERS]
    if EFFORT is Effort.SAMPLE:
        pairs = [("run.json", _half), ("locked/b.*.md", _link_outside)]
    return [pytest.param(*pair, id=f"{pair[0]} {pair[1].__name__[1:]}") for pair in pairs]


def check_outside(outside):
    assert os.listdir(outside) == ["file"]
    assert (outside / "file").read_bytes() == b"not yours"


@pytest.mark.parametrize(("pattern", "spoil"), spoiled_files())
def test_a_spoiled_file_is_survived_or_named(killed, outside, tmp_path, pattern, spoil):
    path = next(killed.scene.tasks_dir.glob(pattern))
    shutil.copy2(path, tmp_path / "kept")
    spoil(path, outside)

    result = killed.scene.run(*OPTIONS, within=LIMIT, env=GROUND)

    said_well(result, 0, 3)
    check_outside(outside)
    if result.exit_code == 0:
        killed.check()
        return
    assert path.name in result.out + result.err, result
    _put_right(path, tmp_path / "kept")
    killed.finish()


def _put_right(path, kept):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    shutil.copy2(kept, path)


def _file_for_directory(path, outside):
    path.write_bytes(b"")


def _link_to_outside(path, outside):
    path.symlink_to(outside)


def _link_to_missing(path, outside):
    path.symlink_to(outside / "missing")


def _link_to_itself(path, outside):
    path.symlink_to(path.name)


def _pipe_for_directory(path, outside):
    os.mkfifo(path)


DIRECTORY_SPOILERS = (
    _file_for_directory, _link_to_outside, _link_to_missing, _link_to_itself, _pipe_for_directory,
)  # fmt: skip


def spoiled_directories():
    pairs = [(name, spoil) for name in DIRECTORIES for spoil in DIRECTORY_SPOILERS]
    pairs = [("done", _link_to_outside)] if EFFORT is Effort.SAMPLE else pairs
    return [pytest.param(*pair, id=f"{pair[0]} {pair[1].__name__[1:]}") for pair in pairs]


@pytest.mark.parametrize(("name", "spoil"), spoiled_directories())
def test_anything_else_in_the_place_of_a_directory_is_refused_by_name(killed, outside, name, spoil):
    path = killed.scene.tasks_dir / name
    kept = path.with_name(f"{name}.kept")
    path.rename(kept)
    spoil(path, outside)

    result = killed.scene.run(*OPTIONS, within=LIMIT, env=GROUND)

    said_well(result, 3)
    assert str(path) in result.err
    check_outside(outside)
    path.unlink()
    kept.rename(path)
    killed.finish()


DOUBLES = [
    ("done/a.*.md", "available/a.md"),
    ("done/a.*.md", "failed/a.a1f1.md"),
    ("locked/b.*.md", "available/b.md"),
    ("locked/b.*.md", "done/b.a1f0.md"),
    ("available/c.md", "failed/c.a2f2.md"),
]
DOUBLES = DOUBLES[:1] if EFFORT is Effort.SAMPLE else DOUBLES


@rare
@pytest.mark.parametrize("make", [shutil.copy2, os.link], ids=["copy", "hard link"])
@pytest.mark.parametrize(("source", "target"), DOUBLES)
def test_a_task_file_that_lies_twice_counts_once(killed, source, target, make):
    path = next(killed.scene.tasks_dir.glob(source))
    make(path, killed.scene.tasks_dir / target)

    result = killed.scene.run(*OPTIONS, within=LIMIT, env=GROUND)

    said_well(result, 1 if "done/b" in target else 0)
    assert len(killed.scene.states()) == len(STEPS)
    if "done/b" in target:
        # Who copies it there says: done by hand. Its work is not there, and who needs it fails.
        assert "warning b: was in two places; `done/` counts" in result.out, result
        assert "no b" in result.out, result
        return
    killed.finish()


@rare
@pytest.mark.parametrize("place", ["project/_tasks", "cache"])
def test_a_place_that_can_only_be_read_is_named(killed, tmp_path, place):
    path = tmp_path / place
    with mounted(path, "--bind", str(path)) as here:
        subprocess.run(["mount", "-o", "remount,ro,bind", here], check=True)
        result = killed.scene.run(*OPTIONS, within=LIMIT, env=GROUND)

    said_well(result, 3)
    assert str(path) in result.err
    killed.finish()
