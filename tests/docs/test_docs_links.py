"""The docs hang together: links lead somewhere, promises are kept by tests that exist."""

import re
from pathlib import Path

import pytest

from support.misbehaviour import TOGETHER
from support.pages import PAGES, README, ROOT, anchors_of, name_of, rows_of, text_of, tokens_of

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users|tmp|var|opt)/\w+")
TEST = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)


def links(page: Path) -> list[str]:
    inlines = (child for token in tokens_of(page) for child in token.children or ())
    return [str(child.attrs["href"]) for child in inlines if child.type == "link_open"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_within_the_docs_leads_somewhere(page):
    broken = []

    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_has_a_path_of_somebodys_machine(page):
    assert MACHINE_PATH.findall(text_of(page)) == []


def test_every_page_can_be_reached_from_the_index():
    index = ROOT / "docs" / "index.md"
    reached, waiting = {index, README}, [index]

    while waiting:
        page = waiting.pop()
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target in PAGES and target not in reached:
                reached.add(target)
                waiting.append(target)

    assert {name_of(page) for page in PAGES} - {name_of(page) for page in reached} == set()


def test_each_misbehaviour_names_a_test_or_an_agent_that_exists():
    page = ROOT / "docs" / "explanation" / "agents-that-misbehave.md"
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in TEST.findall(path.read_text(encoding="utf-8"))
    }

    rows = [line.split(" | ") for line in text_of(page).splitlines() if line.startswith("| ")]
    named = [row[-1].removesuffix(" |") for row in rows if not row[-1].startswith(("Test", "---"))]
    found = [re.fullmatch(r"`(\w+)(?:\[([\w-]+)\])?`", cell) for cell in named]

    assert len(found) > 40
    assert [cell for cell, match in zip(named, found, strict=True) if match is None] == []
    assert {match[1] for match in found if match} - tests == set()
    assert {match[2] for match in found if match and match[2]} - TOGETHER.keys() == set()


def test_each_corner_of_git_names_tests_that_exist():
    page = ROOT / "docs" / "reference" / "git.md"
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in TEST.findall(path.read_text(encoding="utf-8"))
    }

    rows = dict(rows_of(page, "Corner"))

    assert len(rows) > 15
    assert [corner for corner, named in rows.items() if "`test_" not in named] == []
    assert {name for named in rows.values() for name in re.findall(r"`(test_\w+)`", named)} <= tests


def test_each_promise_of_the_readme_names_tests_that_exist():
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in TEST.findall(path.read_text(encoding="utf-8"))
    }

    promises = {
        promise: re.findall(r"`(\w+)`", named) for promise, named in rows_of(README, "Promise")
    }

    assert len(promises) == 9
    assert [promise for promise, named in promises.items() if not named] == []
    assert {name for named in promises.values() for name in named} - tests == set()
