"""The one place where a git command is put together and run.

An agent works with full rights inside a repository that it shares with us, and git can be
told by configuration, environment and files to run programs. So nothing is left to discovery:
directories are named, `GIT_*` variables of outer sessions and hooks are dropped, and what
would run a program or ask a question is switched off on the command line, which wins over
every configuration file.
"""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, GitError, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.mutex import Mutex
from parallel_orchestra.process.apart import start_apart

#: Seconds after which a git command is given up.
DEFAULT_LIMIT = 600.0

#: Between SIGTERM, on which git removes its lock files, and SIGKILL: seconds.
_GRACE = 5.0

#: How long a user's git may hold a lock that we need, in seconds; git itself gives up on a ref after
#: a tenth of one.
_LOCKS_WAIT = 5.0

#: git's words for a lock file that lies in the way (lockfile.c).
_IN_THE_WAY = re.compile(r"Unable to create '(?P<path>[^']+\.lock)': File exists")

#: How many lines of a failed command's output the user sees.
_SHOWN_LINES = 12

#: Where the user's configuration lies is the user's choice, and no leak of an outer session; so is it
#: not to download large files with each checkout.
_KEPT_VARIABLES = frozenset(
    ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_LFS_SKIP_SMUDGE")
)

_FIXED_VARIABLES = {
    "GIT_TERMINAL_PROMPT": "0",
    # A replace ref would show us another base than the one we merge on.
    "GIT_NO_REPLACE_OBJECTS": "1",
    # `status` in the user's checkout must not make the user's own git wait.
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_EDITOR": "true",
    "LC_ALL": "C",
}

_OVERRIDES = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    # Without this a power cut after a merge leaves a branch that points to nothing.
    "core.fsync=committed,reference",
    "core.safecrlf=false",
    "core.splitIndex=false",
    "commit.gpgSign=false",
    "diff.external=",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "advice.detachedHead=false",
    "advice.addEmbeddedRepo=false",
)
_REF_TIMEOUTS = ("filesRefLockTimeout", "packedRefsTimeout")
_OVERRIDE_ARGUMENTS = tuple(word for setting in _OVERRIDES for word in ("-c", setting))


@frozen
class Result:
    """How a git command ended: exit code and what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def line(self) -> str:
        """Its output as text, without the closing line break."""
        return os.fsdecode(self.out).removesuffix("\n")

    @property
    def fields(self) -> list[str]:
        """Its output cut at NUL bytes, as text; the closing NUL makes no field of its own."""
        return [os.fsdecode(field) for field in self.out.split(b"\0")[:-1]]


def lock_in_the_way(said: str) -> Path | None:
    """Returns the lock file that git complains of, or None if it complains of none."""
    named = _IN_THE_WAY.search(said)
    return Path(named["path"]) if named is not None else None


def way_out(lock: Path) -> str:
    """Returns what to do about a lock file of which we can't know whose it is."""
    return f"if no git is at work there, it was left by one that was killed: `{removal(lock)}`"


def lasting_lock(paths: Iterable[Path]) -> Path | None:
    """Returns a lock file of git that lies on one of these files and stays for seconds, or None."""
    locks = [path.with_name(f"{path.name}.lock") for path in paths]
    limit = time.monotonic() + _LOCKS_WAIT
    while True:
        found = next((lock for lock in locks if os.path.lexists(lock)), None)
        if found is None or time.monotonic() > limit:
            return found
        time.sleep(0.05)


def removal(lock: Path) -> str:
    """Returns the command that removes a lock file."""
    return shlex.join(("rm", str(lock)))


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for git: `environ` without `GIT_*`, plus what keeps git quiet."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or name in _KEPT_VARIABLES
    }
    return {**kept, **_FIXED_VARIABLES}


@frozen
class Git:
    """Runs git in one place: the directory to run in, the repository and work tree if known.

    `environ` is taken as it is (see `clean_environment`). Usable from several threads.
    """

    environ: Mapping[str, str]
    cwd: Path
    git_dir: Path | None = None
    work_tree: Path | None = None
    settings: tuple[str, ...] = ()
    mutex: Mutex | None = None
    limit: float = field(default=DEFAULT_LIMIT)

    def command(self, *arguments: str) -> list[str]:
        """Returns the whole argument list of a git command."""
        words = ["git", *_OVERRIDE_ARGUMENTS]
        wait_ms = round(_LOCKS_WAIT * 1000)
        for setting in (*(f"core.{name}={wait_ms}" for name in _REF_TIMEOUTS), *self.settings):
            words += ["-c", setting]
        if self.git_dir is not None:
            words.append(f"--git-dir={self.git_dir}")
        if self.work_tree is not None:
            words.append(f"--work-tree={self.work_tree}")
        return [*words, *arguments]

    def run(self, *arguments: str, given: bytes = b"", ok: Collection[int] = (0,)) -> Result:
        """Runs a git command to its end and returns what it said.

        Raises:
            GitError: the exit code is none of `ok`, or it did not end within `limit`.
            EnvironmentProblem: git can't be started.
        """
        child = self.start(*arguments, stdin=subprocess.PIPE if given else subprocess.DEVNULL)
        try:
            out, err = child.communicate(given or None, timeout=self.limit)
        except subprocess.TimeoutExpired as expiry:
            end(child)
            raise self.failure(arguments, f"did not end within {self.limit:g} seconds") from expiry
        except BaseException:
            end(child)
            raise
        result = Result(child.returncode, out, os.fsdecode(err))
        if result.code not in ok:
            said = result.err.strip() or os.fsdecode(out)
            raise self.failure(arguments, f"failed with exit code {result.code}", said)
        return result

    def start(
        self,
        *arguments: str,
        stdin: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        inherit: tuple[int, ...] = (),
    ) -> "subprocess.Popen[bytes]":
        """Starts a git command that Ctrl-C does not cut off.

        Raises:
            EnvironmentProblem: git can't be started.
        """
        held = self.mutex.descriptors() if self.mutex is not None else ()
        try:
            return start_apart(
                self.command(*arguments),
                cwd=self.cwd,
                env=self.environ,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                pass_fds=(*held, *inherit),
            )
        except OSError as error:
            raise self._not_started(error) from error

    def failure(self, arguments: tuple[str, ...], how: str, said: str = "") -> GitError:
        """Returns the error for a failed command: what, where, and its last lines."""
        verb = next((word for word in arguments if not word.startswith("-")), "git")
        last = "\n".join(said.strip().splitlines()[-_SHOWN_LINES:])
        if (lock := lock_in_the_way(said)) is not None:
            last = f"{last.splitlines()[0]}\n{way_out(lock)}"
        return GitError(Problem(f"`git {verb}` {how}", str(self.cwd), last))

    def _not_started(self, error: OSError) -> EnvironmentProblem:
        if isinstance(error, FileNotFoundError) and error.filename != str(self.cwd):
            return EnvironmentProblem(
                Problem("git is not installed", hint="install git 2.39 or later")
            )
        return EnvironmentProblem(
            Problem(f"cannot start git: {error.strerror}", str(error.filename or self.cwd))
        )


def end(child: "subprocess.Popen[bytes]") -> None:
    """Ends a git child and what it started; gives git the time to remove its lock files."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
            break
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
