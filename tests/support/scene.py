"""A stage for tests of the whole tool: a repository, a plan, and the real command as a process.

scene = Scene(tmp_path).repository({"a.txt": "1"}).plan(PLAN)
result = scene.run("--yes")
assert result.exit_code == 0
assert set(result.states().values()) == {"done"}
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.preloaded import Forked, Wish, can_do_without_a_start, preloaded
from support.repository import make_repository
from support.views import SCENE_MARKER, Views
from support.waiting import PATIENCE

#: Longer than any whole run of a test should take, on a machine with nothing else to do: seconds.
LIMIT = 60.0


@dataclass
class Result(Views):
    """How a command ended, what it said, and everything that can be asked of its project."""

    exit_code: int
    out: str
    err: str

    def __str__(self) -> str:
        """Shows all of it, for the message of an assertion."""
        return f"exit code {self.exit_code}\n--- out\n{self.out}--- err\n{self.err}"


class Running(Views):
    """A command that was started and goes on by itself, in a process group of its own."""

    def __init__(
        self, views: Views, child: "subprocess.Popen[bytes] | Forked", out: Path, err: Path
    ) -> None:
        super().__init__(views.project, views.cache, views.marker)
        self.child = child
        self._out = out
        self._err = err

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return self.child.pid

    def out(self) -> str:
        """Returns what it printed so far."""
        return self._out.read_text(encoding="utf-8", errors="replace")

    def err(self) -> str:
        """Returns what it said on standard error so far."""
        return self._err.read_text(encoding="utf-8", errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Sends the command alone that signal."""
        self.child.send_signal(number)

    def interrupt(self) -> None:
        """Presses Ctrl-C: the whole process group gets SIGINT, as from a terminal."""
        os.killpg(self.child.pid, signal.SIGINT)

    def kill_tree(self, *, whole_group: bool) -> None:
        """Sends SIGKILL to the command alone, or to it and all of its process group."""
        if whole_group:
            # Unless all of them have ended by themselves, just before.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
        else:
            self.child.kill()
        self.child.wait(timeout=LIMIT)

    def wait(self, within: float = LIMIT) -> Result:
        """Waits for the end and returns it.

        Raises:
            AssertionError: it still runs; it is killed then, with its group.
        """
        within *= PATIENCE
        try:
            code = self.child.wait(timeout=within)
        except subprocess.TimeoutExpired:
            self.kill_tree(whole_group=True)
            raise AssertionError(
                f"still running after {within} s\n--- out\n{self.out()}--- err\n{self.err()}"
            ) from None
        return Result(self.project, self.cache, self.marker, code, self.out(), self.err())

    def __enter__(self) -> "Running":  # noqa: PYI034 - Self is younger than Python 3.10
        """Returns itself: on leaving, whatever still runs is killed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kills the command and its group, if it has not ended."""
        if self.child.poll() is None:
            self.kill_tree(whole_group=True)


class Scene(Views):
    """Builds a project below a temporary folder and runs the tool in it."""

    def __init__(
        self, folder: Path, project: str = "project", env: Mapping[str, str] | None = None
    ) -> None:
        """Takes variables that all commands shall have."""
        cache = folder / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / project, cache, secrets.token_hex(8))
        self._folder = folder
        self._env = dict(env or {})
        self._started = 0

    def repository(self, files: Mapping[str, str] | int = 10) -> "Scene":
        """Makes the project: a repository of these files, or of so many; returns the scene."""
        make_repository(self.project, files)
        return self

    def plan(self, text: str, name: str = "plan.md") -> "Scene":
        """Writes the plan beside the project, so that the checkout stays clean; returns the scene.

        A plan without `cwd` is given the project's. `write_plan` writes it as it is.
        """
        if "\ncwd:" not in text:
            text = text.replace("---\n", f"---\ncwd: {self.project.name}\n", 1)
        return self.write_plan(text, name)

    def write_plan(self, text: str, name: str = "plan.md") -> "Scene":
        """Writes that very text beside the project; returns the scene."""
        self.plan_path(name).write_text(text, encoding="utf-8")
        return self

    def plan_path(self, name: str = "plan.md") -> Path:
        """Returns where the plan of that name lies."""
        return self.project.parent / name

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Returns the environment of the command: the tests' clean one, with caches of the scene's own."""
        # `python3` in plans is the Python of the tests, whatever else lies on PATH.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {
            **os.environ,
            "PATH": path,
            "XDG_CACHE_HOME": str(self.cache),
            "PYTHONDONTWRITEBYTECODE": "1",
            SCENE_MARKER: self.marker,
            **self._env,
            **(extra or {}),
        }

    def run(
        self,
        *args: str,
        plan: str = "plan.md",
        env: Mapping[str, str] | None = None,
        within: float = LIMIT,
        check: int | None = None,
    ) -> Result:
        """Runs `parallel-orchestra run PLAN ...` to its end.

        `check` is the exit code that it must have; None takes any.

        Raises:
            AssertionError: it took longer than `within` seconds, or ended otherwise.
        """
        return self.call(
            "run", str(self.plan_path(plan)), *args, env=env, within=within, check=check
        )

    def call(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        within: float = LIMIT,
        check: int | None = None,
    ) -> Result:
        """Runs any command of the tool in the project to its end; see `run`."""
        with self.start_command(*args, env=env) as running:
            result = running.wait(within)
        if check is not None and result.exit_code != check:
            raise AssertionError(f"`{' '.join(args)}`: expected exit code {check}\n{result}")
        return result

    def start(
        self, *args: str, plan: str = "plan.md", env: Mapping[str, str] | None = None
    ) -> Running:
        """Starts `parallel-orchestra run PLAN ...` and returns at once; use it in a `with`."""
        return self.start_command("run", str(self.plan_path(plan)), *args, env=env)

    def start_command(
        self, *args: str, env: Mapping[str, str] | None = None, via: tuple[str, ...] = ()
    ) -> Running:
        """Starts any command of the tool in the project and returns at once; use it in a `with`.

        In a process of its own, but forked from one that has the tool loaded (see `preloaded`),
        unless `via` is what starts it in its turn, such as `strace`.
        Its output goes to files, not pipes: an orphan that held a pipe would keep the test waiting.
        """
        out, err = self._outputs()
        place, variables = self._place, self.environment(env)
        with out.open("wb") as stdout, err.open("wb") as stderr:
            if not via and can_do_without_a_start(env):
                wish = Wish(args, place, variables)
                return Running(self, preloaded().begin(wish, stdout, stderr), out, err)
            child = subprocess.Popen(
                [*via, sys.executable, "-m", "parallel_orchestra", *args],
                cwd=place,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        return Running(self, child, out, err)

    @property
    def _place(self) -> Path:
        return self.project if self.project.is_dir() else self._folder

    def _outputs(self) -> tuple[Path, Path]:
        self._started += 1
        names = (f"{stream}-{self._started}.txt" for stream in ("out", "err"))
        return tuple(self._folder / name for name in names)
