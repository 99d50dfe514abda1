"""Whose failure it is if a judge fails."""

import pytest

from parallel_orchestra.model import Answer, FailureClass, Usage
from parallel_orchestra.worker.judging import blamed_on, joined

ENVIRONMENT = FailureClass.ENVIRONMENT
#: Of each class: what it is if the account is another one, and if it may be the task's.
TABLE = {
    FailureClass.TRANSIENT: ((ENVIRONMENT, None, False), (ENVIRONMENT, None, False)),
    FailureClass.TIMEOUT: ((ENVIRONMENT, None, False), (ENVIRONMENT, None, False)),
    FailureClass.STALLED: ((ENVIRONMENT, None, False), (ENVIRONMENT, None, False)),
    FailureClass.PERMANENT: ((ENVIRONMENT, None, True), (ENVIRONMENT, None, True)),
    FailureClass.RATE_LIMITED: (
        (ENVIRONMENT, None, False),
        (FailureClass.RATE_LIMITED, None, False),
    ),
    FailureClass.USAGE_LIMIT: (
        (ENVIRONMENT, 900.0, False),
        (FailureClass.USAGE_LIMIT, None, False),
    ),
    FailureClass.AUTH: ((ENVIRONMENT, None, True), (FailureClass.AUTH, None, True)),
}


@pytest.mark.parametrize("failure", TABLE, ids=lambda failure: failure.value)
def test_a_judges_failure_is_the_tasks_only_if_the_account_may_be(failure):
    said = Answer(failure=failure)

    assert (blamed_on(said, ours=False), blamed_on(said, ours=True)) == TABLE[failure]


def test_when_a_limit_ends_is_kept():
    said = Answer(failure=FailureClass.USAGE_LIMIT, retry_after=7200.0)

    assert blamed_on(said, ours=False) == (ENVIRONMENT, 7200.0, False)
    assert blamed_on(said, ours=True) == (FailureClass.USAGE_LIMIT, 7200.0, False)


def test_what_two_judgements_used_is_known_if_both_said_it():
    one, other = Usage(0.5, 70, 30), Usage(0.25, None, 5)

    assert joined([one, other]) == Usage(0.75, None, 35)
    assert joined([]) == Usage()
