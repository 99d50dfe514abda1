"""One small file per account says until when nothing of it starts; anybody may remove it."""

import json

import pytest

from parallel_orchestra.schedule.usage_limits import Account, Limit
from parallel_orchestra.store import Layout
from parallel_orchestra.store.limits import forget_limit, limits, sign, write_limit

LIMIT = Limit(
    Account("claude", "0123456789", "ab"), 1e9, 2e9, 3, "hit your limit", "a.a1f0.me.md", 1.5e9
)
LANE = "claude.0123456789"


@pytest.fixture
def layout(tmp_path):
    found = Layout(tmp_path / "_tasks")
    found.create()
    return found


def test_a_limit_is_read_as_it_was_written(layout):
    write_limit(layout, LIMIT)

    assert limits(layout) == ({LANE: LIMIT}, ())
    record = json.loads((layout.limits / f"{LANE}.json").read_text())
    assert record["until_utc"] == "2033-05-18 03:33:20 UTC"


def test_the_sign_tells_that_something_changed_and_costs_no_look_inside(layout):
    before = sign(layout)
    write_limit(layout, LIMIT)
    written = sign(layout)

    gone = forget_limit(layout, LANE)

    assert gone
    assert len({before, written}) == 2
    assert sign(layout) != written
    assert limits(layout) == ({}, ())
    assert not forget_limit(layout, LANE)


def test_a_directory_of_an_older_version_gets_the_folder_when_it_needs_it(layout):
    layout.limits.rmdir()
    assert (limits(layout), sign(layout)) == (({}, ()), (0, 0))

    write_limit(layout, LIMIT)

    assert limits(layout)[0] == {LANE: LIMIT}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (f"{LANE}.json", {"until": "soon"}),
        (f"{LANE}.json", {"until": 1e30}),
        (f"{LANE}.json", {"until": float("nan")}),
        (f"{LANE}.json", {"until": True}),
        (f"{LANE}.json", {"since": None}),
        (f"{LANE}.json", {"backend": "codex"}),
        (f"{LANE}.json", {"probe": "../../done/a.md"}),
        ("claude.json", {}),
        (f"{LANE}", {}),
    ],
)
def test_what_is_no_record_of_ours_is_named_and_holds_nobody(layout, name, change):
    write_limit(layout, LIMIT)
    path = layout.limits / f"{LANE}.json"
    record = json.loads(path.read_text()) | change
    path.unlink()

    (layout.limits / name).write_text(json.dumps(record))

    assert limits(layout) == ({}, (name,))


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "7", '{"backend": "claude"}'])
def test_garbage_is_named_and_holds_nobody(layout, text):
    (layout.limits / f"{LANE}.json").write_text(text)

    assert limits(layout) == ({}, (f"{LANE}.json",))
