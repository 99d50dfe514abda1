"""Events and a listing become a picture; where the two disagree, the listing wins."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra import events
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.events import (
    NO_ATTEMPT,
    AttemptEnded,
    Claimed,
    Completed,
    Delivered,
    Entered,
    Event,
    Failed,
    Kept,
    LimitOver,
    LimitReached,
    Merged,
    Recovered,
    Returned,
    RunEnded,
    RunStarted,
    StartsHeld,
    Undelivered,
    Warned,
    WorkerJoined,
    to_line,
)
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.progress import (
    Attempt,
    Delivery,
    Outcome,
    Place,
    RunFacts,
    RunReport,
    Stretch,
    TaskReport,
    Wait,
    fold,
)
from parallel_orchestra.schedule import Cause, Hold
from parallel_orchestra.states import TaskState
from support.machine import fair, unburdened

AVAILABLE, LOCKED, DONE, FAILED = TaskState
ME, OTHER = "host-1-00000001", "host-2-00000002"


def plan_of(*tasks: Task) -> Plan:
    return Plan("0.2", "demo", Path("/repo/plan.md"), Path("/repo"), tasks)


def facts_of(*tasks: Task, **merges: str) -> RunFacts:
    return RunFacts(
        "r1", plan_of(*tasks), "/repo/_tasks", "main", "b0", "orchestra/demo", "t1", merges
    )


def place(state: TaskState, attempts: int = 0, failures: int = 0, owner: str = "") -> Place:
    return Place(state, attempts, failures, owner)


def by(writer: str, *told: Event) -> list[tuple[str, Event]]:
    return [(writer, event) for event in told]


def started(at: float = 100.0, *, resumed: bool = False) -> RunStarted:
    return RunStarted(at, "r1", 3, "parallel", "2 tasks side by side", resumed)


def attempt(number: int, at: float, seconds: float | None, owner: str = ME, **more) -> Attempt:
    log = f"attempts/a/{number}.{owner}/agent.log"
    return Attempt(number, owner, 1, at, seconds, log=log, **more)


def the_only(
    where: Place | None,
    history: list[tuple[str, Event]],
    task: Task | None = None,
    **merges: str,
) -> TaskReport:
    """The picture of a plan with the one task `a`."""
    places = {} if where is None else {"a": where}
    return fold(facts_of(task or Task(id="a"), **merges), places, history, 999.0).tasks[0]


GOOD = (
    Claimed(101.0, "a", 1, 1),
    Merged(104.0, "a", 1, "c1"),
    AttemptEnded(105.0, "a", 1, 4.0, cost_usd=0.5, input_tokens=7, output_tokens=8, turns=9),
    Completed(105.0, "a", 1),
)
DONE_BY_ME = place(DONE, 1, 0, ME)
READER = Task(id="a", read_only=True)

READY = Cause(Hold.WORKER, "ready: it starts when a worker is free")
PLAIN = TaskReport(
    id="a",
    title="",
    agent="",
    backend="claude",
    read_only=False,
    depends_on=(),
    outcome=Outcome.WAITING,
)


# Pictures of whole runs


def test_a_finished_run_is_shown_with_all_that_its_events_tell():
    tasks = (
        Task(id="a", title="first", agent="coder", backend="command"),
        Task(id="b", depends_on=("a",), read_only=True),
    )
    history = [
        *by(ME, started(), *GOOD),
        *by(OTHER, WorkerJoined(105.0, 1), Claimed(106.0, "b", 1, 2)),
        *by(OTHER, AttemptEnded(109.0, "b", 1, 3.0, cost_usd=0.25), Completed(109.0, "b", 1)),
        *by(ME, Warned(109.5, "", "the disk is nearly full"), Delivered(110.0, "main", "b0", "t1")),
        *by(ME, RunEnded(111.0, 0, 11.0)),
    ]
    places = {"a": DONE_BY_ME, "b": place(DONE, 1, 0, OTHER)}

    report = fold(facts_of(*tasks, a="c1"), places, history, 999.0)

    said = {"cost_usd": 0.5, "input_tokens": 7, "output_tokens": 8, "turns": 9}
    assert report == RunReport(
        run="r1",
        name="demo",
        source="/repo/plan.md",
        cwd="/repo",
        tasks_dir="/repo/_tasks",
        started=100.0,
        ended=111.0,
        workers=3,
        mode="parallel",
        mode_reason="2 tasks side by side",
        base_branch="main",
        base_commit="b0",
        integration="orchestra/demo",
        tip="t1",
        delivery=Delivery("main", "b0", "t1", done=True),
        tasks=(
            replace(
                PLAIN,
                title="first",
                agent="coder",
                backend="command",
                outcome=Outcome.SUCCEEDED,
                attempts=(attempt(1, 101.0, 4.0, **said),),
                commit="c1",
            ),
            replace(
                PLAIN,
                id="b",
                read_only=True,
                depends_on=("a",),
                outcome=Outcome.SUCCEEDED,
                attempts=(
                    Attempt(
                        1,
                        OTHER,
                        2,
                        106.0,
                        3.0,
                        cost_usd=0.25,
                        log=f"attempts/b/1.{OTHER}/agent.log",
                    ),
                ),
            ),
        ),
        took=11.0,
        exit_code=0,
        critical_path_seconds=7.0,
        seen=999.0,
        warnings=("the disk is nearly full",),
    )
    assert (report.total, report.completed, report.count(Outcome.SUCCEEDED)) == (2, 2, 2)
    assert (report.seconds, report.work_seconds, report.cost_usd) == (11.0, 7.0, 0.75)


def test_a_run_took_what_its_conductor_measured_whatever_the_wall_clock_did():
    history = by(ME, started(86_500.0), RunEnded(112.5, 0, 12.5))

    report = fold(facts_of(Task(id="a")), {}, history, 999.0)

    assert report.seconds == 12.5


def test_a_run_without_any_event_shows_the_listing_and_begins_at_this_moment():
    report = fold(facts_of(Task(id="a")), {"a": place(AVAILABLE)}, [], 999.0)

    assert report.tasks == (replace(PLAIN, cause=READY),)
    assert (report.started, report.ended, report.workers, report.mode) == (999.0, None, 0, "")
    assert (report.seconds, report.work_seconds, report.cost_usd) == (None, 0.0, None)
    assert report.delivery == Delivery("main")


def test_a_plan_without_tasks_is_done():
    report = fold(facts_of(), {}, [], 999.0)

    assert (report.exit_code, report.critical_path_seconds) == (0, 0.0)


def test_the_critical_path_is_the_longest_chain_of_seconds_really_spent():
    tasks = (Task(id="a"), Task(id="b", depends_on=("a",)), Task(id="c"))
    history = [
        (ME, AttemptEnded(200.0, task, 1, seconds))
        for task, seconds in (("a", 10.0), ("b", 5.0), ("c", 12.0))
    ]

    report = fold(facts_of(*tasks), {}, history, 999.0)

    assert report.critical_path_seconds == 15.0


# A task's story


def test_a_retried_task_has_all_its_attempts_and_no_failure_in_the_end():
    history = by(
        ME,
        started(),
        Claimed(101.0, "a", 1, 1),
        AttemptEnded(103.0, "a", 1, 2.0, "verify", "the tests fail"),
        Returned(103.0, "a", 1, "verify", "the tests fail", 104.0),
        Claimed(104.0, "a", 2, 1),
        AttemptEnded(107.0, "a", 2, 3.0),
        Completed(107.0, "a", 2),
    )

    task = the_only(place(DONE, 2, 1, ME), history, a="c1")

    failed = attempt(1, 101.0, 2.0, failure="verify", reason="the tests fail")
    assert task == replace(
        PLAIN,
        outcome=Outcome.SUCCEEDED,
        attempts=(failed, attempt(2, 104.0, 3.0)),
        failures=1,
        commit="c1",
    )
    assert task.seconds == 5.0
    assert task.cost_usd is None


def test_a_task_that_waits_for_another_attempt_shows_why_the_last_one_failed():
    history = by(
        ME,
        Claimed(101.0, "a", 1, 1),
        AttemptEnded(103.0, "a", 1, 2.0, "timeout", "took too long"),
        Returned(103.0, "a", 1, "timeout", "took too long", 104.0),
    )

    task = the_only(place(AVAILABLE, 1, 1), history)

    assert (task.outcome, task.failure, task.reason) == (
        Outcome.WAITING,
        "timeout",
        "took too long",
    )


def test_a_conflict_shows_its_files_and_where_the_work_is_kept():
    kept = Kept(103.0, "a", 1, "refs/heads/orchestra-kept/demo/a-1", ("x.py", "y.py"))
    history = by(
        ME,
        Claimed(101.0, "a", 1, 1),
        kept,
        kept,
        AttemptEnded(103.0, "a", 1, 2.0, "conflict", "conflict in 2 files"),
        Failed(103.0, "a", 1, "conflict", "conflict in 2 files"),
    )

    task = the_only(place(FAILED, 1, 1, ME), history)

    assert task == replace(
        PLAIN,
        outcome=Outcome.FAILED,
        attempts=(attempt(1, 101.0, 2.0, failure="conflict", reason="conflict in 2 files"),),
        failures=1,
        failure="conflict",
        reason="conflict in 2 files",
        kept=("refs/heads/orchestra-kept/demo/a-1",),
        files=("x.py", "y.py"),
    )


def test_a_later_failure_does_not_show_the_files_of_an_earlier_conflict():
    history = by(
        ME,
        Claimed(101.0, "a", 1, 1),
        Kept(103.0, "a", 1, "refs/kept/1", ("x.py",)),
        Failed(103.0, "a", 1, "conflict", "conflict in 1 file"),
        Claimed(110.0, "a", 2, 1),
        Kept(112.0, "a", 2, "refs/kept/2"),
        Failed(112.0, "a", 2, "verify", "the tests fail"),
    )

    task = the_only(place(FAILED, 2, 2, ME), history)

    assert (task.failure, task.files) == ("verify", ())
    assert task.kept == ("refs/kept/1", "refs/kept/2")


def test_the_files_of_a_conflict_stay_when_more_work_is_kept_and_go_when_it_is_solved():
    history = by(
        ME,
        Claimed(101.0, "a", 1, 1),
        Kept(103.0, "a", 1, "refs/kept/1", ("x.py",)),
        Kept(103.0, "a", 1, "refs/salvage/1"),
        Failed(103.0, "a", 1, "conflict", "conflict in 1 file"),
    )

    failed = the_only(place(FAILED, 1, 1, ME), history)
    solved = the_only(place(DONE, 1, 1, ME), history)

    assert (failed.files, solved.files) == (("x.py",), ())
    assert (solved.outcome, solved.failure, solved.reason) == (Outcome.BY_HAND, "", "")


def test_dependents_of_a_failed_task_are_skipped_and_name_it():
    tasks = (Task(id="a"), Task(id="b", depends_on=("a",)), Task(id="c", depends_on=("b",)))
    places = {"a": place(FAILED, 2, 2, ME), "b": place(AVAILABLE), "c": place(AVAILABLE)}
    history = by(ME, Failed(103.0, "a", 2, "verify", "the tests fail"))

    report = fold(facts_of(*tasks), places, history, 999.0)

    assert [(task.outcome, task.reason) for task in report.tasks] == [
        (Outcome.FAILED, "the tests fail"),
        (Outcome.SKIPPED, "`a`, which it needs, failed"),
        (Outcome.SKIPPED, "`a`, which it needs, failed"),
    ]


def test_warnings_about_a_task_stand_with_it_not_with_the_run():
    report = fold(
        facts_of(Task(id="a")),
        {"a": place(AVAILABLE)},
        by(ME, Warned(101.0, "a", "changed files that it should only read")),
        999.0,
    )

    assert report.tasks[0].warnings == ("changed files that it should only read",)
    assert report.warnings == ()


# People with `mv`


@pytest.mark.parametrize(
    ("task", "where"),
    [
        pytest.param(Task(id="a"), place(DONE), id="write task, never begun"),
        pytest.param(Task(id="a"), place(DONE, 1, 0, ME), id="write task without a merge"),
        pytest.param(READER, place(DONE), id="read-only task, never begun"),
        pytest.param(READER, place(DONE, 1, 1), id="read-only task after a failed attempt"),
    ],
)
def test_a_task_in_done_that_we_did_not_do_is_done_by_hand(task, where):
    failed = AttemptEnded(103.0, "a", 1, 2.0, "verify", "the tests fail")
    history = by(ME, Claimed(101.0, "a", 1, 1), failed) if where.attempts else []

    assert the_only(where, history, task).outcome is Outcome.BY_HAND


@pytest.mark.parametrize("task", [Task(id="a"), READER], ids=["write task", "read-only task"])
def test_a_task_that_was_taken_over_as_done_is_resumed(task):
    history = by(ME, Completed(101.0, "a", NO_ATTEMPT))

    assert the_only(place(DONE), history, task).outcome is Outcome.RESUMED


def test_a_lost_attempt_does_not_count_as_ours_when_a_person_moves_the_freed_task_to_done():
    history = by(
        ME, Claimed(101.0, "a", 1, 1), Recovered(120.0, "a", ME, "available", "its process is gone")
    )

    assert the_only(place(DONE, 1, 0), history, READER).outcome is Outcome.BY_HAND


def test_a_task_that_was_never_begun_and_lies_in_failed_was_moved_there_by_hand():
    task = the_only(place(FAILED), [])

    assert (task.outcome, task.reason) == (Outcome.FAILED, "moved to `failed/` by hand")


def test_a_lock_without_an_owner_is_shown_as_a_persons():
    task = the_only(place(LOCKED, 1), by(ME, Claimed(101.0, "a", 1, 1)))

    assert (task.outcome, task.reason) == (Outcome.RUNNING, "locked by hand, without an owner")
    assert task.attempts[0].unseen


def test_a_task_whose_file_is_nowhere_is_missing():
    task = the_only(None, [])

    assert (task.outcome, task.failures) == (Outcome.MISSING, 0)
    assert task.reason == "its file is in none of the four directories"


def test_a_done_task_moved_back_to_available_waits_again():
    task = the_only(place(AVAILABLE, 1), by(ME, *GOOD), a="c1")

    assert (task.outcome, task.commit) == (Outcome.WAITING, "c1")


# Several runs of one directory


def test_what_an_earlier_run_completed_is_resumed_in_the_later_one():
    history = by(ME, started(), *GOOD, RunEnded(106.0, 6, 6.0))

    before = the_only(DONE_BY_ME, history, a="c1")
    after = the_only(DONE_BY_ME, [*history, (OTHER, started(200.0, resumed=True))], a="c1")

    assert (before.outcome, after.outcome) == (Outcome.SUCCEEDED, Outcome.RESUMED)


def test_what_the_resumed_run_does_itself_has_succeeded():
    history = by(ME, started(50.0), started(100.0, resumed=True), *GOOD)

    assert the_only(DONE_BY_ME, history, a="c1").outcome is Outcome.SUCCEEDED


def test_a_done_task_that_ran_again_has_the_outcome_of_its_last_run():
    again = [Claimed(201.0, "a", 1, 1), AttemptEnded(202.0, "a", 1, 1.0), Completed(202.0, "a", 1)]
    history = [*by(ME, started(), *GOOD), *by(OTHER, started(200.0, resumed=True), *again)]

    assert the_only(place(DONE, 1, 0, OTHER), history, a="c2").outcome is Outcome.SUCCEEDED


def test_a_resumed_run_begins_anew_with_its_end_its_warnings_and_its_delivery():
    history = by(
        ME,
        started(),
        Warned(101.0, "", "old"),
        Undelivered(102.0, "main", "local changes", "git merge x"),
        RunEnded(103.0, 4, 3.0),
        started(200.0, resumed=True),
        Warned(201.0, "", "new"),
    )

    report = fold(facts_of(Task(id="a")), {"a": DONE_BY_ME}, history, 999.0)

    assert (report.started, report.ended, report.warnings) == (200.0, None, ("new",))
    assert report.delivery == Delivery("main")


def test_what_could_not_be_delivered_says_why_and_what_to_run():
    history = by(ME, started(), Undelivered(102.0, "main", "local changes", "git merge x"))

    report = fold(facts_of(Task(id="a"), a="c1"), {"a": DONE_BY_ME}, history, 999.0)

    assert report.delivery == Delivery("main", reason="local changes", command="git merge x")
    assert report.exit_code == ExitCode.WAITS_FOR_PERSON


def test_what_the_plan_leaves_to_the_user_waits_for_nobody():
    history = by(ME, started(), Undelivered(102.0, "main", "", "parallel-orchestra deliver"))

    report = fold(facts_of(Task(id="a"), a="c1"), {"a": DONE_BY_ME}, history, 999.0)

    assert report.delivery == Delivery("main", command="parallel-orchestra deliver")
    assert report.exit_code == ExitCode.DONE


@pytest.mark.parametrize(
    ("ended", "stands"),
    [(ExitCode.WAITS_FOR_PERSON, ExitCode.DONE), (ExitCode.INTERRUPTED, ExitCode.INTERRUPTED)],
)
def test_a_delivery_after_the_end_ends_the_wait_for_it_and_nothing_else(ended, stands):
    history = by(
        ME,
        started(),
        Undelivered(102.0, "main", "local changes", "git merge x"),
        RunEnded(103.0, int(ended), 3.0),
    )
    history += by(OTHER, Delivered(110.0, "main", "b0", "t1"))

    report = fold(facts_of(Task(id="a"), a="c1"), {"a": DONE_BY_ME}, history, 999.0)

    assert report.delivery == Delivery("main", "b0", "t1", done=True)
    assert report.exit_code == stands


# Crashes, and what is missing in the journal


def test_a_recovered_task_says_so_and_its_lost_attempt_does_not_run_for_ever():
    history = by(ME, Claimed(101.0, "a", 1, 1))
    history += by(OTHER, Recovered(120.0, "a", ME, "available", "its process is gone"))

    task = the_only(place(AVAILABLE, 1), history)

    assert task == replace(
        PLAIN,
        attempts=(attempt(1, 101.0, None, unseen=True),),
        warnings=("was recovered to `available/`: its process is gone",),
        cause=READY,
    )


def test_a_merge_found_after_a_crash_is_a_success_of_the_run_that_found_it():
    history = by(ME, started(), Claimed(101.0, "a", 1, 1))
    history += by(
        OTHER,
        started(200.0, resumed=True),
        Recovered(201.0, "a", ME, "done", "its process is gone"),
    )

    task = the_only(place(DONE, 1, 0, ME), history, a="c1")

    assert (task.outcome, task.commit) == (Outcome.SUCCEEDED, "c1")
    assert task.warnings == ("was recovered to `done/`: its process is gone",)


def test_the_attempt_that_holds_the_lock_runs_and_an_older_one_of_a_dead_owner_does_not():
    history = [*by(ME, Claimed(101.0, "a", 1, 1)), *by(OTHER, Claimed(130.0, "a", 2, 1))]

    task = the_only(place(LOCKED, 2, 0, OTHER), history)

    assert task.outcome is Outcome.RUNNING
    assert [one.unseen for one in task.attempts] == [True, False]


def test_two_writers_of_the_same_attempt_number_stay_apart():
    history = [
        *by(ME, Claimed(101.0, "a", 1, 1)),
        *by(OTHER, Claimed(102.0, "a", 1, 2), AttemptEnded(104.0, "a", 1, 2.0)),
    ]

    task = the_only(place(DONE, 1, 0, OTHER), history, a="c1")

    assert [(one.owner, one.seconds, one.unseen) for one in task.attempts] == [
        (ME, None, True),
        (OTHER, 2.0, False),
    ]


def test_a_crash_between_the_move_to_done_and_its_events_is_a_success():
    history = by(ME, started(), Claimed(101.0, "a", 1, 1))

    written = the_only(DONE_BY_ME, history, a="c1")
    read = the_only(DONE_BY_ME, history, READER)

    assert (written.outcome, read.outcome) == (Outcome.SUCCEEDED, Outcome.SUCCEEDED)
    assert read.attempts[0].unseen


def test_after_such_a_crash_the_task_is_resumed_in_the_next_run():
    history = by(ME, started(), Claimed(101.0, "a", 1, 1), started(200.0, resumed=True))

    written = the_only(DONE_BY_ME, history, a="c1")
    read = the_only(DONE_BY_ME, history, READER)

    assert (written.outcome, read.outcome) == (Outcome.RESUMED, Outcome.RESUMED)


def test_a_crash_between_the_move_to_failed_and_its_events_does_not_show_an_older_reason():
    history = by(
        ME,
        Claimed(101.0, "a", 1, 1),
        Returned(103.0, "a", 1, "conflict", "conflict in 1 file", 104.0),
        Claimed(104.0, "a", 2, 1),
    )

    task = the_only(place(FAILED, 2, 2, ME), history)

    assert (task.outcome, task.failure) == (Outcome.FAILED, "")
    assert task.reason == "how its last attempt ended was not recorded; its log may tell"


def test_a_task_whose_events_are_all_lost_is_what_its_place_and_its_merge_say():
    resumed = by(ME, started(200.0, resumed=True))

    outcomes = [
        the_only(DONE_BY_ME, [], a="c1").outcome,
        the_only(DONE_BY_ME, resumed, a="c1").outcome,
        the_only(place(LOCKED, 1, 0, ME), []).outcome,
    ]

    assert outcomes == [Outcome.SUCCEEDED, Outcome.RESUMED, Outcome.RUNNING]


def test_an_attempt_whose_beginning_was_lost_is_shown_from_its_end():
    history = by(ME, AttemptEnded(105.0, "a", 1, 4.0), Completed(105.0, "a", 1))

    task = the_only(DONE_BY_ME, history, READER)

    assert task.outcome is Outcome.SUCCEEDED
    assert task.attempts == (replace(attempt(1, 101.0, 4.0), slot=0),)


@pytest.mark.parametrize("lost", range(5))
def test_whichever_event_is_torn_off_a_merged_task_in_done_has_succeeded(lost):
    history = by(ME, started(), *GOOD)
    del history[lost]

    assert the_only(DONE_BY_ME, history, a="c1").outcome is Outcome.SUCCEEDED


def test_a_torn_line_is_no_event():
    line = to_line(GOOD[0])

    assert [events.from_line(line[:cut]) for cut in range(len(line) - 1)] == [None] * (
        len(line) - 1
    )


def test_events_of_a_task_that_the_plan_does_not_have_are_passed_over():
    report = fold(
        facts_of(Task(id="a")),
        {"a": place(AVAILABLE), "zombie": place(DONE)},
        by(ME, Claimed(101.0, "zombie", 1, 1)),
        999.0,
    )

    assert report.tasks == (replace(PLAIN, cause=READY),)


# What the end means for the shell


def failed_as(failure: str) -> tuple[Place, list[tuple[str, Event]]]:
    return place(FAILED, 1, 1, ME), by(ME, Failed(103.0, "a", 1, failure, "why"))


@pytest.mark.parametrize(
    ("where", "history", "code"),
    [
        pytest.param(place(DONE), [], ExitCode.DONE, id="done by hand"),
        pytest.param(*failed_as("verify"), ExitCode.TASK_FAILED, id="failed"),
        pytest.param(*failed_as("conflict"), ExitCode.WAITS_FOR_PERSON, id="conflict"),
        pytest.param(place(AVAILABLE), [], ExitCode.UNFINISHED, id="waiting"),
        pytest.param(place(LOCKED, 1, 0, ME), [], ExitCode.UNFINISHED, id="running"),
        pytest.param(place(LOCKED), [], ExitCode.WAITS_FOR_PERSON, id="parked"),
        pytest.param(None, [], ExitCode.ENVIRONMENT, id="missing"),
        pytest.param(
            place(AVAILABLE),
            by(ME, RunEnded(111.0, 130, 11.0)),
            ExitCode.INTERRUPTED,
            id="what ended the run counts",
        ),
    ],
)
def test_the_exit_code_follows_from_the_tasks_until_the_run_has_ended(where, history, code):
    places = {} if where is None else {"a": where}

    report = fold(facts_of(Task(id="a")), places, history, 999.0)

    assert report.exit_code == code


def test_a_skipped_task_counts_as_failed_and_the_gravest_of_all_speaks():
    tasks = (Task(id="a"), Task(id="b", depends_on=("a",)), Task(id="c"))
    where, history = failed_as("conflict")
    places = {"a": where, "b": place(AVAILABLE), "c": place(AVAILABLE)}

    with_conflict = fold(facts_of(*tasks), places, history, 999.0)
    without = fold(facts_of(*tasks), places, failed_as("verify")[1], 999.0)

    assert with_conflict.exit_code == ExitCode.WAITS_FOR_PERSON
    assert without.exit_code == ExitCode.TASK_FAILED


@pytest.mark.slow
def test_ten_thousand_tasks_are_folded_in_a_second():
    ids = [f"t{i}" for i in range(10_000)]
    tasks = [
        Task(id=task, depends_on=(ids[i - 1],) if i % 10 else ()) for i, task in enumerate(ids)
    ]
    places = {task: place(DONE, 1, 0, ME) for task in ids}
    history = [
        (ME, event)
        for i, task in enumerate(ids)
        for event in (
            Claimed(i, task, 1, 1),
            Merged(i, task, 1, "c1"),
            AttemptEnded(i + 1, task, 1, 1.0),
            Completed(i + 1, task, 1),
        )
    ]
    facts = facts_of(*tasks, **dict.fromkeys(ids, "c1"))

    with unburdened():
        began = time.process_time()
        report = fold(facts, places, history, 999.0)
        took = time.process_time() - began

    assert took < fair(1)
    assert report.completed == 10_000


# Phases and waits


def test_an_attempt_tells_what_it_came_to_and_when():
    entered = [Entered(101.5, "a", 1, "agent"), Entered(103.5, "a", 1, "merge")]
    history = by(ME, started(), GOOD[0], *entered, *GOOD[1:])

    (one,) = the_only(DONE_BY_ME, history, a="c1").attempts

    assert one.phases == (Stretch("agent", 101.5), Stretch("merge", 103.5))
    assert one.seconds == 4.0


def test_a_phase_of_an_attempt_whose_beginning_was_lost_is_passed_over():
    history = by(ME, started(), Entered(101.5, "a", 1, "agent"))

    assert the_only(place(AVAILABLE), history).attempts == ()


FULL = LimitReached(110.0, "claude", "k", 150.0, "5-hour limit")


@pytest.mark.parametrize(
    ("told", "waits"),
    [
        ([FULL], [Wait("claude", "5-hour limit", 110.0, 150.0)]),
        ([FULL, LimitOver(120.0, "claude", "k")], [Wait("claude", "5-hour limit", 110.0, 120.0)]),
        ([FULL, LimitOver(160.0, "claude", "k")], [Wait("claude", "5-hour limit", 110.0, 150.0)]),
        (
            [FULL, LimitOver(120.0, "claude", "other")],
            [Wait("claude", "5-hour limit", 110.0, 150.0)],
        ),
        ([replace(FULL, until=5000.0)], [Wait("claude", "5-hour limit", 110.0)]),
        ([StartsHeld(110.0, "load 9")], [Wait("", "load 9", 110.0)]),
        ([StartsHeld(110.0, "load 9"), StartsHeld(112.0, "")], [Wait("", "load 9", 110.0, 112.0)]),
        (
            [StartsHeld(110.0, "load 9"), RunEnded(115.0, 0, 15.0)],
            [Wait("", "load 9", 110.0, 115.0)],
        ),
        (
            [FULL, replace(FULL, time=160.0, until=170.0)],
            [
                Wait("claude", "5-hour limit", 110.0, 150.0),
                Wait("claude", "5-hour limit", 160.0, 170.0),
            ],
        ),
        ([StartsHeld(110.0, "")], []),
    ],
    ids=[
        "until it ends",
        "until an attempt gets through",
        "no longer than it was to last",
        "an account of its own",
        "goes on",
        "a process that starts nothing",
        "a process that starts again",
        "until the run ends",
        "met again",
        "nothing",
    ],
)
def test_what_kept_tasks_from_starting_has_a_beginning_and_an_end(told, waits):
    report = fold(facts_of(Task(id="a")), {}, by(ME, started(), *told), 999.0)

    assert list(report.waits) == waits
