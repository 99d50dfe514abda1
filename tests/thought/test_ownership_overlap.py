"""Whether two patterns meet, held against pathspec and against each pair of many."""

import time
from itertools import combinations, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from parallel_orchestra.graph import clash
from parallel_orchestra.model import Task
from parallel_orchestra.ownership import (
    NOTHING,
    Meetings,
    Reach,
    Tree,
    common,
    covered,
    meetings,
    patterns_of,
    reach,
)
from support.effort import by_effort
from support.machine import fair, unburdened

#: So many that comparing each with each would take far longer than they may.
MANY = by_effort(3_000, 10_000, 10_000)

NAMES = ("a", "b", "ab", "a.py", "b.md", ".c")
UNIVERSE = tuple("/".join(names) for n in (1, 2, 3) for names in product(NAMES, repeat=n))
PARTS = st.one_of(
    st.sampled_from(["**", "*", "*", "a", "b", "ab", "a.py", "*.py", "b*", "?", "[ab]", "[!a]*"]),
    st.text("ab.*?", min_size=1, max_size=4).filter(lambda part: part not in {".", ".."}),
)
TEXTS = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", "", "/", "/**"]),
)


def pattern_of(text):
    (pattern,) = patterns_of(text)
    return pattern


def reach_of(text, tree=NOTHING):
    return reach(pattern_of(text), tree)


def git_takes(text, path):
    return GitIgnoreSpec.from_lines([pattern_of(text).line]).match_file(path)


def meets(one, other, tree=NOTHING):
    return common(reach_of(one, tree), reach_of(other, tree)) is not None


@given(TEXTS, TEXTS)
def test_patterns_that_both_fit_a_path_meet(one, other):
    for path in UNIVERSE:
        folders = path.split("/")[:-1]
        if not any("." in name[1:] for name in folders):
            both = git_takes(one, path) and git_takes(other, path)
            assert not both or meets(one, other), path


@given(TEXTS, TEXTS, st.sampled_from(UNIVERSE))
def test_patterns_that_both_fit_a_path_that_exists_meet_whatever_its_folders_are_called(
    one, other, path
):
    both = git_takes(one, path) and git_takes(other, path)

    assert not both or meets(one, other, Tree.of([path]))


@given(st.lists(TEXTS, max_size=6), st.lists(st.sampled_from(UNIVERSE), max_size=6))
@example(["gen/", "lib/"], ["gen/x"])
@example(["a/**", "a/**"], ["a/b/a/b/a/b/c"])
def test_paths_are_covered_as_each_pattern_by_itself_says(texts, paths):
    reaches = [reach_of(text) for text in texts]

    found = covered({path: path for path in paths}, reaches)

    assert found == [
        path
        for path in dict.fromkeys(paths)
        if any(common(Reach(tuple(path.split("/"))), one) for one in reaches)
    ]


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("src/*.py", "src/**", "src/x.py"),
        ("**/*.md", "docs/", "docs/x.md"),
        ("test_*.py", "*.py", "test_x.py"),
        (".env*", ".*", ".env"),
        ("*.tar.gz", "a*", "a.tar.gz"),
        ("*_*.md", "*", "_x.md"),
    ],
)
def test_the_example_is_a_name_that_a_file_could_have(one, other, shown):
    assert common(reach_of(one), reach_of(other)) == shown


def test_the_example_is_none_of_the_files_that_a_task_leaves_out():
    tasks = Task(id="a", writes=("src/**", "!src/x.py")), Task(id="b", writes=("src/*.py",))

    found = clash(*tasks)

    assert found is not None
    assert found.path == "src/y.py"


@given(TEXTS, TEXTS)
def test_the_example_fits_both(one, other):
    path = common(reach_of(one), reach_of(other))

    if path is not None:
        assert "//" not in path
        assert git_takes(one, path)
        assert git_takes(other, path)


@given(st.lists(TEXTS, max_size=12))
def test_of_many_patterns_the_same_meet_as_one_by_one(texts):
    reaches = [reach_of(text) for text in texts]

    found = meetings(reaches)

    expected = {
        (i, j)
        for (i, one), (j, other) in combinations(enumerate(reaches), 2)
        if common(one, other) is not None
    }
    assert set(found.pairs) == expected
    assert len(found.pairs) == len(expected)
    assert found.crowds == ()


PLAIN = st.builds(
    lambda names, end: "/".join(names) + end,
    st.lists(st.sampled_from(["a", "b", "a.py", "b.py"]), min_size=1, max_size=3),
    st.sampled_from(["", "", "/", "::A", "::A.b", "::A.c", "::B"]),
)


