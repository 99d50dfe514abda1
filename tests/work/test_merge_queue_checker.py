"""The plan's `verify` on a merge candidate, in a worktree of the queue's own."""

import threading

import pytest

from parallel_orchestra.isolation import Pool
from parallel_orchestra.merge_queue import Checker, Merged, MergeQueue, Rejected
from parallel_orchestra.model import NO_SETUP, MergeRules, Setup
from support.merging import REFS, Stage, commit_on
from support.processes import inside
from support.repository import git, make_repository, names_at, worktrees_of
from support.waiting import wait_until

NO_RULES = MergeRules()


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

    def make(*commands, setup=NO_SETUP, rules=NO_RULES):
        pool = Pool(stage.repo, tmp_path / "pool", project, stage.owner)
        pool.collect()
        environ = {"PATH": "/usr/bin:/bin", "MARK": "seen"}
        checker = Checker(
            pool, REFS, stage.layout, stage.owner, commands, environ, setup, rules=rules
        )
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

    assert checker(stage.base, log(stage), stage.base) is None


def test_the_first_command_that_fails_rejects_with_its_words(made, stage):
    checker = made("true", "echo two tests failed; exit 3", "touch never")

    rejected = checker(stage.base, log(stage), stage.base)

    assert rejected is not None
    assert not rejected.cancelled
    assert "`echo two tests failed; exit 3`" in rejected.output
    assert "two tests failed\n" in rejected.output
    assert b"two tests failed" in log(stage).read_bytes()


def test_each_candidate_is_checked_in_a_clean_worktree(made, stage):
    checker = made("test ! -e left.txt && touch left.txt && echo changed > a.txt")

    outcomes = [checker(stage.base, log(stage), stage.base) for _ in range(3)]

    assert outcomes == [None, None, None]


def test_a_cancel_ends_what_runs_and_every_later_check(made, stage, tmp_path):
    checker = made(f"touch {tmp_path}/started; sleep 60")
    outcomes = []
    thread = threading.Thread(
        target=lambda: outcomes.append(checker(stage.base, log(stage), stage.base))
    )
    thread.start()
    wait_until((tmp_path / "started").exists)

    checker.cancel()
    thread.join(60)
    outcomes.append(checker(stage.base, log(stage), stage.base))

    assert [one.cancelled for one in outcomes] == [True, True]
    assert inside(tmp_path / "pool") == ()


def test_two_checkers_never_check_at_the_same_time(made, stage, tmp_path):
    busy = f"mkdir {tmp_path}/busy && sleep 0.05 && rmdir {tmp_path}/busy"
    checkers = [made(busy), made(busy)]
    outcomes = []

    def check(checker):
        outcomes.extend(checker(stage.base, log(stage), stage.base) for _ in range(3))

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
        threading.Thread(
            target=lambda: outcomes.update(first=first(stage.base, log(stage), stage.base))
        ),
        threading.Thread(
            target=lambda: outcomes.update(second=second(stage.base, log(stage), stage.base))
        ),
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


# the next one, prepared


def test_what_was_prepared_is_checked_where_it_was_made_ready(made, stage, tmp_path):
    setup = Setup(run=(f"pwd >> {tmp_path}/set-up",))
    checker = made(f"pwd >> {tmp_path}/checked", setup=setup)
    following = commit_on(stage.project, stage.base, {"b.txt": "b\n"})
    checker(stage.base, log(stage), stage.base)

    checker.prepare(following, log(stage))
    assert len((tmp_path / "set-up").read_text().splitlines()) == 2
    checker(following, log(stage), stage.base)

    set_up, checked = ((tmp_path / name).read_text() for name in ("set-up", "checked"))
    assert set_up == checked
    assert len(set(checked.splitlines())) == 2


def test_what_was_prepared_in_vain_is_no_part_of_another_check(made, stage):
    checker = made("test ! -e b.txt")
    checker.prepare(commit_on(stage.project, stage.base, {"b.txt": "b\n"}), log(stage))

    assert checker(stage.base, log(stage), stage.base) is None


def test_a_cancel_ends_a_preparation_too(made, stage, tmp_path):
    checker = made("true", setup=Setup(run=(f"touch {tmp_path}/started; sleep 60",)))
    thread = threading.Thread(target=checker.prepare, args=(stage.base, log(stage)))
    thread.start()
    wait_until((tmp_path / "started").exists)

    checker.cancel()
    thread.join(60)

    assert not thread.is_alive()
    assert inside(tmp_path / "pool") == ()


