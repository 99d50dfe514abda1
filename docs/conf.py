"""Makes a site of the docs: `make site`. The pages are Markdown as any reader shows it.

The settings are Sphinx's: https://www.sphinx-doc.org/en/master/usage/configuration.html
"""  # noqa: INP001  # the settings of a program, not a package

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from parallel_orchestra import __version__

project = "parallel-orchestra"
release = __version__
copyright = "the authors of parallel-orchestra"  # noqa: A001  # the name of the setting

extensions = ["myst_parser", "sphinxcontrib.mermaid"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = f"{project} {release}"
html_extra_path = ["reference/report.schema.json"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
nitpicky = True

_HEADING = re.compile(r"(?m)^## (.+)$")
_PAGE = re.compile(r"(?m)^- \[.*?\]\((?!\.\./)(.+?)\.md\)")
#: What stands in a page for the tests alone, and the words for them behind a fence's language.
_FOR_TESTS = re.compile(r"(?s)<!--.*?-->\n?")
_FENCE = re.compile(r"(?m)^(```\w+) .*$")
#: Files beside the docs, which the site has not got.
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[A-Z]+\.md\)")


def setup(app: Sphinx) -> None:
    """Has each page read through `_as_site`; Sphinx calls this."""
    app.connect("source-read", _as_site)


def _as_site(_app: Sphinx, page: str, source: list[Any]) -> None:
    text = _FENCE.sub(r"\1", _FOR_TESTS.sub("", source[0]))
    text = _OUTSIDE.sub(r"\1", text)
    if page == "index":
        text += _tables_of_contents(text)
    elif page == "development/decisions/README":
        names = sorted(path.stem for path in Path(__file__).parent.glob(f"{page[:-6]}[0-9]*.md"))
        text += _table_of_contents("", names)
    source[0] = text


def _tables_of_contents(index: str) -> str:
    """Returns one for each section of the index, of the pages that it names."""
    _, *rest = _HEADING.split(index)
    return "".join(
        _table_of_contents(caption, _PAGE.findall(body))
        for caption, body in zip(rest[::2], rest[1::2], strict=True)
    )


def _table_of_contents(caption: str, names: list[str]) -> str:
    lines = [f":caption: {caption}", *names] if caption else ["", *names]
    return "\n".join(("\n```{toctree}", ":hidden:", *lines, "```", ""))
