"""Markdown as a reader of CommonMark sees it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from parallel_orchestra.progress import Exhibit, Outcome
from parallel_orchestra.report import markdown, text
from support import runs

HOSTILE = [
    "<script>alert(1)</script>",
    "<!-- no end",
    "[click](http://evil)",
    "![img](http://evil)",
    "<http://evil>",
    "**bold** _it_ ~~gone~~",
    "`unpaired",
    "``` fence",
    "a | b | c",
    "\\| `a|b` \\",
    "# heading",
    "1. list",
    "- [ ] box",
    "&lt;b&gt; &amp;",
    "line\n\n# other\n```\n</details>",
    "$x^2$ a_b_c __init__",
    "@team see www.evil.example, fixes #12 (GH-3), mail me@evil.example",
]


def seen(source):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source)


def shown(html):
    plain = re.sub(r"<[^>]+>", "", html)
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(name, sign)
    return plain


@pytest.mark.parametrize("words", HOSTILE)
def test_escaped_text_is_shown_as_it_is(words):
    html = seen(f"- {text.escaped(words)}\n")

    assert set(re.findall(r"<(\w+)", html)) - {"code"} == {"ul", "li"}
    assert shown(html).strip() == " ".join(words.split())


@pytest.mark.parametrize("words", [*HOSTILE, "`", "``a``", "a`b``c"])
def test_code_is_shown_as_it_is(words):
    html = seen(f"- {text.code(words)}\n")

    assert set(re.findall(r"<(\w+)", html)) == {"ul", "li", "code"}
    assert shown(html).strip() == " ".join(words.split())


@pytest.mark.parametrize("words", HOSTILE)
def test_a_cell_never_ends_its_row(words):
    head = "| a | b |\n| --- | --- |\n"

    html = seen(head + text.row(text.code(words), text.escaped(words)) + "\n")

    assert html.count("<td>") == 2
    assert shown(html).count(" ".join(words.split())) == 2


@pytest.mark.parametrize("words", HOSTILE)
def test_agents_words_stay_inside_their_fence(words):
    html = seen(text.fenced(words) + "\n\nafter\n")

    assert shown(html) == f"{words}\n\nafter\n"
    assert html.endswith("<p>after</p>\n")


def test_a_sentence_keeps_our_code_and_escapes_the_rest():
    html = seen(text.sentence("task `a_b` *needs* `x | y`, <b>not</b> `-`"))

    assert "<code>a_b</code> *needs* <code>x | y</code>, &lt;b&gt;not&lt;/b&gt;" in html


@pytest.mark.parametrize("words", ["one ` only", "an empty `` pair"])
def test_a_sentence_whose_ticks_do_not_pair_is_shown_as_it_is(words):
    assert shown(seen(text.sentence(words))).strip() == words


def test_hostile_names_and_reasons_leave_the_report_whole():
    tasks = [
        runs.task(
            f"t{place}",
            Outcome.FAILED,
            title=words,
            failure=words,
            reason=words,
            files=(words,),
            kept=(words,),
            warnings=(words,),
            attempts=(runs.attempt(log=words),),
        )
        for place, words in enumerate(HOSTILE)
    ]

    html = seen(markdown.render(runs.run(*tasks, name=HOSTILE[0])))

    assert not re.search(r"<(script|a|img|details|strong|em|s|h4)\b|<!--", html)
    assert html.count("<h3>") == len(HOSTILE)
    # and one for the timeline
    assert html.count("<pre>") == len(HOSTILE) + 1
    assert html.count("<h1>") == 1


#: Text that is likely to be read as something else, beside any other.
SIGNS = (
    *("`", "```", "~~~", "\n", "<b>", "</details>", "<!--", "](http://e)", "![", "[", "|", "\\"),
    *(
        "@team",
        "#1",
        "$x$",
        "**",
        "_",
        "\x1b[31m",
        "\u202e",
        "    ",
        "- ",
        "1. ",
        "> ",
        "&lt;",
        "a",
    ),
)
WORDS = st.lists(st.sampled_from(SIGNS) | st.text(max_size=4), max_size=12).map("".join)
#: All that a reader may meet in a report; no other element comes from anybody's words.
ELEMENTS = frozenset(
    [
        *("h1", "h2", "h3", "p", "ul", "li", "code", "pre"),
        *("table", "thead", "tbody", "tr", "th", "td"),
        *("details", "summary"),  # ours, around the end of a log
    ]
)


@given(WORDS)
def test_nothing_that_an_agent_says_becomes_more_than_text(words):
    task = runs.task(
        "t1",
        Outcome.FAILED,
        title=words,
        failure="verify",
        reason=words,
        files=(words,),
        kept=(words,),
        warnings=(words,),
        attempts=(
            runs.attempt(reason=words, log=words, exhibits=(Exhibit("a/agent.log", words),)),
        ),
    )
    skipped = runs.task("t2", Outcome.SKIPPED, title=words, reason=words, depends_on=("t1",))

    page = markdown.render(runs.run(task, skipped, name=words, warnings=(words,)))
    html = seen(page)

    assert set(re.findall(r"<(\w+)", html)) <= ELEMENTS
    assert html.count("<details>") == html.count("</details>") <= 1
    assert [html.count(f"<{one}>") for one in ("h1", "h3", "table")] == [1, 1, 2]
    assert html.count("<tr>") == html.count("<tr>\n")
    assert not re.search(
        r"(?<![\w`])@\w", re.sub(r"<(code|pre)\b.*?</\1>", "", html, flags=re.DOTALL)
    )


def test_the_end_of_the_log_that_shows_why_is_folded_in():
    said = Exhibit("x/verify.log", "".join(f"line {n}\n" for n in range(1, 31)))
    printed = Exhibit("x/agent.log", "done\n")
    prompt = Exhibit("x/prompt.md", "do it\n")
    last = runs.attempt(failure="verify", told_in="x/verify.log", exhibits=(prompt, said, printed))

    page = markdown.render(
        runs.run(runs.task("a", Outcome.FAILED, failure="verify", attempts=(last,)))
    )

    assert "<details><summary>The end of verify.log</summary>\n\n```text\nline 11\n" in page
    assert "line 30\n```\n\n</details>\n" in page
    assert "do it" not in page


def test_every_variable_that_a_template_sees_is_documented():
    assert list(markdown.facts_of(runs.failures())) == list(markdown.VARIABLES)