@given(st.lists(PLAIN, max_size=12), st.lists(TEXTS, max_size=4))
def test_different_paths_are_never_taken_to_meet_unseen(plain, wild):
    plain = [text for text in plain if "/::" not in text]
    reaches = [reach_of(text) for text in (*plain, *wild)]

    found = meetings(reaches, budget=0)

    paths = range(len(plain))
    assert {(i, j) for i, j in found.pairs if i in paths and j in paths} == {
        (i, j) for i, j in combinations(paths, 2) if common(reaches[i], reaches[j]) is not None
    }
    assert all(i not in paths for few, _ in found.crowds for i in few)


@given(st.lists(TEXTS, max_size=8))
def test_what_is_not_compared_is_taken_to_meet(texts):
    reaches = [reach_of(text) for text in texts]

    found = meetings(reaches, budget=0)

    known = {(i, j) for few, many in found.crowds for i in few for j in many}
    for (i, one), (j, other) in combinations(enumerate(reaches), 2):
        assert common(one, other) is None or {(i, j), (j, i)} & (known | set(found.pairs))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a.py::A", "a.py::B", False),
        ("Makefile::all", "Makefile::test", False),
        ("Makefile::all", "Makefile", True),
        ("a.py::A", "a.py::A.m", True),
        ("a.py::A.m", "a.py::A.n", False),
        ("a.py::A", "a.py::AB", False),
        ("a.py::A", "a.py", True),
        ("a.py::A", "b.py::A", False),
        ("*.py::A", "src/a.py::A", True),
        ("*.py::A", "src/a.py::B", False),
        ("[!a]*.py", "a.py", False),
        ("[!a]*.py", "b.py", True),
        (r"\*.py", "a.py", False),
        (r"\*.py", "*.py", True),
        ("a?.py", "a.py", False),
        ("src/**/a*/x.py", "src/*b/x.py", True),
        ("src/**/[0-9]/x.py", "src/*b/x.py", False),
        ("a*b*c", "*bb*", True),
        ("a/", "a", True),
        (".?", ".[.]*", True),
        (".", "a", True),
    ],
)
def test_symbols_classes_and_escapes_are_understood(one, other, meet):
    assert meets(one, other) is meet
    assert meets(other, one) is meet


def test_a_file_that_exists_is_no_directory_and_a_directory_no_file():
    tree = Tree.of(["Makefile", "conf.d/site.ini", "src/a.py"])

    assert meets("Makefile", "**/*.ini")
    assert not meets("Makefile", "**/*.ini", tree)
    assert not meets("conf.d", "**/*.ini")
    assert meets("conf.d", "**/*.ini", tree)
    assert meets("*.d", "**/*.ini", tree)
    assert not meets("*.e", "**/*.ini", tree)


@pytest.mark.parametrize(
    ("first", "but", "other", "meet"),
    [
        ("src/", "src/gen/", "src/gen/a.py", False),
        ("src/", "src/gen/", "src/gen/**/*.py", False),
        ("src/", "src/gen/", "src/gen", True),
        ("src/", "src/gen", "src/gen", False),
        ("src/", "src/gen/", "src/other.py", True),
        ("src/", "src/gen/", "src/g*/a.py", True),
        ("src/", "*.md", "src/a.md", False),
        ("src/", "*.md", "src/*.md", True),
    ],
)
def test_what_an_exception_certainly_takes_out_is_out(first, but, other, meet):
    one = reach(pattern_of(first), NOTHING, [pattern_of("!" + but)])

    assert (common(one, reach_of(other)) is not None) is meet


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    [
        "src/f{}.py",
        "m{}/**/*.py",
        "src/test_{}_*.py",
        "**/f{}.py",
        "*_{}.py",
        "**/m{}/*.py",
        "src/*/f{}.py",
        "src/x{}/",
        "src/app.py::f{}",
        "src/app.py::A.f{}",
        "Makefile::f{}",
        "a{0}/b{1}/c{2}.py",
        "a{0}/b{1}/c{2}",
        "a{0}/b{1}/c{2}/*.py",
        "a{0}/b{1}.py::c{2}",
    ],
)
@pytest.mark.storm
def test_patterns_that_do_not_meet_are_compared_with_few(form):
    threes = [(i // 484, i // 22 % 22, i % 22) for i in range(MANY)]
    numbers = threes if "{1}" in form else list(enumerate(threes))
    reaches = [reach_of(form.format(*each)) for each in numbers]
    started = time.process_time()

    assert meetings(reaches) == Meetings(())

    assert time.process_time() - started < fair(3 * MANY / 10_000)


@pytest.mark.slow
def test_ten_thousand_patterns_that_all_meet_are_not_compared_in_pairs():
    reaches = [reach_of(f"**/*a{i}*") for i in range(10_000)]
    with unburdened():
        started = time.process_time()
        found = meetings(reaches)
        took = time.process_time() - started

    assert took < fair(5)  # that is what `validate` may take for as many tasks
    assert found.crowds
