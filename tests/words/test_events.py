import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra import events
from parallel_orchestra.events import KINDS, Completed, Event, Kept, from_line, to_line

_TEXT = st.text()
_WHOLE = st.integers(min_value=-(2**53), max_value=2**53)
_NUMBER = st.floats(0, 250_000_000_000)
_VALUES = {
    str: _TEXT,
    int: _WHOLE,
    bool: st.booleans(),
    float: _NUMBER,
    float | None: st.none() | _NUMBER,
    int | None: st.none() | _WHOLE,
    tuple[str, ...]: st.lists(_TEXT, max_size=4).map(tuple),
}


def _any(kind):
    return st.builds(kind, **{one.name: _VALUES[one.type] for one in fields(kind)})


def test_every_kind_of_event_can_be_read_back():
    kinds = {
        one
        for one in vars(events).values()
        if isinstance(one, type) and issubclass(one, Event) and one is not Event
    }

    assert set(KINDS.values()) == kinds
    assert all(name == kind.__name__ for name, kind in KINDS.items())


@given(st.sampled_from(list(KINDS.values())).flatmap(_any))
def test_an_event_is_one_line_and_comes_back_as_it_was(event):
    line = to_line(event)

    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert from_line(line) == event


def test_a_half_surrogate_pair_and_odd_line_ends_survive_in_one_line_of_ascii():
    event = Kept(1.0, "a", 1, "refs/\ud800", ("x\u2028y", "tab\tand\r\nlines\x85"))

    line = to_line(event)

    assert line.isascii()
    assert from_line(line) == event


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        '{"kind":"Completed","time":1.0,"task":"a"',
        '{"kind":"Completed","time":1.0,"task":"a"}',
        '{"kind":"InventedLater","time":1.0}',
        '{"time":1.0}',
        '{"kind":["Completed"],"time":1.0,"task":"a","attempt":1}',
        '{"kind":"Completed","time":"late","task":"a","attempt":1}',
        '{"kind":"Completed","time":null,"task":"a","attempt":1}',
        '{"kind":"Completed","time":-1,"task":"a","attempt":1}',
        '{"kind":"Completed","time":1e17,"task":"a","attempt":1}',
        '{"kind":"Completed","time":NaN,"task":"a","attempt":1}',
        '{"kind":"Completed","time":1.0,"task":"a","attempt":1%s}' % ("0" * 400),
        '{"kind":"RunEnded","time":1.0,"exit_code":0,"seconds":Infinity}',
        '{"kind":"Completed","time":1.0,"task":["a"],"attempt":1}',
        '{"kind":"Kept","time":1.0,"task":"a","attempt":1,"ref":"r","files":"abc"}',
        '{"kind":"Completed","time":1.0,"task":"a","attempt":1} {"kind":"Completed"}',
        '{"kind":"Completed","time":1.0,"task":"a","attempt":1}}',
        "[]",
        "null",
        "7",
        "\x00\x00",
        "[" * 100_000,
    ],
    ids=lambda line: repr(line[:40]),
)
def test_a_line_that_is_no_event_is_none(line):
    assert from_line(line) is None


def test_a_field_of_a_newer_version_is_ignored():
    record = {**json.loads(to_line(Completed(1.0, "a", 2))), "invented_later": [1, 2]}

    assert from_line(json.dumps(record)) == Completed(1.0, "a", 2)


def test_a_field_that_an_older_version_did_not_write_has_its_default():
    line = '{"kind":"AttemptEnded","time":5,"task":"a","attempt":1,"seconds":2}'

    event = from_line(line)

    assert event is not None
    assert (event.time, event.failure, event.cost_usd, event.session) == (5, "", None, "")
