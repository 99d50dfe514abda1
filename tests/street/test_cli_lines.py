"""Events and snapshots as a person sees them: pure functions, whole texts."""

import pytest

from parallel_orchestra.cli.frame import frame
from parallel_orchestra.cli.lines import grave, line_of, notable
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.conductor.control import Running
from parallel_orchestra.events import (
    AttemptEnded,
    Claimed,
    Delivered,
    Failed,
    Kept,
    LimitOver,
    LimitReached,
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


def snapshot(*running, stopping=False, **counts):
    counts = {"done": 3, "failed": 0, "locked": len(running), "total": 12} | counts
    return Snapshot(running=running, stopping=stopping, **counts)


def test_the_picture_has_a_head_and_a_line_per_running_task():
    shot = snapshot(
        Running("api", 1, 2, T - 65), Running("documents", 2, 1, T - 3), failed=1, locked=3
    )

    lines = frame(shot, 90.0, T, 80, 24)

    assert lines == (
        "[######------------------] 3 of 12 done, 1 failed  1 min 30 s",
        "   1  documents  attempt 2   3.0 s",
        "   2  api        attempt 1   1 min 05 s",
        "      1 more in other processes",
    )


def test_the_picture_says_what_agents_do_as_far_as_there_is_room():
    shot = snapshot(Running("api", 1, 1, T - 65), Running("web", 1, 2, T - 3))
    acts = {"api": "edit src/\x1b[31mapi.py", "web": "run " + "x" * 99}

    lines = frame(shot, 90.0, T, 60, 24, acts)

    assert lines[1] == "   1  api  attempt 1   1 min 05 s  edit src/api.py"
    assert (len(lines[2]), lines[2][:40]) == (60, "   2  web  attempt 1   3.0 s       run x")


def test_the_picture_fits_a_small_terminal():
    shot = snapshot(*(Running(f"task-{n}", 1, n, T) for n in range(1, 9)), stopping=True)

    lines = frame(shot, 1.0, T, 30, 7)

    assert len(lines) == 6
    assert max(map(len, lines)) == 30
    assert lines[4] == "      ... and 5 more"
    assert lines[5].startswith("stopping: ")


def test_where_it_is_narrow_the_numbers_stay_and_ids_are_cut():
    shot = snapshot(Running("a-rather-long-name-of-a-task", 1, 1, T - 3), failed=1)

    lines = frame(shot, 90.0, T, 40, 24)

    assert lines == (
        "3 of 12 done, 1 failed  1 min 30 s",
        "   1  a-rath ...  attempt 1   3.0 s",
    )
