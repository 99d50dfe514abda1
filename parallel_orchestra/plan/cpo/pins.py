"""Pinned Python packages: what may stand in the manifest, and the uv commands that install it.

They run in the order of the format: remove, upgrade, add, add for development. All of it is one
shell script, so that the task shows in the plan what it does.
"""

import re
import shlex

from parallel_orchestra.frozen import frozen

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_EXACT = re.compile(
    rf"({_NAME})\s*(?:\[\s*{_NAME}(?:\s*,\s*{_NAME})*\s*\])?\s*===?\s*[A-Za-z0-9][A-Za-z0-9.!+_-]*"
    r"\s*(?:;.*)?"
)
_HINT = "pin it to one version: `name==1.2.3`"


@frozen
class Pins:
    """What is done with packages, each in the order of the manifest."""

    remove: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    add_dev: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.remove or self.upgrade or self.add or self.add_dev)


def is_name(text: str) -> bool:
    """Returns whether a text is the bare name of a package."""
    return re.fullmatch(_NAME, text) is not None


def name_of(requirement: str) -> str:
    """Returns the normalised name of a requirement (PEP 503), or empty if it has none."""
    found = re.match(_NAME, requirement.strip())
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def why_not_pinned(requirement: str) -> str:
    """Returns why a requirement is not pinned to one version, as a hint; empty if it is."""
    if _EXACT.fullmatch(requirement.strip()):
        return ""
    return _HINT


def install_script(pins: Pins, project: str, python_version: str) -> str:
    """Returns the shell script that installs the packages with uv, for the project's directory.

    A package that is not there any more need not be removed, so it can run again. A project
    without a `pyproject.toml` gets the least one, named `project`.
    """
    lines = ["set -e", *_project_file(project, python_version)]
    lines += [_removal(package) for package in pins.remove]
    for options, packages in (
        ("--upgrade ", pins.upgrade),
        ("", pins.add),
        ("--dev ", pins.add_dev),
    ):
        if packages:
            lines.append(f"uv add {options}{shlex.join(packages)}")
    return "\n".join(lines) + "\n"


def _project_file(project: str, python_version: str) -> list[str]:
    name = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-") or "project"
    requires = f'requires-python = ">={python_version}"' if python_version else ""
    text = "\n".join(
        line for line in ("[project]", f'name = "{name}"', 'version = "0.0.0"', requires) if line
    )
    return [f"test -e pyproject.toml || printf '%s\\n' {shlex.quote(text)} > pyproject.toml"]


def _removal(package: str) -> str:
    edge = "[^A-Za-z0-9._-]"
    pattern = edge + re.sub(r"[-_.]+", "[-_.]+", package) + edge
    there = f"grep -Eiq {shlex.quote(pattern)} pyproject.toml"
    return f"if {there}; then uv remove {shlex.quote(package)}; fi"
