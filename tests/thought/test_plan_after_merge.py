"""`after_merge`: what it may say, and what it can't mean."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import NO_AFTER_MERGE, AfterMerge
from parallel_orchestra.plan import parse


def read(top):
    text = f'---\npo_plan_version: "0.2"\nname: n\n{top}\ntasks: [{{id: a, prompt: x}}]\n---\n'
    return parse(text.encode(), Path("/p/plan.md"), Path.read_bytes, shown="p")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("base: main", NO_AFTER_MERGE),
        ("after_merge: make e2e", AfterMerge(run=("make e2e",))),
        ("after_merge: [a b, [c, d]]", AfterMerge(run=("a b", ("c", "d")))),
        (
            "after_merge: {run: a, timeout: 1h, keep: '*.png', required: true}",
            AfterMerge(run=("a",), timeout=3600.0, keep=("*.png",), required=True),
        ),
        (
            "after_merge: {prompt: Look, backend: codex, model: m}",
            AfterMerge(prompt="Look", backend="codex", model="m"),
        ),
        ("after_merge: {prompt: Look, agent: eye}", AfterMerge(prompt="Look", agent="eye")),
    ],
)
def test_what_is_said_is_what_is_wanted(line, wanted):
    assert read(line).after_merge == wanted


@pytest.mark.parametrize(
    ("value", "what", "where"),
    [
        ("{keep: x}", "must have either commands to `run` or the `prompt`", "p:4:14 after_merge"),
        ("{run: a, prompt: b}", "must have either", "p:4:14 after_merge"),
        ("{run: a, kep: x}", "unknown key `kep` in `after_merge`", "p:4:23 after_merge.kep"),
        ("{run: ''}", "`after_merge.run`", "p:4:20 after_merge.run"),
        ("''", "`after_merge", "p:4:14 after_merge"),
        ("5", "`after_merge", "p:4:14 after_merge"),
        ("{prompt: x, backend: command}", "no agent of the backend", "p:4:35 after_merge.backend"),
        ("{prompt: x, backend: clod}", "`backend` of `after_merge`", "p:4:35 after_merge.backend"),
        (
            "{prompt: x, backend: codex, agent: a}",
            "does not understand",
            "p:4:42 after_merge.agent",
        ),
        ("{run: a, timeout: soon}", "`after_merge.timeout`", "p:4:32 after_merge.timeout"),
        ("{run: a, keep: /tmp/x}", "`after_merge.keep`", "p:4:29 after_merge.keep"),
    ],
)
def test_what_it_cannot_mean_is_told_with_its_place(value, what, where):
    with pytest.raises(PlanError) as caught:
        read(f"after_merge: {value}")

    (problem,) = caught.value.problems
    assert what in problem.what
    assert problem.where.startswith(where)


def test_an_agent_that_does_not_tell_its_cost_has_no_place_in_a_budget():
    with pytest.raises(PlanError, match=r"`budget.max_cost_usd` can't be kept: `after_merge` has"):
        read("budget: {max_cost_usd: 1}\nafter_merge: {prompt: x, backend: codex}")


def test_nothing_can_be_held_back_that_each_merge_delivers():
    with pytest.raises(PlanError, match="can hold nothing back"):
        read("merge: {deliver: each}\nafter_merge: {run: a, required: true}")


def test_what_only_an_agent_has_is_remarked_on_beside_commands():
    (warning,) = read("after_merge: {run: a, model: m}").warnings

    assert "`after_merge.model` has no effect without a `prompt`" in warning
