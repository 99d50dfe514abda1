"""The views of the terminal, whole, as they stand on a real pseudo-terminal of four widths.

All that they show is made up, the clock too. `python tests/street/test_cli_views.py` writes the
files anew: look at them before they are committed.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.cli.briefing import box
from parallel_orchestra.cli.canvas import Canvas, Page
from parallel_orchestra.cli.closing import tinted
from parallel_orchestra.cli.frame import Sight, frame
from parallel_orchestra.cli.ink import UNICODE, Piece, length, painted
from parallel_orchestra.cli.story import Story
from parallel_orchestra.cli.timeline import drawn, lanes
from parallel_orchestra.cli.tinted import arranged
from parallel_orchestra.cli.watch.layout import Seen, window
from parallel_orchestra.cli.watch.state import Pane, View
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.conductor.control import Running
from parallel_orchestra.events import AttemptEnded, Failed, Merged, Returned
from parallel_orchestra.git import Extent
from parallel_orchestra.progress import Exhibit, Outcome, Stretch
from parallel_orchestra.report.summary import summary
from parallel_orchestra.schedule import Cause, Hold
from support import runs
from support.terminal import Terminal, stands

VIEWS = Path(__file__).with_name("views")
WIDTHS = (40, 80, 120, 200)
T = runs.START
ROWS = 20

EVENTS = (
    Merged(T, "parser", 1, "a1b2c3d4e5f6" * 3),
    AttemptEnded(T + 60, "parser", 1, 58.2, cost_usd=0.42),
    Returned(T + 70, "api", 1, "verify", "`make test` exited with code 2: 3 failed", T + 70),
    Failed(T + 90, "docs", 2, "timeout", "took longer than 30 min 00 s"),
)
ACTS = {
    "api": "run pytest -q tests/api",
    "web-frontend": "edit src/ページ/index.tsx",
    "search": "quiet for 45 s: read src/search/\x1b[31mindex.py\u202e",
}
PHASES = {"api": "verify", "web-frontend": "agent", "search": "set-up"}
FACTS = [
    ("plan", "shop: 8 tasks"),
    ("mode", "parallel: 6 of 8 tasks can run beside others, up to 4 at once"),
    ("groups", "3: 4, then 3, then 1; a task starts once what it needs is done"),
    ("workers", "3"),
    ("base", "main at 8f045f178fac"),
    ("note", "`make test` of the plan has never passed on `main`: a red base holds up every merge"),
]


def live(width: int) -> Iterator[bytes]:
    running = (
        Running("api", 2, 1, T + 75),
        Running("web-frontend", 1, 2, T + 20),
        Running("search", 1, 3, T + 93),
    )
    shot = Snapshot(done=2, failed=1, locked=3, total=8, running=running, stopping=False, skipped=1)
    sight = Sight(ACTS, PHASES, 245.0, 1.37)
    story = Story(UNICODE, lambda _: Extent(4, 120, 17), lambda *_: "")
    above = [line for event in EVENTS for line in story.lines(event, width - 1)]
    yield from ("\r\n".join(map(plain, box(FACTS, width, UNICODE))).encode(), b"\r\n")
    with Terminal() as terminal:
        canvas = Canvas(terminal.theirs)
        for elapsed in (1.0, 95.0):
            lines = frame(shot, elapsed, T + 95, width - 1, ROWS, sight)
            told = [painted(line, color=True) for line in (above if elapsed > 1 else [])]
            shown = [painted(line, color=True) for line in lines]
            canvas.draw(told, shown, [length(line) for line in lines], width)
        terminal.shows(b"")
        yield terminal.shown


def plain(line):
    return painted(line, color=True)


def a_run():
    phases = (Stretch("agent", T + 6), Stretch("verify", T + 40), Stretch("merge", T + 52))
    whole = replace(runs.attempt(started=T, seconds=58.2), phases=phases)
    cause = Cause(Hold.DEPENDENCY, "waits for `api`")
    at_work = {"outcome": Outcome.RUNNING}
    verifying, writing = (
        replace(runs.attempt(started=T + after, seconds=None, slot=slot), phases=(Stretch(at, T),))
        for after, slot, at in ((75, 1, "verify"), (20, 2, "agent"))
    )
    return runs.run(
        runs.task("parser", attempts=(whole,), commit="a1b2c3d4e5f6" * 3),
        runs.task("api", attempts=(verifying,), **at_work),
        runs.task("web-frontend", attempts=(writing,), **at_work),
        runs.task(
            "docs",
            outcome=Outcome.FAILED,
            attempts=(runs.attempt(started=T + 4, seconds=80.0, slot=3, failure="timeout"),),
            failure="timeout",
            reason="took longer than 30 min 00 s",
        ),
        runs.task("checkout", outcome=Outcome.WAITING, attempts=(), cause=cause),
        name="shop",
        started=T,
        ended=None,
    )


def watching(width: int) -> Iterator[bytes]:
    log = [
        (Piece("says", "name"), Piece("    I look at the routes first, then I write the tests.")),
        (Piece("ok", "good"), Piece("      read src/api/routes.py")),
        (Piece("failed", "bad"), Piece("  run pytest -q tests/api: 1 failed, 11 passed in 0.84s")),
    ]
    seen = Seen(a_run(), ACTS, log)
    view = View(task="api", pane=Pane.LOG)
    _, lines = window(seen, view, T + 95, width - 1, ROWS, UNICODE)
    with Terminal() as terminal, Page(terminal.theirs) as page:
        page.draw([painted(line, color=True) for line in lines])
        terminal.shows(b"")
        yield terminal.shown


def timeline(width: int) -> Iterator[bytes]:
    for line in drawn(lanes(a_run(), T + 95), width, UNICODE):
        yield f"{painted(line, color=True)}\r\n".encode()


def ending(width: int) -> Iterator[bytes]:
    lines = tinted(summary(a_failed_run(), width).splitlines(), a_failed_run())
    for line in arranged(lines, width, 12):
        yield f"{painted(line, color=True)}\r\n".encode()


def a_failed_run():
    log = "attempts/api/2.me/verify.log"
    said = "tests/test_api.py:31: in test_get\nE   assert 404 == 200\n1 failed, 11 passed in 0.84s"
    last = replace(
        runs.attempt(2, seconds=21.5, failure="verify"),
        told_in=log,
        exhibits=(Exhibit(log, said),),
    )
    needs = "`api`, which it needs, failed"
    broken = {"failure": "transient", "reason": "exit code 1: npm ERR! code ENOTFOUND"}
    return runs.run(
        runs.task("parser", attempts=(runs.attempt(seconds=58.2, cost_usd=0.42),)),
        runs.task(
            "api",
            outcome=Outcome.FAILED,
            attempts=(last,),
            failure="verify",
            reason="`make test` exited with code 2",
        ),
        *(
            runs.task(
                f"page-{n}",
                outcome=Outcome.FAILED,
                attempts=(runs.attempt(failure="transient"),),
                **broken,
            )
            for n in range(7)
        ),
        *(runs.task(f"after-{n}", outcome=Outcome.SKIPPED, reason=needs) for n in range(2)),
        name="shop",
        exit_code=1,
    )


def captured(width: int) -> str:
    """Returns all views as they stand on a terminal of that width, each under its name."""
    text = []
    for name, view in (("run", live), ("watch", watching), ("timeline", timeline), ("end", ending)):
        lines = stands(b"".join(view(width)), width, 40)
        text += [f"## {name}, {width} columns", *lines, ""]
    return "\n".join(text)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_views_of_the_terminal_look_as_agreed(width):
    assert captured(width) == (VIEWS / f"{width}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for columns in WIDTHS:
        (VIEWS / f"{columns}.txt").write_text(captured(columns), encoding="utf-8")
