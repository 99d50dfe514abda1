"""The rules of the house, each a function from one module to what is wrong with it.

Knows which rules there are, not which rooms: `test_house.py` has the floors and the exceptions.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
#: Names that say nothing about what is behind them.
EMPTY_NAMES = re.compile(r"(utils?|helpers|common|managers?|misc|base2|new_.*)", re.IGNORECASE)
EMPTY_ENDINGS = re.compile(r"(Utils?|Helpers|Managers?)$")

#: What only the topmost floor may use: it belongs to the terminal and to whoever started us.
STREET_ONLY = frozenset(
    {"sys.argv", "sys.stdout", "sys.stderr", "os.environ", "os.environb", "os.getenv", "os.putenv"}
)

_HIDDEN_IMPORTS = frozenset({"__import__", "import_module", "importlib.import_module"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Plan:
    """What the house looks like: floors from the ground up, rooms from left to right, exceptions.

    `late` says which modules may be imported inside a function, and why. `late_rooms` are the
    rooms that may import other rooms so. `may_use_street` are files below the topmost floor
    that may use what only that floor may, and why.
    """

    package: str
    floors: Sequence[Sequence[str]]
    late: Mapping[str, str]
    late_rooms: Mapping[str, str]
    may_use_street: Mapping[str, str]

    def place(self, room: str) -> tuple[int, int] | None:
        """Returns the floor of a room and its place there, or None for a room without one."""
        for floor, rooms in enumerate(self.floors):
            if room in rooms:
                return floor, rooms.index(room)
        return None


@dataclass(frozen=True)
class Module:
    """One file of the package: its path below it, its room, its text and its syntax tree."""

    path: Path
    room: str
    lines: int
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of its tree: many rules look at each."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def inside_functions(self) -> frozenset[int]:
        """The identities of the nodes in some function."""
        outer = (node for node in self.nodes if isinstance(node, Function))
        return frozenset(id(node) for function in outer for node in ast.walk(function))

    def at(self, node: ast.AST, words: str) -> str:
        """Returns those words with the place they are about in front."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {words}"


@dataclass(frozen=True)
class Import:
    """One import: the dotted name of what it brings in, and whether a function does it."""

    node: ast.stmt
    target: str
    inside_function: bool


def faults(root: Path, plan: Plan) -> list[str]:
    """Returns everything that is against the rules in the package at `root`, in order of files."""
    rules = (unknown_room, climbing, late_imports, sizes, street_manners, names, silence)
    return [fault for module in modules(root) for rule in rules for fault in rule(module, plan)]


def modules(root: Path) -> Iterator[Module]:
    """Yields every module of the package at `root`."""
    for path in sorted(root.rglob("*.py")):
        yield module_at(root, path)


def module_at(root: Path, path: Path) -> Module:
    """Returns the module in that file of the package at `root`."""
    text = path.read_text(encoding="utf-8")
    below = path.relative_to(root)
    room = below.parts[0].removesuffix(".py")
    return Module(below, room, text.count("\n"), ast.parse(text, filename=str(path)))


def unknown_room(module: Module, plan: Plan) -> Iterator[str]:
    """A room stands on no floor."""
    if plan.place(module.room) is None:
        yield module.at(module.tree, f"room `{module.room}` stands on no floor: put it into FLOORS")


def climbing(module: Module, plan: Plan) -> Iterator[str]:
    """An import goes up, or to the right on its own floor."""
    here = plan.place(module.room)
    for found in imports(module, plan):
        room = room_of(found.target, plan)
        if here is None or room is None or room == module.room:
            continue
        there = plan.place(room)
        if there is None:
            yield module.at(found.node, f"imports `{room}`, which stands on no floor")
        elif there > here:
            yield module.at(
                found.node,
                f"`{module.room}` (floor {here[0]}) must not import `{room}` (floor {there[0]}): "
                "only what is below, or further left on the same floor",
            )


def late_imports(module: Module, plan: Plan) -> Iterator[str]:
    """A function imports something that belongs to the top of the file."""
    for found in imports(module, plan):
        if not found.inside_function:
            continue
        if room_of(found.target, plan) is not None:
            allowed = module.room in plan.late_rooms
        else:
            allowed = any(_covers(name, found.target) for name in plan.late)
        if not allowed:
            yield module.at(
                found.node,
                f"imports `{found.target}` inside a function: put it at the top, "
                "or into LATE with the reason",
            )
    if module.room in plan.late_rooms:
        return
    for node in module.nodes:
        if isinstance(node, ast.Call) and _dotted(node.func) in _HIDDEN_IMPORTS:
            yield module.at(node, f"`{_dotted(node.func)}` hides an import: write it as one")