# a base that is red already

#: Prints the names in `red.txt` as what fails, and fails if there are any.
LISTED = "test ! -s red.txt"
BY_LINES = MergeRules(baseline=True, failing="cat red.txt")
REPORT = (
    "python3 -c \"names = open('red.txt').read().split(); "
    "cases = ''.join(f'<testcase classname=\\'t\\' name=\\'{n}\\'><failure/></testcase>'"
    " for n in names); open('out.xml', 'w').write(f'<testsuite>{cases}</testsuite>'); "
    'exit(len(names))"'
)
BY_JUNIT = MergeRules(baseline=True, junit=("out.xml",))


def red_with(stage, *names, **files):
    """Returns a commit on which these fail."""
    content = "".join(f"{name}\n" for name in names)
    return commit_on(stage.project, stage.base, {"red.txt": content, **files})


@pytest.mark.parametrize(
    ("command", "rules"), [(LISTED, BY_LINES), (REPORT, BY_JUNIT)], ids=["lines", "junit"]
)
def test_only_what_the_base_does_not_fail_in_blocks(made, stage, command, rules):
    checker = made(command, rules=rules)
    base = red_with(stage, "one", "two")

    same = checker(red_with(stage, "two", "one"), log(stage), base)
    fewer = checker(red_with(stage, "two"), log(stage), base)
    none = checker(red_with(stage), log(stage), base)
    fresh = checker(red_with(stage, "two", "three"), log(stage), base)

    assert (same, fewer, none) == (None, None, None)
    assert fresh.output.startswith("new failures:\n")
    assert "three" in fresh.output.splitlines()[1]
    assert "two" not in fresh.output.partition("\n\n")[0]


def test_what_fails_on_the_base_is_looked_for_once_even_by_another_process(made, stage, tmp_path):
    counted = f"git rev-parse HEAD >> {tmp_path}/seen; {LISTED}"
    base, later = red_with(stage, "one"), red_with(stage, "one", b="b")
    first = made(counted, rules=BY_LINES)
    first(later, log(stage), base)
    first(later, log(stage), base)

    second = made(counted, rules=BY_LINES)
    assert second(later, log(stage), base) is None

    assert (tmp_path / "seen").read_text().split() == [later, base, later, later]


def test_on_a_green_base_everything_that_fails_blocks(made, stage):
    checker = made(LISTED, rules=BY_LINES)

    assert checker(red_with(stage, "one"), log(stage), red_with(stage)) is not None


@pytest.mark.parametrize(
    ("command", "rules", "words"),
    [
        ("test -e fine.txt", BY_LINES, "no failure is named"),
        ("test -e fine.txt", BY_JUNIT, "`verify` wrote no `out.xml`"),
        ("echo '<testsuite' > out.xml; test -e fine.txt", BY_JUNIT, "`out.xml` can't be read"),
        ("test -e fine.txt || kill -9 $$", BY_LINES, "did not end by itself"),
    ],
    ids=["none", "no file", "no XML", "killed"],
)
def test_what_can_not_be_told_blocks(made, stage, command, rules, words):
    checker = made(command, rules=rules)
    candidate = red_with(stage)

    rejected = checker(candidate, log(stage), stage.base)

    assert "what fails on the base can't be told" in rejected.output
    assert words in rejected.output


def test_a_report_that_lies_in_the_repository_is_not_taken_for_a_fresh_one(made, stage):
    old = "<testsuite><testcase name='old'><failure/></testcase></testsuite>"
    candidate = red_with(stage, "one", **{"out.xml": old})
    checker = made("test -e fine.txt", rules=BY_JUNIT)

    rejected = checker(candidate, log(stage), candidate)

    assert "`verify` wrote no `out.xml`" in rejected.output


def test_a_command_that_fails_anew_blocks_although_no_test_does(made, stage):
    checker = made(LISTED, "test ! -e lint.txt", rules=BY_LINES)

    rejected = checker(
        red_with(stage, "one", **{"lint.txt": "l"}), log(stage), red_with(stage, "one")
    )

    assert rejected.output.startswith("new failures:\n`test ! -e lint.txt`\n")
