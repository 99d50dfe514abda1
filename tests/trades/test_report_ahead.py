"""What lies ahead, in words and for programs."""

import pytest

from parallel_orchestra.progress import Outcome
from parallel_orchestra.report.ahead import ahead, cause_record, outlook_record
from parallel_orchestra.report.json_report import render
from parallel_orchestra.report.summary import status_lines
from parallel_orchestra.report.text import instant
from parallel_orchestra.schedule import Cause, Hold, Outlook
from support import runs

NOW = runs.START + 20.0
OUTLOOK = Outlook(
    workers=3,
    width=2,
    path=("a", "b"),
    path_seconds=90.0,
    work=200.0,
    seconds=120.0,
    tasks=4,
    known=3,
)
WAITS = Cause(Hold.DEPENDENCY, "waits for `a`", ("a",))


def unknown(**facts):
    return Outlook(**{"workers": 1, "width": 1, "path": ("a",), "path_seconds": 1.0} | facts)


def test_it_tells_workers_critical_path_and_expected_duration():
    assert list(ahead(OUTLOOK)) == [
        "workers: 3, and at most 2 tasks can run at once: more workers than that are of no use",
        "critical path: 2 tasks, about 1 min 30 s: a -> b",
        "expected: about 2 min 00 s with 3 workers, 3 min 20 s with one (known of 3 of 4 tasks)",
    ]


def test_where_nothing_is_left_nothing_is_told():
    assert list(ahead(unknown(path=(), work=0.0, seconds=0.0, tasks=0, known=0))) == []


def test_without_any_duration_only_what_is_known_is_told():
    lines = list(ahead(unknown(work=1.0, seconds=1.0, tasks=1, known=0)))

    assert lines == [
        "workers: 1, and at most 1 task can run at once",
        "critical path: 1 task: a",
        "expected: unknown, since no task has an `estimate` or has run here before",
    ]


def test_one_worker_is_not_compared_with_one_worker():
    outlook = unknown(work=60.0, seconds=60.0, tasks=1, known=1)

    assert list(ahead(outlook))[-1] == "expected: about 1 min 00 s with 1 worker"


def test_a_long_path_is_cut_in_the_middle():
    path = tuple(f"t{i}" for i in range(30))

    line = list(ahead(unknown(path=path, work=1.0, seconds=1.0, tasks=30, known=0)))[1]

    assert line.startswith("critical path: 30 tasks: t0 -> t1")
    assert line.endswith("t18 -> ... -> t29")


def test_what_ended_in_this_run_tells_how_long_its_like_take():
    facts = {"work": 60.0, "seconds": 31.0, "tasks": 9, "known": 0, "workers": 4, "width": 8}

    few, enough = unknown(**facts, measured=3), unknown(**facts, measured=4)

    assert list(ahead(few))[-1].startswith("expected: unknown")
    assert list(ahead(enough))[-1] == (
        "expected: about 31.0 s with 4 workers, 1 min 00 s with one (by the 4 tasks done so far)"
    )
    assert outlook_record(enough)["expected_sec"] == 31.0


def test_for_programs_unknown_seconds_are_null():
    record = outlook_record(unknown(work=1.0, seconds=1.0, tasks=1, known=0))

    assert [value for key, value in record.items() if key.endswith("_sec")] == [None] * 3
    assert record["tasks_of_known_duration"] == 0


@pytest.mark.parametrize(
    ("cause", "record"),
    [
        (None, None),
        (
            WAITS,
            {"kind": "dependency", "words": "waits for `a`", "tasks": ("a",), "until": None},
        ),
        (
            Cause(Hold.BACKOFF, "later", until=0.0),
            {
                "kind": "backoff",
                "words": "later",
                "tasks": (),
                "until": "1970-01-01T00:00:00.000+00:00",
            },
        ),
    ],
    ids=["none", "dependency", "backoff"],
)
def test_a_cause_for_programs(cause, record):
    assert cause_record(cause, instant) == record


def test_a_status_names_what_waiting_tasks_wait_for_and_what_lies_ahead():
    waiting = [runs.task(f"t{i}", Outcome.WAITING, cause=WAITS) for i in range(7)]
    skipped = Cause(Hold.DOOMED, "`x`, which it needs, failed", ("x",))
    run = runs.run(
        *waiting,
        runs.task("lost", Outcome.SKIPPED, cause=skipped),
        ended=None,
        outlook=OUTLOOK,
        held=("memory is short",),
    )

    lines = status_lines(run, NOW)

    assert lines == (
        "0 completed / 8 total (0 in progress, 0 failed)",
        "held: no task starts: memory is short",
        "7 waiting",
        "waiting t0, t1, t2, t3, t4 and 2 more: waits for `a`",
        "1 skipped",
        "skipped lost: `x`, which it needs, failed",
        *ahead(OUTLOOK),
    )


def test_the_json_report_carries_causes_and_outlook():
    run = runs.run(runs.task("t", Outcome.WAITING, cause=WAITS), ended=None, outlook=OUTLOOK)

    text = render(run)

    assert '"cause": {"kind": "dependency", "words": "waits for `a`", "tasks": ["a"]' in text
    assert '"expected_sec": 120.0' in text
