"""Which symbols of a file differ between two versions of it. Pure.

An outline gives each line to the innermost symbol around it: a class, a function, a method, an
assignment; what is left is code outside of all symbols. A symbol was changed if its own lines
were: a class is not changed by what is done to one of its methods. Imports and comments outside
of symbols, and empty lines, belong to nobody, since whoever uses a new name needs its import.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

from parallel_orchestra.frozen import frozen

#: What code outside of all symbols is called.
OUTSIDE = ""


@frozen
class Span:
    """A symbol, as `Class.method`, with its first and last line, from 1; `name` None is nobody's."""

    name: str | None
    first: int
    last: int


Outline = Mapping[str, tuple[str, ...]]


def outline(text: str, spans: Iterable[Span], comments: tuple[str, ...] = ()) -> Outline:
    """Returns the own lines of each symbol; `comments` are the beginnings of lines that are one."""
    lines = text.split("\n")
    owners: list[str | None] = [OUTSIDE] * len(lines)
    names = set()
    for span in sorted(spans, key=lambda span: (span.first, -span.last)):
        owners[span.first - 1 : span.last] = [span.name] * (len(owners[span.first - 1 : span.last]))
        names.add(span.name)
    own: dict[str, list[str]] = {name: [] for name in names if name is not None}
    for line, owner in zip(lines, owners, strict=True):
        shown = line.rstrip()
        if owner is None or not shown:
            continue
        if owner == OUTSIDE and comments and shown.lstrip().startswith(comments):
            continue
        own.setdefault(owner, []).append(shown)
    return {name: tuple(known) for name, known in own.items()}


def changed_symbols(before: Outline, after: Outline) -> frozenset[str]:
    """Returns the symbols that were added, removed or changed; `OUTSIDE` for code outside of all."""
    return frozenset(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def python_outline(text: str) -> Outline | None:
    """Returns the outline of Python source; None if it is none."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return outline(lines, _spans(module.body, ""), ("#",))


def _spans(body: Iterable[ast.stmt], scope: str) -> Iterator[Span]:
    for node in body:
        first, last = node.lineno, node.end_lineno or node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{scope}{node.name}"
            first = min((one.lineno for one in node.decorator_list), default=first)
            yield Span(name, min(first, node.lineno), last)
            if isinstance(node, ast.ClassDef):
                yield from _spans(node.body, f"{name}.")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield Span(None, first, last)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if len(targets) == 1 and isinstance(targets[0], ast.Name):
                yield Span(f"{scope}{targets[0].id}", first, last)
        else:
            # `if TYPE_CHECKING:`, `try:` and the like may hold definitions
            for inner in _bodies(node):
                yield from _spans(inner, scope)


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        inner = getattr(node, name, None)
        if isinstance(inner, list):
            yield inner
    for handler in getattr(node, "handlers", ()):
        yield handler.body
