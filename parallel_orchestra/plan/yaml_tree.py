"""YAML text -> plain values, from the C parser's events, with bounds on all that can explode.

PyYAML's own composer builds a node for every value (130 MB for 10,000 tasks), ends the process
on deep nesting and lets the last of two equal keys win. Going along the events needs a fifth of
the time and of the memory, counts depth and size before anything is built, and knows every line.

Other than YAML 1.1: dates and sexagesimal numbers (`1:30` would be 90) stay text, and keys must
be text. Tags beyond those of text, lists and mappings are refused.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, Mark, Marks, brief
from parallel_orchestra.plan.mending import Slip, mend

MAX_DEPTH = 64
#: Values and keys in a text: 20 for each of 100,000 tasks.
MAX_VALUES = 2_000_000
#: Those that its aliases stand for: the text of a few lines may mean millions.
MAX_ALIASED = 600_000
#: Longer plain words are text: converting numbers of a million digits takes minutes.
_LONGEST_NUMBER = 100

_TOO_DEEP = (f"nested deeper than {MAX_DEPTH} levels", "plans are flat lists")
_PREFIX = "tag:yaml.org,2002:"
_PLAIN_TAGS = {None, "!", _PREFIX + "str", _PREFIX + "map", _PREFIX + "seq"}
_TEXT_TAGS = {"!", _PREFIX + "str"}
_RESOLVED = {_PREFIX + name for name in ("bool", "int", "float", "null")}
_RESOLVERS = {
    first: [(tag, pattern) for tag, pattern in known if tag in _RESOLVED]
    for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_NO_RESOLVERS: list[Any] = []


class WrongKey(str):
    """A key that was not text in YAML (`on`, `8`): noted, and kept as it stands in the file."""

    __slots__ = ()


@dataclass(slots=True)
class Tree:
    """What was read. `tail` is the indent of the last key if its value was a block text."""

    value: Any = None
    marks: Marks = field(default_factory=Marks)
    tail: int | None = None


def read_tree(
    text: str, findings: Findings, first_line: int = 1, wanted: Collection[KeyPath] = ()
) -> Tree:
    """Returns the values of a YAML text whose first line is that line of the file.

    `wanted` key paths get an entry in `marks`. Duplicate and wrong keys are noted in findings.

    Raises:
        PlanError: the text is not YAML, or too deep or too large; with all findings so far.
    """
    before = findings.count
    builder = _Builder(text, findings, first_line, wanted)
    try:
        builder.document()
    except _AllSeen:
        pass
    except yaml.YAMLError as error:
        findings.back_to(before)  # what was noted on the way is found again
        return read_tree(_mended(text, error, findings, first_line), findings, first_line, wanted)
    return builder.tree


def _mended(text: str, error: yaml.YAMLError, findings: Findings, first_line: int) -> str:
    """Returns a text that is YAML, to look for what else is wrong; notes why the first was none."""
    slips, whole = mend(text, error)
    for slip in slips:
        findings.problem(_syntax(slip, first_line))
    if whole is None:
        findings.raise_all(Marks())
    return whole


class _AllSeen(Exception):  # not an error: the rest of the text is not wanted
    """All wanted places are known."""


class _Builder:
    def __init__(
        self, text: str, findings: Findings, first_line: int, wanted: Collection[KeyPath]
    ) -> None:
        self._value_marks: dict[KeyPath, Mark] = {}
        self._key_marks: dict[KeyPath, Mark] = {}
        self._blocks: set[KeyPath] = set()
        self.tree = Tree(marks=Marks(self._value_marks, self._key_marks, self._blocks))
        # events differ in their attributes by kind: the kind is asked before they are read
        self._event: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        self._findings = findings
        self._first = first_line
        self._wanted = wanted
        self._path: list[str | int] = []
        self._count = self._aliased = 0
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._numbers = SafeConstructor()
        self._key_column = 0

    def document(self) -> None:
        """Reads the only document of the text."""
        self._event()  # the stream's start
        if isinstance(self._event(), StreamEndEvent):
            return
        self.tree.value = self._value(self._event(), 0)
        self._event()  # the document's end
        event = self._event()
        if not isinstance(event, StreamEndEvent):
            self._stop(event, "a second YAML document begins here", "keep one document per plan")

    def _value(self, event: Any, depth: int) -> Any:
        if self._wanted and (path := tuple(self._path)) in self._wanted:
            self._value_marks[path] = self._mark(event)
            if type(event) is ScalarEvent and event.style == "|":
                self._blocks.add(path)
            if len(self._value_marks) == len(self._wanted):
                raise _AllSeen
        self._count += 1
        if self._count > MAX_VALUES:
            self._too_many(event)
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (value, 1)
            return value
        if kind is AliasEvent:
            return self._alias(event)
        if depth >= MAX_DEPTH:
            self._stop(event, *_TOO_DEEP)
        self._check_tag(event)
        before = self._count
        if event.anchor:
            self._anchors[event.anchor] = None  # open: an alias inside would be endless
        whole = self._mapping(depth) if kind is MappingStartEvent else self._list(depth)
        if event.anchor:
            self._anchors[event.anchor] = (whole, self._count - before + 1)
        return whole

    def _list(self, depth: int) -> list[Any]:
        values: list[Any] = []
        path, event = self._path, self._event()
        while type(event) is not SequenceEndEvent:
            path.append(len(values))
            values.append(self._value(event, depth + 1))
            path.pop()
            event = self._event()
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[Any] = []
        lines: dict[str, int] = {}
        path, event = self._path, self._event()
        while type(event) is not MappingEndEvent:
            key = self._key(event, depth)
            mark = (event.start_mark.line, event.start_mark.column)
            path.append(key)
            if self._wanted and (wanted := tuple(path)) in self._wanted:
                self._key_marks[wanted] = self._mark(event)
            following = self._event()
            self._key_column = mark[1]
            value = self._value(following, depth + 1)
            path.pop()
            if key == "<<" and event.implicit[0]:
                merged.append((event, value))
            elif key in lines:
                self._twice(key, event, lines[key])
            else:
                lines[key] = mark[0] + self._first
                values[key] = value
            event = self._event()
        for event, value in merged:
            self._merge(event, value, values)
        return values

    def _key(self, event: Any, depth: int) -> str:
        if type(event) is not ScalarEvent:
            hint = "put text that begins with `{` or `[` in quotes"
            self._note(event, "a key must be plain text", hint)
            self._value(event, depth + 1)
            return WrongKey("?")
        self._count += 1
        value = self._scalar(event)
        if isinstance(value, str):
            return value
        raw: str = event.value
        if value is None:
            self._note(event, "a key is empty", "write a name before the colon")
        else:
            what = f"the key `{brief(raw)}` is not text: YAML reads it as {kind_of(value)}"
            self._note(event, what, f'put it in quotes: "{brief(raw)}"')
        return WrongKey(raw)

    def _twice(self, key: str, event: Any, line: int) -> None:
        what = f"the key `{brief(key)}` stands twice in the same mapping"
        self._note(event, what, f"it stands on line {line} already: remove one of them")

    def _merge(self, event: Any, value: Any, into: dict[str, Any]) -> None:
        sources = value if isinstance(value, list) else [value]
        for source in sources:
            if not isinstance(source, dict):
                self._note(event, "`<<` must be followed by a mapping", "write `<<: *name`")
                return
            for key, inherited in source.items():
                self._grow(1, event)
                into.setdefault(key, inherited)

    def _alias(self, event: Any) -> Any:
        name = event.anchor
        known = self._anchors.get(name)
        if known is None:
            quotes = "or put text that begins with `*` in quotes"
            if name in self._anchors:
                hint = f"write the text that was meant, {quotes}"
                self._stop(event, f"`*{brief(name)}` contains itself", hint)
            hint = f"define it with `&{brief(name)}`, {quotes}"
            self._note(event, f"`*{brief(name)}` is not defined", hint)
            return f"*{name}"
        self._grow(known[1], event)
        return known[0]

    def _scalar(self, event: Any) -> Any:
        value: str = event.value
        tag = event.tag
        if event.implicit[0] and tag is None:
            self.tree.tail = None
            known = _RESOLVERS.get(value[:1], _NO_RESOLVERS)
            return self._resolve(value, known) if known else value
        self.tree.tail = self._key_column if event.style in ("|", ">") else None
        if tag is not None and tag not in _TEXT_TAGS:
            self._check_tag(event)
        if "\0" in value:
            self._note(event, "a text contains a NUL character", r"remove the `\0`")
        return value

    def _resolve(self, value: str, known: list[Any]) -> Any:
        if len(value) > _LONGEST_NUMBER:
            return value
        if value[:1] != "0" and value.isdecimal() and value.isascii():
            return int(value)
        for tag, pattern in known:
            if pattern.match(value):
                return self._convert(value, tag.removeprefix(_PREFIX))
        return value

    def _convert(self, value: str, kind: str) -> Any:
        if kind == "null":
            return None
        if kind == "bool":
            return SafeConstructor.bool_values[value.lower()]
        if ":" in value:
            return value
        node = yaml.ScalarNode(_PREFIX + kind, value)
        try:
            if kind == "int":
                return self._numbers.construct_yaml_int(node)
            return self._numbers.construct_yaml_float(node)
        except ValueError:  # `0x_` fits the pattern and is no number
            return value

    def _check_tag(self, event: Any) -> None:
        if event.tag not in _PLAIN_TAGS:
            name = brief(event.tag.replace(_PREFIX, "!!"))
            hint = "remove the tag"
            if not name.startswith("!!"):
                hint = f'put it in quotes, if it is meant as text: "{name}"'
            self._note(event, f"the YAML tag `{name}` is not allowed", hint)

    def _grow(self, values: int, event: Any) -> None:
        self._count += values
        self._aliased += values
        if self._aliased > MAX_ALIASED:
            what = f"aliases that stand for more than {MAX_ALIASED:,} values"
            self._stop(event, what, "remove nested aliases (`*name`)")

    def _too_many(self, event: Any) -> None:
        if self._count - self._aliased > MAX_VALUES:
            self._stop(event, f"more than {MAX_VALUES:,} values", "part the plan in several")

    def _mark(self, event: Any) -> Mark:
        return event.start_mark.line + self._first, event.start_mark.column + 1

    def _note(self, event: Any, what: str, hint: str) -> None:
        self._findings.problem(Finding(what, hint, tuple(self._path), mark=self._mark(event)))

    def _stop(self, event: Any, what: str, hint: str) -> NoReturn:
        self._findings.stop(Finding(what, hint, tuple(self._path), mark=self._mark(event)))


def kind_of(value: object) -> str:
    """Returns in a user's words what kind of value YAML made of something."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"{'true' if value else 'false'} (a yes/no value)"
    if isinstance(value, int | float):
        return f"the number {brief(str(value))}" if _short(value) else "a number"
    if isinstance(value, str):
        return f"the text `{brief(value)}`"
    return "a list" if isinstance(value, list) else "a mapping"


