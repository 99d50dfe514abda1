"""GitHub's own command line, `gh`: one pull request for one branch, opened or brought up to date.

Knows nothing of git, tasks or runs.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen

#: What GitHub takes as the text of a pull request, in characters; `cut` leaves room below it.
BODY_LIMIT = 65_536
_ROOM = 500
#: What the summaries of one step of Actions may have in all, in bytes: a larger one is dropped as a
#: whole. What of it is left for later ones.
SUMMARY_LIMIT = 1 << 20
_SPARE = 64 << 10
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")

#: Seconds that `gh` may take for one call.
_LIMIT = 120.0
_SHOWN_LINES = 6

_URL = re.compile(r"https?://\S+")
#: Addresses of repositories on a host: `https://host/owner/name.git`, `git@host:owner/name`.
_ADDRESSES = (
    re.compile(
        r"(?:https?|ssh|git|git\+ssh)://(?:[^@/]*@)?(?P<host>[^/:@]+)(?::\d+)?/(?P<path>.+)"
    ),
    re.compile(r"(?:[^@/:]+@)?(?P<host>[^/:@]{2,}):(?!/)(?P<path>.+)"),
)
_ANSWERS = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}


@frozen
class Proposal:
    """What a pull request is to say: from `head` into `base`, of the repository at that address."""

    address: str
    base: str
    head: str
    title: str
    body: str

    @property
    def command(self) -> tuple[str, ...]:
        """The command by which a person opens it."""
        words = ("gh", "pr", "create", "--base", self.base, "--head", self.head)
        return (*words, "--title", self.title, "--fill")


def find(environ: Mapping[str, str]) -> str | None:
    """Returns the path of `gh`, or None if it is not installed."""
    return shutil.which("gh", path=environ.get("PATH", os.defpath))


def propose(gh: str, proposal: Proposal, cwd: Path, environ: Mapping[str, str]) -> str:
    """Opens the pull request, or gives an open one of that branch these words; returns its address.

    Raises:
        EnvironmentProblem: `gh` failed, and nobody's pull request was changed.
    """
    where = _named(proposal.address)
    seen = _run(
        (gh, "pr", "view", proposal.head, "--json", "url,state,baseRefName", *where), cwd, environ
    )
    words = ("--title", proposal.title, "--body-file", "-", *where)
    if known := _open_request(seen, proposal.base):
        _said((gh, "pr", "edit", known, *words), cwd, environ, proposal.body)
        return known
    between = ("--base", proposal.base, "--head", proposal.head)
    said = _said((gh, "pr", "create", *between, *words), cwd, environ, proposal.body)
    found = _URL.findall(said)
    return str(found[-1]) if found else said.strip()


def page(proposal: Proposal) -> str:
    """Returns the address at which a person opens it in a browser, or "" where that is not known."""
    host, path = _place(proposal.address)
    if "github" not in host:
        return ""
    return f"https://{host}/{path}/compare/{proposal.base}...{proposal.head}?expand=1"


def cut(body: str) -> str:
    """Returns as much of a text as GitHub takes, whole lines of it, and says so if that is not all."""
    if _size(body) <= BODY_LIMIT:
        return body
    kept = _beginning(body, BODY_LIMIT - _ROOM, _size)
    return f"{kept}\n... cut here: GitHub takes no more than {BODY_LIMIT:,} characters.\n"


def fitting(page: str, used: int = 0) -> str:
    """Returns as much of a page as still fits a step's summary that has `used` bytes already.

    Whole lines, and said if that is not all; "" if there is no room.
    """
    room = SUMMARY_LIMIT - used
    if _size_bytes(page) <= room:
        return page
    kept = _beginning(page, room - _SPARE, _size_bytes)
    if not kept:
        return ""
    return f"{kept}\n... cut here: a step's summary takes no more than 1 MiB.\n"


def _beginning(page: str, room: int, size: Callable[[str], int]) -> str:
    """Returns the lines that fit, with an open fence closed; half a chart is left out instead."""
    lines: list[str] = []
    fence, begun = "", 0
    for line in page.splitlines(keepends=True):
        room -= size(line)
        if room < 0:
            break
        before = fence
        fence = _fence_after(line, fence)
        if fence and not before:
            begun = len(lines)
        lines.append(line)
    if fence and lines[begun].strip().endswith("mermaid"):
        return "".join(lines[:begun])
    return "".join(lines) + (f"{fence}\n" if fence else "")


def _fence_after(line: str, fence: str) -> str:
    """Returns the fence that is open after a line; `fence` was before."""
    found = _FENCE.fullmatch(line.rstrip("\n"))
    if found is None:
        return fence
    if not fence:
        return found[1]
    ends = found[1].startswith(fence) and not found[2].strip()
    return "" if ends else fence


def _size_bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _size(text: str) -> int:
    # Counted as JavaScript does, whatever GitHub's way is: never less than by code points.
    return len(text.encode("utf-16-le", "replace")) // 2


def _open_request(seen: "subprocess.CompletedProcess[str]", base: str) -> str:
    if seen.returncode != 0:
        return ""
    facts = None
    with suppress(ValueError):
        facts = json.loads(seen.stdout)
    if not isinstance(facts, dict) or facts.get("state", "OPEN") != "OPEN":
        return ""
    # One into another branch is not ours to rewrite.
    return str(facts.get("url", "")) if facts.get("baseRefName", base) == base else ""


def _place(address: str) -> tuple[str, str]:
    found = next(filter(None, (form.fullmatch(address) for form in _ADDRESSES)), None)
    if found is None:
        return "", ""
    return found["host"], found["path"].rstrip("/").removesuffix(".git")


def _named(address: str) -> tuple[str, ...]:
    host, path = _place(address)
    return ("--repo", f"{host}/{path}") if path.count("/") == 1 else ()


def _said(argv: tuple[str, ...], cwd: Path, environ: Mapping[str, str], given: str) -> str:
    ended = _run(argv, cwd, environ, given)
    if ended.returncode != 0:
        last = "\n".join((ended.stderr or ended.stdout).strip().splitlines()[-_SHOWN_LINES:])
        how = f"`gh pr {argv[2]}` failed with exit code {ended.returncode}"
        raise EnvironmentProblem(Problem(how, str(cwd), last))
    return ended.stdout


def _run(
    argv: tuple[str, ...], cwd: Path, environ: Mapping[str, str], given: str = ""
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            argv,
            cwd=cwd,
            env={**environ, **_ANSWERS},
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LIMIT,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        how = f"`gh pr {argv[2]}` did not work: {error}"
        raise EnvironmentProblem(Problem(how, str(cwd))) from error
