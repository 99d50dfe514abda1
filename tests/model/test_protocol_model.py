"""Every interleaving of the protocol at small bounds: it holds, and what is broken is found."""

from types import SimpleNamespace

import pytest

from model.acting import Setting
from model.checker import explore
from model.protocol import PROMISES, Protocol
from model.rules import Bounds, Rules
from model.scenes import FULL, SAMPLE, SHORT
from model.state import Luck
from model.variants import VARIANTS
from parallel_orchestra.states import TRANSITIONS, TaskState
from support import figures
from support.effort import by_effort
from support.pages import ROOT

PAGE = ROOT / "docs" / "explanation" / "model.md"

#: Together these three lead over every row of the table.
ALL_ROWS = (
    Bounds(kills=1, moves=1),
    Bounds(workers=1, failures=2, takings=1),
    Bounds(
        failures=2,
        releases=1,
        requeues=1,
        undos=int(any(row.move.value == "undo" for row in TRANSITIONS)),
    ),
)


@pytest.mark.slow
@pytest.mark.storm
@pytest.mark.parametrize("bounds", by_effort(SAMPLE, SHORT, FULL), ids=str)
def test_every_promise_holds_in_every_interleaving(bounds):
    found = explore(Protocol(bounds))

    figures.tell(
        f"model of {bounds}",
        states=found.states,
        transitions=found.transitions,
        depth=found.depth,
        cpu_seconds=round(found.seconds, 1),
    )
    assert found.complete
    assert found.stories == {}
    assert f"| {bounds} | {found.states:,} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.storm
@pytest.mark.parametrize("name", VARIANTS)
def test_the_checker_finds_what_a_variant_breaks_and_nothing_else(name):
    variant = VARIANTS[name]
    enough = variant.breaks if variant.endless else frozenset()

    found = explore(Protocol(variant.bounds, variant.rules), enough=enough)

    figures.tell(
        f"model variant {name}",
        breaks=sorted(found.stories),
        steps=[len(story.lines) for _, story in sorted(found.stories.items())],
    )
    assert set(found.stories) == variant.breaks
    assert found.complete is not variant.endless


def test_each_variant_changes_one_rule():
    real = Setting(Rules(), Bounds()).rules

    for variant in VARIANTS.values():
        changed = [
            flag for flag in Rules.__slots__ if getattr(variant.rules, flag) != getattr(real, flag)
        ]
        assert len(changed) == 1


@pytest.mark.slow
def test_every_row_of_the_table_of_moves_is_taken():
    taken = set()

    for bounds in ALL_ROWS:
        taken |= explore(Protocol(bounds)).rows

    assert taken == set(range(len(TRANSITIONS)))


def test_a_move_of_which_the_model_knows_nothing_is_an_error():
    unknown = SimpleNamespace(
        move=SimpleNamespace(value="teleport"), source=TaskState.DONE, target=TaskState.AVAILABLE
    )

    with pytest.raises(LookupError, match="teleport"):
        Protocol(Bounds(), table=(*TRANSITIONS, unknown))


def test_without_a_row_of_the_table_its_move_is_never_made():
    table = tuple(row for row in TRANSITIONS if row.target is not TaskState.DONE)

    found = explore(Protocol(Bounds(), table=table))

    assert set(found.stories) == {"I7"}


def test_an_undone_task_keeps_every_promise():
    undo = SimpleNamespace(
        move=SimpleNamespace(value="undo"), source=TaskState.DONE, target=TaskState.FAILED
    )
    table = (*(row for row in TRANSITIONS if row.move.value != "undo"), undo)

    found = explore(Protocol(Bounds(kills=1, requeues=1, undos=1), table=table))

    assert found.complete
    assert found.stories == {}
    assert len(table) - 1 in found.rows


def test_an_exploration_that_reaches_its_limit_says_so():
    found = explore(Protocol(Bounds(kills=1)), limit=50)

    assert not found.complete


def test_the_story_of_a_broken_promise_is_a_shortest_one():
    variant = VARIANTS["sidecar-missing-is-alive"]

    found = explore(Protocol(variant.bounds, variant.rules))

    assert found.stories["I7"].lines == (
        ("worker 1 claims the task", "locked/task.a1f0.md"),
        ("worker 1 is KILLED", "locked/task.a1f0.md"),
    )


def test_workers_and_recoverers_have_no_identity_of_their_own():
    protocol = Protocol(Bounds(recoverers=2, kills=1))
    claims = [step for step in protocol.steps(protocol.initial()) if "claims" in step.what]

    keys = {protocol.key(step.state) for step in claims}

    assert len(claims) == 2
    assert len(keys) == 1


def test_every_kind_of_luck_has_its_bound():
    assert len(Bounds().luck) == len(Luck)


@pytest.mark.parametrize("bounds", FULL, ids=str)
def test_the_docs_have_a_row_for_all_bounds_that_are_explored(bounds):
    assert f"| {bounds} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VARIANTS)
def test_the_docs_say_what_each_variant_breaks(name):
    row = next(
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if f"| `{name}`" in line
    )

    said = {promise for promise in PROMISES if promise in row.split("|")[2]}

    assert said == VARIANTS[name].breaks
