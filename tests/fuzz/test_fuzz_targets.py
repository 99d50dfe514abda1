"""No bytes make a reader of ours fall over: a sample of what `make fuzz` does for hours."""

import json

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from fuzz.seeds import WORDS, seeds_of
from fuzz.targets import TARGETS
from support.effort import FIRST_SEED, by_effort

EXAMPLES = by_effort(20, 100, 2_000)

pytestmark = pytest.mark.storm


@st.composite
def changed(draw, target: str) -> bytes:
    """A valid input with a few pieces cut out, doubled, swapped for words, or put out of order."""
    data = draw(st.sampled_from(seeds_of(target)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 30)))
        piece = draw(
            st.one_of(st.sampled_from(WORDS), st.binary(max_size=8), st.just(data[start:end] * 2))
        )
        data = data[:start] + piece + data[end:]
    return data


_SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    st.sampled_from([-1, 0, 2**63, 10**30, "a", "../x", "refs/heads/main"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def other_values(draw, target: str) -> bytes:
    """A valid JSON record in which some fields have values of any kind, are missing or are more."""
    record = json.loads(draw(st.sampled_from(seeds_of(target))).splitlines()[0])
    places = [record, *(one for one in _mappings(record) if one is not record)]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places))
        key = draw(st.sampled_from([*map(str, place), "more"]))
        place[key] = draw(_VALUES)
        if draw(st.booleans()) and len(place) > 1:
            place.pop(draw(st.sampled_from(list(place))))
    return json.dumps(record).encode("utf-8", "surrogatepass")


def _mappings(value: object):
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _mappings(one)


@pytest.mark.parametrize("name", TARGETS)
@seed(FIRST_SEED)
@settings(max_examples=EXAMPLES, database=None)
@given(st.data())
def test_a_changed_document_is_read_or_refused(name, data):
    TARGETS[name](data.draw(changed(name)))


@pytest.mark.parametrize("name", ["worker", "result", "run", "journal", "label", "integration"])
@seed(FIRST_SEED)
@settings(max_examples=EXAMPLES, database=None)
@given(st.data())
def test_a_record_with_values_of_any_kind_is_read_or_refused(name, data):
    TARGETS[name](data.draw(other_values(name)))


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzers_begin_with_is_valid_and_there_is_some(name):
    seeds = seeds_of(name)

    assert seeds
    for one in seeds:
        TARGETS[name](one)


def test_a_door_that_lets_another_error_through_is_a_fault():
    target = type(TARGETS["plan"])(lambda data: data[5], 1.0, (KeyError,))

    with pytest.raises(IndexError):
        target(b"")