def sizes(module: Module, _plan: Plan) -> Iterator[str]:
    """A module or a function is too long to be taken in at once."""
    if module.lines > LONGEST_MODULE:
        yield module.at(module.tree, f"{module.lines} lines; a module has {LONGEST_MODULE} at most")
    for node in module.nodes:
        if isinstance(node, Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield module.at(
                    node,
                    f"`{node.name}` has {length} lines; a function has {LONGEST_FUNCTION} at most",
                )


def street_manners(module: Module, plan: Plan) -> Iterator[str]:
    """A room below the topmost floor talks to the terminal or reads the environment."""
    here = plan.place(module.room)
    top = len(plan.floors) - 1
    if here is None or here[0] == top or module.path.as_posix() in plan.may_use_street:
        return
    for node in module.nodes:
        if isinstance(node, ast.Call) and _dotted(node.func) in {"print", "input"}:
            name = f"{_dotted(node.func)}()"
        elif isinstance(node, ast.Attribute) and _dotted(node) in STREET_ONLY:
            name = _dotted(node)
        elif isinstance(node, ast.ImportFrom):
            taken = {f"{node.module}.{alias.name}" for alias in node.names} & STREET_ONLY
            name = ", ".join(sorted(taken))
        else:
            continue
        if name:
            yield module.at(node, f"`{name}` belongs to the street: have it passed in")


def names(module: Module, _plan: Plan) -> Iterator[str]:
    """A module or class has a name that says nothing."""
    for part in module.path.with_suffix("").parts:
        if EMPTY_NAMES.fullmatch(part):
            yield module.at(module.tree, f"`{part}` says nothing: name the thing")
    for node in module.nodes:
        if isinstance(node, ast.ClassDef) and EMPTY_ENDINGS.search(node.name):
            yield module.at(node, f"`{node.name}` says nothing: name the thing")


def silence(module: Module, _plan: Plan) -> Iterator[str]:
    """A module, or a public class, function or method, has no docstring."""
    if ast.get_docstring(module.tree) is None:
        yield module.at(module.tree, "has no sign on its door: a module docstring")
    for node in _public(module.tree.body):
        if ast.get_docstring(node) is None:
            yield module.at(node, f"`{node.name}` has no docstring")


def imports(module: Module, plan: Plan) -> Iterator[Import]:
    """Yields every import of the module, relative ones made absolute."""
    inside = module.inside_functions
    for node in module.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node, alias.name, id(node) in inside)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, module, plan)
            for alias in node.names:
                yield Import(node, f"{source}.{alias.name}", id(node) in inside)


def room_of(target: str, plan: Plan) -> str | None:
    """Returns the room that a dotted name leads to; None for what is not ours.

    A name of the package itself that is no room, such as `__version__`, leads to `__init__`.
    """
    package, _, rest = target.partition(".")
    if package != plan.package:
        return None
    first, _, deeper = rest.partition(".")
    if first == "__version__":
        return None  # a fact about the package, not the way to its topmost floor
    if not deeper and plan.place(first) is None:
        return "__init__"
    return first


def _absolute(node: ast.ImportFrom, module: Module, plan: Plan) -> str:
    """Returns the dotted name of where a `from` import takes its names from."""
    if not node.level:
        return node.module or ""
    folder = module.path.parent.parts
    above = folder[: len(folder) - (node.level - 1)]
    return ".".join((plan.package, *above, *((node.module,) if node.module else ())))


def _covers(name: str, target: str) -> bool:
    return target == name or target.startswith(name + ".")


def _dotted(node: ast.expr) -> str:
    """Returns `a.b.c` for such an expression, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        start = _dotted(node.value)
        return f"{start}.{node.attr}" if start else ""
    return ""


def _public(body: Sequence[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Yields the public functions and classes, and the public methods of those."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if any(_dotted(mark) in {"overload", "typing.overload"} for mark in node.decorator_list):
            continue
        if any(
            isinstance(mark, ast.Attribute) and mark.attr == "setter"
            for mark in node.decorator_list
        ):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body)
