"""The small parts of a `cpo` folder: scopes, pinned packages, validations, places in JSON."""

import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parallel_orchestra.plan.cpo import pins, validation
from parallel_orchestra.plan.cpo.places import Places
from parallel_orchestra.plan.cpo.scope import read_scope
from parallel_orchestra.plan.findings import Findings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


def scope(text):
    findings = Findings("t.md")
    found = read_scope(text, 10, "task `a`", findings)
    assert not findings.any
    return found


def texts(entries):
    return [entry.text for entry in entries]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE: a/{x,y}.py, b.py\nMODIFY: c.py::K.m\nBOUNDARY: d/*",
        "CREATE:\n- a/{x,y}.py\n- b.py\nMODIFY:\n- c.py::K.m\nBOUNDARY:\n- d/*",
        "- **CREATE**: `a/{x,y}.py`, `b.py`\n- **MODIFY**: `c.py::K.m`\n- **BOUNDARY**: `d/*`",
        "### CREATE\n\n- a/{x,y}.py\n- b.py\n\n### MODIFY\n- c.py::K.m\n### BOUNDARY\n- d/*",
        "```\nCREATE: a/{x,y}.py,\n  b.py   # the rest\nMODIFY: c.py::K.m (only this)\nBOUNDARY: ./d/*\n```",
        "create: a/{x,y}.py, b.py\nmodify: c.py::K.m\nboundary: d/*\n\nNote: all else is free.",
    ],
    ids=["lines", "lists", "bold", "headings", "fence", "small"],
)
def test_a_scope_may_be_written_in_many_ways(text):
    found = scope(text)

    assert texts(found.creates) == ["a/x.py", "a/y.py", "b.py"]
    assert texts(found.modifies) == ["c.py::K.m"]
    assert texts(found.boundary) == ["d/*"]
    assert found.said == {"CREATE", "MODIFY", "BOUNDARY"}


def test_nothing_may_be_said_in_words():
    found = scope("CREATE: none\nMODIFY: None\nBOUNDARY:\n")

    assert (found.creates, found.modifies, found.boundary) == ((), (), ())
    assert found.said == {"CREATE", "MODIFY", "BOUNDARY"}


def test_an_entry_knows_its_line_and_column():
    found = scope("\nCREATE: a.py,  {b,c}.py")

    assert [entry.mark for entry in found.creates] == [(11, 9), (11, 16), (11, 16)]


def test_braces_may_be_nested():
    assert texts(scope("CREATE: {a,b/{c,d}}.py").creates) == ["a.py", "b/c.py", "b/d.py"]


def test_braces_that_explode_are_refused():
    findings = Findings("t.md")

    read_scope("CREATE: " + "{a,b}" * 40, 1, "task `a`", findings)

    assert findings.wrong


@pytest.mark.parametrize(
    "requirement",
    ["a==1", "a-b_c.d == 1.2.3", "a[x,y]==1.0rc1", "a==1; python_version < '3.12'", "a===1+local"],
)
def test_pinned_packages(requirement):
    assert pins.why_not_pinned(requirement) == ""


@pytest.mark.parametrize(
    "requirement",
    ["a", "a>=1", "a==1.*", "a~=1.0", "a==1,<2", "a @ https://x", "", "-r x", "a==1 b==2"],
)
def test_packages_that_are_not_pinned(requirement):
    assert pins.why_not_pinned(requirement)


def test_packages_are_removed_only_if_the_project_names_them(tmp_path):
    script = pins.install_script(pins.Pins(remove=("Old_Lib", "gone")), "shop", "3.10")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["old-lib>=1", "gone-not"]\n'
    )
    (tmp_path / "uv").write_text('#!/bin/sh\necho "$@" >> said\n')
    (tmp_path / "uv").chmod(0o755)

    path = f"{tmp_path}:/usr/bin:/bin"
    subprocess.run(["sh", "-c", script], cwd=tmp_path, env={"PATH": path}, check=True)

    assert (tmp_path / "said").read_text() == "remove Old_Lib\n"


def test_a_project_without_its_file_gets_the_least_one(tmp_path):
    script = pins.install_script(pins.Pins(), "My Shop!", "3.10")

    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True)

    assert (tmp_path / "pyproject.toml").read_text() == (
        '[project]\nname = "my-shop"\nversion = "0.0.0"\nrequires-python = ">=3.10"\n'
    )


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("from a import b; print('ok')", True),
        ("import shop", True),
        ("assert True", True),
        ("exit(1)", True),
        ("x = 1", True),
        ("pytest", False),
        ("make -j", False),
        ("mypy --strict", False),
        ("pytest apps/orders/tests/ -v", False),
        ("python -c 'import a'", False),
        ("set -e; make", False),
        ("./check.sh", False),
        ("true", False),
    ],
)
def test_a_validation_is_python_or_a_line_for_the_shell(text, python):
    assert validation.is_python(text) is python
    assert validation.why_broken(text) == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [("assert 1 == 1", 0), ("import sys; sys.exit(3)", 3), ("test -e here", 0), ("exit 4", 4)],
)
def test_a_validation_runs_as_what_it_is(tmp_path, text, code):
    (tmp_path / "here").touch()
    command = validation.command_of(text)

    done = subprocess.run(command, cwd=tmp_path, check=False)

    assert done.returncode == code


def test_in_a_project_of_uv_a_validation_runs_through_it(tmp_path):
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "uv").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    (tmp_path / "uv").chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    command = validation.command_of("import shop")

    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": path}, capture_output=True, check=True
    )

    assert done.stdout == b"run|--quiet|--|python3|-c|import shop|"


@settings(max_examples=40)
@given(value=JSON, indent=st.sampled_from([None, 1, 4]))
def test_every_place_in_a_json_text_is_where_its_value_begins(value, indent):
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    lines = text.split("\n")

    marks = Places(text).marks

    for path, (line, column) in marks.values.items():
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        found = value
        for step in path:
            found = found[step]
        assert json.JSONDecoder().raw_decode(rest)[0] == found


def test_keys_that_stand_twice_are_found():
    places = Places('{"a": {"b": 1, "b": 2}}')

    assert places.doubles == [(("a", "b"), (1, 16))]
