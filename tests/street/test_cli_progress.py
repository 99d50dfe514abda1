"""`--progress` and its short forms: what they mean together, and what fits where."""

import pytest

from parallel_orchestra.cli.screen import Lines, Progress, Records, progress_of, screen_for
from parallel_orchestra.errors import UsageError


@pytest.mark.parametrize(
    ("options", "progress"),
    [
        ({}, Progress.AUTO),
        ({"named": "json"}, Progress.JSON),
        ({"quiet": True}, Progress.QUIET),
        ({"verbose": True}, Progress.AUTO),
        ({"dashboard": True}, Progress.LIVE),
        ({"dashboard": False}, Progress.PLAIN),
        ({"named": "live", "dashboard": True}, Progress.LIVE),
        ({"quiet": True, "dashboard": False}, Progress.QUIET),
    ],
)
def test_short_forms_mean_what_the_long_one_says(options, progress):
    given = {"named": None, "quiet": False, "verbose": False, "dashboard": None} | options

    assert progress_of(given.pop("named"), **given) is progress


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"named": "live", "quiet": True}, "`--progress live` and `--quiet`"),
        ({"named": "json", "dashboard": True}, "`--progress json` and `--dashboard`"),
        ({"quiet": True, "verbose": True}, "`--quiet` and `--verbose`"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, names):
    given = {"named": None, "quiet": False, "verbose": False, "dashboard": None} | options

    with pytest.raises(UsageError, match=f"{names} exclude each other"):
        progress_of(given.pop("named"), **given)


@pytest.mark.parametrize("progress", [Progress.AUTO, Progress.LIVE, Progress.PLAIN])
def test_nothing_is_animated_outside_of_a_terminal(progress):
    assert type(screen_for({"TERM": "xterm"}, progress)) is Lines


def test_json_has_its_own_screen():
    assert type(screen_for({}, Progress.JSON)) is Records