def _short(number: float) -> bool:
    return -(10**18) < number < 10**18


def _syntax(slip: Slip, first_line: int) -> Finding:
    """Returns PyYAML's complaint with the line of the file instead of that of the front matter."""
    error, text = slip.error, slip.text
    if isinstance(error, ReaderError):
        before = text.encode()[: error.position].decode(errors="ignore").split("\n")
        place = (len(before) - 1 + first_line, len(before[-1]) + 1)
        return Finding(f"not valid YAML: {error.reason}", "remove that character", mark=place)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or str(error)
    words = brief(" ".join(str(said).split()), 200)
    where = (mark.line + first_line, mark.column + 1) if mark else None
    if "nesting depth" in words:
        # Newer C parsers have a bound of their own, and read ahead: they meet theirs before ours.
        what, hint = _TOO_DEEP
        return Finding(what, hint, mark=where)
    if slip.line and (mark is None or mark.line + 1 != slip.line):
        line = text.split("\n")[slip.line - 1]
        where = (slip.line - 1 + first_line, len(line) - len(line.lstrip()) + 1)
    return Finding(f"not valid YAML: {words}", slip.hint or _remedy(words), mark=where)


def _remedy(words: str) -> str:
    if "mapping values" in words or "expected <block end>" in words:
        return "check the indentation, and put text that contains `: ` in quotes"
    if "tab" in words or "cannot start any token" in words:
        return "indent with spaces, and put text that begins with a special character in quotes"
    if "block sequence entries" in words:
        return "put text that begins with `- ` in quotes, and a list on lines of its own"
    return "check indentation and quotes on this line and the one before"
