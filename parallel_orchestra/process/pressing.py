"""Templates -> text: the settings, and the child's side of `press`.

Knows nothing of tasks. `press` runs `main` in a bare interpreter for templates that strangers
wrote; ours are rendered in this process by `rendered`. Jinja does sums while it *compiles*
(`{{ 9**9**9 }}`), so a stranger's template must not even be compiled anywhere else.
"""

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

Functions = Mapping[str, Callable[..., Any]]
NO_FUNCTIONS: Functions = MappingProxyType({})

#: What a template is called in tracebacks; no file is.
_NAME = "<the template>"
_EMPTY = "makes an empty text"
#: Characters of an error that are told, errors that are told, CPU seconds that trials may take.
_MOST_WORDS = 300
_MOST_FAULTS = 20
_TRIALS = 1.0


def environment(
    library: Mapping[str, str], *, autoescape: bool = False
) -> "ImmutableSandboxedEnvironment":
    """Returns the settings of all templates; `library` are those that others may extend.

    Sandboxed, strict. Values arrive as they are, byte for byte, unless `autoescape` makes them
    safe in HTML.
    """
    from jinja2 import DictLoader, StrictUndefined  # noqa: PLC0415 - 69 ms, only for a prompt
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    return ImmutableSandboxedEnvironment(
        loader=DictLoader(library),
        undefined=StrictUndefined,
        autoescape=autoescape,  # ours are plain text, no HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def rendered(template: str, library: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    """Returns the text that a template of ours makes of the facts."""
    return _ready(template, tuple(library.items())).render(facts)


@lru_cache(maxsize=3)
def _ready(template: str, library: tuple[tuple[str, str], ...]) -> "Template":
    return environment(dict(library)).from_string(template)


def faults_of(request: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Returns the line (0: unknown) and the words of all that is wrong with a template.

    First by reading it, then by rendering it for each of the `trials`, as long as time allows.
    """
    made = environment(request["library"])
    try:
        found = _read_faults(made, request["template"], request["known"])
        return found or _trial_faults(made, request["template"], request["trials"])
    except Exception as error:  # noqa: BLE001 - whatever a template brings about is its fault
        return [_told(error)]


def text_of(
    request: Mapping[str, Any], filters: Functions, names: Functions
) -> str | tuple[int, str]:
    """Returns the text of a template, or the line and the words of what is wrong with it."""
    try:
        made = environment(request["library"], autoescape=request.get("autoescape", False))
        made.filters.update(filters)
        made.globals.update(names)
        text = made.from_string(request["template"]).render(request["facts"])
        return text if text.strip() else (0, _EMPTY)
    except Exception as error:  # noqa: BLE001 - as above
        return _told(error)


def _read_faults(
    made: "ImmutableSandboxedEnvironment", template: str, known: Mapping[str, list[str] | None]
) -> list[tuple[int, str]]:
    from jinja2 import meta, nodes  # noqa: PLC0415 - as above

    tree = made.parse(template)
    found: list[tuple[int, str]] = []
    tables: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (nodes.Filter, made.filters, "filter"),
        (nodes.Test, made.tests, "test"),
    )
    for kind, table, word in tables:
        for used in tree.find_all(kind):
            if used.name not in table:
                found.append((used.lineno, f"no {word} is named `{used.name}`"))
                table[used.name] = str  # so that the rest can be read
    missing = meta.find_undeclared_variables(tree) - known.keys() - made.globals.keys()
    first: dict[str, int] = {}
    assigned: set[str] = set()
    for node in tree.find_all(nodes.Name):
        if node.ctx == "load":
            first.setdefault(node.name, node.lineno)
        else:
            assigned.add(node.name)
    found += [(first.get(name, 0), _unknown(name, "", known)) for name in missing]
    found += _wrong_parts(tree, {k: v for k, v in known.items() if k not in assigned})
    found += _wrong_blocks(made, tree)
    return sorted(set(found))[:_MOST_FAULTS]


def _wrong_parts(tree: Any, known: Mapping[str, list[str] | None]) -> Iterator[tuple[int, str]]:
    from jinja2 import nodes  # noqa: PLC0415 - as above

    for node in tree.find_all(nodes.Getattr):
        parts = known.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        # `items`, `get` and so on: what every mapping has
        if parts is not None and node.attr not in parts and not hasattr(dict, node.attr):
            yield node.lineno, _unknown(node.attr, node.node.name, {name: [] for name in parts})


def _wrong_blocks(made: "ImmutableSandboxedEnvironment", tree: Any) -> Iterator[tuple[int, str]]:
    """Yields blocks that replace nothing, since what the template extends has none of that name."""
    from jinja2 import DictLoader, nodes  # noqa: PLC0415 - as above

    library = made.loader.mapping if isinstance(made.loader, DictLoader) else {}
    for node in tree.find_all(nodes.Extends):
        name = node.template.value if isinstance(node.template, nodes.Const) else ""
        there = made.parse(library.get(name, "")).find_all(nodes.Block)
        names = {block.name for block in there}
        for block in tree.find_all(nodes.Block) if name in library else ():
            if block.name not in names:
                wrong = _unknown(block.name, "", dict.fromkeys(names))
                yield block.lineno, wrong.replace("there is no", f"`{name}` has no block", 1)


def _unknown(name: str, whole: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name.lower(), known, n=1)
    shown = f"{whole}.{name}" if whole else name
    if close:
        meant = f"{whole}.{close[0]}" if whole else close[0]
        return f"there is no `{shown}`: did you mean `{meant}`?"
    return f"there is no `{shown}`, only {', '.join(sorted(known))}"


def _trial_faults(
    made: "ImmutableSandboxedEnvironment", template: str, trials: list[dict[str, Any]]
) -> list[tuple[int, str]]:
    ready = made.from_string(template)
    found: dict[tuple[int, str], None] = {}
    until = time.process_time() + _TRIALS
    for facts in trials:
        try:
            if not ready.render(facts).strip():
                found.setdefault((0, _EMPTY))
        except Exception as error:  # noqa: BLE001 - as above
            found.setdefault(_told(error))
        if len(found) >= _MOST_FAULTS or time.process_time() > until:
            break
    return list(found)


def _told(error: Exception) -> tuple[int, str]:
    from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError  # noqa: PLC0415

    if isinstance(error, TemplateSyntaxError):
        return error.lineno, _cut(error.message or "not a Jinja template")
    line = _line_of(error)
    if isinstance(error, TemplateNotFound):
        return line, _cut(f"there is no template `{error}` to extend or include")
    if isinstance(error, UndefinedError):
        return line, _cut(str(error).replace("'dict object'", "this mapping"))
    if isinstance(error, MemoryError):
        return line, "needs too much memory"
    if isinstance(error, RecursionError):
        return line, "is nested too deeply, or calls itself without end"
    return line, _cut(f"{error or type(error).__name__}")


def _line_of(error: Exception) -> int:
    """Returns the line in the template that an error comes from; Jinja rewrites tracebacks."""
    line, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in ("<template>", _NAME):
            line = step.tb_lineno
        step = step.tb_next
    return line


def _cut(words: str) -> str:
    return words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS - 4] + " ..."


def main(filters: Functions = NO_FUNCTIONS, names: Functions = NO_FUNCTIONS) -> None:
    """Answers the one request on standard input, within its limits.

    A template may use these `filters`, and call these functions by their `names`.
    """
    with open(0, "rb") as asked:
        request = json.load(asked)
    sys.path[:] = filter(None, request["path"])
    # loaded before the limits hold, which are for the template
    environment({})
    _limit(request["memory_bytes"], request["seconds"])
    answer: Any = faults_of(request) if "trials" in request else text_of(request, filters, names)
    if isinstance(answer, str) and len(answer) > request["output_chars"]:
        answer = (0, f"makes more than {request['output_chars']:,} characters")
    with open(1, "w", encoding="ascii") as answering:
        json.dump(answer, answering)
    os._exit(0)  # what a template built up need not be put away piece by piece


def _limit(memory_bytes: int, seconds: int) -> None:
    used = time.process_time()
    for what, most in (
        (resource.RLIMIT_CPU, int(used) + 1 + seconds),
        (resource.RLIMIT_AS, _address_space() + memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # macOS refuses some of them; the limit of time is the one that matters
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))


def _address_space() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as pages:
            return int(pages.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 29
