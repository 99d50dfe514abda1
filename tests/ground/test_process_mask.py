"""Masking: secrets that are known, and keys that are known by their form, however they arrive."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.process.mask import MASKED, Mask
from parallel_orchestra.process.mask import masked as masked_at_once

few_letters = st.text("abc", max_size=12).map(str.encode)
#: None of them was ever given to anybody.
KEYS = {
    "anthropic": b"sk-ant-api03-" + b"aB3_" * 20 + b"-AA",
    "openai": b"sk-" + b"aB3d" * 12,
    "openai project": b"sk-proj-" + b"a-B3_" * 20,
    "github": b"ghp_" + b"aB3d" * 9,
    "github app": b"ghs_" + b"aB3d" * 9,
    "github fine": b"github_pat_" + b"11ABCDE" + b"_aB3d" * 12,
    "gitlab": b"glpat-" + b"aB3d-" * 4,
    "aws": b"AKIA" + b"IOSFODNN7EXAMPLE",
    "aws session": b"ASIA" + b"IOSFODNN7EXAMPLE",
    "google": b"AIza" + b"SyA-1b_" * 5,
    "slack": b"xoxb-" + b"123456789012-1234567890123-aBcDeFgHiJkL",
    "slack app": b"xoxp-" + b"123456789012-1234567890123",
    "jwt": b".".join((b"eyJ" + b"hbGciOiJI", b"eyJ" + b"zdWIiOiIx", b"SflKxw-RJSMeKKF2QT4_")),
}
LINES = [b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj" for _ in range(6)]
PEM = b"\n".join((b"-----BEGIN RSA PRIVATE KEY-----", *LINES, b"-----END RSA PRIVATE KEY-----"))
NUMBERED = b"\\n".join(b"%6d\xe2\x86\x92%s" % numbered for numbered in enumerate(PEM.split(b"\n")))
INNOCENT = [
    b"the task-list of disk-usage, risk-averse and mask-1234567890-abcdefghij",
    b"sk-learn sk-estimators-check-for-regression-and-more",
    b"ghp_short gh_x github_pat_ AKIA AKIAlower12345678901 AIzaShort xoxb- xoxo xoxb-1",
    b"eyJ eyJhbGciOiJI.eyJ.x eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 only.a.head",
    b'if text.startswith("-----BEGIN PRIVATE KEY-----"): raise',
    b"-----BEGIN CERTIFICATE-----\n" + b"\n".join(LINES) + b"\n-----END CERTIFICATE-----\n",
    b"-----BEGIN PUBLIC KEY-----\n" + LINES[0] + b"\n-----END PUBLIC KEY-----",
    b"--------------- BEGIN -----BEGIN",
]


def masked(secrets, pieces):
    mask = Mask(tuple(secrets))
    return b"".join(mask.pass_on(piece) for piece in pieces) + mask.rest()


def in_two(whole):
    """Yields all ways to cut a text in two."""
    return ((whole[:cut], whole[cut:]) for cut in range(len(whole) + 1))


@given(st.lists(few_letters, max_size=4), st.lists(few_letters))
def test_secrets_are_masked_however_the_stream_is_cut(secrets, pieces):
    known = sorted(filter(None, secrets), key=len, reverse=True)
    whole = b"".join(pieces)

    shown = masked(secrets, pieces)

    assert shown == (re.sub(b"|".join(known), MASKED, whole) if known else whole)


def test_only_what_may_become_a_secret_is_held_back():
    mask = Mask((b"hunter2",))

    shown = [mask.pass_on(piece) for piece in (b"it is hun", b"gry", b" h")]

    assert shown == [b"it is ", b"hungry", b" "]
    assert mask.rest() == b"h"


def test_a_flood_of_secrets_is_masked_in_linear_time():
    secrets = (b"hunter2", b"x" * 4000, b"never seen")

    shown = masked(secrets, [b"hunter2" * 100_000] * 2)

    assert shown == MASKED * 200_000


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_key_is_known_by_its_form_wherever_it_is_cut(key):
    text = b'{"text":"see ' + key + b'"}\n'

    assert {masked((), pieces) for pieces in in_two(text)} == {b'{"text":"see [masked]"}\n'}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
@pytest.mark.parametrize("before", [b"", b"=", b"\n", b"\\n", b"'", b"Bearer ", b"\\t", b"x:"])
def test_a_key_is_known_behind_whatever_comes_before_it(key, before):
    assert masked((), [before + key]) == before + MASKED


@pytest.mark.parametrize("armour", [PEM, PEM.replace(b"\n", b"\\n"), NUMBERED])
def test_a_private_key_is_masked_as_a_whole(armour):
    for pieces in in_two(b'{"a":"' + armour + b'\\n"} more'):
        assert (
            masked((), pieces)
            == b'{"a":"'
            + (b"     0\xe2\x86\x92" if armour is NUMBERED else b"")
            + b'[masked]\\n"} more'
        )


@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        (b'{"lines":["+', b'","+', b'"],"more":1}'),
        (b'{"command":"printf %s \'', b"' '", b"' > key.pem\"}"),
        (b"key = ('", b"\\n'\n       '", b"')"),
    ],
    ids=["a list", "words", "a program"],
)
def test_a_private_key_whose_lines_are_quoted_is_masked_as_a_whole(before, between, after):
    text = before + PEM.replace(b"\n", between) + after

    assert {masked((), pieces) for pieces in in_two(text)} == {before + MASKED + after}


def test_a_private_key_that_is_cut_off_leaves_the_text_it_stands_in_whole():
    text = b'{"a":"' + PEM.replace(b"\n", b"\\n")[:200] + b'","b":"c_d"}\n'

    assert {masked((), pieces) for pieces in in_two(text)} == {b'{"a":"[masked]","b":"c_d"}\n'}


def test_a_private_key_that_is_cut_off_is_masked_as_far_as_it_goes():
    cut = PEM.replace(b"\n", b"\\n")[:200]

    assert masked((), [cut + b'"}']) == b'[masked]"}'
    assert masked((), [cut[: cut.rindex(b"\\n") + 1] + b'"}']) == b'[masked]\\"}'


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_key_stays(text):
    for pieces in in_two(text):
        assert masked((), pieces) == text


def test_what_stands_under_another_heading_is_not_held_back():
    mask = Mask(())

    shown = [mask.pass_on(piece) for piece in (b"-----BEGIN TES", b"TS-----\nok 1\n", b"ok 2\n")]

    assert shown == [b"", b"-----BEGIN TESTS-----\nok 1\n", b"ok 2\n"]


def test_of_two_that_begin_together_the_longer_one_is_masked():
    key = KEYS["github"]

    assert masked((key[:10],), [b"a " + key + b" b"]) == b"a [masked] b"
    assert masked((key + b" b",), [b"a " + key + b" b"]) == b"a [masked]"


@given(
    st.lists(st.sampled_from([b"sk-", b"ghp_", b"eyJ", b".", b"a1" * 18, b" ", b"\\n"])), st.data()
)
def test_the_pieces_in_which_a_text_comes_make_no_difference(words, data):
    whole = b"".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))

    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert masked((b"1a1",), pieces) == masked((b"1a1",), [whole])


@pytest.mark.parametrize(
    "flood",
    [
        b"sk-",
        b"eyJ",
        b"eyJ.",
        b"ghp_",
        b"-----BEGIN ",
        b"AKIA",
        b"xoxb-",
        b"-----BEGIN PRIVATE KEY-----",
        b"A",
    ],
)
def test_a_flood_of_beginnings_takes_linear_time(flood):
    def cost(size):
        text, begun = flood * (size // len(flood)), time.process_time()
        for start in range(0, len(text), 4096):
            mask.pass_on(text[start : start + 4096])
        return time.process_time() - begun

    mask = Mask((b"hunter2hunter2",))

    assert cost(1 << 18) < 2.0
    assert len(mask.rest()) < 1 << 15


def test_masking_again_changes_nothing():
    text = b"see " + b" and ".join(KEYS.values()) + PEM

    once = masked_at_once(text, (b"see",))

    assert masked_at_once(once, (b"see",)) == once
