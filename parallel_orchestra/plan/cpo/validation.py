"""The `validation` of a wave: Python code or a line for the shell, as the command that checks it."""

import ast
import re
import warnings

from parallel_orchestra.model import Command

#: Nobody begins a shell line with these; broken code after them is broken Python.
_PYTHON = re.compile(r"(?:from|import|assert|raise|def|class|try|with)\b|print\s*\(")

#: In a project that uv manages, which its lock file says in its first line, packages are found
#: through uv only.
_IN_PROJECT = """\
if head -n 1 uv.lock 2> /dev/null | grep -q '^version = ' && command -v uv > /dev/null
then exec uv run --quiet -- {0}
fi
exec {0}"""


def why_broken(text: str) -> str:
    """Returns the complaint of Python about code that can only be Python; empty if it is fine."""
    if not _PYTHON.match(text.lstrip()):
        return ""
    _, why = _parsed(text)
    return why


def is_python(text: str) -> bool:
    """Returns whether a validation is Python: it parses, and does more than to name things.

    `make` and `mypy --strict` parse as Python too: a name, and a difference of names.
    """
    if _PYTHON.match(text.lstrip()):
        return True
    tree, _ = _parsed(text)
    return tree is not None and not all(_only_names(step) for step in tree.body)


def command_of(text: str) -> Command:
    """Returns the command that checks a wave: it ends with 0 if the validation holds."""
    runner = 'python3 -c "$0"' if is_python(text) else 'sh -c "$0"'
    return ("sh", "-c", _IN_PROJECT.format(runner), text.strip("\n"))


def _only_names(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and not any(
        isinstance(node, ast.Call | ast.Await) for node in ast.walk(step)
    )


def _parsed(text: str) -> tuple[ast.Module | None, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes: they are not ours to judge
            return ast.parse(text), ""
    except SyntaxError as error:
        where = f" (line {error.lineno})" if "\n" in text else ""
        return None, f"{error.msg}{where}"
    except (ValueError, RecursionError, MemoryError):
        return None, "it is too deep, or no text"
