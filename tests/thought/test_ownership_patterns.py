"""Texts of a plan -> patterns."""

import pytest

from parallel_orchestra.ownership import Unreadable, patterns_of, read_patterns
from parallel_orchestra.ownership.pattern import MOST_ALTERNATIVES, MOST_PARTS


def written(text):
    return [str(pattern) for pattern in patterns_of(text)]


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("src/a.py", ["src/a.py"]),
        ("src/{a,b}.py", ["src/a.py", "src/b.py"]),
        ("{a,b}/{c,d}", ["a/c", "a/d", "b/c", "b/d"]),
        ("a/{b,c/{d,e}}.py", ["a/b.py", "a/c/d.py", "a/c/e.py"]),
        ("a{,.bak}", ["a", "a.bak"]),
        ("{a,a}", ["a"]),
        ("{a}", ["{a}"]),
        (r"\{a,b}", [r"\{a,b}"]),
        (r"\{a,b\}", [r"\{a,b\}"]),
        ("a[{]", ["a[{]"]),
        ("a.py::{A,B}", ["a.py::A", "a.py::B"]),
        ("!{a,b}", ["!a", "!b"]),
    ],
)
def test_braces_are_alternatives_as_in_a_shell(text, alternatives):
    assert written(text) == alternatives


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("setup.py", "/setup.py"),
        ("src", "/src"),
        ("src/", "/src/"),
        ("src/**", "/src/"),
        ("./src//a.py", "/src/a.py"),
        ("*.py", "/**/*.py"),
        ("*/", "/**/*/"),
        ("src/*.py", "/src/*.py"),
        ("**/a", "/**/a"),
        ("**", "/**"),
        (".", "/**"),
        ("#notes", "/#notes"),
        ("a ", "/a\\ "),
    ],
)
def test_a_pattern_counts_from_the_root_unless_it_is_a_wildcard_without_a_slash(text, line):
    (pattern,) = patterns_of(text)

    assert pattern.line == line


@pytest.mark.parametrize(
    ("text", "path", "symbol"),
    [
        ("src/a.py::Cart", "src/a.py", "Cart"),
        ("src/a.py::Cart.total", "src/a.py", "Cart.total"),
        ("src/a.rs::Cart::total", "src/a.rs", "Cart.total"),
        ("src/*.js::$jquery", "src/*.js", ""),
        ("a:b", "a:b", ""),
    ],
)
def test_what_follows_two_colons_is_a_symbol(text, path, symbol):
    if "$" in text:
        with pytest.raises(Unreadable, match="a path and a symbol"):
            patterns_of(text)
        return

    (pattern,) = patterns_of(text)

    assert (pattern.text, pattern.symbol) == (path, symbol)


@pytest.mark.parametrize(
    ("text", "must"),
    [
        ("a.py::", "be a path, or a path and a symbol"),
        ("a.py::not a name", "be a path, or a path and a symbol"),
        ("::Cart", "name a file"),
        ("!", "name a file"),
        ("!a.py::Cart", "not except a symbol"),
        ("/src", "be a path inside the project"),
        ("src/{a,..}/b", "be a path inside the project"),
        ("src/[ab", "close every `[` with a `]`"),
        ("src/[[:alpha:]]", "have no classes such as `[:alpha:]`"),
        ("src\\", "not end in `\\`"),
        ("src\\/a", "not end in `\\`"),
        ("a/{b", "close every `{` with a `}`"),
        ("{a,{b,c}", "close every `{` with a `}`"),
        ("a},{b,c}", "open every `{` before its `}`"),
        ("{a,b}" * 10, f"stand for at most {MOST_ALTERNATIVES:,} paths"),
        ("/".join("a" * (MOST_PARTS + 1)), f"be at most {MOST_PARTS} folders deep"),
    ],
)
def test_what_is_no_pattern_says_what_it_must_be(text, must):
    with pytest.raises(Unreadable) as refused:
        patterns_of(text)

    assert refused.value.must == must
    assert refused.value.hint


def test_a_text_that_is_no_pattern_covers_everything_once_it_is_in_a_record():
    one, other = read_patterns(["src/[ab", "a.py"])

    assert (one.line, other.line) == ("/**", "/a.py")
