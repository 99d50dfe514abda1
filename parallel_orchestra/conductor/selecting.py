"""Which tasks a run carries out, if the user asked for some of them only."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from parallel_orchestra.conductor.heeding import set_aside
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import Problem, UsageError
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Plan
from parallel_orchestra.plain import some_of
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskStore
from parallel_orchestra.store.steering import Selection

#: How many tasks a sentence names.
_NAMED = 10


def demand_sense(settings: Settings, graph: Graph, added: Collection[str] = ()) -> None:
    """Does nothing if `--only` and `--skip` name tasks that there are, and leave those to do.

    `added` are the tasks that joined the run and that the plan's graph does not have.

    Raises:
        UsageError: with everything that is wrong with them.
    """
    known = {*graph.order, *added}
    problems = []
    for option, names in (("--only", settings.only), ("--skip", settings.skip)):
        for name in dict.fromkeys(names):
            if name not in known:
                close = get_close_matches(name, known, n=1)
                hint = f"did you mean `{close[0]}`?" if close else "name a task by its `id`"
                problems.append(Problem(f"there is no task `{name}` for `{option}`", hint=hint))
    out = _reached(set(settings.skip) & set(graph.order), graph.dependents)
    hint = "with a task, what needs it is left out: name others"
    problems += [
        Problem(f"`--only` asks for `{name}`, which `--skip` leaves out", hint=hint)
        for name in dict.fromkeys(settings.only)
        if name in out
    ]
    if not settings.only and out and not known - out:
        problems.append(Problem("`--skip` leaves out all tasks", hint=hint))
    if problems:
        raise UsageError(*problems)


def named(graph: Graph, settings: Settings) -> frozenset[str]:
    """Returns the tasks that `--only` and `--skip` leave: none of them needs one that is left out.

    `--only` takes with a task what it needs, `--skip` leaves out with it what needs it.
    """
    tasks = frozenset(graph.order)
    if settings.only:
        tasks = _reached(settings.only, graph.dependencies)
    return tasks - _reached(settings.skip, graph.dependents)


def narrowed(plan: Plan, settings: Settings) -> Plan:
    """Returns the plan with the tasks that `--only` and `--skip` leave.

    Raises:
        UsageError: they name tasks that there are not, or leave none.
    """
    graph = Graph.of(plan.tasks)
    demand_sense(settings, graph)
    kept = named(graph, settings)
    return replace(plan, tasks=tuple(task for task in plan.tasks if task.id in kept))


def selected(layout: Layout, graph: Graph, settings: Settings) -> Selection | None:
    """Returns what this run is to carry out as things stand; None for everything."""
    asked = tuple(_asked(settings))
    if not asked:
        return None
    tasks = named(graph, settings)
    entries = TaskStore(layout, "").settled_listing(()).entries
    states = {task: entry.state for task, entry in entries.items()}
    if settings.retry_failed:
        failed = [task for task, state in states.items() if state is TaskState.FAILED]
        again = set(failed) & set(graph.order) - set_aside(layout)
        tasks &= _reached(again, graph.dependents)
    if settings.one_group:
        tasks = tasks & _front(graph, states) - set_aside(layout)
    return Selection(tasks, " ".join(asked), step=settings.one_group)


def foreseen(
    layout: Layout, graph: Graph, settings: Settings
) -> tuple[Selection | None, frozenset[str]]:
    """Returns what a run would carry out of the plan if it began at once, and what is done by then.

    None and nothing if that is everything. `--fresh` begins with no task done.
    """
    if not (settings.one_group or settings.retry_failed):
        return None, frozenset()
    if settings.fresh:
        return Selection(
            named(graph, settings) & _front(graph, {}), "--one-group", step=True
        ), frozenset()
    entries = TaskStore(layout, "").settled_listing(()).entries
    done = frozenset(task for task, one in entries.items() if one.state is TaskState.DONE)
    return selected(layout, graph, settings), done


def told(selection: Selection | None, graph: Graph) -> str:
    """Returns what the user should know of a selection, a sentence; empty if there is none."""
    if selection is None:
        return ""
    names = [task for task in graph.order if task in selection.tasks]
    if not names:
        return f"no task is left to carry out: {selection.why}"
    shown = some_of([f"`{name}`" for name in names], _NAMED)
    return f"only these tasks are carried out: {shown} ({selection.why})"


def _asked(settings: Settings) -> Iterable[str]:
    if settings.only:
        yield f"--only {','.join(settings.only)}"
    if settings.skip:
        yield f"--skip {','.join(settings.skip)}"
    if settings.retry_failed:
        yield "--retry-failed"
    if settings.one_group:
        yield "--one-group"


def _front(graph: Graph, states: Mapping[str, TaskState]) -> frozenset[str]:
    """Returns the tasks that are not done, but all that they need: the next level of the graph."""

    def done(task: str) -> bool:
        return states.get(task) is TaskState.DONE

    return frozenset(
        task for task in graph.order if not done(task) and all(map(done, graph.dependencies[task]))
    )


def _reached(starts: Iterable[str], onward: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    found = set(starts)
    waiting = list(found)
    while waiting:
        new = set(onward[waiting.pop()]) - found
        found |= new
        waiting += new
    return frozenset(found)
