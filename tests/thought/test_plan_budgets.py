"""Budgets of plans: what can't be kept is refused, with its place."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import Budget, Plan, Task
from parallel_orchestra.plan import parse
from parallel_orchestra.plan.budgets import problems_of

SOURCE = Path("/project/plan.md")
MINE = "backends: {mine: {command: [x, '{max_cost_usd}'], result: claude}, own: {command: [y]}}"


def read(top: str, *tasks: str) -> Plan:
    entries = "\n".join(f"  - {{{task}}}" for task in tasks)
    text = f'---\npo_plan_version: "0.2"\nname: n\n{top}\n{MINE}\ntasks:\n{entries}\n---\n'
    return parse(text.encode(), SOURCE, lambda _: b"")


def told(top: str, *tasks: str) -> str:
    with pytest.raises(PlanError) as caught:
        read(top, *tasks)
    return "".join(f"{one.what}\n  {one.where}\n  {one.hint}\n" for one in caught.value.problems)


def test_the_limits_of_a_run_and_of_a_task_are_read():
    plan = read(
        "budget: {max_cost_usd: 20, max_tokens: 1000, max_duration: 4h}",
        "id: a, prompt: p, max_cost_usd: 2.5, max_tokens: 500, max_duration: 50m",
    )

    assert plan.budget == Budget(20.0, 1000, 14400.0)
    task = plan.tasks[0]
    assert (task.max_cost_usd, task.max_tokens, task.max_duration) == (2.5, 500, 3000.0)


def test_a_task_whose_agent_does_not_tell_what_a_budget_counts_is_refused():
    found = told(
        "budget: {max_cost_usd: 20}",
        "id: a, prompt: p",
        "id: b, prompt: p, backend: codex",
        "id: c, backend: command, command: make",
        "id: d, prompt: p, backend: own",
        "id: e, prompt: p, backend: mine",
    )

    assert found == (
        "the plan's `budget.max_cost_usd` can't be kept: task `b` has the backend `codex`, which "
        "does not tell what it costs\n"
        "  /project/plan.md:8:33 tasks[1].backend\n"
        "  write `max_cost_usd: 0` if it uses none; `claude` or `opencode` tells it\n"
        "the plan's `budget.max_cost_usd` can't be kept: task `c` has the backend `command`, which "
        "does not tell what it costs\n"
        "  /project/plan.md:9:22 tasks[2].backend\n"
        "  write `max_cost_usd: 0` if it uses none; `claude` or `opencode` tells it\n"
        "the plan's `budget.max_cost_usd` can't be kept: task `d` has the backend `own`, which "
        "does not tell what it costs\n"
        "  /project/plan.md:10:33 tasks[3].backend\n"
        "  write `max_cost_usd: 0` if it uses none; say in whose language it answers "
        "(`result`: `claude` or `opencode`)\n"
    )


@pytest.mark.parametrize(
    ("top", "task", "fault"),
    [
        (
            "budget: {max_cost: 20}",
            "id: a, prompt: p",
            (
                "unknown key `max_cost` in `budget`\n  /project/plan.md:4:10 budget.max_cost\n"
                "  did you mean `max_cost_usd`?\n"
            ),
        ),
        (
            "budget: {max_tokens: 0}",
            "id: a, prompt: p",
            (
                "`budget.max_tokens` must be at least 1, not the number 0\n"
                "  /project/plan.md:4:22 budget.max_tokens\n  write 1 or more\n"
            ),
        ),
        (
            "budget: {max_cost_usd: 0}",
            "id: a, prompt: p",
            (
                "`budget.max_cost_usd` must be more than nothing, not the number 0\n"
                "  /project/plan.md:4:24 budget.max_cost_usd\n  remove the line if there is no limit\n"
            ),
        ),
        (
            "base: main",
            "id: a, prompt: p, max_cost_usd: $5",
            (
                "`max_cost_usd` of task `a` must be dollars, not `$5`\n"
                "  /project/plan.md:7:38 tasks[0].max_cost_usd\n  write a number, such as 2.5\n"
            ),
        ),
        (
            "base: main",
            "id: a, prompt: p, backend: gemini, max_cost_usd: 5",
            (
                "its `max_cost_usd` can't be kept: task `a` has the backend `gemini`, which does not "
                "tell what it costs\n"
                "  /project/plan.md:7:55 tasks[0].max_cost_usd\n"
                "  write `max_cost_usd: 0` if it uses none; `claude` or `opencode` tells it\n"
            ),
        ),
        (
            "base: main",
            "id: a, prompt: p, max_tokens: 0",
            (
                "`max_tokens` of task `a` is 0, but its agent, `claude`, asks a model\n"
                "  /project/plan.md:7:36 tasks[0].max_tokens\n  write more, or remove the line\n"
            ),
        ),
        (
            "base: main",
            "id: a, prompt: p, max_duration: never",
            (
                "`max_duration` of task `a` must be a duration, not `never`\n"
                "  /project/plan.md:7:38 tasks[0].max_duration\n"
                "  write seconds (90) or a duration (90s, 10m, 1h30m)\n"
            ),
        ),
    ],
    ids=["key", "no tokens", "no money", "no number", "untold", "zero", "no duration"],
)
def test_a_budget_that_is_wrong_is_told_with_its_place(top, task, fault):
    assert told(top, task) == fault


def test_a_program_that_says_that_it_uses_none_may_be_in_a_plan_with_a_budget():
    plan = read(
        "budget: {max_cost_usd: 20, max_tokens: 500}",
        "id: a, backend: command, command: make, max_cost_usd: 0, max_tokens: 0",
        "id: b, prompt: p, backend: codex, max_cost_usd: 0",
    )

    assert [task.max_cost_usd for task in plan.tasks] == [0.0, 0.0]


def test_limits_among_the_defaults_are_for_the_tasks_whose_agents_tell():
    plan = read(
        "defaults: {max_cost_usd: 2, max_tokens: 9}",
        "id: a, prompt: p",
        "id: b, prompt: p, backend: codex",
        "id: c, backend: command, command: make",
    )

    assert [(task.max_cost_usd, task.max_tokens) for task in plan.tasks] == [
        (2.0, 9),
        (None, 9),
        (None, None),
    ]


def test_a_limit_of_the_command_line_is_held_against_all_tasks_but_our_own_programs():
    tasks = (
        Task("a"),
        Task("b", backend="codex"),
        Task("c", backend="command", max_cost_usd=0.0),
        Task("d", backend="command"),
    )
    plan = Plan("0.2", "n", SOURCE, Path("/p"), tasks, budget=Budget(5.0))
    folder = Plan("cpo", "n", SOURCE, Path("/p"), tasks[3:], budget=Budget(5.0))

    found = [problem.what for problem in problems_of(plan, "`--max-cost`")]

    assert [what.partition(" has ")[0] for what in found] == [
        "`--max-cost` can't be kept: task `b`",
        "`--max-cost` can't be kept: task `d`",
    ]
    assert not list(problems_of(folder, "`--max-cost`"))
