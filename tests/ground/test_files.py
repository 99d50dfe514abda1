import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from parallel_orchestra import files
from support.waiting import wait_until

SCRIPT = """\
import sys
from pathlib import Path
from parallel_orchestra import files

target, via = Path(sys.argv[1]), Path(sys.argv[2])
sys.stdin.readline()
print(files.create(target, sys.argv[3].encode() * 50_000, via=via))
"""


@pytest.mark.parametrize("synced", [True, False])
def test_a_created_file_is_complete_private_and_leaves_no_other_name(tmp_path, synced):
    target, via = tmp_path / "made", tmp_path / "via"

    new = files.create(target, b"all of it", via=via, synced=synced)

    assert new
    assert target.read_bytes() == b"all of it"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["made"]


def test_an_existing_file_is_never_replaced(tmp_path):
    target = tmp_path / "made"
    target.write_bytes(b"first")

    new = files.create(target, b"second", via=tmp_path / "via")

    assert not new
    assert target.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["made"]


def test_a_link_that_leads_nowhere_counts_as_taken(tmp_path):
    target = tmp_path / "made"
    target.symlink_to(tmp_path / "nowhere")

    new = files.create(target, b"text", via=tmp_path / "via")

    assert not new
    assert sorted(os.listdir(tmp_path)) == ["made"]


@pytest.mark.slow
def test_of_many_processes_that_create_one_file_one_does(tmp_path, python):
    target = tmp_path / "made"
    starters = [
        python(SCRIPT, str(target), str(tmp_path / f"via{number}"), str(number))
        for number in range(6)
    ]

    for starter in starters:
        starter.stdin.write("go\n")
        starter.stdin.flush()
    answers = [starter.communicate()[0].strip() for starter in starters]

    assert sorted(answers) == ["False"] * 5 + ["True"]
    winner = str(answers.index("True")).encode()
    assert target.read_bytes() == winner * 50_000
    assert os.listdir(tmp_path) == ["made"]


def test_a_link_that_was_made_but_reported_as_failed_counts_as_made(tmp_path, monkeypatch):
    real = os.link

    def lying(source, target):
        real(source, target)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "link", lying)

    new = files.create(tmp_path / "made", b"text", via=tmp_path / "via")

    assert new
    assert os.listdir(tmp_path) == ["made"]


def test_a_link_that_failed_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def failing(source, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "link", failing)

    with pytest.raises(OSError, match="Input/output"):
        files.create(tmp_path / "made", b"text", via=tmp_path / "via")

    assert os.listdir(tmp_path) == []


def test_what_a_crash_left_under_the_temporary_name_is_overwritten(tmp_path):
    via = tmp_path / "via"
    via.write_bytes(b"much longer than what comes")

    files.create(tmp_path / "made", b"short", via=via)

    assert (tmp_path / "made").read_bytes() == b"short"


@pytest.mark.parametrize("writer", [files.write, files.write_synced])
def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_all_of_them(tmp_path, monkeypatch, writer):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))

    writer(tmp_path / "file", b"0123456789" * 10)

    assert (tmp_path / "file").read_bytes() == b"0123456789" * 10


def test_a_reader_sees_the_old_content_or_the_new_one(tmp_path):
    path = tmp_path / "file"
    contents = {letter * 5000 for letter in (b"a", b"b")}
    path.write_bytes(b"a" * 5000)
    over = threading.Event()
    seen = set()

    def read():
        while not over.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        files.replace(path, (b"b", b"a")[number % 2] * 5000, via=tmp_path / "via")
    wait_until(lambda: seen)
    over.set()
    reader.join()

    assert seen <= contents


def test_directories_are_private_and_may_exist(tmp_path):
    for _ in range(2):
        files.make_directory(tmp_path / "above" / "below")

    for path in (tmp_path / "above", tmp_path / "above" / "below"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_missing_directory_has_no_names_and_a_missing_file_no_text(tmp_path):
    assert files.names(tmp_path / "nowhere") == []
    assert files.read_text(tmp_path / "nowhere") is None
    assert files.read_text(tmp_path) is None


def test_strange_bytes_are_replaced_when_read_as_text(tmp_path):
    (tmp_path / "file").write_bytes(b"a\xffb\xed\xa0\x80")

    text = files.read_text(tmp_path / "file")

    assert text is not None
    assert text.startswith("a\ufffdb")


def test_a_named_pipe_does_not_hold_up_a_reader(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    answers = []

    def read():
        answers.append(files.read_text(tmp_path / "pipe"))
        answers.append(files.read_bytes(tmp_path / "pipe"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(60)

    assert answers == ["", b""]


def test_what_can_not_be_read_leaves_no_descriptor_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(5):
        assert files.read_text(tmp_path) is None
        assert files.read_bytes(tmp_path) is None

    assert len(os.listdir("/proc/self/fd")) == before


def test_appended_bytes_come_after_what_is_there(tmp_path):
    files.append(tmp_path / "file", b"one\n")
    files.append(tmp_path / "file", b"two\n")

    assert (tmp_path / "file").read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_the_names_of_a_missing_directory_can_not_be_synced(tmp_path):
    files.sync_directory(tmp_path)

    with pytest.raises(FileNotFoundError):
        files.sync_directory(tmp_path / "nowhere")


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /data nfs4 rw 0 0
/dev/sdb1 /data/local ext4 rw 0 0
me@host: /mnt/my\\040files fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/home", False),
        ("/data", True),
        ("/data/project/_tasks", True),
        ("/database", False),
        ("/data/local/x", False),
        ("/mnt/my files/x", True),
    ],
)
def test_the_innermost_mount_tells_whether_a_path_is_on_the_network(tmp_path, path, answer):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)

    kind = files.file_system(Path(path), mounts)

    assert files.is_network(kind) is answer


def test_no_mount_table_means_no_network(tmp_path):
    assert not files.is_network(files.file_system(tmp_path, tmp_path / "none"))


@pytest.fixture
def python():
    """Starts Python on a script with arguments; ends what is left of it."""
    started = []

    def start(script, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_file_larger_than_memory_counts_as_unreadable(tmp_path):
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 5 << 30)

    assert files.read_bytes(tmp_path / "sparse") is None
    assert files.read_text(tmp_path / "sparse") is None


def test_a_device_counts_as_unreadable(tmp_path):
    (tmp_path / "endless").symlink_to("/dev/zero")

    assert files.read_bytes(tmp_path / "endless") is None
    assert files.read_text(tmp_path / "endless") is None


def test_what_was_closed_to_its_owner_can_be_read_and_removed_again(tmp_path):
    closed, inside = tmp_path / "closed", tmp_path / "cache" / "inside"
    outside = tmp_path / "outside"
    inside.mkdir(parents=True)
    for path in (closed, inside / "file", outside):
        path.write_text("content")
        path.chmod(0o000)
    inside.chmod(0o000)
    (tmp_path / "cache" / "link").symlink_to(outside)

    files.regain(tmp_path / "cache")

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (inside, inside / "file", outside)]
    assert modes == [0o700, 0o400, 0o000]
