"""What `doctor --paste` prints, as plain values."""

from pathlib import Path

from parallel_orchestra.cli.pasting import block
from parallel_orchestra.conductor.checkup import Finding, Level

OWN = {Path("/srv/ann/shop"): "PROJECT", Path("/srv/ann"): "~"}


def pasted(*words, host="tower"):
    return block(["tool 1.0"], [Finding(Level.NOTE, one, "/srv/ann/x") for one in words], OWN, host)


def test_versions_come_first_and_all_of_it_stands_in_a_fence():
    assert pasted("half full").splitlines() == [
        "```text",
        "tool 1.0",
        "note: half full",
        "```",
    ]


def test_no_path_user_or_host_is_told():
    told = pasted(
        "pool in /srv/ann/shop/_tasks and /srv/ann/.cache, not /srv/anna",
        "held by tower-4711-8b34fd12 on tower",
        "held by cellar-12-8b34fd12, in /home/bob/x",
    )

    assert told.splitlines()[2:-1] == [
        "note: pool in PROJECT/_tasks and ~/.cache, not /srv/anna",
        "note: held by HOST-4711-8b34fd12 on HOST",
        "note: held by HOST-12-8b34fd12, in ~/x",
    ]


def test_words_from_elsewhere_do_not_end_the_fence():
    assert pasted("a ``` b\x1b[2J").startswith("````text")
