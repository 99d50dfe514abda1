"""Who is checked together, who is found, and how many checks that takes: no git, no time."""

import random
from dataclasses import dataclass, field

import pytest

from parallel_orchestra.merge_queue import Conflicted
from parallel_orchestra.merge_queue.chain import Joint, chained
from parallel_orchestra.merge_queue.search import Probe, Search, Verdict, With, trial
from support.effort import seeds


@dataclass
class World:
    """Candidates as numbers, of which some are red, alone or in company."""

    count: int
    bad: frozenset[int] = frozenset()
    pairs: frozenset[frozenset[int]] = frozenset()
    conflicts: frozenset[frozenset[int]] = frozenset()
    most: int = 32
    checks: int = 0
    merged: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    conflicted: list[int] = field(default_factory=list)

    def green(self, state: set[int]) -> bool:
        """Checks a state."""
        self.checks += 1
        return not (self.bad & state or any(pair <= state for pair in self.pairs))

    def join(self, tip: str, key: int) -> Joint | Conflicted:
        """Merges: a state is written as the numbers in it."""
        state = {int(one) for one in tip.split()}
        if any(key in pair and pair & state for pair in self.conflicts):
            return Conflicted(("file",))
        merged = f"{tip} {key}".strip()
        return Joint(merged, merged, "")

    def play(self) -> None:
        """Does what the line does, until nobody waits."""
        search, waiting = Search[int](self.most), list(range(self.count))
        while waiting:
            chosen = search.next(waiting)
            tip = " ".join(map(str, self.merged))
            chain = chained(tip, chosen, self.join)
            for key, _ in chain.contradicted:
                self.conflicted.append(key)
                waiting.remove(key)
            if chain.keys != chosen:
                search.forget()
                first = (*chain.keys, *chain.postponed)
                waiting = [*first, *(one for one in waiting if one not in first)]
            if not chain.links:
                continue
            if search.on_trial(chain.keys):
                self.rejected.append(chain.keys[0])
                waiting.remove(chain.keys[0])
                search.condemned()
            elif self.green({*self.merged, *chain.keys}):
                search.green(chain.keys)
                self.merged += chain.keys
                waiting = [one for one in waiting if one not in chain.keys]
            else:
                search.red(chain.keys)


def test_all_that_wait_are_checked_at_once():
    world = World(24)

    world.play()

    assert world.merged == list(range(24))
    assert world.checks == 1


def test_no_more_are_taken_together_than_may_be():
    world = World(24, most=10)

    world.play()

    assert world.checks == 3


@pytest.mark.parametrize("culprit", range(24))
def test_one_culprit_of_24_is_found_in_few_checks_and_the_others_are_merged(culprit):
    world = World(24, frozenset({culprit}))

    world.play()

    assert world.rejected == [culprit]
    assert sorted(world.merged) == [one for one in range(24) if one != culprit]
    # the whole, five to halve it, the rest; its hearing comes on top
    assert world.checks <= 7


def test_who_only_contradicts_a_culprit_is_merged_after_all():
    world = World(3, bad=frozenset({0}), conflicts=frozenset({frozenset({0, 1})}))

    world.play()

    assert (world.rejected, world.conflicted, sorted(world.merged)) == ([0], [], [1, 2])


def test_who_contradicts_one_that_is_merged_goes_back():
    world = World(3, conflicts=frozenset({frozenset({0, 1})}))

    world.play()

    assert (world.rejected, world.conflicted, sorted(world.merged)) == ([], [1], [0, 2])


def test_where_all_are_red_it_costs_little_more_than_one_by_one():
    world = World(32, bad=frozenset(range(32)))

    world.play()

    assert world.rejected == list(range(32))
    assert world.checks <= 32 + 20


@pytest.mark.slow
def test_random_worlds_end_with_every_good_one_merged_and_every_bad_one_named():
    for seed in seeds(1500, 5000, 50_000):
        dice = random.Random(seed)
        count = dice.randint(1, 30)
        numbers = range(count)
        pairs = {
            frozenset(dice.sample(numbers, 2)) for _ in range(dice.randint(0, 2) * (count > 1))
        }
        world = World(
            count,
            bad=frozenset(dice.sample(numbers, min(count, dice.choice((0, 0, 1, 1, 2, 5))))),
            pairs=frozenset(pairs),
            conflicts=frozenset(
                frozenset(dice.sample(numbers, 2)) for _ in range(dice.randint(0, 2) * (count > 1))
            ),
            most=dice.choice((1, 2, 7, 32)),
        )

        world.play()

        ended = [*world.merged, *world.rejected, *world.conflicted]
        assert sorted(ended) == list(numbers), seed
        assert world.green(set(world.merged)), seed
        for one in world.rejected:
            # Each was rejected for a reason that holds in the end.
            assert not world.green({*world.merged, one}), seed
        for one in world.conflicted:
            assert any(one in pair and pair & set(world.merged) for pair in world.conflicts), seed


def heard(others, answer):
    """Returns the verdict on a suspect, and what was checked for it."""
    procedure, asked = trial(others), []
    probe = next(procedure)
    while True:
        asked.append(probe)
        try:
            probe = procedure.send(answer(probe))
        except StopIteration as over:
            return over.value, asked


def fails_with(partner):
    """Returns how a suspect answers that only fails together with that one of the others."""

    def green(probe):
        if isinstance(probe, With):
            return probe.count <= partner
        return probe is Probe.ALONE

    return green


def test_who_fails_alone_is_at_fault():
    verdict, asked = heard(3, lambda probe: False)

    assert verdict == Verdict(guilty=True)
    assert asked == [Probe.ALONE]


def test_who_began_at_the_tip_is_checked_a_second_time_as_it_is():
    verdict, asked = heard(0, lambda probe: False)

    assert verdict == Verdict(guilty=True)
    assert asked == [Probe.MERGED]


@pytest.mark.parametrize("others", range(1, 33))
def test_with_whom_one_fails_together_is_narrowed_down_to_an_eighth(others):
    for partner in range(others):
        verdict, asked = heard(others, fails_with(partner))

        assert verdict.guilty
        assert verdict.together
        assert verdict.first <= partner < verdict.last
        assert verdict.last - verdict.first <= max(1, -(-others // 8))
        assert len(asked) <= 5


def test_a_probe_that_is_not_possible_ends_the_narrowing():
    verdict, _ = heard(4, lambda probe: None if isinstance(probe, With) else probe is Probe.ALONE)

    assert verdict == Verdict(guilty=True, together=True, first=0, last=4)


@pytest.mark.parametrize("third", [True, False], ids=["green", "red"])
def test_of_a_check_that_fails_and_then_passes_the_third_run_decides(third):
    answers = iter([True, True, third])

    verdict, asked = heard(2, lambda probe: next(answers))

    assert verdict == Verdict(guilty=not third, flaky=True)
    assert asked == [Probe.ALONE, Probe.MERGED, Probe.MERGED]
