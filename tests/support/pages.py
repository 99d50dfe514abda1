"""The pages of the docs, taken apart, and a reader who does what they say.

In the line that opens a code block, after the language: `run` means "type this" (`exit=N`: it ends
so), `output` "each of these lines was said by what was typed before", `file=NAME` "save this",
`append=NAME` "put this above the last line". A comment that begins with `setup` is typed too, but
not shown to people.
"""

import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from support.preloaded import preloaded

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))

#: Seconds that one block of a page may take.
_LIMIT = 60.0
_SETUP = re.compile(r"<!-- setup\n(?P<script>.*?)\n?-->", re.DOTALL)
#: What differs from one run to the next, and what stands for it when lines are compared.
_CHANGING = (
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b"), "RUN"),
    (re.compile(r"(?<![\w.])(?:/[\w.+-]+)+"), "PATH"),
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "COMMIT"),
    (re.compile(r"\b\d+(?:\.\d+)? (?=s\b|times\b)"), "N "),
    (re.compile(r"\b\d+%(?= of the best\b)"), "N%"),
    (re.compile(r"\bprocess \d+"), "process N"),
    (re.compile(r"^[*|/\\ ]+"), ""),
)


@dataclass(frozen=True)
class Block:
    """A code block or a hidden script: its language, the words after it, its text and line."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    def word(self, name: str) -> str:
        """Returns the value of `name=value` among the words, or an empty string."""
        return next((w.partition("=")[2] for w in self.words if w.startswith(f"{name}=")), "")


def name_of(page: Path) -> str:
    """Returns a page's path below the checkout."""
    return page.relative_to(ROOT).as_posix()


@cache
def text_of(page: Path) -> str:
    """Returns what stands on a page."""
    return page.read_text(encoding="utf-8")


@cache
def tokens_of(page: Path) -> tuple[Token, ...]:
    """Returns a page as a reader's program sees it."""
    return tuple(MarkdownIt("commonmark").enable("table").parse(text_of(page)))


def blocks_of(page: Path) -> Iterator[Block]:
    """Yields the code blocks and hidden scripts of a page in their order."""
    for token in tokens_of(page):
        line = (token.map or [0])[0] + 1
        if token.type == "fence":
            language, *words = token.info.split() or [""]
            yield Block(language, tuple(words), token.content, line)
        elif token.type == "html_block" and (found := _SETUP.match(token.content)):
            yield Block("sh", ("setup",), found["script"], line)


def headings_of(page: Path, level: int) -> list[tuple[str, str]]:
    """Returns the headings of a level, each with the heading of the level above that it is under."""
    found, above = [], ""
    tokens = tokens_of(page)
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.tag == f"h{level - 1}":
            above = inline.content
        elif token.type == "heading_open" and token.tag == f"h{level}":
            found.append((above, inline.content))
    return found


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """Returns the anchors of a page's headings as GitHub makes them."""
    tokens = tokens_of(page)
    titles = [
        inline.content
        for token, inline in itertools.pairwise(tokens)
        if token.type == "heading_open"
    ]
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def rows_of(page: Path, head: str) -> list[list[str]]:
    """Returns the rows of the table whose first column has that head, as raw cells."""
    lines = text_of(page).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def settled(text: str) -> list[str]:
    """Returns the lines of an output without what differs from run to run; empty ones are left out."""
    lines = []
    for line in text.splitlines():
        same = line
        for pattern, word in _CHANGING:
            same = pattern.sub(word, same)
        if same.strip():
            lines.append(" ".join(same.split()))
    return lines


class Reader:
    """Somebody who follows a page, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._where = folder
        self._output = ""
        programs = folder / "bin"
        programs.mkdir()
        self._command = programs / "parallel-orchestra"
        preloaded().program(self._command)
        self._env = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(folder / "cache"),
            "SCRATCH": str(folder),
            "AGENT_SECONDS": "0",
        }

    def follow(self, page: Path) -> None:
        """Does what the page says, from top to bottom.

        Raises:
            AssertionError: something that it says is not so.
        """
        if any("kill " in block.text for block in blocks_of(page)):
            self._start_anew()
        for block in blocks_of(page):
            at = f"{name_of(page)}:{block.line}"
            if "setup" in block.words or (block.language == "sh" and "run" in block.words):
                self.type(block.text, int(block.word("exit") or 0), at)
            elif block.language == "python" and "run" in block.words:
                self.type(f"python3 - <<'EOF'\n{block.text}EOF\n", 0, at)
            elif "output" in block.words:
                self.check(block.text, at)
            elif block.word("file"):
                (self._where / block.word("file")).write_text(block.text, encoding="utf-8")
            elif block.word("append"):
                self._append(self._where / block.word("append"), block.text)

    def type(self, script: str, code: int, at: str) -> None:
        """Types commands into a shell that stops at the first one that fails."""
        where = self._folder / "where"
        # Not a pipe: what goes on in the background would hold it.
        said = self._folder / "said"
        with said.open("wb") as stream:
            done = subprocess.run(
                ["sh", "-ec", f"trap 'pwd > {shlex.quote(str(where))}' EXIT\n{script}"],
                cwd=self._where,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                timeout=_LIMIT,
                check=False,
            )
        self._output = said.read_text(encoding="utf-8", errors="replace")
        self._where = Path(where.read_text().removesuffix("\n"))
        assert done.returncode == code, f"{at}: exit code {done.returncode}\n{self._output}"

    def check(self, shown: str, at: str) -> None:
        """Compares what a page shows with what was said; the order may differ."""
        said = settled(self._output)
        wanted = [line for line in shown.splitlines() if not line.startswith("$ ")]
        missing = [line for line in settled("\n".join(wanted)) if line not in said]
        assert not missing, f"{at}: nobody said {missing}\n{self._output}"

    def _start_anew(self) -> None:
        """Lets the command be a process of the shell's: who kills it means that one."""
        python = shlex.quote(sys.executable)
        self._command.write_text(f'#!/bin/sh\nexec {python} -m parallel_orchestra "$@"\n')

    def _append(self, path: Path, text: str) -> None:
        before, fence, after = path.read_text(encoding="utf-8").rpartition("---\n")
        path.write_text(f"{before}\n{text}{fence}{after}", encoding="utf-8")
