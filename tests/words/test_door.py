"""What stands at the door of a room is loaded when somebody takes it."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import parallel_orchestra
from parallel_orchestra import store
from parallel_orchestra.store import layout

PACKAGE = Path(parallel_orchestra.__file__).parent
DOORS = sorted(
    ".".join(path.parent.relative_to(PACKAGE.parent).parts)
    for path in PACKAGE.rglob("__init__.py")
    if "door(" in path.read_text(encoding="utf-8")
)


def promised(room):
    """Returns the names that a type checker sees at a door, each with its module."""
    path = PACKAGE.parent / room.replace(".", "/") / "__init__.py"
    (block,) = (one for one in ast.parse(path.read_text()).body if isinstance(one, ast.If))
    return {
        name.name: found.module
        for found in block.body
        if isinstance(found, ast.ImportFrom) and found.module != room
        for name in found.names
    }


@pytest.mark.parametrize("room", DOORS)
def test_a_door_gives_what_the_type_checker_sees_there(room):
    module = importlib.import_module(room)

    given = {name: getattr(module, name) for name in promised(room)}

    assert given == {
        name: getattr(importlib.import_module(place), name)
        for name, place in promised(room).items()
    }
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("room", DOORS)
def test_no_name_at_a_door_is_that_of_a_module_behind_it(room):
    folder = PACKAGE.parent / room.replace(".", "/")

    behind = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }

    # Python puts a module into its package under its name: it would hide what the door gives
    assert not behind & set(promised(room))


def test_what_was_taken_once_lies_in_the_room():
    taken = store.Layout

    assert vars(store)["Layout"] is taken is layout.Layout


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'parallel_orchestra\.store' has no attribute 'Lay'"):
        store.Lay  # noqa: B018


def test_a_room_loads_nothing_before_its_names_are_taken():
    rooms = ", ".join(DOORS)
    program = f"import sys, {rooms}; print(*sys.modules)"

    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()

    ours = {name for name in loaded if name.startswith("parallel_orchestra")}
    around = {room.rpartition(".")[0] for room in DOORS}
    assert ours == {"parallel_orchestra.door", *DOORS, *around}
