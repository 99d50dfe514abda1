"""The house stands as drawn: floors, sizes, manners, names. The drawing is the data below.

A new room is put on a floor here; an exception is written down here, with its reason.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from support.house import (
    LONGEST_FUNCTION,
    LONGEST_MODULE,
    Plan,
    faults,
    module_at,
    street_manners,
)

PACKAGE = Path(__file__).parent.parent / "parallel_orchestra"

#: From the ground up; a room imports from floors below it, or from a room further left on its own.
FLOORS = (
    # 0 words: names of things
    ("frozen", "door", "garbage", "errors", "model", "states", "events", "plain"),
    # 1 thought: pure, values in, values out
    ("ownership", "graph", "config", "prompt", "plan", "spending", "schedule", "retry", "progress"),
    # 2 ground: one outer thing each
    ("files", "ctags", "process", "machine", "git", "github"),
    # 3 trades: our nouns put upon the world
    ("store", "journal", "past", "agents", "isolation", "report", "notify"),
    # 4 work: integration, one task's day, the run
    (
        "merge_queue",
        "recovery",
        "board",
        "worker",
        "engine",
        "conductor",
        "example",
        "api",
    ),
    # 5 street: argv, words, exit codes; `__init__` is the door for other programs
    ("__init__", "cli", "__main__"),
)

#: What may be imported inside a function, and why: all of it is slow to load and often not needed.
LATE = {
    "apprise": "200 ms, only where `notify` is in the plan",
    "ctypes": "20 ms, only where a system call has no other door",
    "frontmatter": "57 ms, only to read a plan",
    "http": "with ssl, only when a webhook is told",
    "importlib": "with warnings, only when a public name is used",
    "json": "10 ms that a helper process saves whose child prints none",
    "jinja2": "69 ms, only to write a report or a prompt",
    "pathspec": "only where a pattern meets a path",
    "portalocker": "73 ms, only where a lock is taken",
    "psutil": "34 ms, only where /proc does not answer",
    "pydantic": "53 ms, only to check a plan",
    "re": "10 ms that a helper process saves whose child is known by no line",
    "rich": "71 ms, only on a terminal",
    "shutil": "with bz2 and lzma 5 ms, only where the disk is full",
    "socket": "only when a webhook is told",
    "ssl": "30 ms, only when a webhook is told",
    "statistics": "with decimal and fractions 10 ms, only where tasks are open",
    "tempfile": "with random and shutil 5 ms, only to write down a mistake of ours",
    "traceback": "only for a mistake of ours",
    "urllib": "only when a webhook is told",
    "zoneinfo": "time zones lie on the disk, only when an agent names a reset time",
}

#: Rooms that may import other rooms inside a function, and why.
LATE_ROOMS = {
    "__init__": "`import parallel_orchestra` costs nothing until a name is used",
    "agents": "who tells of a run without sessions loads no backend",
    "cli": "`--help` loads no room that only another command needs",
    "conductor": "`status` reads no YAML and loads no backend unless a usage limit holds",
    "door": "what stands at a room's door is loaded when it is taken",
    "plan": "a plan that comes from `run.json` needs no YAML and no pydantic",
}

#: Files below the street that may use what belongs to it, and why.
MAY_USE_STREET: dict[str, str] = {
    "api.py": "other programs' door: without settings, a run inherits their environment",
}

HOUSE = Plan("parallel_orchestra", FLOORS, LATE, LATE_ROOMS, MAY_USE_STREET)

#: A small house in which each rule is broken below.
TOY = Plan("toy", (("words",), ("left", "right"), ("street", "__init__")), {"slow": "why"}, {}, {})


def test_the_house_keeps_its_rules():
    found = faults(PACKAGE, HOUSE)

    assert not found, "\n" + "\n".join(found)


def test_every_exception_is_needed():
    strict = replace(HOUSE, may_use_street={})

    files = {name: module_at(PACKAGE, PACKAGE / name) for name in MAY_USE_STREET}

    assert all(list(street_manners(module, strict)) for module in files.values())


def test_no_room_stands_on_two_floors():
    rooms = [room for floor in FLOORS for room in floor]

    assert len(rooms) == len(set(rooms))


def toy(root: Path, **files: str) -> list[str]:
    """Builds a package of these modules (`a__b` is the file `a/b.py`) and returns its faults."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""A door."""\n{text}', encoding="utf-8")
    return faults(root, TOY)


@pytest.mark.parametrize(
    "line",
    [
        "import toy.words",
        "from toy import words, __version__",
        "from toy.words import thing",
        "from .words import thing",
        "from . import words",
        "import os.path",
        "from toy.right import itself",
    ],
)
def test_an_import_downwards_is_fine(tmp_path, line):
    assert toy(tmp_path, words="", right=line) == []


def test_an_import_to_the_left_is_fine(tmp_path):
    assert toy(tmp_path, left="", right="from toy import left\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "import toy.right",
        "import toy.right.deep as r",
        "from toy import right",
        "from toy.right import thing",
        "from . import right",
        "from .right import thing",
        "if TYPE_CHECKING:\n    from toy.right import Thing",
    ],
)
def test_an_import_to_the_right_is_found(tmp_path, line):
    (fault,) = toy(tmp_path, left=line)

    assert fault.startswith("left.py:")
    assert "`left` (floor 1) must not import `right` (floor 1)" in fault


