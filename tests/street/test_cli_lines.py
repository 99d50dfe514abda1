"""Events and snapshots as a person sees them: pure functions, whole texts."""

import pytest

from parallel_orchestra.cli.ink import plain_text
from parallel_orchestra.cli.lines import grave, line_of, looks, notable, started
from parallel_orchestra.events import (
    AfterMergeBegun,
    AfterMergeEnded,
    AttemptEnded,
    Claimed,
    Delivered,
    Failed,
    Kept,
    LimitOver,
    LimitReached,
    Merged,
    Recovered,
    Returned,
    RunEnded,
    RunStarted,
    Undelivered,
    Warned,
)

T = 1000.0


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (AttemptEnded(T, "build", 1, 2.31), "build  done  attempt 1  2.3 s"),
        (AttemptEnded(T, "build", 1, 2.31, "verify", "no"), ""),
        (Failed(T, "api", 2, "verify", "1 failed"), "api  failed  attempt 2  verify: 1 failed"),
        (
            Returned(T, "api", 1, "timeout", "took 60 s", T + 1.5),
            "api  again  attempt 1  timeout: took 60 s (next attempt in 1.5 s)",
        ),
        (
            Returned(T, "api", 1, "environment", "disk full", 0.0),
            "api  again  attempt 1  environment: disk full (next attempt follows)",
        ),
        (
            Returned(T, "api", 1, "cancelled", "cancelled", 0.0),
            "api  stopped  attempt 1  given back",
        ),
        (
            Returned(T, "api", 1, "usage_limit", "hit your limit", 0.0),
            "api  again  attempt 1  once the limit is over",
        ),
        (
            LimitReached(T, "claude", "0123", 4600.0, "hit your limit"),
            "limit  no agent of `claude` starts until 1970-01-01 01:16:40 UTC: hit your limit",
        ),
        (LimitOver(T, "claude", "0123"), "on  the usage limit of `claude` is over"),
        (
            Kept(T, "api", 1, "refs/heads/orchestra-kept/x/api-1", ("a.py", "b.py")),
            "api  kept  branch orchestra-kept/x/api-1  a.py, b.py",
        ),
        (Kept(T, "api", 1, "refs/orchestra/r/salvage/api/1.x"), ""),
        (
            Recovered(T, "api", "host-1-x", "available", "process 1 is gone"),
            "api  recovered  to available  process 1 is gone",
        ),
        (Warned(T, "", "half full"), "warning  half full"),
        (Warned(T, "api", "half full"), "warning  api  half full"),
        (Delivered(T, "main", "a" * 40, "b" * 40), f"delivered  main  {'a' * 12} -> {'b' * 12}"),
        (Delivered(T, "main", "a" * 40, "a" * 40), ""),
        (
            Delivered(T, "main", "a" * 40, "b" * 40, "https://host/1"),
            f"proposed  main  {'b' * 12}  https://host/1",
        ),
        (AfterMergeBegun(T, "a" * 40, "l"), f"after merge  begins  {'a' * 12}"),
        (AfterMergeEnded(T, "a", 2.0, "", "", "l"), "after merge  passed  2.0 s"),
        (AfterMergeEnded(T, "a", 2.0, "verify", "bad", "l"), "after merge  failed: bad  2.0 s"),
        (Undelivered(T, "main", "moved", "git x"), "undelivered  main  moved  git x"),
        (RunStarted(T, "r1", 3, "parallel", "why", resumed=True), "run  r1  resumed"),
        (RunStarted(T, "r1", 3, "parallel", "why", resumed=False), ""),
        (Claimed(T, "api", 1, 1), ""),
        (RunEnded(T, 0, 1.0), ""),
    ],
)
def test_an_event_is_a_line_or_nothing(event, line):
    assert line_of(event) == line


def test_what_an_agent_says_stays_one_line_of_text():
    line = line_of(Failed(T, "api", 1, "permanent", "\x1b[2Jall\r\ngone\x07 [red]x[/red]"))

    assert line == "api  failed  attempt 1  permanent: all gone [red]x[/red]"


def test_a_long_reason_is_cut():
    line = line_of(Failed(T, "api", 1, "permanent", "x" * 5000))

    assert (len(line), line[-4:]) == (300, " ...")


def test_quiet_leaves_the_failures_and_a_picture_leaves_out_the_successes():
    done, failed = AttemptEnded(T, "a", 1, 1.0), Failed(T, "a", 1, "verify", "no")

    assert (grave(done), notable(done)) == (False, False)
    assert (grave(failed), notable(failed)) == (True, True)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Claimed(T, "api", 2, 3), "api  started  attempt 2  worker 3"),
        (Merged(T, "api", 1, "a" * 40), f"api  merged  attempt 1  {'a' * 12}"),
        (RunEnded(T, 0, 1.0), ""),
    ],
)
def test_who_wants_to_know_it_all_is_told_what_starts_and_what_is_merged(event, line):
    assert started(event) == line


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Failed(T, "api", 1, "verify", "no"), [("api", "name"), ("failed", "bad")]),
        (AttemptEnded(T, "api", 1, 2.3), [("api", "name"), ("done", "good")]),
        (Warned(T, "", "half full"), [("warning", "odd")]),
    ],
)
def test_a_line_has_the_same_words_with_colours(event, words):
    line = looks(event, line_of(event))

    assert plain_text(line) == line_of(event)
    assert [(piece.text, piece.look) for piece in line if piece.look] == words
