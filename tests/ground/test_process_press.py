"""Templates that strangers wrote: rendered in a child, or refused with a line and a reason."""

import pytest

from parallel_orchestra.process import press as press_room
from parallel_orchestra.process.press import Fault, Spoiled, examine, press
from parallel_orchestra.process.pressing import faults_of, text_of

LIBRARY = {"ours": "head\n{% block body %}{% endblock %}{% block foot %}{% endblock %}"}
KNOWN = {"task": ["id", "title"], "needs": None}
FACTS = {"task": {"id": "a", "title": "A"}, "needs": [{"id": "b"}]}


def faults(template: str, *trials) -> list[tuple[int, str]]:
    request = {"template": template, "library": LIBRARY, "known": KNOWN}
    return faults_of({**request, "trials": trials or (FACTS,)})


@pytest.mark.slow
def test_values_arrive_as_they_are_and_nothing_is_escaped():
    odd = "\r\n{{ x }} {% raw %} <&> \x00\x1b[31m \u2028 \ud800"

    assert press("{{ v }}|\n", {}, {"v": odd}) == f"{odd}|\n"


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{{ task.id }}{% for need in needs %}{{ need.id }}{% endfor %}", []),
        ("{% set task = 1 %}{% for k, v in {'a': 1}.items() %}{{ k }}{% endfor %}", []),
        ("a\n{% if %}", [(2, "Expected an expression, got 'end of statement block'")]),
        ("{{ tsk.id }}", [(1, "there is no `tsk`: did you mean `task`?")]),
        ("\n{{ zzz }}", [(2, "there is no `zzz`, only needs, task")]),
        ("{% if 0 %}{{ task.titel }}{% endif %}", "there is no `task.titel`: did you mean `task.title`?"),
        ("x\n{{ needs[0].titel }}", [(2, "this mapping has no attribute 'titel'")]),
        ("{{ task.id | shout }}", [(1, "no filter is named `shout`")]),
        ("{{ task.id is loud }}", [(1, "no test is named `loud`")]),
        ("{{ task.id.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe."),
        ("{{ needs.append(1) }}", "access to attribute 'append' of 'list' object is unsafe."),
        ("{% include 'other' %}", [(1, "there is no template `other` to extend or include")]),
        ("\n{{ 1 // 0 }}", [(2, "integer division or modulo by zero")]),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "is nested too deeply"),
        (f"{{{{ {'(' * 5000}1{')' * 5000} }}}}", "is nested too deeply"),
        ('{% extends "ours" %}{% block bdy %}{% endblock %}', "`ours` has no block `bdy`: did you mean `body`?"),
        ("  \n", [(0, "makes an empty text")]),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_told_with_its_line(template, found):
    told = faults(template)

    if isinstance(found, str):
        assert [words for _, words in told if found in words] == [words for _, words in told] != []
    else:
        assert told == found


def test_mistakes_on_several_lines_are_told_at_once():
    told = faults("{{ task.titel }}\n{{ x | nope }}\n{{ y is odder }}")

    assert [line for line, _ in told] == [1, 2, 2, 3, 3]


def test_the_same_fault_in_many_trials_is_told_once():
    assert faults("{{ 1 // 0 }}", *[FACTS] * 9) == [(1, "integer division or modulo by zero")]


def test_a_template_that_makes_nothing_of_its_facts_is_refused():
    request = {"template": "{{ v }}", "library": {}, "facts": {"v": " "}}

    assert text_of(request, {}, {}) == (0, "makes an empty text")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ 'x' * 10 ** 10 }}", "needs too much memory"),
        ("{{ 'x' | center(10 ** 12) }}", "needs too much memory"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "takes more than 1 s of computing time"),
        ("{{ 3 ** (10 ** 9) }}", "takes more than 1 s of computing time"),
        ("{{ 'x' * 200 }}", "makes more than 100 characters"),
    ],
    ids=["memory", "memory in C", "time", "time while compiling", "length"],
)  # fmt: skip
def test_a_template_that_takes_more_than_it_may_is_ended(template, words, monkeypatch):
    monkeypatch.setattr(press_room, "SECONDS", 1)
    monkeypatch.setattr(press_room, "OUTPUT_CHARS", 100)
    monkeypatch.setattr(press_room, "MEMORY_BYTES", 64 << 20)

    with pytest.raises(Spoiled, match=words):
        press(template, {}, {})


@pytest.mark.slow
def test_a_template_without_end_does_not_hold_up_the_look_at_a_plan(monkeypatch):
    monkeypatch.setattr(press_room, "SECONDS", 1)

    found = examine("{{ task }}{{ 3 ** (10 ** 9) }}", {}, {}, [{}])

    assert found == (Fault(0, "takes more than 1 s of computing time"),)


@pytest.mark.slow
def test_many_trials_end_after_a_second_and_are_no_fault_of_the_template():
    found = examine("{{ task.id }}" * 2000, {}, KNOWN, [*[FACTS] * 20_000, {}])

    assert found == ()


@pytest.mark.slow
def test_a_child_that_does_not_answer_is_ended(monkeypatch):
    monkeypatch.setattr(press_room, "_PATIENCE", 0.0)

    with pytest.raises(TimeoutError, match="did not answer"):
        press("{{ 1 }}", {}, {})
