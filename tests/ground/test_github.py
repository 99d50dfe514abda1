"""One pull request per branch, opened or brought up to date by `gh`."""

import os
from dataclasses import replace

import pytest

from parallel_orchestra import github
from parallel_orchestra.errors import EnvironmentProblem
from support.stand_in_gh import Gh

ASKED = github.Proposal("git@github.com:o/r.git", "main", "orchestra/plan", "Plan", "All done.\n")


@pytest.fixture
def gh(tmp_path):
    return Gh(tmp_path / "bin")


def proposed(gh, asked=ASKED):
    environ = {**os.environ, **gh.environment}
    return github.propose(github.find(environ), asked, gh.folder, environ)


def test_a_request_is_opened_with_its_words(gh):
    url = proposed(gh)

    (found,) = gh.requests
    assert found == {
        "url": url,
        "state": "OPEN",
        "baseRefName": "main",
        "headRefName": "orchestra/plan",
        "title": "Plan",
        "body": "All done.\n",
    }


def test_an_open_request_is_brought_up_to_date(gh):
    first = proposed(gh)

    second = proposed(gh, replace(ASKED, title="Plan, again", body="More.\n"))

    (found,) = gh.requests
    assert first == second
    assert (found["title"], found["body"]) == ("Plan, again", "More.\n")


def test_a_request_that_was_closed_stays_so_and_another_is_opened(gh):
    first = proposed(gh)
    gh.close()

    second = proposed(gh)

    assert first != second
    assert [one["state"] for one in gh.requests] == ["CLOSED", "OPEN"]


def test_a_request_into_another_branch_is_not_rewritten(gh):
    proposed(gh, replace(ASKED, base="other", body="Theirs.\n"))

    with pytest.raises(EnvironmentProblem) as caught:
        proposed(gh)

    (problem,) = caught.value.problems
    assert problem.what == "`gh pr create` failed with exit code 1"
    assert "one is open already" in problem.hint
    assert [one["body"] for one in gh.requests] == ["Theirs.\n"]


def test_without_gh_there_is_none():
    assert github.find({"PATH": "/nowhere"}) is None


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("git@github.com:o/r.git", "https://github.com/o/r"),
        ("https://user:secret@github.com/o/r", "https://github.com/o/r"),
        ("ssh://git@github.acme.org:2222/o/r.git", "https://github.acme.org/o/r"),
        ("https://gitlab.com/o/r.git", ""),
        ("/srv/github/r.git", ""),
        ("../github/r.git", ""),
        ("file:///srv/github/r.git", ""),
    ],
)
def test_the_page_on_which_a_request_is_opened_follows_from_the_address(address, page):
    found = github.page(replace(ASKED, address=address))

    assert found == (f"{page}/compare/main...orchestra/plan?expand=1" if page else "")


def test_a_text_that_github_takes_stays_as_it_is():
    text = "x" * github.BODY_LIMIT

    assert github.cut(text) == text


@pytest.mark.parametrize(
    "line", ["a line\n", "\N{PARTY POPPER}\n", "```\n"], ids=["", "wide", "```"]
)
def test_a_text_that_is_too_long_is_cut_at_a_line_and_says_so(line):
    text = github.cut(line * 100_000)

    assert len(text.encode("utf-16-le")) // 2 <= github.BODY_LIMIT
    assert text.endswith("\n... cut here: GitHub takes no more than 65,536 characters.\n")
    assert text.count("```") % 2 == 0


def test_a_page_that_fits_is_taken_whole():
    assert github.fitting("# a\n", github.SUMMARY_LIMIT - 4) == "# a\n"
    assert github.fitting("# ab\n", github.SUMMARY_LIMIT - 4) == ""


def test_a_page_that_is_too_large_is_cut_at_a_line_and_its_fence_is_closed():
    page = "````text\n```\n" + "é" * 100 + "\n" + ("word " * 20 + "\n") * 20_000 + "````\nend\n"

    shown = github.fitting(page)

    assert len(shown.encode()) < github.SUMMARY_LIMIT
    assert shown.endswith(
        "word \n````\n\n... cut here: a step's summary takes no more than 1 MiB.\n"
    )


def test_half_a_chart_is_left_out_instead_of_being_broken():
    page = "# a\n\n```mermaid\n" + "    t1 --> t2\n" * 10_000 + "```\n"

    assert github.cut(page).startswith("# a\n\n\n... cut here: ")
