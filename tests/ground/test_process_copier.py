"""The copier: what of a child's output reaches the logs."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.process.copier import Backlog, CappedLog, Stream
from parallel_orchestra.process.mask import MASKED

KEY = b"ghp_" + b"a1B2" * 9
HALF = 1 << 15
digits = st.text("0123456789", max_size=12).map(str.encode)


@given(st.integers(0, 9), st.lists(st.tuples(digits, st.integers(0, 1))))
def test_a_backlog_holds_the_last_bytes_and_counts_the_others(size, pieces):
    backlog = Backlog(size)

    for piece, source in pieces:
        backlog.put(piece, source)

    whole = b"".join(piece for piece, _ in pieces)
    assert backlog.content() == whole[max(0, len(whole) - size) :]
    assert backlog.dropped == max(0, len(whole) - size)


@pytest.mark.parametrize("size", [1, 1000, HALF, 3 * HALF])
def test_a_long_output_of_any_pieces_leaves_its_last_bytes(size):
    backlog, whole = Backlog(100_000), bytes(range(251)) * 2000

    for start in range(0, len(whole), size):
        backlog.put(whole[start : start + size])

    assert backlog.content() == whole[-100_000:]
    assert backlog.dropped == len(whole) - 100_000


def test_two_sources_that_take_turns_byte_by_byte_do_not_fill_the_memory():
    backlog = Backlog(1000)

    for number in range(10_000):
        backlog.put(b"x", number % 2)

    assert len(backlog._pieces) < 1100


@pytest.mark.parametrize("cut", range(len(KEY)))
def test_a_secret_that_began_in_what_fell_out_does_not_show(cut):
    backlog = Backlog(HALF, (b"hunter2hunter2",))

    for piece in (b"x" * HALF + KEY[:cut], KEY[cut:] + b"." * HALF):
        backlog.put(piece)

    assert backlog.content() == b"." * HALF


def test_a_secret_whose_beginning_fell_out_long_ago_does_not_show():
    backlog = Backlog(HALF)

    backlog.put(KEY[:20], 1)
    for _ in range(9):
        backlog.put(b"x" * HALF, 0)
    backlog.put(KEY[20:], 1)

    assert set(backlog.content().replace(MASKED, b"")) == set(b"x")


def test_a_short_log_has_no_marker(tmp_path: Path):
    log = CappedLog(str(tmp_path / "log"), 10)

    log.write(b"0123456")
    log.write(b"789")
    log.close()

    assert (tmp_path / "log").read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("head", "shown"),
    [
        (b"line\n", b"line\n[... 5 bytes left out ...]\n"),
        (b"lines", b"lines\n[... 5 bytes left out ...]\n"),
    ],
    ids=["after a line", "within a line"],
)
def test_a_long_log_keeps_head_and_tail_with_a_marker_between(tmp_path: Path, head, shown):
    log = CappedLog(str(tmp_path / "log"), 10)

    for byte in head + b"-gone" + b"after":
        log.write(bytes((byte,)))
    log.close()

    assert (tmp_path / "log").read_bytes() == shown + b"after"


def test_a_log_that_can_not_be_written_says_why_and_breaks_nothing(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    blocked, full = CappedLog(str(tmp_path / "file" / "log"), 10), CappedLog("/dev/full", 10)

    for log in (blocked, full):
        log.write(b"words")
        log.close()

    assert blocked.trouble == f"cannot write {tmp_path / 'file' / 'log'}: Not a directory"
    assert full.trouble == "cannot write /dev/full: No space left on device"


def test_the_folders_of_a_log_are_made_at_the_first_output(tmp_path: Path):
    silent, talking = (CappedLog(str(tmp_path / name / "a" / "log"), 10) for name in "st")

    silent.close()
    talking.write(b"words")
    talking.close()

    assert not (tmp_path / "s").exists()
    assert (tmp_path / "t" / "a" / "log").read_bytes() == b"words"


def test_a_log_is_not_written_through_a_link(tmp_path: Path):
    victim = tmp_path / "victim"
    (tmp_path / "log").symlink_to(victim)
    log = CappedLog(str(tmp_path / "log"), 10)

    log.write(b"words")
    log.close()

    assert log.trouble
    assert not victim.exists()


def test_a_stream_masks_its_tail_too_and_counts_what_came(tmp_path: Path):
    secrets = (b"hunter2",)
    log = CappedLog(str(tmp_path / "log"), 100, secrets)
    stream = Stream(secrets, 9, (log,), (b"er2",))

    stream.take(b"password hunt")
    stream.take(b"er2\n")
    stream.end()
    log.close()

    assert (tmp_path / "log").read_bytes() == b"password [masked]\n"
    assert stream.tail() == b"[masked]\n"
    assert stream.kept() == b"password [masked]\n"
    assert stream.size_bytes == 17


@given(st.lists(st.text("abc", max_size=9), max_size=12))
def test_a_log_is_masked_wherever_its_halves_meet(said):
    secrets = (b"abcabcab", b"ccccbbbb")
    whole = "".join(said).encode()
    with tempfile.TemporaryDirectory() as folder:
        log = CappedLog(f"{folder}/log", 40, secrets)
        stream = Stream(secrets, 9, (log,))

        for text in said:
            stream.take(text.encode())
        stream.end()
        log.close()

        path = Path(folder, "log")
        shown = path.read_bytes() if path.exists() else b""
    expected = re.sub(b"abcabcab|ccccbbbb", MASKED, whole)
    if len(whole) > 40:
        left_out = b"\n[... %d bytes left out ...]\n" % (len(whole) - 40)
        expected = expected[:20] + left_out + expected[-20:]
    assert shown == expected


def test_a_log_that_is_full_is_masked_in_its_last_half_too(tmp_path: Path):
    log = CappedLog(str(tmp_path / "log"), 100, (b"hunter2",))

    log.write(b"x" * 48 + b"hun")
    for piece in (b"ter2" + b"y" * 90, b"z" * 9 + b"hunt", b"er2"):
        log.write(piece)
    log.close()

    shown = (tmp_path / "log").read_bytes()
    assert shown.startswith(b"x" * 48)
    assert b"ter2" not in shown
    assert shown.endswith(b"z" * 9 + MASKED)


def test_a_full_log_gives_a_glimpse_of_what_comes_until_it_is_closed(tmp_path: Path):
    log, latest = CappedLog(str(tmp_path / "log"), 100), tmp_path / "log.latest"
    log.write(b"y" * 60)
    assert log.due == float("-inf")

    log.glimpse(7.0)
    first = latest.read_bytes()
    log.write(b" see " + KEY[:20])
    early, due = log.glimpse(7.5), log.due
    log.glimpse(8.0)

    assert (first, early, due) == (b"y" * 10, None, 8.0)
    assert latest.read_bytes() == b"y" * 10 + b" see "
    assert log.due == float("inf")
    assert latest.stat().st_mode & 0o077 == 0
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_log_that_is_not_full_needs_no_glimpse(tmp_path: Path):
    log = CappedLog(str(tmp_path / "log"), 100)
    log.write(b"x" * 50)

    log.glimpse(7.0)
    log.close()

    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_glimpse_is_masked_where_it_begins(tmp_path: Path):
    backlog = Backlog(1 << 20)
    for piece in (b"y" * 40_000, KEY, b"." * 100):
        backlog.put(piece)

    assert backlog.latest(108) == MASKED + b"." * 100
    assert KEY[-10:] not in backlog.latest(110)
