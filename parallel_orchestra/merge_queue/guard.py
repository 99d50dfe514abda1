"""Holds everything up when git was configured to run other programs than when the run began.

A filter or a merge driver that an agent configures would be run by our own next checkout or
merge, with the user's rights and on other tasks' files. Nothing is put back unasked: it may
have been the user. The question is asked once; going on (`--resume`) is the answer.
"""

import contextlib
import hashlib
import json
import os
import shlex
import threading
from collections.abc import Callable, Iterable

from parallel_orchestra import files
from parallel_orchestra.errors import EnvironmentProblem, Problem, WaitsForPerson
from parallel_orchestra.git import Programs, ProgramsOf, Repo, Setting
from parallel_orchestra.plain import some_of
from parallel_orchestra.store import Layout

#: What the question names at most.
_NAMED = 5
_VALUE_LIMIT = 80

#: Raises WaitsForPerson if something must not be done now; see `Guard.check`.
Check = Callable[[], None]


def unguarded() -> None:
    """Lets everything pass: for those who only look."""


class Guard:
    """The settings that a run has accepted, beside those that are there. Any thread may call."""

    def __init__(self, repo: Repo, layout: Layout, warn: Callable[[str], None]) -> None:
        """Takes what is called with each sentence that the user should know, once."""
        self._programs = ProgramsOf(repo)
        self._config = repo.common_dir / "config"
        self._layout = layout
        self._warn = warn
        self._turn = threading.Lock()
        self._accepted: Programs | None = None

    def begin(self, *, anew: bool) -> None:
        """Accepts what is there: all of it if the run is `anew`, else what was accepted or asked.

        Raises:
            EnvironmentProblem: git can't read them at this moment.
            WaitsForPerson: something was changed since, and nobody was asked yet.
            OSError: what was accepted can't be noted.
        """
        found = self._programs.look()
        if found.unread:
            # Accepted, it would be all settings that were changed when git can read them again.
            what = "git can't read its configuration"
            raise EnvironmentProblem(Problem(what, str(self._config), found.unread))
        if not anew:
            self.demand_asked()
        self._accepted = found
        self._note(self._accepted.drivers)

    def demand_asked(self) -> None:
        """Raises the question if a run that is to go on was changed and nobody was asked yet.

        For the pre-flight, whose look at the checkout may already run a filter. Accepts nothing.

        Raises:
            WaitsForPerson: see `begin`.
        """
        now = self._programs.look()
        known, asked = self._noted()
        if known is not None and now.drivers != known and _digest(now.drivers) != asked:
            raise self._question(known, now)

    def check(self) -> None:
        """Returns if no driver is another one than was accepted; warns of other programs.

        Raises:
            WaitsForPerson: one is; nothing of the agents' work may go through git now.
        """
        now = self._programs.look()
        with self._turn:
            accepted = self._accepted
            if accepted is None:
                known, _ = self._noted()
                accepted = Programs(now.drivers if known is None else known, now.others)
            fresh = now.others - accepted.others
            self._accepted = Programs(accepted.drivers, accepted.others | now.others)
            if now.drivers != accepted.drivers:
                raise self._question(accepted.drivers, now)
        for setting in sorted(fresh):
            self._warn(
                f"git was set up to run a program while the run went on: {_shown(setting)}; "
                "no command of ours runs it, but your own git may"
            )

    def _question(self, before: frozenset[Setting], now: Programs) -> WaitsForPerson:
        with contextlib.suppress(OSError):
            # On a full disk the question is asked again.
            self._note(before, asked=_digest(now.drivers))
        appeared, gone = now.drivers - before, before - now.drivers
        keys = sorted({setting.key for setting in appeared | gone})
        changes = [f"+ {_shown(one)}" for one in sorted(appeared)]
        changes += [f"- {_shown(one)}" for one in sorted(gone)]
        more = f" and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
        return WaitsForPerson(
            Problem(
                "git's configuration was changed while the run went on: "
                + some_of([f"`{key}`" for key in keys], _NAMED),
                "; ".join(changes[:_NAMED]) + more,
                f"{_remedy(keys[0], gone)}; then go on with `--resume`, "
                "which accepts what it finds",
            )
        )

    def _noted(self) -> tuple[frozenset[Setting] | None, str]:
        """Returns what was accepted, None if nobody knows, and the digest of what was asked."""
        content = files.read_bytes(self._layout.programs_file)
        try:
            noted = json.loads(content or b"")
            accepted = frozenset(Setting(str(key), str(value)) for key, value in noted["accepted"])
            return accepted, str(noted["asked"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return None, ""

    def _note(self, accepted: Iterable[Setting], asked: str = "") -> None:
        pairs = [(one.key, one.value) for one in sorted(accepted)]
        content = json.dumps({"accepted": pairs, "asked": asked}).encode()
        via = self._layout.tmp / f"programs.{os.getpid()}.{threading.get_ident()}"
        files.replace(self._layout.programs_file, content, via=via)


def _digest(drivers: Iterable[Setting]) -> str:
    return hashlib.sha256(repr(sorted(drivers)).encode(errors="surrogatepass")).hexdigest()


def _shown(setting: Setting) -> str:
    if setting.key.startswith("hook "):
        return f"`{setting.key}`"
    value = setting.value if len(setting.value) <= _VALUE_LIMIT else setting.value[:_VALUE_LIMIT]
    return f"{setting.key} = {value}".replace("\n", " ")


def _remedy(key: str, gone: Iterable[Setting]) -> str:
    if "." not in key:
        return f"look at `{key}` in the git directory, and put it back"
    name = shlex.quote(key)
    look = f"look with `git config --show-origin --get-all {name}`"
    for setting in gone:
        if setting.key == key:
            value = shlex.quote(setting.value)
            return f"{look} and put it back with `git config --replace-all {name} {value}`"
    return f"{look} and take it out with `git config --unset-all {name}`"
