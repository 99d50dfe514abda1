"""`qa` of a plan and of its tasks: who judges whom, and what is refused."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import DEFAULT_QA_TIMEOUT, Plan, Qa, Task
from parallel_orchestra.plan import parse

SOURCE = Path("/project/plan.md")
BACKENDS = "backends: {mine: {command: [x]}, paid: {command: [y], result: claude}}"


def read(top: str, *tasks: str) -> Plan:
    entries = "\n".join(f"  - {{prompt: p, {task}}}" for task in tasks)
    text = f'---\npo_plan_version: "0.2"\nname: n\n{BACKENDS}\n{top}\ntasks:\n{entries}\n---\n'
    return parse(text.encode(), SOURCE, lambda _: b"")


def told(top: str, *tasks: str) -> str:
    with pytest.raises(PlanError) as caught:
        read(top, *tasks)
    return "".join(f"{one.what}\n  {one.where}\n  {one.hint}\n" for one in caught.value.problems)


def test_nobody_judges_unless_the_plan_says_so():
    plan = read("", "id: a")

    assert plan.judge_of(plan.tasks[0]) is None
    assert plan.agents == plan.tasks


def test_the_plans_qa_judges_every_task_that_changes_files():
    plan = read(
        "qa: {backend: codex, model: m, timeout: 5m, instructions: Look.}",
        "id: a, agent: dev, model: fast",
        "id: b, read_only: true",
        "id: c, qa: false",
    )

    judge = plan.judge_of(plan.tasks[0])
    assert judge == Task(id="a", backend="codex", model="m", read_only=True, timeout=300.0)
    assert [plan.judge_of(task) for task in plan.tasks[1:]] == [None, None]
    assert plan.qa_of(plan.tasks[0]).instructions == "Look."
    assert plan.agents == (*plan.tasks, judge)


def test_without_a_name_the_tasks_own_agent_judges_without_its_role():
    plan = read("qa: true", "id: a, agent: dev, model: fast, title: T")

    assert plan.judge_of(plan.tasks[0]) == Task(
        id="a", title="T", model="fast", read_only=True, timeout=DEFAULT_QA_TIMEOUT
    )


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ("{max_rejections: 0}", Qa(backend="codex", model="m", instructions="i", max_rejections=0)),
        ("{backend: codex}", Qa(backend="codex", model="m", instructions="i", max_rejections=3)),
        ("{backend: claude}", Qa(backend="claude", instructions="i", max_rejections=3)),
        ("true", Qa(backend="codex", model="m", instructions="i", max_rejections=3)),
    ],
)
def test_a_task_takes_over_what_it_does_not_say_of_the_same_judge(own, found):
    plan = read(
        "qa: {backend: codex, model: m, instructions: i, max_rejections: 3}", f"id: a, qa: {own}"
    )

    assert plan.qa_of(plan.tasks[0]) == found


def test_a_task_may_be_judged_where_the_plan_judges_nobody():
    plan = read("qa: false", "id: a, qa: {backend: codex}", "id: b, qa: true", "id: c")

    judges = [plan.judge_of(task) for task in plan.tasks]
    assert [one and one.backend for one in judges] == ["codex", "claude", None]


def test_all_that_is_wrong_with_qa_is_said_at_once_with_its_place():
    found = told(
        "qa: {backend: codx, agnt: x}",
        "id: a, qa: {backend: codex, agent: dev}",
        "id: b, read_only: true, qa: true",
        "id: c, qa: {max_rejections: -1}",
        "id: d, qa: {backend: command}",
        "id: e, qa: {backend: claude, command: x}",
        "id: f, qa: 3",
    )

    assert found == (
        "`backend` of `qa` must be `claude`, `codex`, `command`, `gemini`, `mine`, `opencode` or "
        "`paid`, not `codx`\n  /project/plan.md:5:15 qa.backend\n  did you mean `codex`?\n"
        "unknown key `agnt` in `qa`\n  /project/plan.md:5:21 qa.agnt\n  did you mean `agent`?\n"
        "`qa` of task `a` has `agent`, which its backend `codex` does not understand\n"
        "  /project/plan.md:7:28 tasks[0].qa\n  remove the line; `claude` or `opencode` understands it\n"
        "task `b` is `read_only`, so there is no work of it to judge\n  /project/plan.md:8:45 tasks[1].qa\n"
        "  remove `qa`; a task that `depends_on` it can look at its answer\n"
        "`qa.max_rejections` of task `c` must be at least 0, not the number -1\n"
        "  /project/plan.md:9:45 tasks[2].qa.max_rejections\n  write 0 or more\n"
        "`qa` of task `d` has the backend `command`, but no `command`\n"
        "  /project/plan.md:10:28 tasks[3].qa\n  add `command: [program, argument]`\n"
        "`qa` of task `e` has a `command`, but its backend is not `command`\n"
        "  /project/plan.md:11:55 tasks[4].qa.command\n"
        "  add `backend: command`, or remove the command\n"
        "`qa` of task `f` must be true, false or a mapping, not the number 3\n"
        "  /project/plan.md:12:28 tasks[5].qa\n  write `qa: {backend: NAME}`\n"
    )


def test_a_program_can_only_be_judged_by_who_is_named():
    found = told("qa: true", "id: a, backend: command, command: x")

    assert "task `a` is a program, and its `qa` names no agent that could judge its work" in found
    assert read("qa: {backend: mine}", "id: a, backend: command, command: x")


def test_a_judge_that_does_not_tell_what_a_budget_counts_is_refused_once():
    top = "qa: {backend: codex}\nbudget: {max_cost_usd: 5}"
    found = told(top, "id: a", "id: b", "id: c, qa: {backend: mine}")

    assert found.count("a budget of `max_cost_usd` can't be kept: `qa` has the backend") == 1
    assert "`qa` of task `c` has the backend `mine`, which does not tell what it costs" in found
    free = "qa: {backend: mine, max_cost_usd: 0}\nbudget: {max_cost_usd: 5}"
    assert read(free, "id: a").qa.max_cost_usd == 0


def test_a_task_that_costs_nothing_cannot_be_judged_for_money():
    found = told(
        "qa: {backend: paid}\nbudget: {max_cost_usd: 5}",
        "id: a, backend: command, command: x, max_cost_usd: 0",
    )

    assert "its `max_cost_usd` is 0, but `qa` of task `a` asks a model" in found


def test_a_judge_that_is_not_there_is_told_with_what_else_is_wrong():
    found = told("qa: {backend: nobody, timeout: x}", "id: a, qa: {backend: nope, max_turns: 0}")

    assert "`qa.timeout`" in found
    assert "`backend` of `qa` must be" in found
    assert "`qa.max_turns` of task `a`" in found
    assert "`backend` of `qa` of task `a` must be" in found
