"""The bytes of a plan -> its front matter and its body, with every trap of the format refused.

python-frontmatter carries the parts; left alone it answers most mistakes with an empty plan and
no word (a missing fence, a byte order mark, a list at the top), so its handler is ours.
"""

import re
from collections.abc import Collection
from pathlib import PurePath
from typing import Any

import frontmatter
from frontmatter.default_handlers import YAMLHandler

from parallel_orchestra.errors import PlanError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, Mark, Marks
from parallel_orchestra.plan.yaml_tree import Tree, kind_of, read_tree

_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"\n[ \t]*\n#{1,6} \S")
_LINE_OF_YAML = re.compile(r"^(?![ \t]*(?:#|$))", re.MULTILINE)
_LIST_ITEM = re.compile(r"\s*- id:")
_EXAMPLE = "begin the file with `---`, then the YAML of the plan, then `---` again"


@frozen
class Document:
    """A plan's data, its marks, and the text below the front matter with its first line number.

    `cut` says that the front matter ends too early, which is noted.
    """

    tree: Tree
    body: str
    body_line: int
    cut: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """The mapping at the top of the front matter."""
        top: dict[str, Any] = self.tree.value
        return top


def decode(data: bytes, findings: Findings) -> str:
    """Returns a plan's text with a line feed alone at the end of every line, none at the end.

    (The library would copy a text that ends in blank lines.)

    Raises:
        PlanError: it is not UTF-8, or has NUL bytes, or is empty.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        findings.stop(Finding("the file is UTF-16", "save it as UTF-8", mark=(1, 1)))
    nul = data.find(b"\0")
    if nul >= 0:
        what = "the file contains a NUL byte: it is not text"
        findings.stop(Finding(what, "save it as UTF-8 text", mark=_mark_of(data, nul)))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # utf-8-sig counts from behind the byte order mark
        at = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        what = f"the file is not UTF-8: byte 0x{data[at]:02x} does not fit"
        findings.stop(Finding(what, "save it as UTF-8", mark=_mark_of(data, at)))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip()


def read_document(
    text: str, source: PurePath, findings: Findings, *, last_break: bool = True
) -> Document:
    """Returns the parts of a plan; a `.yaml` or `.yml` file is all front matter.

    Without the `last_break` of the front matter, a block text at its very end has one line
    break less: that is how the published tool reads it.

    Raises:
        PlanError: there is no front matter, or no YAML mapping in it.
    """
    if not text:
        findings.stop(Finding("the file is empty", _EXAMPLE, mark=(1, 1)))
    handler = _Handler(findings)
    handler.last_break = last_break
    _handled(text, source, handler)
    value = handler.tree.value
    if not isinstance(value, dict):
        what = f"the plan must be a mapping of keys to values, not {kind_of(value)}"
        findings.stop(Finding(what, 'write `po_plan_version: "0.2"` and so on', mark=(1, 1)))
    return Document(handler.tree, handler.body, handler.body_line, handler.cut)


def find_marks(text: str, source: PurePath, wanted: Collection[KeyPath]) -> Marks:
    """Returns where the wanted key paths begin in a text that `read_document` has read."""
    return _handled(text, source, _Handler(Findings(""), wanted)).tree.marks


def _handled(text: str, source: PurePath, handler: "_Handler") -> "_Handler":
    if source.suffix.lower() in {".yaml", ".yml"}:
        handler.first_line = 1
        handler.load(text)
    else:
        frontmatter.parse(text, handler=handler)
    return handler


class _Handler(YAMLHandler):
    """python-frontmatter's handler for YAML that notices what it would pass over in silence."""

    def __init__(self, findings: Findings, wanted: Collection[KeyPath] = ()) -> None:
        super().__init__()
        self._findings = findings
        self._wanted = wanted
        self.tree = Tree()
        self.body = ""
        self.body_line = 0
        self.cut = False
        self._lacking: Finding | None = None
        self.first_line = 2
        self.last_break = True

    def split(self, text: str) -> tuple[str, str]:
        """Returns the front matter; the body stays here, where its line number is known."""
        opening = _FENCE.search(text)
        if opening and _LINE_OF_YAML.search(text, 0, opening.start()):
            opening = None  # a fence behind what is meant to be the front matter
        start = opening.end() + 1 if opening else 0
        self.first_line = text.count("\n", 0, start) + 1
        closing = _FENCE.search(text, start)
        if opening is None or opening.start():
            what = "the first line must be `---`, the beginning of the front matter"
            self._lacking = Finding(what, _EXAMPLE, mark=(1, 1))
        elif closing is None:
            what = "the front matter has no end: no second line `---`"
            self._lacking = Finding(what, "add a line `---` behind the plan", mark=(1, 1))
        if closing is None:
            heading = _HEADING.search(text, start)
            end = body = text.rindex("\n", 0, heading.end()) + 1 if heading else len(text)
        else:
            end, body = closing.start(), closing.end() + 1
        self.body = text[body:]
        self.body_line = text.count("\n", 0, body) + 1
        return text[start : end - (0 if self.last_break else 1)], ""

    def load(self, fm: str, **_: object) -> dict[str, Any]:
        """Reads the front matter, also one without its fences if there are tasks in it."""
        if self._lacking is not None:
            self._check_guess(fm)
        self.tree = read_tree(fm, self._findings, self.first_line, self._wanted)
        self._check_early_end()
        value = self.tree.value
        return value if isinstance(value, dict) else {}

    def _check_guess(self, fm: str) -> None:
        """Notes that a fence is missing; what is not plainly a plan gets no further words."""
        lacking = self._lacking or Finding("")
        try:
            guess = read_tree(fm, Findings("")).value
        except PlanError:
            guess = None
        if not isinstance(guess, dict) or "tasks" not in guess:
            self._findings.stop(lacking)
        self._findings.problem(lacking)

    def _check_early_end(self) -> None:
        """Notes a `---` at the left margin that cut a block text, and with it the plan, in two."""
        indent = self.tree.tail
        line = next((line for line in self.body.splitlines() if line.strip()), "")
        deeper = indent is not None and len(line) - len(line.lstrip()) > indent
        self.cut = indent is not None and (deeper or _LIST_ITEM.match(line) is not None)
        if self.cut:
            what = "the front matter seems to end too early: a `---` inside a block text ends it"
            hint = "indent that `---` like the text around it"
            mark = (self.body_line - 1, 1)
            self._findings.problem(Finding(what, hint, mark=mark))


def _mark_of(data: bytes, at: int) -> Mark:
    line_start = data.rfind(b"\n", 0, at) + 1
    return data.count(b"\n", 0, at) + 1, at - line_start + 1
