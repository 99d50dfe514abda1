"""Which programs the configuration makes git run, and how it would look at the repository.

An agent shares the repository's configuration with us. Hooks and monitors are switched off by
name in every call of ours (see `call`); drivers have names of their own choosing, so all that
can be done is to see that there are new ones. Judges nothing.
"""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.call import Git
from parallel_orchestra.git.repo import Repo

#: What makes our own calls run a program, or read other files than before (git-config(1)).
_DRIVER = re.compile(
    r"filter\..*\.(?:clean|smudge|process|required)|merge\.default|merge\..*\.(?:driver|recursive)"
    r"|diff\.external|diff\..*\.(?:command|textconv)|include\.path|includeif\..*\.path"
    r"|core\.(?:attributesfile|bare|worktree|sshcommand|gitproxy)"
    r"|extensions\.(?!worktreeconfig$).*|remote\..*\.(?:promisor|uploadpack|receivepack|vcs)|config"
)
#: What runs a program in the user's own git, and never in ours.
_OTHER = re.compile(
    r"core\.(?:hookspath|fsmonitor|editor|pager|askpass)|sequence\.editor|pager\..*|alias\..*"
    r"|gpg\.(?:.*\.)?program|credential\.(?:.*\.)?helper|interactive\.difffilter"
    r"|extensions\.worktreeconfig"
)
#: A line of gitattributes(5) that names a driver.
_NAMES_DRIVER = re.compile(r"^\s*[^#\s].*\b(?:filter|merge|diff)\b.*$", re.MULTILINE)

_ATTRIBUTES = "info/attributes"
#: The key of the one setting there is if git can't read them.
_UNREAD = "config"


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """One value that git has for a key; a hook's key is `hook NAME`, its value tells versions apart."""

    key: str
    value: str


@frozen
class Programs:
    """What was found: `drivers` act upon our own calls, `others` only upon the user's git."""

    drivers: frozenset[Setting] = frozenset()
    others: frozenset[Setting] = frozenset()

    @property
    def unread(self) -> str:
        """What git says if it could not read its configuration; else empty."""
        return next((one.value or one.key for one in self.drivers if one.key == _UNREAD), "")


class ProgramsOf:
    """The programs of one repository; git is only asked if one of the files is another one.

    Files are compared by content, because a change within one tick of the clock has the time
    of the one before. Usable from several threads.
    """

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        # With a work tree named: a wrong `core.worktree` must not keep us from seeing it.
        self._git = Git(repo.environ, repo.common_dir, repo.common_dir, repo.top)
        self._known = tuple(self._known_places())
        self._turn = threading.Lock()
        self._origins: frozenset[Path] = frozenset()
        self._seen: tuple[tuple[Path, bytes | None], ...] | None = None
        self._found = Programs()

    def look(self) -> Programs:
        """Returns what stands in the files at this moment.

        Raises:
            EnvironmentProblem: git can't be started.
        """
        with self._turn:
            if self._read() != self._seen:
                settings = frozenset(self._asked())
                drivers = {one for one in settings if _DRIVER.fullmatch(one.key)}
                others = {one for one in settings if _OTHER.fullmatch(one.key)}
                attributes = self._attributes()
                self._found = Programs(frozenset(drivers | attributes), frozenset(others))
                self._seen = self._read()
            hooks = self._hooks()
            return replace(self._found, others=self._found.others | hooks) if hooks else self._found

    def _read(self) -> tuple[tuple[Path, bytes | None], ...]:
        places = dict.fromkeys((*self._known, *self._origins))
        return tuple((path, _content(path)) for path in places)

    def _known_places(self) -> Iterator[Path]:
        common = self._repo.common_dir
        yield from (common / "config", common / "config.worktree")
        yield from (self._repo.git_dir / "config.worktree", common / _ATTRIBUTES)
        environ = self._repo.environ
        if "GIT_CONFIG_GLOBAL" in environ:
            yield Path(environ["GIT_CONFIG_GLOBAL"])
        elif home := environ.get("HOME"):
            yield Path(home) / ".gitconfig"
            yield Path(environ.get("XDG_CONFIG_HOME") or f"{home}/.config") / "git" / "config"

    def _asked(self) -> Iterator[Setting]:
        said = self._git.run("config", "--list", "--show-origin", "-z", ok=range(256))
        if said.code != 0:
            # No call of ours works then, and none of the user's.
            yield Setting(_UNREAD, said.err.strip())
            return
        origins = set()
        fields = iter(said.fields)
        for origin, entry in zip(fields, fields, strict=True):
            kind, _, name = origin.partition(":")
            if kind == "file":
                origins.add(self._repo.common_dir / name)
                key, _, value = entry.partition("\n")
                yield Setting(_lowered(key), value)
        self._origins = frozenset(origins)

    def _attributes(self) -> set[Setting]:
        text = os.fsdecode(_content(self._repo.common_dir / _ATTRIBUTES) or b"")
        return {Setting(_ATTRIBUTES, line.strip()) for line in _NAMES_DRIVER.findall(text)}

    def _hooks(self) -> set[Setting]:
        found = set()
        with suppress(OSError), os.scandir(self._repo.common_dir / "hooks") as entries:
            for entry in entries:
                if not entry.name.endswith(".sample"):
                    facts = entry.stat(follow_symlinks=False)
                    version = f"{facts.st_ino} {facts.st_mtime_ns} {facts.st_size} {facts.st_mode}"
                    found.add(Setting(f"hook {entry.name}", version))
        return found


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def _lowered(key: str) -> str:
    """Returns a key for comparison: section and name know no case, but what is between them does."""
    section, _, rest = key.partition(".")
    middle, dot, name = rest.rpartition(".")
    return f"{section.lower()}.{middle}{dot}{name.lower()}"
