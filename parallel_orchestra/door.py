"""The door of a room: its public names, each loaded from its module when somebody first takes it.

A command that only reads a listing then loads nothing of what works on tasks. Knows no room. A
name must not be that of a module in the room: Python itself would put the module in its place.
"""

import sys
from collections.abc import Callable
from importlib import import_module


def door(room: str, **modules: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Returns what a package needs as `__getattr__` and `__dir__` (PEP 562).

    `modules` gives the names, parted by spaces, that each module of the room offers at its door.
    """
    places = {name: module for module, names in modules.items() for name in names.split()}

    def take(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{room}.{places[name]}"), name)
        setattr(sys.modules[room], name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[room]), *places})

    return take, listed
