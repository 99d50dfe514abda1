"""A plan's graph for a terminal, for Mermaid, for Graphviz and for programs. Knows nothing of runs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Plan
from parallel_orchestra.report.text import clean, one_line
from parallel_orchestra.schedule import durations

#: Levels of a tree that are drawn: beyond them the lines are longer than any window.
_DEEPEST = 40
#: Other tasks that a line of a tree names.
_NAMED = 8


def tree(plan: Plan) -> str:
    """Returns the tasks as a tree: below each task those that need it, a chain on one line.

    A task with several needs is drawn below the first of them, where the others are named.
    """
    graph = Graph.of(plan.tasks)
    chains = _chains(graph)
    chain_of = {task: head for head, chain in chains.items() for task in chain}
    below: dict[str, list[str]] = {head: [] for head in chains}
    tops: list[str] = []
    for head in chains:
        needs = graph.dependencies[head]
        (below[chain_of[needs[0]]] if needs else tops).append(head)
    lines: list[str] = []
    stack = [(head, "", "") for head in reversed(tops)]
    while stack:
        head, lead, branch = stack.pop()
        lines.append(f"{lead}{branch}{_line(graph, chains[head])}")
        inner = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        children = below[head]
        if children and len(inner) >= 3 * _DEEPEST:
            lines.append(f"{inner}└─ ... deeper than {_DEEPEST} levels")
            continue
        for place, child in enumerate(reversed(children)):
            stack.append((child, inner, "├─ " if place else "└─ "))
    return "\n".join(lines) + "\n"


def mermaid(plan: Plan) -> str:
    """Returns the graph as a Mermaid flowchart; the critical path stands out."""
    graph, critical = Graph.of(plan.tasks), _critical(plan)
    names = {task.id: f"t{number}" for number, task in enumerate(plan.tasks)}
    lines = ["flowchart LR"]
    for task in plan.tasks:
        label = "<br/>".join(mermaid_words(text) for text in (task.id, task.title) if text)
        marked = ":::critical" if task.id in critical else ""
        lines.append(f'    {names[task.id]}["{label}"]{marked}')
    lines += [f"    {names[need]} --> {names[task]}" for need, task in _edges(graph)]
    lines.append("    classDef critical stroke:#d33,stroke-width:3px")
    return "\n".join(lines) + "\n"


def dot(plan: Plan) -> str:
    """Returns the graph in the language of Graphviz; the critical path stands out."""
    graph, critical = Graph.of(plan.tasks), _critical(plan)
    after = dict(pairwise(critical))
    lines = [f"digraph {_quoted(plan.name)} {{", "    rankdir=LR;", "    node [shape=box];"]
    for task in plan.tasks:
        label = "\\n".join(_quoted(one_line(text))[1:-1] for text in (task.id, task.title) if text)
        marked = ", color=red, penwidth=2" if task.id in critical else ""
        lines.append(f'    {_quoted(task.id)} [label="{label}"{marked}];')
    for need, needy in _edges(graph):
        marked = " [color=red, penwidth=2]" if after.get(need) == needy else ""
        lines.append(f"    {_quoted(need)} -> {_quoted(needy)}{marked};")
    return "\n".join((*lines, "}")) + "\n"


def record(plan: Plan) -> str:
    """Returns the graph as JSON: the tasks with what they need, and the critical path."""
    graph = Graph.of(plan.tasks)
    told = {
        "name": clean(plan.name),
        "tasks": [
            {
                "id": task.id,
                "title": clean(task.title),
                "depends_on": list(graph.dependencies[task.id]),
                "dependents": list(graph.dependents[task.id]),
            }
            for task in plan.tasks
        ],
        "critical_path": list(_critical(plan)),
    }
    return json.dumps(told, indent=2) + "\n"


#: What `graph --format` draws.
DRAWINGS: Mapping[str, Callable[[Plan], str]] = {
    "tree": tree,
    "mermaid": mermaid,
    "dot": dot,
    "json": record,
}


def _chains(graph: Graph) -> dict[str, list[str]]:
    """Returns the tasks in chains, each of whose links is all that comes after the one before."""
    chains: dict[str, list[str]] = {}
    heads: dict[str, str] = {}
    for task in graph.order:
        needs = graph.dependencies[task]
        if len(needs) == 1 and len(graph.dependents[needs[0]]) == 1:
            heads[task] = heads[needs[0]]
            chains[heads[task]].append(task)
        else:
            heads[task] = task
            chains[task] = [task]
    return chains


def _line(graph: Graph, chain: Sequence[str]) -> str:
    others = graph.dependencies[chain[0]][1:]
    words = " -> ".join(chain)
    if not others:
        return words
    named = ", ".join(others[:_NAMED]) + (", ..." if len(others) > _NAMED else "")
    return f"{words} (also after: {named})"


def _edges(graph: Graph) -> Iterator[tuple[str, str]]:
    for task, needs in graph.dependencies.items():
        for need in needs:
            yield need, task


def _critical(plan: Plan) -> tuple[str, ...]:
    return Graph.of(plan.tasks).critical_path(durations(plan.tasks, {}))


def mermaid_words(text: str) -> str:
    """Returns a text for a label of Mermaid's, of which it reads nothing as a sign."""
    # Mermaid takes entities, but with a number sign in place of the ampersand, and none in
    # hexadecimal. It looks for settings between percent signs anywhere, also in what is quoted.
    words = one_line(text).replace("#", "#35;").replace("%", "#37;").replace("`", "#96;")
    return escape(words, quote=False).replace('"', "&quot;").replace("&", "#")


def _quoted(text: str) -> str:
    return '"' + one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
