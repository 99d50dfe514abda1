"""What is pasted into a bug report: versions and findings, without paths, users or hosts. Pure."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from parallel_orchestra.conductor.checkup import Finding
from parallel_orchestra.report.text import fenced, one_line

#: A person's own folder, whoever's it is.
_HOME = re.compile(r"(?:/home|/Users)/[^/\s`']+")
#: The host's name at the beginning of an owner's: `host-4711-8b34fd12`.
_OWNER = re.compile(r"[\w.-]+?(?=-\d+-[0-9a-f]{8}\b)")


def block(
    versions: Sequence[str], findings: Sequence[Finding], own: Mapping[Path, str], host: str
) -> str:
    """Returns Markdown to be pasted: a line for each version and finding.

    `own` are folders that nobody else is to know of, with what stands in their place. Where a
    finding was made and what mends it are left out: they are of use on this machine alone.
    """
    lines = [*versions, *(f"{one.level.value}: {one.what}" for one in findings)]
    return fenced("\n".join(_without(one_line(line), own, host) for line in lines))


def _without(line: str, own: Mapping[Path, str], host: str) -> str:
    # the longest first: a project lies in a home
    for folder in sorted(own, key=lambda one: -len(str(one))):
        if folder != Path(folder.anchor):
            line = re.sub(rf"{re.escape(str(folder))}(?![\w.-])", own[folder], line)
    line = _OWNER.sub("HOST", _HOME.sub("~", line))
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])", "HOST", line) if host else line
