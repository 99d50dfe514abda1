"""What `status` says to the shell: what the tasks say, the gravest first."""

from dataclasses import replace

import pytest

from parallel_orchestra.cli.standing import standing
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.progress import Delivery, Outcome
from support import runs


def stood(code, delivery, *tasks):
    """Returns how a run stands that ended with this code, each task with its outcome and failure."""
    done = runs.all_done()
    first = done.tasks[0]
    told = tuple(replace(first, outcome=outcome, failure=failure) for outcome, failure in tasks)
    report = replace(done, exit_code=code, delivery=delivery, tasks=told)
    return standing(report)


BROKEN = (Outcome.FAILED, "environment")


@pytest.mark.parametrize("failure", ["qa_blocked", "conflict", "budget"])
def test_what_waits_for_a_person_is_not_hidden_by_a_broken_environment(failure):
    tasks = [BROKEN, (Outcome.FAILED, failure)]

    assert stood(ExitCode.ENVIRONMENT, Delivery(), *tasks) is ExitCode.WAITS_FOR_PERSON


def test_a_conflict_that_halted_the_run_waits_for_a_person_though_tasks_are_left():
    tasks = [(Outcome.FAILED, "conflict"), (Outcome.WAITING, "")]

    code = stood(ExitCode.WAITS_FOR_PERSON, Delivery(), *tasks)

    assert code is ExitCode.WAITS_FOR_PERSON


def test_a_delivery_that_git_refused_is_not_hidden_by_a_broken_environment():
    refused = Delivery(reason="`a.py` has local changes")

    assert stood(ExitCode.ENVIRONMENT, refused, BROKEN) is ExitCode.WAITS_FOR_PERSON


def test_a_broken_environment_alone_is_a_failure():
    assert stood(ExitCode.ENVIRONMENT, Delivery(), BROKEN) is ExitCode.TASK_FAILED


def test_a_run_that_halted_at_a_failure_is_unfinished():
    tasks = [(Outcome.FAILED, "verify"), (Outcome.WAITING, "")]

    assert stood(ExitCode.TASK_FAILED, Delivery(), *tasks) is ExitCode.UNFINISHED
