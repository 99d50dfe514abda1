"""The copier: what of a child's output reaches the logs."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.process.copier import MASKED, CappedLog, Mask, Ring, Stream

few_letters = st.text("abc", max_size=12).map(str.encode)


def masked(secrets, pieces):
    mask = Mask(tuple(secrets))
    return b"".join(mask.pass_on(piece) for piece in pieces) + mask.rest()


@given(st.integers(0, 9), st.lists(st.binary(max_size=12)))
def test_a_ring_holds_the_last_bytes_and_counts_the_others(size, pieces):
    ring = Ring(size)

    for piece in pieces:
        ring.put(piece)

    whole = b"".join(pieces)
    assert ring.content() == whole[max(0, len(whole) - size) :]
    assert ring.dropped == max(0, len(whole) - size)


@given(st.lists(few_letters, max_size=4), st.lists(few_letters))
def test_secrets_are_masked_however_the_stream_is_cut(secrets, pieces):
    known = sorted(filter(None, secrets), key=len, reverse=True)
    whole = b"".join(pieces)

    shown = masked(secrets, pieces)

    assert shown == (re.sub(b"|".join(known), MASKED, whole) if known else whole)


def test_only_what_may_become_a_secret_is_held_back():
    mask = Mask((b"hunter2",))

    shown = [mask.pass_on(piece) for piece in (b"it is hun", b"gry", b" h")]

    assert shown == [b"it is ", b"hungry", b" "]
    assert mask.rest() == b"h"


def test_a_flood_of_secrets_is_masked_in_linear_time():
    secrets = (b"hunter2", b"x" * 4000, b"never seen")

    shown = masked(secrets, [b"hunter2" * 100_000] * 2)

    assert shown == MASKED * 200_000


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
    log = CappedLog(str(tmp_path / "log"), 100)
    stream = Stream((b"hunter2",), 9, (log,))

    stream.take(b"password hunt")
    stream.take(b"er2")
    stream.end()
    log.close()

    assert (tmp_path / "log").read_bytes() == b"password [masked]"
    assert stream.tail.content() == b" [masked]"
    assert stream.size_bytes == 16
