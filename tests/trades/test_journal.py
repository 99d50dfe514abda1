import os
import stat
import threading

import pytest

from parallel_orchestra.events import Claimed, Completed, Warned, to_line
from parallel_orchestra.journal import Journal, read
from support.tasks_dir import ME, OTHER


def done(time, task="a"):
    return Completed(float(time), task, 1)


def test_what_was_written_is_read_with_its_writer(tmp_path):
    journal = Journal(tmp_path, ME)

    journal.write(Claimed(1.0, "a", 1, 2), done(2))
    journal.write(done(3, "b"))
    journal.close()

    assert read(tmp_path) == [(ME, Claimed(1.0, "a", 1, 2)), (ME, done(2)), (ME, done(3, "b"))]
    assert os.listdir(tmp_path) == [f"{ME}.jsonl"]
    assert stat.S_IMODE((tmp_path / f"{ME}.jsonl").stat().st_mode) == 0o600


def test_events_are_on_the_disk_when_write_returns(tmp_path):
    journal = Journal(tmp_path, ME)

    journal.write(done(1))

    assert read(tmp_path) == [(ME, done(1))]
    journal.close()


def test_writers_have_a_file_each_and_are_merged_by_time(tmp_path):
    mine, theirs = Journal(tmp_path, ME), Journal(tmp_path, OTHER)

    for time in (1, 4):
        mine.write(done(time))
    for time in (2, 3):
        theirs.write(done(time))
    mine.close()
    theirs.close()

    assert [(writer, event.time) for writer, event in read(tmp_path)] == [
        (ME, 1.0),
        (OTHER, 2.0),
        (OTHER, 3.0),
        (ME, 4.0),
    ]


def test_events_of_one_instant_stay_in_the_order_of_writing(tmp_path):
    journal = Journal(tmp_path, ME)

    for task in "cab":
        journal.write(done(1, task))
    journal.close()

    assert [event.task for _, event in read(tmp_path)] == ["c", "a", "b"]


def test_a_writer_whose_clock_was_set_back_keeps_its_order(tmp_path):
    mine, theirs = Journal(tmp_path, ME), Journal(tmp_path, OTHER)

    mine.write(Claimed(100.0, "a", 1, 1))
    mine.write(done(40))
    theirs.write(done(60, "b"))
    mine.close()
    theirs.close()

    assert [event.task for _, event in read(tmp_path)] == ["b", "a", "a"]
    assert [type(event) for _, event in read(tmp_path)] == [Completed, Claimed, Completed]


def test_a_torn_last_line_and_strange_lines_are_passed_over(tmp_path):
    path = tmp_path / f"{ME}.jsonl"
    path.write_bytes(
        to_line(done(1)).encode()
        + b'{"kind":"InventedLater","time":1}\n\n\xff\xfe\0\n[1]\n'
        + b'{"kind":"Completed","time":"x","task":"a","attempt":1}\n'
        + to_line(done(2)).encode()
        + to_line(done(3)).encode()[:-9]
    )

    assert read(tmp_path) == [(ME, done(1)), (ME, done(2))]


def test_other_files_and_a_missing_directory_hold_no_events(tmp_path):
    (tmp_path / "notes.txt").write_text(to_line(done(1)), encoding="utf-8")
    (tmp_path / "sub.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")

    assert read(tmp_path) == []
    assert read(tmp_path / "nowhere") == []


def test_a_writer_that_comes_back_goes_on_in_its_file(tmp_path):
    for time in (1, 2):
        journal = Journal(tmp_path, ME)
        journal.write(done(time))
        journal.close()

    assert [event.time for _, event in read(tmp_path)] == [1.0, 2.0]


def test_who_listens_hears_every_event_in_order(tmp_path):
    heard = []
    journal = Journal(tmp_path, ME, heard.append)

    journal.write(done(1), done(2))
    journal.write(done(3))
    journal.close()

    assert [event.time for event in heard] == [1.0, 2.0, 3.0]


def test_lines_of_many_threads_do_not_mix(tmp_path):
    journal = Journal(tmp_path, ME)

    def write(thread):
        for number in range(100):
            journal.write(Warned(float(number), str(thread), "x" * 500))

    threads = [threading.Thread(target=write, args=(one,)) for one in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()

    events = [event for _, event in read(tmp_path)]
    assert len(events) == 600
    for thread in range(6):
        own = [event.time for event in events if event.task == str(thread)]
        assert own == [float(number) for number in range(100)]


def test_after_the_end_events_are_dropped_and_the_end_may_come_twice(tmp_path):
    journal = Journal(tmp_path, ME)
    journal.write(done(1))

    journal.close()
    journal.write(done(2))
    journal.close()

    assert read(tmp_path) == [(ME, done(1))]


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that takes `room` more bytes; the test gives it more."""

    class Disk:
        room = 0

    real = os.write

    def write(descriptor, data):
        if Disk.room <= 0:
            raise OSError(28, "No space left on device")
        written = real(descriptor, data[: Disk.room])
        Disk.room -= written
        return written

    monkeypatch.setattr(os, "write", write)
    return Disk


@pytest.mark.parametrize("room", [0, 1, 30, 70])
def test_a_full_disk_neither_raises_nor_tears_what_follows(tmp_path, full_disk, room):
    heard = []
    journal = Journal(tmp_path, ME, heard.append)
    full_disk.room = room

    journal.write(done(1))
    journal.write(done(2))
    full_disk.room = 10_000
    journal.write(done(3))
    journal.close()

    assert [event.time for _, event in read(tmp_path)] == [1.0, 2.0, 3.0]
    assert len(heard) == 3


def test_what_a_full_disk_did_not_take_is_tried_once_more_at_the_end(tmp_path, full_disk):
    journal = Journal(tmp_path, ME)
    journal.write(done(1))

    full_disk.room = 10_000
    journal.close()

    assert read(tmp_path) == [(ME, done(1))]


def test_a_disk_that_stays_full_loses_the_memory_and_nothing_else(tmp_path, full_disk):
    journal = Journal(tmp_path, ME)
    full_disk.room = 20

    journal.write(done(1))
    journal.close()

    assert read(tmp_path) == []


def test_who_has_nothing_to_say_leaves_no_file(tmp_path):
    journal = Journal(tmp_path, ME)

    journal.close()

    assert os.listdir(tmp_path) == []


def test_a_line_that_a_killed_writer_left_torn_does_not_spoil_the_next_one(tmp_path):
    (tmp_path / f"{ME}.jsonl").write_text(to_line(done(1)) + to_line(done(2))[:20])
    journal = Journal(tmp_path, ME)

    journal.write(done(3))
    journal.close()

    assert read(tmp_path) == [(ME, done(1)), (ME, done(3))]
