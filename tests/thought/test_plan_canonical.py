"""Plans as JSON and back."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.model import (
    AfterMerge,
    Boundaries,
    Budget,
    Checks,
    Deliver,
    Evidence,
    Halt,
    Hook,
    Isolation,
    LimitMode,
    MergeRules,
    OnConflict,
    Plan,
    Qa,
    Setup,
    Strategy,
    Task,
    Template,
    Timed,
    UsageLimit,
    Webhooks,
)
from parallel_orchestra.plan import (
    fingerprint,
    fingerprints,
    plan_from_json,
    plan_to_json,
    task_from,
)
from parallel_orchestra.plan.canonical import canonical

FULL = Task(
    id="full",
    title="A title",
    prompt="Ünïcode\n",
    agent="coder",
    backend="command",
    model="large",
    command=("sh", "-c", "true"),
    read_only=True,
    depends_on=("a", "b"),
    writes=("src/", "*.py"),
    creates=("new.py",),
    modifies=("old.py::Cart",),
    boundary=("core/",),
    priority=3,
    estimate=60.0,
    max_retries=0,
    timeout=1.5,
    idle_timeout=0.5,
    env={"B": "2", "A": "1"},
    verify=("pytest -q", ("ruff", "check")),
    expect=(Evidence(path="a"), Evidence(command=("a", "b"), contains="c")),
    allow_empty=True,
    completion_signal=True,
    skills=("testing",),
    contracts=("types.py",),
    isolation=Isolation.NONE,
    concurrency_group="gpu",
    permission_mode="plan",
    allowed_tools=("Read",),
    disallowed_tools=("Bash", "Write"),
    max_turns=7,
    max_cost_usd=2.5,
    max_tokens=1000,
    max_duration=60.0,
    wave=2,
    setup=Setup(copy=("a",), run=("x", ("y", "z")), keep=("k",), timeout=3.5, include=True),
    qa=Qa(backend="codex", command=("a", "b"), max_rejections=0),
)

SHORT = st.text(max_size=8)
COMMANDS = st.one_of(SHORT, st.lists(SHORT, max_size=3).map(tuple))
TASKS = st.builds(
    Task,
    id=SHORT,
    prompt=SHORT,
    command=st.none() | COMMANDS,
    read_only=st.booleans(),
    depends_on=st.lists(SHORT, max_size=3).map(tuple),
    estimate=st.none() | st.floats(0.1, 1e6),
    max_retries=st.integers(0, 100),
    env=st.dictionaries(SHORT, SHORT, max_size=3),
    verify=st.lists(COMMANDS, max_size=3).map(tuple),
    isolation=st.sampled_from(Isolation),
)


@given(TASKS)
def test_any_task_comes_back_from_json_as_it_was(task):
    there = json.loads(json.dumps(canonical(task)))

    assert task_from(there) == task


def test_a_plan_comes_back_from_json_as_it_was():
    plan = Plan(
        version="0.1",
        name="n",
        source=Path("/p/plan.md"),
        cwd=Path("/p"),
        tasks=(FULL, Task(id="a"), Task(id="b")),
        base="main",
        max_workers=4,
        verify=("make", ("a", "b"), Timed("slow", 5.0)),
        concurrency_limits={"gpu": 2},
        halt=Halt.of("now,20%"),
        usage_limit=UsageLimit(LimitMode.STOP, 90.0),
        backends={"mine": Template(("a", ("-m", "{model}")), False, "codex", (("auth", "b"),))},
        setup=Setup(symlink=("l",), teardown=("t",), inputs=("i",), include=True),
        boundaries=Boundaries.WARN,
        merge=MergeRules(
            baseline=True,
            junit=("a.xml",),
            failing=("cat", "f"),
            deliver=Deliver.EACH,
            strategy=Strategy.SQUASH,
            on_conflict=OnConflict.RETRY,
            regenerate=(("*.lock", "make lock"), ("go.sum", ("go", "mod", "tidy"))),
        ),
        qa=Qa(instructions="look", max_cost_usd=0.0),
        budget=Budget(max_tokens=5, max_duration=1.5),
        checks=Checks(tests=("pytest", "-q"), lint="ruff check", timeout=60.0),
        after_merge=AfterMerge(run=("make", ("a", "b")), keep=("*.png",), required=True),
        webhooks=Webhooks("https://example.org/a", "https://example.org/b"),
        on_event=Hook(("tell", "me"), ("Failed",)),
        notify=("dbus://",),
        warnings=("one",),
    )

    there = json.loads(json.dumps(plan_to_json(plan)))

    assert plan_from_json(there) == plan


def test_a_record_holds_only_what_differs_from_the_defaults():
    assert canonical(Task(id="bare", prompt="p")) == {"id": "bare", "prompt": "p"}


def test_a_fingerprint_does_not_depend_on_the_order_of_the_environment():
    other = replace(FULL, env={"A": "1", "B": "2"})

    assert fingerprint(other) == fingerprint(FULL)
    assert len(fingerprint(FULL)) == 64


def test_the_fingerprints_of_a_plans_record_are_those_of_its_tasks():
    bare = Task(id="bare", prompt="p")

    there = plan_to_json(Plan("0.2", "n", Path("/p/plan.md"), Path("/p"), (FULL, bare)))

    assert fingerprints(there) == {"full": fingerprint(FULL), "bare": fingerprint(bare)}


LIMITS_OF_USE = [field.name for field in fields(Budget)]


@pytest.mark.parametrize("name", LIMITS_OF_USE)
def test_what_a_task_may_use_is_no_part_of_what_it_is(name):
    assert fingerprint(replace(FULL, **{name: None})) == fingerprint(FULL)


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Task) if field.name not in LIMITS_OF_USE]
)
def test_every_field_counts_for_the_fingerprint(name):
    bare = Task(id="bare")

    changed = replace(bare, **{name: getattr(FULL, name)})

    assert fingerprint(changed) != fingerprint(bare)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"unknown": 1},
        {"id": "a", "isolation": "moon"},
        {"id": 5},
        {"id": "a", "depends_on": "b"},
        {"id": "a", "timeout": "soon"},
        {"id": "a", "prompt": None},
    ],
    ids=["empty", "key", "value", "number", "no list", "no seconds", "nothing"],
)
def test_a_strange_task_record_is_refused(record):
    with pytest.raises(ValueError):
        task_from(record)


@pytest.mark.parametrize("record", [{}, {"tasks": 3}, {"source": 1, "cwd": 2}, {"tasks": [{}]}])
def test_a_strange_plan_record_is_refused(record):
    with pytest.raises(EnvironmentProblem, match="holds no plan of ours"):
        plan_from_json(record)


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        ([{"id": "a", "depends_on": ["b"]}], "unknown 'b'"),
        ([{"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["a"]}], "circle|cycle"),
        ([{"id": "a"}, {"id": "a"}], "twice"),
    ],
    ids=["unknown", "circle", "twice"],
)
def test_a_record_whose_tasks_can_not_be_put_in_order_is_refused(tasks, why):
    record = plan_to_json(Plan("0.2", "n", Path("/p/plan.md"), Path("/p"), ()))

    with pytest.raises(EnvironmentProblem, match=why):
        plan_from_json({**record, "tasks": tasks})


def test_a_plan_is_loaded_back_without_the_heavy_libraries():
    code = (
        "import sys, parallel_orchestra.plan\n"
        "print([m for m in ('pydantic', 'yaml', 'frontmatter', 'pathspec') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
