"""Which disk is full is known from the file systems themselves, and said once."""

import os

import pytest

from parallel_orchestra.errors import Problem
from parallel_orchestra.store.room import LEAST, Place, Room, free_bytes, lacks
from support.clock import FakeClock
from support.small_disk import fill, mounted

#: More than any disk has.
WHOLE = 1 << 62


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=20m,nr_inodes=8", "tmpfs") as place:
        yield place


def test_a_place_with_room_lacks_nothing(tmp_path):
    assert lacks([Place("repository", tmp_path)], least=1) == ()


def test_of_places_on_one_disk_the_first_is_named_and_one_yet_to_be_made_by_its_parent(tmp_path):
    places = [Place("worktrees", tmp_path / "not" / "yet"), Place("repository", tmp_path)]

    (lack,) = lacks(places, least=WHOLE)

    free = lack.what.removeprefix("the disk of the worktrees has too little room: ")
    assert free.endswith(" MiB are free")
    assert (lack.where, lack.hint) == (
        str(tmp_path),
        "make room there, then go on with `--resume`",
    )


def test_each_full_disk_is_named(tmp_path, disk):
    places = [Place("repository", tmp_path), Place("worktrees", disk)]

    found = lacks(places, least=WHOLE)

    assert [lack.where for lack in found] == [str(tmp_path), str(disk)]


def test_a_disk_becomes_full_and_has_room_again(disk):
    place = Place("worktrees", disk)
    assert lacks([place]) == ()

    filler = fill(disk, leave=LEAST - (1 << 20))

    assert lacks([place]) == (
        Problem(
            "the disk of the worktrees has too little room: 15 MiB are free",
            str(disk),
            "make room there, then go on with `--resume`",
        ),
    )
    filler.unlink()
    assert lacks([place]) == ()


def test_a_disk_that_takes_no_more_files_is_full(disk):
    for number in range(os.statvfs(disk).f_favail):
        (disk / f"file{number}").touch()

    assert free_bytes(disk) == 0


def test_a_place_that_can_not_be_asked_counts_as_one_with_room(tmp_path):
    (tmp_path / "loop").symlink_to("loop")

    assert lacks([Place("repository", tmp_path / "loop" / "x")], least=1) == ()


def test_a_full_disk_is_said_once_until_there_was_room(disk):
    said, clock = [], FakeClock()
    room = Room([Place("worktrees", disk)], said.append, clock.monotonic)
    filler = fill(disk)

    first = room.known_lack()
    clock.advance(10.0)
    room.known_lack()
    once = list(said)
    filler.unlink()
    clock.advance(10.0)
    between = room.known_lack()
    fill(disk)
    clock.advance(10.0)
    room.known_lack()

    assert first == room.lack()
    assert between is None
    words = f"{first.what} ({disk}): no task starts until there is room"
    assert once == [words]
    assert said == [words, words]


def test_an_answer_holds_for_half_a_second(disk):
    clock = FakeClock()
    room = Room([Place("worktrees", disk)], lambda _: None, clock.monotonic)
    before = room.known_lack()

    fill(disk)
    clock.advance(0.4)
    soon = room.known_lack()
    clock.advance(0.2)

    assert (before, soon) == (None, None)
    assert room.known_lack() == room.lack()
    assert room.lack() is not None


def test_a_disk_that_was_full_for_a_while_is_remembered(disk):
    clock = FakeClock()
    room = Room([Place("worktrees", disk)], lambda _: None, clock.monotonic)
    begun = clock.monotonic()
    filler = fill(disk)
    clock.advance(1.0)
    seen = room.known_lack()
    clock.advance(1.0)
    filler.unlink()

    assert seen is not None
    assert room.lack() is None
    assert room.lack(begun) == seen
    assert room.lack(begun + 1.5) is None
