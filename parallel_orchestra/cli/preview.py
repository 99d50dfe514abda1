"""What a run is going to be, before it is: the pre-flight block and the dry run. Pure."""

import textwrap
from collections.abc import Iterator, Sequence

from parallel_orchestra.cli.sharing import sharing
from parallel_orchestra.conductor import Preflight
from parallel_orchestra.errors import Problem
from parallel_orchestra.graph import Graph, choose_mode, rivals
from parallel_orchestra.model import Isolation, Plan, Task
from parallel_orchestra.ownership import NOTHING, Tree
from parallel_orchestra.report.text import one_line, short, span
from parallel_orchestra.schedule import durations

_LISTED = 20
_WIDTH = 88


def briefing(plan: Plan, found: Preflight) -> str:
    """Returns what the user sees before the first agent starts."""
    facts = [
        ("plan", f"{plan.name or plan.source.name}: {_counted(len(plan.tasks), 'task')}"),
        ("mode", f"{found.mode.value}: {found.mode_reason}"),
        ("workers", str(found.workers)),
        ("base", f"{found.base_branch} at {short(found.base_commit)}"),
        ("project", str(plan.cwd)),
        *(("note", notice) for notice in found.notices),
    ]
    return "".join(f"{name:<8} {one_line(value)}\n" for name, value in facts)


def dry_run(
    plan: Plan,
    workers: int,
    enough: int,
    problems: Sequence[Problem] = (),
    tree: Tree = NOTHING,
) -> str:
    """Returns the order of a plan, how wide it is and what takes longest; for stdout.

    `enough` tasks that could run beside others make several workers worth while.
    `problems` stand in the way of a real run and are shown at the end. `tree` are the files
    that the tasks start from.
    """
    graph = Graph.of(plan.tasks)
    contenders = rivals(plan.tasks, graph, tree)
    mode, reason = choose_mode(graph, contenders, enough=enough)
    tasks = {task.id: task for task in plan.tasks}
    lines = [f"{plan.name or plan.source.name}: {_counted(len(tasks), 'task')}"]
    for number, wave in enumerate(graph.waves(), 1):
        lines += ["", f"wave {number}", *_rows([tasks[name] for name in wave])]
    lines += ["", f"mode: {mode.value}: {reason}", _workers(graph, workers)]
    lines += _wrapped(f"critical path: {_critical(plan, graph)}")
    for sentence in sharing(plan, contenders, tree):
        lines += _wrapped(sentence)
    lines += [f"warning: {one_line(warning)}" for warning in plan.warnings]
    for problem in problems:
        where = f" ({problem.where})" if problem.where else ""
        lines.append(f"warning: a run would stop here: {one_line(problem.what + where)}")
    return "\n".join(lines) + "\n"


def _rows(tasks: Sequence[Task]) -> Iterator[str]:
    ids = max(len(task.id) for task in tasks)
    agents = max(len(_agent(task)) for task in tasks)
    for task in tasks:
        yield f"  {task.id:<{ids}}  {_agent(task):<{agents}}  {', '.join(_facts(task))}"


def _agent(task: Task) -> str:
    return f"{task.backend}/{task.agent}" if task.agent else task.backend


def _facts(task: Task) -> Iterator[str]:
    yield f"timeout {span(task.timeout)}"
    yield "no retry" if not task.max_retries else _counted(task.max_retries, "retry", "retries")
    if task.model:
        yield f"model {one_line(task.model)}"
    if task.read_only:
        place = " in the project itself" if task.isolation is Isolation.NONE else ""
        yield f"read-only{place}"
    if task.concurrency_group:
        yield f"group {task.concurrency_group}"
    if task.wave is not None:
        yield f"in wave {task.wave}"
    if task.depends_on:
        yield f"after {' '.join(task.depends_on)}"


def _workers(graph: Graph, workers: int) -> str:
    width = graph.width()
    many = f"workers: {workers}, and at most {_counted(width, 'task')} can run at once"
    return f"{many}: more workers than that are of no use" if workers > width else many


def _critical(plan: Plan, graph: Graph) -> str:
    expected = durations(plan.tasks, {})
    path = graph.critical_path(expected)
    estimates = [task.estimate for task in plan.tasks if task.estimate is not None]
    length = _counted(len(path), "task")
    if estimates:
        length += f", about {span(sum(expected[task] for task in path))}"
    shown = path if len(path) <= _LISTED else (*path[: _LISTED - 1], "...", path[-1])
    return f"{length}: {' -> '.join(shown)}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
