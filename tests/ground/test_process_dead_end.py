"""Which lines of its outputs say that a child can't go on."""

import pytest

from parallel_orchestra.process.dead_end import DeadEnds
from parallel_orchestra.process.telling import DeadEnd

SLEEPS = DeadEnd(rb"^\d+ WARN again in \d{2,}s")
WAITS = DeadEnd(rb'^{"type":"error","message":"waits', stdout=True, times=3, onward=b'"item"')
REFUSED = DeadEnd(rb"^\d+ ERROR refused", patience=40.0)
OUT, ERR = True, False
SLEPT = b"17 WARN again in 3600s\n"
WAITED = b'{"type":"error","message":"waits for the network"}\n'
RETRIED = b"17 ERROR refused\n"
ITEM = b'{"type":"item","text":"x"}\n'


def due_after(*said):
    """Returns when it is to be ended who says these things, a second each."""
    ends = DeadEnds(tuple(one.told() for one in (SLEEPS, WAITS, REFUSED)))
    for now, (stdout, data) in enumerate(said, 1):
        ends.hear(data, float(now), stdout=stdout)
    return ends.due


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ([], None),
        ([(ERR, SLEPT)], 1.0),
        ([(ERR, b"17 WARN again in 3s\n")], None),
        ([(ERR, b"before\n" + SLEPT + b"after\n")], 1.0),
        ([(ERR, SLEPT[:9]), (ERR, SLEPT[9:])], 2.0),
        ([(ERR, SLEPT[:-1])], None),
        ([(ERR, SLEPT), (OUT, ITEM)], 1.0),
        ([(ERR, SLEPT), (ERR, SLEPT)], 1.0),
        ([(OUT, SLEPT)], None),
        ([(ERR, b"it said 17 WARN again in 3600s\n")], None),
        ([(ERR, b"x" * 200_000 + b"\n" + SLEPT)], 1.0),
        ([(ERR, b"x" * 200_000), (ERR, SLEPT)], None),
        ([(OUT, WAITED), (OUT, WAITED)], None),
        ([(OUT, WAITED), (OUT, WAITED), (OUT, WAITED)], 3.0),
        ([(OUT, WAITED + WAITED + WAITED)], 1.0),
        ([(OUT, WAITED + WAITED), (OUT, ITEM), (OUT, WAITED)], None),
        ([(OUT, WAITED + WAITED), (OUT, b'{"type":"step"}\n'), (OUT, WAITED)], 3.0),
        ([(OUT, b'{"text":"' + WAITED.replace(b'"', b'\\"')[:-1] + b'"}\n')] * 4, None),
        ([(ERR, RETRIED)], 41.0),
        ([(ERR, RETRIED), (ERR, RETRIED)], 42.0),
        ([(ERR, RETRIED), (ERR, b"17 ERROR other\n")], 41.0),
        ([(ERR, RETRIED), (OUT, ITEM)], None),
        ([(ERR, RETRIED), (ERR, SLEPT)], 2.0),
    ],
)
def test_who_says_that_it_waits_is_to_be_ended_and_who_quotes_it_is_not(said, due):
    assert due_after(*said) == due
