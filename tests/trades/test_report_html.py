"""The page as a parser sees it: whole, bounded, and with nothing in it that others wrote as markup."""

import re
from base64 import b64encode
from hashlib import sha256

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parallel_orchestra.plain import UNSAFE
from parallel_orchestra.progress import Exhibit, Outcome, Stretch
from parallel_orchestra.report import html
from support import exhibition, runs

HOSTILE = (
    "</script><script>alert(1)</script> <img src=x onerror=alert(1)> \"'> javascript:alert(1) "
    "</pre></style><svg onload=alert(1)> <!-- {{ 7 * 7 }} `a` \x1b[31mred\x07\u202e\ud800 &lt;b&gt;"
)


def parsed(page):
    """Returns the page as a tree; a fault of its HTML is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(page)


def elements(tree, name):
    return [one for one in tree.iter() if one.tag == name]


def words(element):
    return " ".join(" ".join(element.itertext()).split())


def section(tree, name):
    return next(one for one in elements(tree, "section") if one.get("id") == name)


def hostile(text):
    """A run in which everything that others may write is this text."""
    log = f"attempts/x/1.{runs.OWNER}/agent.log"
    tried = runs.attempt(
        failure=text,
        reason=text,
        log=text,
        exhibits=(Exhibit(log, text), Exhibit(text, text, cut=True)),
    )
    names = {"title": text, "agent": text, "backend": text, "reason": text}
    return runs.run(
        runs.task("evil", Outcome.FAILED, failure=text, files=(text,), kept=(text,),
                  warnings=(text,), attempts=(tried,), **names),
        runs.task("next", Outcome.SKIPPED, depends_on=("evil",), **names),
        runs.task("good", commit="1" * 40, landed=exhibition.merged(9, (text, 1, None)), **names),
        name=text, warnings=(text,), strange=(text,), mode=text, mode_reason=text, source=text,
        base_branch=text, tasks_dir=f"/{text}",
    )  # fmt: skip


@pytest.mark.parametrize(
    "run",
    [
        exhibition.shop,
        runs.all_done,
        runs.failures,
        runs.interrupted,
        runs.run,
        pytest.param(lambda: exhibition.many(310), marks=pytest.mark.slow),
        lambda: hostile(HOSTILE),
    ],
    ids=["shop", "all done", "failures", "interrupted", "nothing", "many", "hostile"],
)
def test_the_page_is_sound_html_whose_links_lead_somewhere(run):
    tree = parsed(html.render(run()))

    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    links = [one.get("href") for one in elements(tree, "a")]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(link.startswith(("#", "file:///")) for link in links)


def test_the_verdict_and_the_failures_come_first():
    tree = parsed(html.render(exhibition.shop()))

    told = words(next(one for one in elements(tree, "header")))
    order = [one.get("id") for one in elements(tree, "section")]
    failed = words(section(tree, "failed"))
    assert "2 of 12 tasks failed, 2 skipped because of them waits for you" in told
    assert order == [
        *("why", "next", "failed", "together", "timeline", "graph", "tasks", "merges", "facts"),
    ]
    assert "AssertionError: assert 1999 == 0" in failed
    assert "Skipped for it checkout-page , emails" in failed
    assert "parallel-orchestra retry payments" in failed
    assert "Conflict in src/static/shop.css , src/templates/base.html" in failed
    assert "Conflict with admin" in failed


@pytest.mark.slow
def test_of_many_failed_tasks_each_says_itself_what_to_do_next():
    tree = parsed(html.render(exhibition.many(120)))

    steps = elements(section(tree, "next"), "li")
    assert words(steps[0]) == "7 tasks failed: below, each of them says what to do about it"
    assert len(steps) == 2
    assert len(elements(section(tree, "failed"), "article")) == 7


def test_the_causes_come_before_what_to_do_and_the_cards_and_what_is_cut_keeps_its_code_whole():
    long = f"`{'make all; ' * 40}` exited with code 2"
    same = {"failure": "verify", "attempts": (runs.attempt(failure="verify"),)}
    run = runs.run(
        runs.task("one", Outcome.FAILED, reason=long, **same),
        runs.task("two", Outcome.FAILED, reason=long, **same),
        runs.task("three", Outcome.SKIPPED, depends_on=("two",)),
    )

    tree = parsed(html.render(run))

    first = [one.get("id") for one in elements(tree, "section")][:3]
    (cause,) = elements(section(tree, "why"), "li")
    assert first == ["why", "next", "failed"]
    assert words(cause).startswith("verify one , two : make all; make all;")
    assert words(cause).endswith("... · 1 skipped for them")
    assert "`" not in words(cause)
    assert [one.get("href") for one in elements(cause, "a")] == ["#f-one", "#f-two"]


def going_on(**facts):
    tried = runs.attempt(seconds=None, phases=(Stretch("agent", runs.START + 1),),
                         exhibits=(Exhibit("attempts/core/1/agent.log", "ok      Read a.py\nok      Bash: make"),))  # fmt: skip
    core = runs.task("core", Outcome.RUNNING, attempts=(tried,))
    later = runs.task("later", Outcome.WAITING, depends_on=("core",))
    return runs.run(core, later, ended=None, seen=runs.START + 40, **facts)


def test_of_a_run_that_goes_on_it_is_shown_what_is_being_done():
    tree = parsed(html.render(going_on()))

    assert "0 of 2 tasks are done in progress" in words(elements(tree, "header")[0])
    assert "core running , attempt 1, worker 1, for 40.0 s: ok Bash: make" in words(
        section(tree, "unfinished")
    )


def test_of_a_killed_run_it_is_said_that_nobody_is_at_work_and_how_to_go_on():
    tree = parsed(html.render(going_on(killed="process 4711 is gone")))

    said = words(elements(tree, "main")[0])
    assert "0 of 2 tasks are done killed" in words(elements(tree, "header")[0])
    assert "The run was killed: process 4711 is gone." in said
    assert "parallel-orchestra run /repo/demo/plan.md --resume" in said
    assert "core deserted , attempt 1, worker 1: was at work when the run was killed" in said
    assert "running" not in words(section(tree, "unfinished")) + words(section(tree, "tasks"))


def test_what_a_merge_changed_is_shown_file_by_file():
    merges = words(section(parsed(html.render(exhibition.shop())), "merges"))

    assert "2 min 48 s cart Cart with totals and discounts" in merges
    assert "src/cart.py +96" in merges
    assert "README.md +2 \N{MINUS SIGN}12" in merges


@pytest.mark.slow
@given(st.text(max_size=80).map(lambda text: f"{HOSTILE}{text}"))
@settings(max_examples=25)
def test_nothing_that_others_wrote_becomes_an_element_or_an_attribute(text):
    page = html.render(hostile(text))

    tree = parsed(page)
    (script,) = elements(tree, "script")
    assert "alert" not in words(script)
    assert not elements(tree, "img")
    assert not [key for one in tree.iter() for key in one.attrib if key.startswith("on")]
    assert not UNSAFE.search(page)
    assert page.encode("utf-8")


@pytest.mark.parametrize("run", [exhibition.shop, lambda: exhibition.many(310)], ids=["12", "310"])
def test_only_the_pages_own_script_and_style_may_run(run):
    page = html.render(run())

    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1]
    for kind in ("style", "script"):
        inline = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)[1]
        named = b64encode(sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{named}&#39;;" in policy
    assert policy.startswith("default-src 'none';")
    assert not re.search(r'\sstyle="|\ssrc=|@import|url\((?!#)', page)


@pytest.mark.slow
def test_a_thousand_tasks_with_all_their_logs_are_less_than_three_megabytes():
    page = html.render(exhibition.many(1000, workers=8))

    assert page.count('class=task id="t-task-') == 1000
    assert len(page.encode()) < 3_000_000


@pytest.mark.parametrize("text", ["<&\"'" * 100_000, "word\n" * 100_000], ids=["one line", "lines"])
def test_a_huge_output_takes_no_more_room_than_another(text):
    tried = runs.attempt(failure="verify", exhibits=(Exhibit("attempts/x/1/agent.log", text),))
    run = runs.run(runs.task("x", Outcome.FAILED, failure="verify", attempts=(tried,)))

    page = html.render(run)

    assert len(page.encode()) < 80_000
    assert "The whole file" in page


def test_a_page_can_be_read_without_its_script():
    tree = parsed(html.render(exhibition.shop()))

    hidden = [one for one in tree.iter() if "hidden" in one.attrib]
    assert all("js" in one.get("class", "") for one in hidden)
    assert "Search with an inverted index" in words(section(tree, "tasks"))
