"""Which files of the checkout changed, and while which tasks were at work."""

import os
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from parallel_orchestra.board import Clock
from parallel_orchestra.conductor.lookout import Lookout
from parallel_orchestra.events import AttemptEnded, Claimed
from parallel_orchestra.git import Repo
from support.repository import git, make_repository


class Watched:
    """A checkout with a lookout that costs a second a look, on a clock that is set by hand."""

    def __init__(self, folder):
        files = {"a.txt": "a\n", ".gitignore": ".env\ncache/\nours/\n"}
        self.top = make_repository(folder, files)
        self.now = 100.0
        self.said = []
        self.elsewhere = set()
        self.lookout = Lookout(
            Repo.discover(self.top, os.environ),
            [self.top / "ours", None, folder.parent],
            Clock(lambda: self.now, lambda: self.now),
        )
        self.lookout.begin()

    def begins(self, task, at):
        self.lookout.hear(Claimed(at, task, 1, 1))

    def ends(self, task, at):
        self.lookout.hear(AttemptEnded(at, task, 1, 1.0))

    def writes(self, path, at):
        file = self.top / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{at}\n")
        os.utime(file, (at, at))

    def look(self, *, last=False):
        before = len(self.said)
        self.lookout.look(
            lambda: self.elsewhere, lambda task, text: self.said.append((task, text)), last=last
        )
        return self.said[before:]


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path / "project")


def test_a_file_is_that_of_the_only_task_that_was_at_work_when_it_was_written(watched):
    watched.begins("one", 10)
    watched.begins("other", 20)
    watched.writes("a.txt", 15)
    watched.writes(".env", 25)
    watched.ends("one", 23)
    watched.writes("b.txt", 24)

    tail = "; if it was not you, it wrote outside of its worktree"
    assert sorted(watched.look()) == [
        ("one", f"the checkout changed while only this task was at work: a.txt{tail}"),
        ("other", f"the checkout changed while only this task was at work: .env, b.txt{tail}"),
    ]


def test_what_may_have_been_several_is_said_of_all_of_them(watched):
    watched.begins("one", 10)
    watched.begins("other", 10)
    watched.elsewhere = {"far"}
    (watched.top / "a.txt").unlink()
    watched.ends("one", 20)

    tail = "if it was not you, one of them wrote outside of its worktree"
    ((task, text),) = watched.look()
    assert task == ""
    who = "`far`, `one`, `other` were at work"
    assert text == f"the checkout changed while {who}: a.txt; {tail}"


def test_what_changed_is_said_once(watched):
    watched.begins("one", 10)
    watched.writes("a.txt", 15)
    watched.ends("one", 20)
    watched.look()
    watched.begins("two", 30)
    watched.ends("two", 40)

    assert watched.look(last=True) == []


def test_what_we_write_ourselves_and_the_inside_of_ignored_folders_is_not_looked_at(watched):
    watched.writes("cache/x", 1)
    watched.lookout.begin()
    watched.begins("one", 10)
    watched.writes("cache/x", 15)
    watched.writes("ours/log", 15)
    watched.ends("one", 20)

    assert watched.look(last=True) == []


def test_nobody_looks_before_an_attempt_has_ended_but_at_the_end(watched):
    watched.writes("a.txt", 15)
    watched.begins("one", 14)

    assert watched.look() == []
    assert [task for task, _ in watched.look(last=True)] == ["one"]


def test_looking_costs_a_small_share_of_the_time(watched):
    def a_second_each():
        watched.now += 0.5
        return watched.now

    watched.lookout._clock = Clock(a_second_each, a_second_each)
    watched.begins("one", 10)
    watched.ends("one", 20)
    watched.look()
    watched.begins("two", 30)
    watched.writes("a.txt", 35)
    watched.ends("two", 40)

    assert watched.look() == []
    watched.now += 60
    assert [task for task, _ in watched.look()] == ["two"]


def test_a_delivery_that_is_under_way_is_nobodys_doing(watched):
    watched.begins("one", 10)
    watched.ends("one", 20)
    repo = Repo.discover(watched.top, os.environ)

    with ThreadPoolExecutor() as pool:
        with repo.lock():
            watched.writes("b.txt", 15)
            looking = pool.submit(watched.look)
            # With a look that does not wait, this is the time in which it would be fooled.
            wait([looking], timeout=0.2)
            git(watched.top, "add", "b.txt")
            git(watched.top, "commit", "--quiet", "--message", "delivered")
        said = looking.result(timeout=30)

    assert said == []


def test_without_any_task_it_is_said_of_none(watched):
    watched.writes("a.txt", 15)

    ((task, text),) = watched.look(last=True)

    assert task == ""
    assert text.startswith("the checkout changed while the run went on: a.txt; ")


def test_the_file_that_our_own_words_go_to_is_nobodys_doing(watched):
    with (watched.top / "said").open("w") as said:
        watched.lookout = Lookout(
            Repo.discover(watched.top, os.environ),
            [],
            Clock(lambda: 1.0, lambda: 1.0),
            [said.fileno()],
        )
        watched.lookout.begin()
        said.write("plan: 3 tasks")

    watched.writes("b.txt", 15)

    ((_, text),) = watched.look(last=True)
    assert "while the run went on: b.txt; " in text
