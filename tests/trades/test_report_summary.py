"""What a terminal shows of a run, at its end and while it goes on."""

from dataclasses import replace

import pytest

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.progress import Exhibit, Outcome, Silence
from parallel_orchestra.report.advice import next_step, resume_step
from parallel_orchestra.report.figures import figures, verdict
from parallel_orchestra.report.last_words import last_words
from parallel_orchestra.report.summary import status_lines, summary
from parallel_orchestra.report.text import span
from support import runs

NOW = runs.START + 2000.0


def running(name, started, **facts):
    started = runs.attempt(started=started, seconds=None, **facts)
    return runs.task(name, Outcome.RUNNING, attempts=(started,))


def test_a_summary_begins_with_the_counts():
    first = summary(runs.failures()).splitlines()[0]

    assert first == "2 completed / 5 total (0 in progress, 2 failed)"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_lines_fit_the_width_unless_they_hold_something_to_copy(width):
    lines = summary(runs.failures(), width).splitlines()

    assert all(
        len(line) <= max(width, 120)
        for line in lines
        if not line.lstrip().startswith(("next:", "logs:"))
    )
    assert "git switch main && git merge orchestra/demo" in "\n".join(lines)


def test_a_failed_command_is_told_with_the_end_of_what_it_printed():
    printed = "1\n2\n\n\x1b[31mE  3 != 4\x1b[0m\n1 failed\n"
    folder = "attempts/core/1.me"
    exhibits = (Exhibit(f"{folder}/agent.log", "well"), Exhibit(f"{folder}/verify.log", printed))
    last = replace(
        runs.attempt(failure="verify"), told_in=f"{folder}/verify.log", exhibits=exhibits
    )
    task = runs.task(
        "core", Outcome.FAILED, attempts=(last,), failure="verify", reason="`make` exited with 1"
    )

    lines = summary(runs.run(task)).splitlines()

    first = lines.index("failed core: verify: `make` exited with 1")
    assert lines[first + 1 : first + 4] == ["  | 2", "  | E  3 != 4", "  | 1 failed"]
    assert lines[first + 4].startswith("  next: see what `verify` said")


def test_ten_thousand_tasks_leave_a_summary_that_can_be_read():
    lines = summary(runs.large()).splitlines()

    [failed] = [line for line in lines if line.startswith("failed ")]
    assert failed.startswith("failed task-00008, task-00018, ")
    assert " and 995 more: verify: `pytest` said no" in failed
    assert sum(line.startswith("skipped ") for line in lines) == 1
    assert len(lines) < 12


def test_of_many_failures_the_first_are_told_and_the_others_counted():
    tasks = [
        runs.task(f"t{n}", Outcome.FAILED, failure="permanent", reason=f"no {n // 2}")
        for n in range(50)
    ]

    lines = summary(runs.run(*tasks)).splitlines()

    assert "failed t38, t39: permanent: no 19" in lines
    assert lines.count("... and 10 more failed") == 1
    assert not any("no 20" in line for line in lines)


def test_tasks_that_failed_alike_are_told_together_and_questions_one_by_one():
    alike = {"outcome": Outcome.FAILED, "failure": "auth", "reason": "not logged in"}
    clash = {"outcome": Outcome.FAILED, "failure": "conflict", "reason": "in 1 file"}
    tasks = [runs.task(f"a{n}", **alike) for n in range(7)]
    tasks += [runs.task(f"c{n}", **clash) for n in range(2)]

    lines = summary(runs.run(*tasks)).splitlines()

    assert lines[2:4] == [
        "failed a0, a1, a2, a3, a4 and 2 more: auth: not logged in",
        "  next: log in to the agent, then `parallel-orchestra retry a0`; so too for the others",
    ]
    assert [line for line in lines if line.startswith("failed c")] == [
        "failed c0: conflict: in 1 file",
        "failed c1: conflict: in 1 file",
    ]


@pytest.mark.parametrize(
    ("failure", "shown"),
    [("timeout", True), ("no_changes", True), ("stalled", True), ("transient", False)],
)
def test_what_the_agent_said_last_is_told_where_the_reason_does_not(failure, shown):
    log = "attempts/core/1.me/agent.log"
    last = replace(
        runs.attempt(failure=failure), log=log, exhibits=(Exhibit(log, "I wait for port 80\n"),)
    )
    task = runs.task("core", Outcome.FAILED, attempts=(last,), failure=failure, reason="why")

    assert ("  | I wait for port 80" in summary(runs.run(task))) is shown
    assert last_words(task, 3, anyhow=True) == ("I wait for port 80",)


def test_ten_thousand_waiting_tasks_are_one_line():
    tasks = [runs.task(f"t{place}", Outcome.WAITING) for place in range(10_000)]

    lines = summary(runs.run(*tasks, exit_code=ExitCode.INTERRUPTED)).splitlines()

    assert [line for line in lines if line.startswith("waiting (10000): t0, t1, t2")]
    assert len(lines) < 10


def test_a_status_shows_the_longest_running_first_and_flags_it():
    run = runs.run(
        running("young", NOW - 12.0, slot=2),
        running("old", NOW - 1801.0),
        runs.task("later", Outcome.WAITING),
        ended=None,
    )

    lines = status_lines(run, NOW)

    assert lines == (
        "0 completed / 3 total (2 in progress, 0 failed)",
        f"running old: attempt 1, slot 1 of {runs.OWNER}, 30 min 01 s, for more than 30 min 00 s",
        f"running young: attempt 1, slot 2 of {runs.OWNER}, 12.0 s",
        "1 waiting",
    )


