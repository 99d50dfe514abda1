"""The charts of the Markdown report, drawn by the real Mermaid, as GitHub and editors draw them."""

import json
import os
import re
from html import unescape
from pathlib import Path

import pytest

from parallel_orchestra.plan import load
from parallel_orchestra.progress import Outcome
from parallel_orchestra.report import drawing, markdown
from support import exhibition, runs
from support.browser import browser

pytestmark = pytest.mark.slow

#: Names the file of Mermaid, which `.ci/extra` gets from the npm registry.
MERMAID = "MERMAID"
HOSTILE = "a \"b\" `c` <script>d</script> ]; end; %% click t0 href 'x' #quot; & | é 中 -->"


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    mermaid = os.environ.get(MERMAID, "")
    if not os.environ.get("REAL_BROWSER") or not mermaid:
        pytest.skip(f"`REAL_BROWSER` and `{MERMAID}` are not set; `make ci-extra` does")
    page = tmp_path_factory.mktemp("mermaid") / "page.html"
    page.write_text(
        f'<!doctype html><meta charset=utf-8><script src="{Path(mermaid).as_uri()}"></script>',
        encoding="utf-8",
    )
    with browser() as opened:
        opened.open(page)
        yield opened


def drawn(window, chart):
    """Returns what Mermaid makes of a chart, or what it says against it."""
    return window.answer(
        "mermaid.initialize({startOnLoad: false});"
        f"mermaid.render('chart', {json.dumps(chart)})"
        ".then(made => done(made.svg), wrong => done('wrong: ' + wrong));"
    )


def hostile():
    tried = (runs.attempt(),)
    words = {"title": HOSTILE, "attempts": tried}
    names = ("end", "click", "title", "graph", "section", "done", "x-y_z")
    first = runs.task("first", **words)
    return runs.run(
        first,
        *(runs.task(one, Outcome.FAILED, depends_on=("first",), **words) for one in names),
    )


@pytest.mark.parametrize(
    ("run", "count"),
    [
        (exhibition.shop, 2),
        (runs.all_done, 2),
        (runs.interrupted, 1),
        # too many arrows for the graph
        (lambda: exhibition.many(300), 1),
        (hostile, 2),
    ],
    ids=["failures", "all done", "killed", "300 tasks", "hostile words"],
)
def test_all_charts_of_a_report_are_drawn(window, run, count):
    charts = re.findall(r"^```mermaid\n(.*?)^```", markdown.render(run()), re.DOTALL | re.MULTILINE)

    pictures = [drawn(window, chart) for chart in charts]

    assert len(charts) == count
    for picture in pictures:
        assert picture.startswith("<svg")
        assert "Syntax error" not in picture
        assert "<script>d" not in picture


def test_a_title_is_shown_as_it_is(window):
    chart = re.findall(r"```mermaid\n(flowchart.*?)```", markdown.render(hostile()), re.DOTALL)[0]

    shown = unescape(re.sub(r"<[^>]+>", "", drawn(window, chart)))

    assert HOSTILE[:60] in shown


def test_the_graph_of_a_plan_is_drawn(window, tmp_path):
    plan = tmp_path / "plan.md"
    plan.write_text(
        '---\npo_plan_version: "0.2"\nname: x\ndefaults: {backend: command}\ntasks:\n'
        '  - {id: end, title: \'say "hi" [now]\', command: "true"}\n'
        '  - {id: b, depends_on: [end], command: "true"}\n---\n',
        encoding="utf-8",
    )

    picture = drawn(window, drawing.mermaid(load(plan)))

    assert picture.startswith("<svg")
