"""Commands of `verify`, with limits of their own or without."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import Plan, Timed
from parallel_orchestra.plan import parse
from parallel_orchestra.plan.writing import written

NOT_NOTHING = "be more than nothing and at most 365 days, not the number 0"
SOURCE = Path("/project/plan.md")


def read(verify: str) -> Plan:
    task = "{id: a, prompt: p, verify: " + verify + "}"
    text = f'---\npo_plan_version: "0.2"\nname: n\nverify: {verify}\ntasks:\n  - {task}\n---\n'
    return parse(text.encode(), SOURCE, lambda _: b"")


@pytest.mark.parametrize(
    ("verify", "commands"),
    [
        ("make", ("make",)),
        ("[make, [a, b]]", ("make", ("a", "b"))),
        ("{run: make, timeout: 5m}", (Timed("make", 300.0),)),
        ("[make, {run: [a, b], timeout: 2}]", ("make", Timed(("a", "b"), 2.0))),
        ("[]", ()),
    ],
)
def test_a_command_may_have_a_limit_of_its_own(verify, commands):
    plan = read(verify)

    assert plan.verify == commands
    assert plan.tasks[0].verify == commands
    assert parse(written(plan, ".", "").encode(), SOURCE, lambda _: b"").verify == commands


@pytest.mark.parametrize(
    ("verify", "what", "place"),
    [
        ("{run: make}", "`verify` must have `run` and `timeout`", "verify"),
        ("[{timeout: 5}]", "`verify[0]` must have `run` and `timeout`", "verify[0]"),
        ("[{run: make, timeout: soon}]", "`verify[0].timeout` must be a duration, not `soon`",
         "verify[0].timeout"),
        ("{run: make, timeout: 0}", f"`verify.timeout` must {NOT_NOTHING}", "verify.timeout"),
        ("{run: make, timeout: 5, retry: 1}", "`verify.retry` can't be used", "verify.retry"),
        ("{run: 5, timeout: 5}", "`verify.run` must be a command, not the number 5", "verify.run"),
    ],
)  # fmt: skip
def test_what_is_no_command_with_a_limit_is_refused(verify, what, place):
    with pytest.raises(PlanError) as caught:
        read(verify)

    assert [(one.what, one.where.rpartition(" ")[2]) for one in caught.value.problems] == [
        (what, place),
        (
            what.replace("`verify", "`verify", 1).replace("` ", "` of task `a` ", 1),
            f"tasks[0].{place}",
        ),
    ]
