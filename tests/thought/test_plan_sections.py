"""Prompts in the body of a plan."""

import pytest

from parallel_orchestra.plan.sections import find_sections


def texts(body: str, ids=("build", "test")) -> dict[str, list[str]]:
    found = find_sections(body, 1, ids)
    return {name: [section.text for section in known] for name, known in found.of.items()}


def test_the_text_under_a_heading_is_the_prompt_of_that_task():
    body = "# The plan\nwords\n## build\n\nWrite it.\n\n- twice\n\n## test\nTry it.\n"

    assert texts(body) == {"build": ["Write it.\n\n- twice"], "test": ["Try it."]}


def test_deeper_headings_belong_to_the_prompt_and_others_end_it():
    body = "## build\none\n### Details\ntwo\n## Notes\nnot this\n# test\nthree\n"

    assert texts(body) == {"build": ["one\n### Details\ntwo"], "test": ["three"]}


def test_the_heading_of_another_task_ends_a_section_at_any_level():
    body = "# build\none\n### test\ntwo\n"

    assert texts(body) == {"build": ["one"], "test": ["two"]}


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_headings_inside_code_fences_are_code(fence):
    body = f"## build\none\n{fence}sh\n## test\n``\n{fence}\ntwo\n"

    assert texts(body) == {"build": [f"one\n{fence}sh\n## test\n``\n{fence}\ntwo"]}


def test_a_shorter_fence_does_not_end_a_longer_one():
    body = "## build\n````\n```\n## test\n```\n````\n## test\ntwo\n"

    assert texts(body) == {"build": ["````\n```\n## test\n```\n````"], "test": ["two"]}


def test_inline_code_of_three_ticks_opens_no_fence():
    body = "## build\n```one```\n## test\ntwo\n"

    assert texts(body) == {"build": ["```one```"], "test": ["two"]}


@pytest.mark.parametrize(
    "heading", ["# build", "###### build", "## build ##", "## `build`", "  # build"]
)
def test_a_heading_may_be_written_in_several_ways(heading):
    assert texts(f"{heading}\ntext\n") == {"build": ["text"]}


@pytest.mark.parametrize(
    "line", ["build", "#build", "## build it", "## Build", "    # build", "####### build", "##"]
)
def test_what_only_resembles_a_heading_is_none(line):
    assert texts(f"{line}\ntext\n") == {}


def test_indentation_of_the_first_line_stays():
    assert texts("# build\n \n    code\n") == {"build": ["    code"]}


def test_every_section_knows_its_line_in_the_file():
    found = find_sections("\n# build\nx\n\n# test\ny\n# build\nz", 10, ("build", "test"))

    lines = [(section.line, section.text) for known in found.of.values() for section in known]
    assert lines == [(11, "x"), (16, "z"), (14, "y")]
