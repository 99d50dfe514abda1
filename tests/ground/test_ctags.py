"""Universal Ctags, where it is installed."""

import os
import shutil

import pytest

from parallel_orchestra import ctags
from parallel_orchestra.ownership import changed_symbols

C = """#include <stdio.h>

// about all of it
struct cart { int size; };

int add(int a)
{
  return a;
}
static int sub(int a) { return -a; }
"""
GO = "package main\n\ntype Cart struct {\n\tsize int\n}\n\nfunc (c Cart) Total() int {\n\treturn 1\n}\n"

needs_ctags = pytest.mark.skipif(
    not ctags.program(os.environ), reason="Universal Ctags is not installed"
)


def changed(name, text, old, new):
    executable = ctags.program(os.environ)
    before = ctags.outline_of(executable, name, text, os.environ)
    after = ctags.outline_of(executable, name, text.replace(old, new), os.environ)
    assert before is not None
    assert after is not None
    return changed_symbols(before, after)


@needs_ctags
@pytest.mark.parametrize(
    ("old", "new", "symbols"),
    [
        ("return a;", "return a + 1;", {"add"}),
        ("return -a;", "return 0 - a;", {"sub"}),
        ("int size", "long size", {"cart.size"}),
        ("<stdio.h>", "<stdlib.h>", set()),
        ("// about", "// all about", set()),
        ("static int sub", "int x;\nstatic int sub", {"x"}),
    ],
)
def test_a_change_in_c_is_that_of_its_symbol(old, new, symbols):
    assert changed("dir/shop.c", C, old, new) == symbols


@needs_ctags
def test_a_method_in_go_belongs_to_its_type_and_not_to_the_package():
    assert changed("shop.go", GO, "return 1", "return 2") == {"Cart.Total"}


@needs_ctags
@pytest.mark.parametrize("name", ["notes.txt", "no-suffix", "empty.c"])
def test_what_has_no_symbols_that_end_has_no_outline(name):
    executable = ctags.program(os.environ)

    assert ctags.outline_of(executable, name, "some words\n", os.environ) is None


def test_another_program_of_that_name_is_not_taken_for_it(tmp_path):
    other = tmp_path / "ctags"
    other.write_text("#!/bin/sh\necho 'GNU Emacs'\n")
    other.chmod(0o755)

    assert ctags.program({"PATH": str(tmp_path)}) == ""
    assert ctags.program({"PATH": str(tmp_path / "none")}) == ""


def test_a_program_that_says_nothing_useful_gives_no_outline(tmp_path):
    true = shutil.which("true")

    assert ctags.outline_of(true, "a.c", C, os.environ) is None
    assert ctags.outline_of(str(tmp_path / "gone"), "a.c", C, os.environ) is None
