"""`merge`: what it may say, and what it needs."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import Deliver, MergeRules, OnConflict, Strategy
from parallel_orchestra.plan import parse

VERIFY = "verify: make\n"


def read(top):
    text = (
        f'---\npo_plan_version: "0.2"\nname: n\ncwd: .\n{top}tasks: [{{id: a, prompt: x}}]\n---\n'
    )
    return parse(text.encode(), Path("/p/plan.md"), Path.read_bytes, shown="p")


def told(top):
    with pytest.raises(PlanError) as caught:
        read(top)
    return [(problem.what, problem.where, problem.hint) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("", MergeRules()),
        ("merge: {}\n", MergeRules()),
        ("merge: {baseline: false}\n", MergeRules()),
        ("merge: {strategy: squash}\n", MergeRules(strategy=Strategy.SQUASH)),
        (
            "merge: {regenerate: {go.sum: [go, mod, tidy], a/*.lock: make}}\n",
            MergeRules(regenerate=(("go.sum", ("go", "mod", "tidy")), ("a/*.lock", "make"))),
        ),
        ("merge: {on_conflict: halt}\n", MergeRules(on_conflict=OnConflict.HALT)),
        ("merge: {on_conflict: agent}\n", MergeRules(on_conflict=OnConflict.AGENT)),
        ("merge: {on_conflict: retry}\n", MergeRules(on_conflict=OnConflict.RETRY)),
        ("merge: {strategy: rebase}\n", MergeRules(strategy=Strategy.REBASE)),
        ('merge: {message: "{{ run }}"}\n', MergeRules(message="{{ run }}")),
        ("merge: {sign_off: true, co_author: true}\n", MergeRules(sign_off=True, co_author=True)),
        ("merge: {co_author: A B <a@b.c>}\n", MergeRules(co_author="A B <a@b.c>")),
        ("merge: {deliver: pr}\n", MergeRules(deliver=Deliver.PR)),
        (
            'merge: {baseline: true, junit: "out/*.xml"}\n',
            MergeRules(baseline=True, junit=("out/*.xml",)),
        ),
        (
            "merge: {baseline: true, junit: [a.xml, b.xml], failing: [cat, f]}\n",
            MergeRules(baseline=True, junit=("a.xml", "b.xml"), failing=("cat", "f")),
        ),
    ],
)
def test_what_is_said_is_read(line, rules):
    assert read(VERIFY + line).merge == rules


def test_a_baseline_without_a_source_or_without_a_verify_is_refused_with_the_remedy():
    no_source, no_verify = told("merge: {baseline: true}\n")

    assert no_source[:2] == (
        "`merge.baseline` can't tell new failures from old ones",
        "p:5:19 merge.baseline",
    )
    assert "`junit: report.xml`" in no_source[2]
    assert "`failing: …`" in no_source[2]
    assert no_verify == (
        "`merge.baseline` compares nothing: the plan has no `verify`",
        "p:5:19 merge.baseline",
        "add the command that checks the project",
    )


def test_a_source_without_a_baseline_is_remarked_on():
    (warning,) = read(f"{VERIFY}merge: {{junit: a.xml}}\n").warnings

    assert "`merge.junit` has no effect without `baseline: true`" in warning


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("{base_line: true}", "unknown key `base_line` in `merge`"),
        ("{baseline: 'yes', failing: f}", "`merge.baseline`"),
        ("{baseline: true, junit: /tmp/a.xml}", "`merge.junit`"),
        ("{baseline: true, failing: ''}", "`merge.failing`"),
        ("{strategy: copy}", "`merge.strategy`"),
        ("{on_conflict: ask}", "`merge.on_conflict`"),
        ("{regenerate: go.sum}", "`merge.regenerate`"),
        ("{regenerate: {go.sum: 3}}", "`merge.regenerate.go.sum`"),
        ("{regenerate: {../go.sum: make}}", "`merge.regenerate.../go.sum` must be a path inside"),
        ("{regenerate: {'go.sum::x': make}}", "`merge.regenerate.go.sum::x` must be files"),
        ("{regenerate: {'!go.sum': make}}", "`merge.regenerate.!go.sum` must be files"),
        ("{message: ''}", "`merge.message`"),
        ("{message: none.j2}", "the file `none.j2` of `merge.message` can't be used"),
        ("{sign_off: 'yes'}", "`merge.sign_off`"),
        ("{co_author: Ann}", "`merge.co_author` must be `Name <address>`, true or false"),
        ('{co_author: "Ann <a@b>\\nX: y"}', "`merge.co_author`"),
        ("{co_author: 1}", "`merge.co_author`"),
        ("{commits: squash}", "unknown key `commits` in `merge`"),
        ("{deliver: sometimes}", "`merge.deliver`"),
        ("true", "`merge`"),
    ],
)
def test_what_is_no_rule_is_told(value, what):
    assert what in " ".join(found[0] for found in told(f"{VERIFY}merge: {value}\n"))


def test_a_plan_of_programs_is_told_that_none_of_them_resolves_a_conflict():
    rule = "merge: {on_conflict: agent}\n"

    (warning,) = read(f"defaults: {{backend: command, command: make}}\n{rule}").warnings

    assert "`merge.on_conflict: agent` has no effect" in warning
    assert read(rule).warnings == ()


def test_an_agent_without_a_line_of_its_own_is_remarked_on():
    top = "defaults: {backend: command, command: make}\nmerge: {co_author: true}\n"

    (warning,) = read(top).warnings

    assert "names nobody for tasks of the backend `command`" in warning
