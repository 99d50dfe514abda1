import os
import threading

import pytest

from parallel_orchestra import files
from parallel_orchestra.events import Completed
from parallel_orchestra.store.group_commit import GroupCommit
from support.waiting import wait_until


def event(number):
    return Completed(float(number), f"task-{number}", 1)


def test_what_was_given_is_told_in_order_and_nothing_is_left_at_the_end(tmp_path):
    told = []
    commit = GroupCommit([str(tmp_path)], told.extend)

    for number in range(100):
        commit.after(event(number))
    commit.close()

    assert told == [event(number) for number in range(100)]


def test_many_moves_share_one_sync_and_both_directories_are_synced(tmp_path, monkeypatch):
    synced, told = [], []
    monkeypatch.setattr(files, "sync_directory", synced.append)
    commit = GroupCommit(["one", "two"], told.append)

    for number in range(50):
        commit.after(event(number), event(number))
    commit.close()

    assert sum(map(len, told)) == 100
    assert len(told) < 10
    assert synced == ["one", "two"] * len(told)


def test_nothing_is_told_before_it_is_on_the_disk(tmp_path, monkeypatch):
    may_sync, told = threading.Event(), []
    monkeypatch.setattr(files, "sync_directory", lambda _: may_sync.wait(10))
    commit = GroupCommit([str(tmp_path)], told.extend)

    commit.after(event(1))
    before = list(told)
    may_sync.set()
    commit.close()

    assert before == []
    assert told == [event(1)]


def test_events_are_told_soon_without_a_close(tmp_path):
    told = []
    commit = GroupCommit([str(tmp_path)], told.extend)

    commit.after(event(1))
    wait_until(lambda: told == [event(1)])
    commit.after(event(2))
    wait_until(lambda: len(told) == 2)
    commit.close()

    assert told == [event(1), event(2)]


def test_a_sync_that_failed_is_not_tried_again_and_the_moves_stand(tmp_path, monkeypatch):
    synced, told = [], []

    def failing(directory):
        synced.append(directory)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "sync_directory", failing)
    commit = GroupCommit(["one", "two"], told.extend)

    commit.after(event(1))
    wait_until(lambda: told)
    commit.close()

    assert told == [event(1)]
    assert synced == ["one", "two"]


def test_a_directory_that_is_gone_does_not_end_the_telling(tmp_path):
    told = []
    commit = GroupCommit([str(tmp_path / "gone")], told.extend)

    commit.after(event(1))
    commit.close()

    assert told == [event(1)]


def test_no_thread_is_started_for_nothing(tmp_path):
    before = set(threading.enumerate())
    commit = GroupCommit([str(tmp_path)], lambda _: None)

    commit.close()

    # One of another test may just come to its end.
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("threads", [4])
def test_events_of_many_threads_are_all_told_each_thread_s_in_order(tmp_path, threads):
    told = []
    commit = GroupCommit([str(tmp_path)], told.extend)

    def move(thread):
        for number in range(50):
            commit.after(Completed(float(number), f"t{thread}", 1))

    movers = [threading.Thread(target=move, args=(one,)) for one in range(threads)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    commit.close()

    for thread in range(threads):
        own = [one.time for one in told if one.task == f"t{thread}"]
        assert own == [float(number) for number in range(50)]
    assert os.listdir(tmp_path) == []