def test_a_status_says_whose_agent_shows_no_sign_of_life_and_for_how_long():
    quiet = replace(running("core", NOW - 700.0), silence=Silence("quiet", NOW - 95.0))

    lines = status_lines(runs.run(quiet, ended=None), NOW)

    assert lines[1] == (
        f"running core: attempt 1, slot 1 of {runs.OWNER}, 11 min 40 s, "
        "its agent is quiet: no sign of life for 1 min 35 s"
    )


def test_a_task_of_exactly_thirty_minutes_is_not_flagged():
    lines = status_lines(runs.run(running("core", NOW - 1800.0), ended=None), NOW)

    assert lines[1].endswith(", 30 min 00 s")


def test_what_dead_workers_left_is_told_apart_from_what_runs():
    tasks = [running(name, NOW - 9.0) for name in ("a", "b", "c")]
    dead = {"a": "process 7 is gone", "b": "process 7 is gone"}

    lines = status_lines(runs.run(*tasks, ended=None), NOW, dead)

    gone = "not at work a, b: process 7 is gone; whoever goes on with the run has them"
    assert lines[1] == gone
    assert [line[:9] for line in lines[2:]] == ["running c"]


def test_a_running_task_whose_attempt_is_not_known_yet_is_named():
    run = runs.run(runs.task("core", Outcome.RUNNING), ended=None)

    assert status_lines(run, NOW)[1] == "running core"


def test_a_status_names_failed_tasks_with_their_reasons_and_what_can_be_answered():
    report = runs.failures()

    lines = status_lines(report, NOW)

    conflict = "conflict: both sides changed 2 files (src/api.py, src/routes.py)"
    step = next(next_step(report, one) for one in report.tasks if one.id == "api")
    assert lines[1:] == (
        "1 skipped",
        f"failed api: {conflict}\n  next: {step}",
        "failed tests: verify: `pytest` said: ``` 1 failed! ```",
        "warning: the tree has local changes in `notes.md`",
        "not a task of the run: available/build.bak",
        "next: `parallel-orchestra why tests` says what to do",
        "next: deliver what was merged: `git switch main && git merge orchestra/demo`",
        f"next: {resume_step(report)[0]}",
    )


def test_a_status_of_thousands_lists_twenty_of_a_kind():
    tasks = [running(f"t{place}", NOW) for place in range(25)]

    lines = status_lines(runs.run(*tasks, ended=None), NOW)

    assert len(lines) == 22
    assert lines[-1] == "... and 5 more running tasks"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (0.44, "0.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7830.0, "2 h 10 min"),
        (100_000.0, "27 h 47 min"),
    ],
)
def test_a_span_is_said_in_the_units_a_reader_thinks_in(seconds, words):
    assert span(seconds) == words


def test_the_lower_bound_is_the_critical_path_or_the_shared_work():
    wide = figures(runs.run(*(runs.task(str(n), attempts=(runs.attempt(),)) for n in range(4))))
    deep = figures(runs.run(runs.task(attempts=(runs.attempt(),)), critical_path_seconds=15.0))

    assert (wide.bound, wide.speed_up) == (20.0, 40 / 30)
    assert (deep.bound, deep.share) == (15.0, 0.5)


def test_a_resumed_run_claims_no_speed_for_work_that_was_done_before_it():
    before = runs.task("core", Outcome.RESUMED, attempts=(runs.attempt(started=runs.START - 60),))
    after = runs.task("docs", attempts=(runs.attempt(),))

    found = figures(runs.run(before, after))

    assert found.work == 20.0
    assert (found.speed_up, found.share) == (None, None)


@pytest.mark.parametrize(
    ("seconds", "said"), [(104.0, None), (106.0, 1.06)], ids=["as slow", "a little faster"]
)
def test_a_speed_up_is_claimed_only_where_it_is_one(seconds, said):
    run = runs.run(runs.task(attempts=(runs.attempt(seconds=seconds),)), ended=runs.START + 100.0)

    assert figures(run).speed_up == said


def test_a_run_that_was_stopped_before_any_task_ended_was_not_faster():
    stopped = (runs.task(str(n), Outcome.WAITING, attempts=(runs.attempt(),)) for n in range(9))

    found = figures(runs.run(*stopped))

    assert found.work == 90.0
    assert (found.speed_up, found.share) == (None, None)


def test_what_was_not_measured_is_not_said():
    nothing = figures(runs.run(runs.task("core", Outcome.RESUMED)))

    assert (nothing.speed_up, nothing.share, nothing.cost_usd) == (None, None, None)


def test_a_cost_that_is_not_known_as_a_whole_is_not_told_as_if_it_was():
    told = runs.attempt(session="5e55", cost_usd=0.25)
    killed = runs.attempt(2, session="6e66")
    gone = runs.attempt(3, seconds=None, unseen=True)
    programs = runs.task("make", attempts=(runs.attempt(), runs.attempt(2, unseen=True)))

    some = runs.run(runs.task("a", backend="claude", attempts=(told, killed, gone)), programs)
    all_of_it = runs.run(runs.task("a", backend="claude", attempts=(told,)), programs)

    assert figures(some).untold == 2
    assert summary(some).splitlines()[1].startswith("took 30.0 s, cost at least $0.25, ")
    assert summary(all_of_it).splitlines()[1] == "took 30.0 s, cost $0.25"


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: code.name)
def test_every_exit_code_has_a_verdict(code):
    assert "exit code" not in verdict(runs.run(exit_code=code))


def test_an_exit_code_of_a_newer_version_is_said_as_it_is():
    assert verdict(runs.run(exit_code=77)) == "ended with exit code 77"
