"""The command `watch`: looks at a run again and again, and shows what the keys ask for."""

import os
import shutil
import sys
import time
from pathlib import Path

import click

from parallel_orchestra.cli.canvas import Page
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.ink import Signs, painted, signs_for
from parallel_orchestra.cli.options import tasks_dir_of, tasks_dir_option
from parallel_orchestra.cli.standing import read
from parallel_orchestra.cli.suspending import suspended_by
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.cli.watch.contents import Contents
from parallel_orchestra.cli.watch.keys import Keyboard
from parallel_orchestra.cli.watch.layout import Seen, listed, window
from parallel_orchestra.cli.watch.state import View
from parallel_orchestra.conductor.acts import Glance, log_readers_of
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.report.silence import doing
from parallel_orchestra.store import Layout

#: Seconds within which a key is waited for before one looks again.
_TICK = 0.5
#: Looking at the whole run may cost this share of the time, and is done once a second at most.
_SHARE = 0.05


@click.command(
    "watch",
    short_help="watch a run from another terminal",
    epilog="`?` shows the keys. In a pipe: `parallel-orchestra status --watch`.",
)
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@tasks_dir_option
def command(plan: Path | None, tasks_dir: Path | None) -> int:
    """Watch a run from another terminal: its tasks, and of each the log, the diff and the result.

    It changes nothing, and the run does not notice; `q` leaves. With PLAN, a plan or a `cpo` folder, it
    is the run of that plan, wherever you are.
    """
    layout = Layout(tasks_dir_of(plan, tasks_dir, Path.cwd()))
    watcher = Watcher(layout)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        hint = "`parallel-orchestra status --watch` tells the same in lines"
        raise usage("`watch` needs a terminal", hint)
    if os.environ.get("TERM", "dumb") == "dumb":
        hint = "set TERM, or use `parallel-orchestra status --watch`"
        raise usage("`watch` needs a terminal that can move its cursor", hint)
    encoding = sys.stdout.encoding or "ascii"
    keyboard, page = Keyboard(sys.stdin.fileno()), Page(sys.stdout.fileno(), encoding)

    def give() -> None:
        page.__exit__()
        keyboard.__exit__()

    def take() -> None:
        keyboard.__enter__()
        page.__enter__()

    with keyboard, page, suspended_by(give, take):
        watcher.show(keyboard, page, signs_for(encoding), color=colored(sys.stdout, os.environ))
    return ExitCode.DONE


class Watcher:
    """Looks at one run; `show` goes on until somebody leaves."""

    def __init__(self, layout: Layout) -> None:
        """Takes a first look.

        Raises:
            EnvironmentProblem: there is no run, or its repository is gone.
        """
        plan = plan_from_json(read_record(layout).plan)
        self._layout = layout
        self._glance = Glance(layout, plan)
        self._contents = Contents(layout, log_readers_of(plan))
        self._report = read(layout)
        self._doing: dict[str, str] = {}
        self._next_look = 0.0

    def show(self, keyboard: Keyboard, page: Page, signs: Signs, *, color: bool) -> None:
        """Draws the window until a key ends it."""
        view = View()
        while not view.over:
            self._look()
            tasks = tuple(task.id for task in listed(self._report))
            view = view.settled(tasks)
            size = shutil.get_terminal_size()
            view, lines = window(
                self._seen(view), view, time.time(), size.columns - 1, size.lines, signs
            )
            page.draw([painted(line, color=color) for line in lines])
            for key in keyboard.pressed(_TICK):
                view = view.pressed(key, tasks)

    def _seen(self, view: View) -> Seen:
        task = next((one for one in self._report.tasks if one.id == view.task), None)
        lines = self._contents.of(view.pane, task, self._report) if task is not None else ()
        return Seen(self._report, self._doing, lines)

    def _look(self) -> None:
        began = time.monotonic()
        if began < self._next_look:
            return
        # A run that has ended may be gone on with at any moment.
        self._report = read(self._layout)
        now = time.time()
        self._doing = {one.task: doing(one.act, one.silence, now) for one in self._glance.look()}
        self._next_look = began + max(1.0, (time.monotonic() - began) / _SHARE)
