"""Universal Ctags, if it is installed: where the symbols of a source file begin and end.

Knows nothing of git or of tasks. It is told to read no options: an agent could leave some.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from parallel_orchestra.ownership import Outline, Span, outline

#: Seconds for one file.
_LIMIT = 20.0
_COMMENTS = ("//", "/*", "*/", "* ", "--", "<!--")
_IMPORTS = ("import ", "#include", "# include", "use ", "using ", "require", "from ", "@import")
#: What only groups others: its name is no part of a symbol's.
_PACKAGES = {"package"}


def program(environ: Mapping[str, str]) -> str:
    """Returns the path of Universal Ctags; empty if there is none that speaks JSON."""
    found = shutil.which("ctags", path=environ.get("PATH"))
    if found is None:
        return ""
    said = _said([found, "--options=NONE", "--quiet", "--list-features"], environ)
    return found if any(line.startswith("json ") for line in said.splitlines()) else ""


def outline_of(executable: str, name: str, text: str, environ: Mapping[str, str]) -> Outline | None:
    """Returns the outline of a source file of that name; None if ctags can't say where symbols end."""
    with tempfile.TemporaryDirectory() as folder:
        # its own name: by that the language is known
        path = Path(folder) / PurePosixPath(name).name
        path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
        words = ["--options=NONE", "--quiet", "--output-format=json", "--fields=+lneZ", "--sort=no"]
        said = _said([executable, *words, "-f", "-", str(path)], environ)
    spans = tuple(_spans(said))
    if not any(span.name for span in spans):
        return None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(_IMPORTS):
            spans += (Span(None, number, number),)
    return outline(text, spans, _COMMENTS)


def _spans(said: str) -> Iterator[Span]:
    for line in said.splitlines():
        try:
            tag = json.loads(line)
            name, first, last = tag["name"], int(tag["line"]), int(tag["end"])
        except (ValueError, KeyError, TypeError):
            continue  # a tag without an end: its lines belong to what is around it
        scope = str(tag.get("scope", "")).replace("::", ".").replace("/", ".")
        if tag.get("scopeKind") in _PACKAGES:
            scope = ""
        elif "." in scope and tag.get("language") == "Go":
            scope = scope.partition(".")[2]
        if tag.get("kind") not in _PACKAGES and last >= first:
            yield Span(f"{scope}.{name}" if scope else str(name), first, last)


def _said(argv: list[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