@pytest.mark.parametrize("line", ["from ..street import x", "from .. import street"])
def test_an_import_upwards_from_within_a_package_is_found(tmp_path, line):
    (fault,) = toy(tmp_path, left__deep=line)

    assert fault == (
        "left/deep.py:2: `left` (floor 1) must not import `street` (floor 2): "
        "only what is below, or further left on the same floor"
    )


def test_a_neighbour_in_the_same_package_is_fine(tmp_path):
    assert toy(tmp_path, left__a="from . import b\nfrom .b import x\n", left__b="") == []


def test_the_front_door_is_the_topmost_floor(tmp_path):
    (fault,) = toy(tmp_path, words="from toy import run_plan\n")

    assert "`words` (floor 0) must not import `__init__` (floor 2)" in fault


def test_a_room_on_no_floor_is_found(tmp_path):
    found = toy(tmp_path, cellar="", street="from toy.cellar import wine\n")

    assert found == [
        "cellar.py:1: room `cellar` stands on no floor: put it into FLOORS",
        "street.py:2: imports `cellar`, which stands on no floor",
    ]


def test_an_import_inside_a_function_is_found(tmp_path):
    (fault,) = toy(tmp_path, left="def _f():\n    import json\n")

    assert fault == (
        "left.py:3: imports `json` inside a function: put it at the top, "
        "or into LATE with the reason"
    )


def test_a_room_imported_inside_a_function_is_found(tmp_path):
    (fault,) = toy(tmp_path, left="def _f():\n    from toy.words import x\n")

    assert "imports `toy.words.x` inside a function" in fault


def test_an_import_of_what_is_slow_may_be_late(tmp_path):
    assert toy(tmp_path, left="def _f():\n    import slow.part\n    from slow import x\n") == []


def test_an_import_that_hides_in_a_call_is_found(tmp_path):
    (fault,) = toy(tmp_path, left="import importlib\nx = importlib.import_module('toy.street')\n")

    assert fault == "left.py:3: `importlib.import_module` hides an import: write it as one"


def test_a_long_module_is_found(tmp_path):
    (fault,) = toy(tmp_path, left="\n" * LONGEST_MODULE)

    assert fault == f"left.py:1: {LONGEST_MODULE + 1} lines; a module has {LONGEST_MODULE} at most"


def test_a_long_function_is_found(tmp_path):
    (fault,) = toy(tmp_path, left="async def _f():\n" + "    x = 1\n" * LONGEST_FUNCTION)

    assert fault.startswith(f"left.py:2: `_f` has {LONGEST_FUNCTION + 1} lines")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("print('x')", "print()"),
        ("import sys\nx = sys.argv[1:]", "sys.argv"),
        ("import os\nx = os.environ.get('X')", "os.environ"),
        ("import os\nx = os.getenv('X')", "os.getenv"),
        ("from os import environ", "os.environ"),
        ("import sys\nsys.stdout.write('x')", "sys.stdout"),
    ],
)
def test_what_belongs_to_the_street_is_found_below_it(tmp_path, line, name):
    (fault,) = toy(tmp_path, left=line)

    assert f"`{name}` belongs to the street" in fault


def test_the_street_may_print_and_read_its_arguments(tmp_path):
    assert toy(tmp_path, street="import os, sys\nprint(sys.argv, os.environ)\n") == []


def test_a_file_with_a_reason_may_use_the_street(tmp_path):
    (tmp_path / "left.py").write_text('"""A door."""\nprint(1)\n', encoding="utf-8")

    assert faults(tmp_path, replace(TOY, may_use_street={"left.py": "a program"})) == []


def test_a_room_with_a_reason_may_import_rooms_late_but_not_upwards(tmp_path):
    text = '"""A door."""\ndef _f():\n    from toy import words, street\n'
    (tmp_path / "left.py").write_text(text, encoding="utf-8")

    (fault,) = faults(tmp_path, replace(TOY, late_rooms={"left": "a reason"}))

    assert "must not import `street`" in fault


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "manager", "new_thing"])
def test_a_name_that_says_nothing_is_found(tmp_path, name):
    (fault,) = toy(tmp_path, **{f"left__{name}": ""})

    assert f"`{name}` says nothing" in fault


def test_a_class_that_manages_is_found(tmp_path):
    (fault,) = toy(tmp_path, left="class _TaskManager: pass\n")

    assert "`_TaskManager` says nothing" in fault


@pytest.mark.parametrize(
    "text",
    [
        "def shown(): pass",
        "class Shown: pass",
        "class Shown:\n    '''Doc.'''\n    def method(self): pass",
    ],
)
def test_a_public_name_without_a_docstring_is_found(tmp_path, text):
    (fault,) = toy(tmp_path, left=text)

    assert fault.endswith("has no docstring")


def test_what_is_private_may_be_silent(tmp_path):
    assert toy(tmp_path, left="def _f(): pass\nclass _C:\n    def m(self): pass\n") == []


def test_a_module_without_a_sign_on_its_door_is_found(tmp_path):
    (tmp_path / "left.py").write_text("x = 1\n", encoding="utf-8")

    assert faults(tmp_path, TOY) == ["left.py:1: has no sign on its door: a module docstring"]


def test_no_two_files_of_tests_have_one_name():
    names = [path.name for path in sorted(Path(__file__).parent.rglob("test_*.py"))]

    # pytest takes two of them for one, as their folders are no packages
    assert [name for name in set(names) if names.count(name) > 1] == []
