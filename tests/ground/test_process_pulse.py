"""The judge of signs of life: traces of builds and of hanging agents, by a clock of our own."""

import random

import pytest

from parallel_orchestra.process.pulse import QUIET, STUCK, WORKING, Pulse, Signs

ALONE = frozenset({(7, b"1")})
MINUTE = 60.0
#: Seconds of processor time in each five seconds, as they were measured: real agents whose model
#: did not answer, on two processors with eight others at work.
WAITING = {
    "claude 2.1.329": (1.22, 0.12, 0.16, 0.05, 0.03, 0.06, 0.04, 0.01, 0.01, 0.01, 0.01),
    "codex 0.169.0": (0.34, 0.03, 0.06, 0.10, 0.04, 0.05, 0.02, 0.01, 0.01, 0.01, 0.01),
    "gemini 0.61.0": (1.57, 0.04, 0.01, 0.00, 0.01, 0.00, 0.01, 0.01, 0.01, 0.00, 0.00),
    "opencode 1.18.33": (2.09, 4.22, 0.16, 0.17, 0.09, 0.12, 0.09, 0.11, 0.13, 0.11, 0.11),
}


class Watched:
    """A program in a world where time passes as it is told; `look` is what the watch does."""

    def __init__(self, limit):
        self.now, self.cpu, self.members, self.heard, self.newest = 0.0, 0.0, ALONE, 0.0, 1
        self.pulse = Pulse(limit, 0.0)

    def look(self, *, eager=False, files=True):
        signs = Signs(self.now, self.heard, self.cpu, self.members, eager=eager)
        self.pulse.take(signs)
        if files and self.pulse.state != WORKING:
            self.pulse.take_files(self.newest)
        return self.pulse.state

    def passes(self, minutes, change=lambda _: None, **seen):
        """Lets time pass, a look every time it is due; returns the states that were seen."""
        states = set()
        until = self.now + minutes * MINUTE
        while self.now < until:
            self.now += self.pulse.every
            change(self)
            states.add(self.look(**seen))
        return states


def busy(one):
    one.cpu += one.pulse.every


def a_little(one):
    one.cpu += 0.06 * one.pulse.every


def compilers(one):
    one.members = ALONE | {(int(one.now), b"2")}


def objects(one):
    one.newest += 1


@pytest.mark.parametrize("change", [busy, a_little, compilers])
def test_a_silent_build_of_twenty_minutes_works_all_the_time(change):
    watched = Watched(limit=2 * MINUTE)

    states = watched.passes(20, change)

    assert states == {WORKING}


def test_a_download_that_only_writes_files_is_never_stuck():
    watched = Watched(limit=2 * MINUTE)

    states = watched.passes(20, objects)

    assert STUCK not in states


def test_a_build_that_gets_no_processor_waits_for_it_and_works():
    watched = Watched(limit=2 * MINUTE)

    states = watched.passes(20, eager=True)

    assert states <= {WORKING, QUIET}
    assert watched.pulse.silent < MINUTE


def test_a_build_in_fits_and_starts_is_never_stuck():
    dice = random.Random(5)
    watched = Watched(limit=10 * MINUTE)

    def now_and_then(one):
        if dice.random() < 0.3:
            dice.choice([busy, compilers, objects])(one)

    states = watched.passes(20 * 60, now_and_then)

    assert STUCK not in states


@pytest.mark.parametrize("trace", WAITING.values(), ids=WAITING)
def test_an_agent_whose_model_never_answers_is_stuck_after_the_limit(trace):
    watched = Watched(limit=30 * MINUTE)
    per_second = [used / 5 for used in trace for _ in range(5)]

    def waits(one):
        start = int(one.now - one.pulse.every)
        for second in range(start, int(one.now)):
            # after the recording, as at its end
            one.cpu += per_second[min(second, len(per_second) - 1)]

    early = watched.passes(25, waits)
    late = watched.passes(8, waits)

    assert early == {WORKING, QUIET}
    assert STUCK in late


def test_somebody_met_at_work_by_chance_is_stuck_all_the_same():
    watched = Watched(limit=2 * MINUTE)
    looks = iter([True, True, False] * 100)

    while watched.now < 3 * MINUTE:
        watched.now += watched.pulse.every
        watched.look(eager=next(looks))

    assert watched.pulse.state == STUCK


def test_output_is_life_at_the_moment_when_it_came():
    watched = Watched(limit=2 * MINUTE)
    watched.passes(1)

    watched.heard = watched.now + 1
    watched.now += watched.pulse.every
    watched.look()

    assert watched.pulse.silent == watched.pulse.every - 1


def test_time_in_which_nobody_watched_is_no_silence():
    watched = Watched(limit=2 * MINUTE)
    watched.passes(1)

    watched.now += 10 * 60 * MINUTE
    watched.look()

    assert watched.pulse.state == QUIET


def test_the_first_look_at_files_tells_nothing():
    pulse = Pulse(MINUTE, 0.0)

    first, second = pulse.take_files(5), pulse.take_files(5)

    assert (first, second) == (False, True)


def test_working_becomes_quiet_becomes_stuck_and_back():
    watched = Watched(limit=10 * MINUTE)

    seen = [watched.passes(minutes) and watched.pulse.state for minutes in (0.5, 2, 8)]
    busy(watched)
    watched.now += watched.pulse.every
    back = watched.look()

    assert seen == [WORKING, QUIET, STUCK]
    assert back == WORKING
