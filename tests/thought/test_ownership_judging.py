"""What of an attempt's changes was not its task's to make."""

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from parallel_orchestra.model import Task
from parallel_orchestra.ownership import Judgement, Symbols, forbids, judge, patterns_of


@dataclass(frozen=True)
class Change:
    status: str
    path: str
    mode: str = "100644"


def changes(text):
    """`M a.py, A b.py` -> changes; `@` before a path makes it a submodule."""
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        status, path = part.split(" ", 1)
        mode = "160000" if path.startswith("@") else "100644"
        found.append(Change(status, path.removeprefix("@"), mode))
    return found


def judged(text, symbols=None, after=(), *, again=False, **fields):
    task = Task(id="t", **{name: tuple(value) for name, value in fields.items()})
    known = symbols or {}
    return judge(task, changes(text), known.__getitem__, lambda: after, again=again)


@pytest.mark.parametrize(
    ("text", "beyond"),
    [
        ("M src/a.py, A src/b/c.py, D src/d.py", ()),
        ("M lib/a.py", ("lib/a.py",)),
        ("D lib/a.py, A src/a.py", ("lib/a.py",)),
        ("T src/link, M ../other/x", ("../other/x",)),
        ("A @src/module, M @vendor", ("vendor",)),
        ("A docs/a.md", ()),
        ("A docs/gen/a.md", ("docs/gen/a.md",)),
        ("A docs/gen/keep.md", ()),
        ("A tools", ("tools",)),
        ("M @tools", ()),
    ],
)
def test_what_writes_does_not_cover_is_beyond(text, beyond):
    writes = ["src/", "docs/*.md", "docs/**", "!docs/gen/", "docs/gen/keep.md", "tools/"]

    assert judged(text, writes=writes) == Judgement(beyond=beyond)


def test_nothing_is_beyond_for_a_task_that_does_not_say_what_it_writes():
    assert judged("M anything, D all") == Judgement()


@pytest.mark.parametrize(
    ("text", "touched"),
    [
        ("M src/core/a.py", ("src/core/a.py",)),
        ("D src/core/a.py, M src/a.py", ("src/core/a.py",)),
        ("A src/core", ("src/core",)),
        ("T src/core", ("src/core",)),
        ("M @src/core", ("src/core",)),
        ("A x/y.lock", ("x/y.lock",)),
        ("A src/core/free.py", ()),
    ],
)
def test_what_boundary_covers_is_touched_also_by_a_file_in_its_place(text, touched):
    boundary = ["src/core/", "*.lock", "!src/core/free.py"]

    assert judged(text, boundary=boundary) == Judgement(touched=touched, barred=touched)


def test_what_is_touched_is_not_said_to_be_beyond_as_well():
    found = judged("M core/a.py, M lib/b.py", writes=["src/"], boundary=["core/"])

    only = ("core/a.py",)
    assert found == Judgement(beyond=("lib/b.py",), touched=only, barred=only)


def test_new_files_are_made_and_old_ones_modified():
    fields = {"creates": ["new/**", "old.py"], "modifies": ["src/**"]}

    found = judged("A new/a.py, M new/b.py, M old.py, A src/c.py, M src/d.py, D src/e.py", **fields)

    assert found.beyond == (
        "new/b.py (was there; `creates` is for new files)",
        "src/c.py (is new; `modifies` is for files that were there)",
    )


def test_a_task_that_was_merged_before_finds_what_it_made():
    found = judged("M new/b.py, M src/c.py", creates=["new/**"], modifies=["src/**"], again=True)

    assert found == Judgement(missing=())


def test_what_was_to_be_made_must_be_there_in_the_end():
    found = judged(
        "A b.py, D d.py",
        creates=["a.py", "{b,c}.py", "d.py", "docs/*.md", "!x"],
        after=["c.py", "docs/a.txt"],
    )

    assert found.missing == ("a.py", "d.py", "docs/*.md")


@pytest.mark.parametrize(
    ("changed", "beyond"),
    [
        ({"Cart.total"}, ()),
        ({"Cart.total", "Cart.new"}, ("a.py (`Cart.new`)",)),
        ({"Cart"}, ("a.py (`Cart`)",)),
        ({"add", "add.inner"}, ()),
        ({"adding", ""}, ("a.py (code outside of its symbols, `adding`)",)),
    ],
)
def test_of_a_shared_file_only_the_named_symbols_may_be_changed(changed, beyond):
    symbols = {"a.py": Symbols(frozenset(changed))}

    found = judged("M a.py", symbols, writes=["a.py::Cart.total", "a.py::add"])

    assert found == Judgement(beyond=beyond)


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ({"Cart", "Cart.total"}, ("a.py (`Cart.total`)",)),
        ({"Cart", "other"}, ()),
        ({"Cart.total.inner"}, ("a.py (`Cart.total.inner`)",)),
    ],
)
def test_a_protected_symbol_is_touched_by_what_lies_in_it(changed, touched):
    symbols = {"a.py": Symbols(frozenset(changed))}

    found = judged("M a.py", symbols, boundary=["a.py::Cart.total"])

    assert found == Judgement(touched=touched)


def test_symbols_that_can_not_be_told_apart_are_said_and_protected_in_whole():
    symbols = {"a.c": Symbols(why_not="as it is not")}

    assert judged("M a.c", symbols, writes=["a.c::f"]) == Judgement(
        unsure=("a.c: whether only `f` was changed, as it is not",)
    )
    assert judged("M a.c", symbols, boundary=["a.c::g"]) == Judgement(
        touched=("a.c (all of it: as it is not)",)
    )
    assert judged("M a.c", symbols, writes=["a.c::f"], boundary=["a.c::g"]) == Judgement(
        unsure=(
            "a.c: whether `g` was touched, as it is not",
            "a.c: whether only `f` was changed, as it is not",
        )
    )


def test_the_whole_file_includes_its_symbols():
    found = judged("M a.py", {}, writes=["a.py::f", "*.py"])

    assert found == Judgement()


@pytest.mark.parametrize(
    ("boundary", "text", "forbidden"),
    [
        (["src/"], "src/a.py", True),
        (["src/"], "src/core/", True),
        (["src/core/"], "src/", False),
        (["src/", "!src/a.py"], "src/a.py", False),
        (["src/"], "src/*.py", False),
        (["a.py"], "a.py::f", True),
        (["a.py::A"], "a.py::A.f", True),
        (["a.py::A.f"], "a.py::A", False),
        (["a.py::A"], "a.py", False),
    ],
)
def test_a_boundary_that_leaves_nothing_of_a_path_forbids_it(boundary, text, forbidden):
    (pattern,) = patterns_of(text)

    assert forbids(boundary, pattern) is forbidden


NAMES = ("a", "b", "a.py", "b.md")
PATHS = ["/".join(names) for n in (1, 2, 3) for names in product(NAMES, repeat=n)]
TEXTS = st.sampled_from(["a/", "*.py", "a/**", "**/b", "a.py", "b/*.md", "{a,b}/b.md", "a/b/"])


@given(st.lists(TEXTS, min_size=1, max_size=4), st.sets(st.sampled_from(PATHS), max_size=5))
def test_what_is_beyond_is_what_git_would_not_take(texts, paths):
    lines = [pattern.line for text in texts for pattern in patterns_of(text)]
    spec = GitIgnoreSpec.from_lines(lines)

    found = judged(", ".join(f"M {path}" for path in paths), writes=texts)

    assert set(found.beyond) == {path for path in paths if not spec.match_file(path)}
