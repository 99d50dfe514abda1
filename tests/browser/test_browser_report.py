"""The HTML report in a real browser: on a telephone, a tablet and a desk, by light and in the dark.

Pictures of all of it go into the folder that `PICTURES` names, for who wants to look.
"""

import os
import struct
from pathlib import Path

import pytest

from parallel_orchestra.progress import Exhibit, Outcome
from parallel_orchestra.report import html
from support import exhibition, runs
from support.browser import WIDTHS, browser
from support.machine import fair

pytestmark = pytest.mark.slow

RUNS = {
    "failures": exhibition.shop,
    "all-done": runs.all_done,
    "killed": runs.interrupted,
    "one-task": lambda: runs.run(runs.task(attempts=(runs.attempt(),))),
    "many": lambda: exhibition.many(60),
}
#: Whatever of it ran would change the page's title.
HIT = "document.title='hit'"
HOSTILE = (
    f'</script></style></pre></svg><script>{HIT}</script><img src=x onerror="{HIT}"> '
    f'<svg onload="{HIT}"> "onfocus="{HIT}" autofocus x=\' javascript:{HIT} \x1b[2J\x07 \u202e'
)


@pytest.fixture(scope="module")
def window():
    if not os.environ.get("REAL_BROWSER"):
        pytest.skip("`REAL_BROWSER` is not set; `make ci-extra` does")
    with browser() as opened:
        yield opened


@pytest.fixture
def page(tmp_path):
    """Writes the page of a run and returns its path."""

    def written(run):
        path = tmp_path / "report.html"
        path.write_text(html.render(run), encoding="utf-8")
        return path

    return written


def is_too_wide(window):
    return window.ask("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        *(("failures", width, dark) for width in WIDTHS for dark in (False, True)),
        *(
            (name, width, width < 1000)
            for name in RUNS
            if name != "failures"
            for width in (375, 1440)
        ),
    ],
)
def test_everybody_can_use_the_page_at_any_width(window, page, tmp_path, name, width, dark):
    folder = Path(os.environ.get("PICTURES") or tmp_path)
    picture = folder / f"{name}-{width}-{'dark' if dark else 'light'}.png"

    window.open(page(RUNS[name]()), width, dark=dark)

    window.picture(picture)
    assert struct.unpack(">I", picture.read_bytes()[16:20]) == (width,)
    assert window.problems() == []
    assert not is_too_wide(window)
    assert window.violations() == []


def test_what_is_unfolded_can_be_used_by_everybody_too(window, page):
    window.open(page(exhibition.shop()))

    window.press("e")

    assert window.ask("document.querySelectorAll('.task[open]').length") == 12
    assert window.violations() == []


def test_nothing_that_agents_and_titles_say_is_obeyed_or_breaks_the_page(window, page):
    log = f"attempts/x/1.{runs.OWNER}/agent.log"
    said = (Exhibit(log, HOSTILE), Exhibit(log, "x" * 10_000_000), Exhibit(log, HOSTILE * 100))
    words = {"title": HOSTILE, "agent": HOSTILE, "backend": HOSTILE, "reason": HOSTILE}
    evil = runs.task(
        "evil", Outcome.FAILED, failure=HOSTILE, files=(HOSTILE,), kept=(HOSTILE,),
        warnings=(HOSTILE,), attempts=(runs.attempt(failure=HOSTILE, exhibits=said),), **words
    )  # fmt: skip
    after = runs.task("after", Outcome.SKIPPED, depends_on=("evil",), **words)
    run = runs.run(evil, after, name=HOSTILE, warnings=(HOSTILE,), strange=(HOSTILE,))

    for width in WIDTHS:
        window.open(page(run), width)
        window.press("e")

        assert window.ask("document.title") != "hit"
        # a script that the policy kept from running would be a problem too
        assert window.problems() == []
        assert not is_too_wide(window)
        assert window.ask("document.querySelectorAll('main, section, footer').length") >= 5


def test_the_keys_filter_walk_and_fold(window, page):
    window.open(page(exhibition.shop()))

    def shown():
        return window.ask("document.querySelectorAll('.task:not([hidden])').length")

    def focused():
        return window.ask("document.activeElement.closest('.task')?.id ?? ''")

    window.press("/", "search")
    assert (shown(), window.ask("document.getElementById('shown').textContent")) == (
        3,
        "3 of 12 tasks",
    )
    assert window.ask("document.querySelectorAll('.graph .faint').length") == 9

    window.press("\ue00c")  # Escape
    assert shown() == 12

    window.press("f")
    assert focused() == "t-payments"
    window.press("j", "\ue007")  # Enter
    assert window.ask("document.getElementById('t-checkout-page').open")
    window.press("F")
    assert focused() == "t-payments"

    window.press("?")
    assert window.ask("document.getElementById('keys').open")


def test_a_link_to_a_task_opens_it_even_if_the_filter_hides_it(window, page):
    window.open(page(exhibition.shop()))
    window.press("/", "search")

    window.ask("location.hash = 't-cart'")

    assert window.ask("document.getElementById('t-cart').open")
    assert not window.ask("document.getElementById('t-cart').hidden")


def test_each_command_has_a_button_that_copies_it(window, page):
    window.open(page(exhibition.shop()))

    commands = window.ask("[...document.querySelectorAll('code.cmd')].map(one => one.textContent)")
    names = window.ask("[...document.querySelectorAll('.copy')].map(one => one.ariaLabel)")
    assert commands
    assert names == [f"Copy {command}" for command in commands]


def test_a_thousand_tasks_open_in_a_second(window, page):
    path = page(exhibition.many(1000, workers=8))

    efforts = []
    for _ in range(3):
        window.open(path)
        assert window.ask("document.readyState") == "complete"
        efforts.append(window.effort())

    assert min(efforts) < fair(1.0)
