"""Reports by templates of a user's own, which may extend ours."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from parallel_orchestra.errors import UsageError
from parallel_orchestra.progress import Outcome
from parallel_orchestra.report import by_template, html, markdown
from support import exhibition, runs


@pytest.fixture
def by(tmp_path):
    """Renders a run by the text of a template."""

    def render(run, template, name="t.md.j2"):
        path = tmp_path / name
        path.write_text(template, encoding="utf-8")
        return by_template.render(path, run)

    return render


def test_a_template_of_the_user_replaces_ours(by):
    template = "{{ report.manifest }}: {{ report.figures.work_sec | span }}, {{ failed | length }} failed\n"

    assert by(runs.failures(), template) == "demo: 24.0 s, 2 failed\n"


def test_a_template_may_extend_ours_and_replace_one_block(by):
    template = '{% extends "markdown.md.j2" %}{% block title %}# Ours\n{% endblock %}'

    rendered = by(runs.all_done(), template)

    assert rendered.startswith("# Ours\n")
    assert (
        rendered.partition("## Figures")[2]
        == markdown.render(runs.all_done()).partition("## Figures")[2]
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [("t.html", "&lt;b&gt;"), ("T.HTML.J2", "&lt;b&gt;"), ("t.md", "<b>"), ("html.txt", "<b>")],
)
def test_a_template_for_html_escapes_by_itself(by, name, shown):
    assert by(runs.run(name="<b>"), "{{ report.manifest }}", name) == shown


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("\n{% if %}", ":2"),
        ("{{ nonsense }}", ":1"),
        ("\n\n{{ report.total + 'x' }}", ":3"),
        ("{{ report.__class__.__mro__ }}", ":1"),
        ('{% include "other" %}', ":1"),
        ("{{ 'x' * 9**9 }}", ":1"),
        ("", ""),
    ],
    ids=["syntax", "variable", "type", "python", "file", "memory", "empty"],
)
def test_a_wrong_template_is_an_error_of_the_user(by, tmp_path, template, line):
    with pytest.raises(UsageError, match=r"the report's template is wrong: .") as caught:
        by(runs.all_done(), template)

    assert caught.value.problems[0].where == f"{tmp_path / 't.md.j2'}{line}"


def test_a_template_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot read the report's template: No such file"):
        by_template.render(tmp_path / "none.j2", runs.run())


def test_a_template_may_extend_the_page_and_keep_what_it_does_not_name(by):
    template = (
        '{% extends "page.html.j2" %}'
        "{% block title %}Nightly: {{ super() }}{% endblock %}"
        "{% block head %}<p class=ours>{{ report.manifest }}</p>{{ super() }}{% endblock %}"
        "{% block merges %}{% endblock %}"
    )
    run = exhibition.shop()

    rendered = by(run, template)

    page = html.render(run)
    merges = page[page.index('<section id="merges"') : page.index('<section id="facts"')]
    assert (
        "<title>Nightly: Web shop, first milestone: 2 of 12 tasks failed, 2 skipped because of them"
        in rendered
    )
    assert f"<p class=ours>{run.name}</p>" in rendered
    without = page.replace(merges, "").partition("<main")[2]
    assert "".join(rendered.partition("<main")[2].split()) == "".join(without.split())


def test_what_agents_say_is_escaped_in_an_extended_page_whatever_it_is_called(by):
    evil = runs.task("x", Outcome.FAILED, title="<script>", reason="<b>", failure="verify")
    template = '{% extends "page.html.j2" %}{% block facts %}{{ failed[0].title }}{% endblock %}'

    rendered = by(runs.run(evil, name="<i>"), template, "mine.txt")

    assert rendered.count("<script>") == 1
    assert "<b>" not in rendered
    assert "<i>" not in rendered
    assert "&lt;script&gt;" in rendered


def test_the_policy_of_an_extended_page_allows_its_own_style_and_what_it_asks_for(by):
    template = (
        '{% extends "page.html.j2" %}{% block style %}{{ super() }}p{color:red}{% endblock %}'
        "{% block policy %}img-src data:;{% endblock %}"
    )

    rendered = by(runs.all_done(), template)

    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', rendered)[1]
    style = re.search("<style>(.*?)</style>", rendered, re.DOTALL)[1]
    assert style.endswith("p{color:red}")
    assert b64encode(sha256(style.encode()).digest()).decode() in policy
    assert "img-src data:;" in policy
