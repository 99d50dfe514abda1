"""The plan's `verify` on a merge candidate, in a worktree of the queue's own."""

import threading

import pytest

from parallel_orchestra.isolation import Pool
from parallel_orchestra.merge_queue import Checker, Merged, MergeQueue, Rejected
from support.merging import REFS, Stage
from support.processes import inside
from support.repository import git, make_repository, names_at, worktrees_of
from support.waiting import wait_until


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", {"a.txt": "a\n"})


@pytest.fixture
def stage(project):
    one = Stage(project)
    yield one
    one.close()


@pytest.fixture
def made(stage, project, tmp_path):
    """Makes checkers of these commands; all are closed at the end."""
    pools, checkers = [], []

    def make(*commands):
        pool = Pool(stage.repo, tmp_path / "pool", project, stage.owner)
        pool.collect()
        environ = {"PATH": "/usr/bin:/bin", "MARK": "seen"}
        checker = Checker(pool, REFS, stage.layout, stage.owner, commands, environ)
        pools.append(pool)
        checkers.append(checker)
        return checker

    yield make
    for checker in checkers:
        checker.close()
    for pool in pools:
        pool.close(remove=True)
    assert worktrees_of(project) == []
    assert git(project, "for-each-ref", "refs/orchestra/run1/checked") == ""


def log(stage):
    return stage.layout.root / "verify.log"


def test_a_commit_on_which_all_commands_succeed_is_green(made, stage):
    checker = made("grep -q a a.txt", ("test", "-f", "a.txt"), 'test "$MARK" = seen')

    assert checker(stage.base, log(stage)) is None


def test_the_first_command_that_fails_rejects_with_its_words(made, stage):
    checker = made("true", "echo two tests failed; exit 3", "touch never")

    rejected = checker(stage.base, log(stage))

    assert rejected is not None
    assert not rejected.cancelled
    assert "`echo two tests failed; exit 3`" in rejected.output
    assert "two tests failed\n" in rejected.output
    assert b"two tests failed" in log(stage).read_bytes()


def test_each_candidate_is_checked_in_a_clean_worktree(made, stage):
    checker = made("test ! -e left.txt && touch left.txt && echo changed > a.txt")

    outcomes = [checker(stage.base, log(stage)) for _ in range(3)]

    assert outcomes == [None, None, None]


def test_a_cancel_ends_what_runs_and_every_later_check(made, stage, tmp_path):
    checker = made(f"touch {tmp_path}/started; sleep 60")
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(checker(stage.base, log(stage))))
    thread.start()
    wait_until((tmp_path / "started").exists)

    checker.cancel()
    thread.join(60)
    outcomes.append(checker(stage.base, log(stage)))

    assert [one.cancelled for one in outcomes] == [True, True]
    assert inside(tmp_path / "pool") == ()


def test_two_checkers_never_check_at_the_same_time(made, stage, tmp_path):
    busy = f"mkdir {tmp_path}/busy && sleep 0.05 && rmdir {tmp_path}/busy"
    checkers = [made(busy), made(busy)]
    outcomes = []

    def check(checker):
        outcomes.extend(checker(stage.base, log(stage)) for _ in range(3))

    threads = [threading.Thread(target=check, args=(one,)) for one in checkers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == [None] * 6


def test_a_checker_that_waits_for_its_turn_can_be_cancelled(made, stage, tmp_path):
    first, second = made(f"touch {tmp_path}/started; sleep 60"), made("true")
    outcomes = {}
    threads = [
        threading.Thread(target=lambda: outcomes.update(first=first(stage.base, log(stage)))),
        threading.Thread(target=lambda: outcomes.update(second=second(stage.base, log(stage)))),
    ]
    threads[0].start()
    wait_until((tmp_path / "started").exists)
    threads[1].start()

    second.cancel()
    threads[1].join(60)

    assert outcomes["second"] == Rejected("cancelled", cancelled=True)
    first.cancel()
    threads[0].join(60)
    assert outcomes["first"].cancelled


def test_a_red_merge_never_becomes_the_tip(made, stage, project):
    checker = made("test ! -e bad.txt")
    queue = MergeQueue(stage.repo, stage.store, REFS, stage.base, checker)
    bad, good = stage.claim("bad"), stage.claim("good")

    red = queue.merge(stage.candidate(bad))
    green = queue.merge(stage.candidate(good))

    assert isinstance(red, Rejected)
    assert isinstance(green, Merged)
    assert names_at(project, REFS.integration) == {"a.txt", "good.txt"}
