"""Errors carry all their problems, and the gravest of several exit codes speaks."""

from itertools import pairwise, permutations

import pytest

from parallel_orchestra import errors
from parallel_orchestra.errors import ExitCode, OrchestraError, Problem, worst

#: As the reference of exit codes has it: signals, 5, 2, 3, 4, 1, 6, 0.
ORDER = [130, 143, 5, 2, 3, 4, 1, 6, 0]


def test_every_exit_code_has_its_place_in_the_order_of_gravity():
    assert sorted(ORDER) == sorted(int(code) for code in ExitCode)


@pytest.mark.parametrize(("graver", "lesser"), list(pairwise(ORDER)))
def test_of_two_codes_the_graver_speaks_in_whichever_order_they_come(graver, lesser):
    codes = [ExitCode(graver), ExitCode(lesser)]

    assert {worst(order) for order in permutations(codes)} == {ExitCode(graver)}


def test_the_gravest_of_all_is_an_interruption():
    assert worst(iter(ExitCode)) is ExitCode.INTERRUPTED


def test_no_code_at_all_means_done():
    assert worst([]) is ExitCode.DONE


def test_an_error_keeps_all_its_problems_and_says_them_in_one_line():
    first, second = Problem("no `id`", "plan.md:3", "add one"), Problem("unknown key `x`")

    error = OrchestraError(first, second)

    assert error.problems == (first, second)
    assert str(error) == "no `id`; unknown key `x`"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.OrchestraError, 3),
        (errors.PlanError, 2),
        (errors.UsageError, 2),
        (errors.EnvironmentProblem, 3),
        (errors.GitError, 3),
        (errors.WaitsForPerson, 4),
        (errors.HeldElsewhere, 5),
    ],
)
def test_each_kind_of_error_leads_to_its_exit_code(kind, code):
    assert kind(Problem("x")).exit_code == code
