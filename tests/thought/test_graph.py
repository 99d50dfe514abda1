"""Order, waves, the critical path, the mode, and who writes the same files."""

import time
import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.graph import (
    Clash,
    Graph,
    Mode,
    caps,
    choose_mode,
    clash,
    find_cycle,
    overlapping,
    rivals,
    width,
)
from parallel_orchestra.model import Task
from parallel_orchestra.ownership import Tree
from support.effort import cases
from support.machine import fair


def tasks_of(**edges: str) -> list[Task]:
    """Tasks by name, each with the names that it depends on: `b="a"`."""
    return [Task(id=name, depends_on=tuple(needed.split())) for name, needed in edges.items()]


def graph_of(**edges: str) -> Graph:
    return Graph.of(tasks_of(**edges))


def chain(length: int) -> list[Task]:
    return [Task(id=f"t{i}", depends_on=(f"t{i - 1}",) if i else ()) for i in range(length)]


TURNS = "they write what others write"
DIAMOND = {"a": "", "b": "a", "c": "a", "d": "b c"}


@st.composite
def plans(draw) -> list[Task]:
    """Any plan of up to eight tasks, not written in the order in which it runs."""
    count = draw(st.integers(0, 8))
    needed = [
        draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set() for i in range(count)
    ]
    tasks = [Task(id=f"t{i}", depends_on=tuple(f"t{j}" for j in needed[i])) for i in range(count)]
    return draw(st.permutations(tasks))


def ancestors(tasks: list[Task]) -> dict[str, set[str]]:
    by_id = {task.id: task for task in tasks}

    def above(task_id: str) -> set[str]:
        found: set[str] = set()
        for other in by_id[task_id].depends_on:
            found |= {other} | above(other)
        return found

    return {task.id: above(task.id) for task in tasks}


def test_the_order_is_topological_and_keeps_the_plans_order_among_equals():
    graph = graph_of(z="", b="d", a="", d="z")

    assert graph.order == ("z", "a", "d", "b")


def test_both_directions_of_every_edge_are_known():
    graph = graph_of(**DIAMOND)

    assert graph.dependencies == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    assert graph.dependents == {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ()}


def test_waves_are_the_earliest_levels():
    graph = graph_of(a="", b="a", c="", d="b c", e="c")

    assert graph.waves() == (("a", "c"), ("b", "e"), ("d",))


def test_an_empty_plan_has_no_waves():
    graph = Graph.of([])

    assert (graph.order, graph.waves(), width(graph)) == ((), (), 0)


def test_bottom_levels_and_the_critical_path_follow_the_durations():
    graph = graph_of(**DIAMOND)
    durations = {"a": 1.0, "b": 5.0, "c": 2.0, "d": 3.0}

    assert graph.bottom_levels(durations) == {"a": 9.0, "b": 8.0, "c": 5.0, "d": 3.0}
    assert graph.critical_path(durations) == ("a", "b", "d")


def test_without_durations_every_task_counts_one():
    graph = graph_of(a="", b="", c="b")

    assert graph.critical_path({}) == ("b", "c")


@pytest.mark.parametrize("edges", [{"a": "b", "b": "a"}, {"a": "x"}], ids=["circle", "unknown"])
def test_a_graph_that_can_not_run_is_refused(edges):
    with pytest.raises(ValueError):
        graph_of(**edges)


@given(plans())
def test_any_plan_is_ordered_with_dependencies_first(tasks):
    graph = Graph.of(tasks)

    place = {task_id: i for i, task_id in enumerate(graph.order)}
    assert len(place) == len(tasks)
    assert all(place[other] < place[task.id] for task in tasks for other in task.depends_on)


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({}, None),
        (DIAMOND, None),
        ({"a": "a"}, ("a", "a")),
        ({"a": "b", "b": "c", "c": "a"}, ("a", "b", "c", "a")),
        ({"x": "a", "a": "b", "b": "a"}, ("a", "b", "a")),
        ({"a": "gone"}, None),
    ],
)
def test_a_circle_is_found_with_its_path(edges, cycle):
    found = find_cycle({name: needed.split() for name, needed in edges.items()})

    assert found == cycle


@pytest.mark.parametrize(
    ("edges", "mode", "reason"),
    [
        ({"a": ""}, Mode.SEQUENTIAL, "the plan has a single task"),
        (
            {"a": "", "b": "a", "c": "b"},
            Mode.SEQUENTIAL,
            "all 3 tasks form one chain: each waits for the one before",
        ),
        (
            DIAMOND,
            Mode.SEQUENTIAL,
            "only 2 of 4 tasks could run side by side, fewer than 3",
        ),
        (
            {"a": "", "b": "", "c": ""},
            Mode.PARALLEL,
            "3 of 3 tasks can run beside others, up to 3 at once",
        ),
        (
            {"a": "", "b": "a", "c": "", "d": "b c"},
            Mode.PARALLEL,
            "3 of 4 tasks can run beside others, up to 2 at once",
        ),
    ],
    ids=["one", "chain", "diamond", "independent", "two arms"],
)
def test_the_mode_is_chosen_with_its_reason(edges, mode, reason):
    assert choose_mode(graph_of(**edges)) == (mode, reason)


def test_two_tasks_without_an_order_may_be_enough():
    two = graph_of(a="", b="")

    assert choose_mode(two)[0] is Mode.SEQUENTIAL
    assert choose_mode(two, enough=2)[0] is Mode.PARALLEL


@given(plans())
def test_the_mode_counts_exactly_the_tasks_without_an_order_to_some_other(tasks):
    above = ancestors(tasks)
    loose = {
        name
        for a, b in combinations(above, 2)
        if a not in above[b] and b not in above[a]
        for name in (a, b)
    }

    mode, _ = choose_mode(Graph.of(tasks))

    assert (mode is Mode.PARALLEL) == (len(loose) >= 3)


@pytest.mark.parametrize(
    ("writes", "mode", "reason"),
    [
        (
            {"a": "x", "b": "x", "c": "x"},
            Mode.SEQUENTIAL,
            "no two tasks may run side by side: all 3 tasks write the same files",
        ),
        (
            {"a": "x", "b": "src/*", "c": "**", "d": "src/a"},
            Mode.PARALLEL,
            "4 of 4 tasks can run beside others, up to 2 at once; 4 take turns: " + TURNS,
        ),
        (
            {"a": "x", "b": "x", "c": "y"},
            Mode.PARALLEL,
            "3 of 3 tasks can run beside others, up to 2 at once; 2 take turns: " + TURNS,
        ),
        (
            {"a": "x", "b": "x y", "c": "y z", "d": "z x"},
            Mode.SEQUENTIAL,
            "only 2 of 4 tasks could run side by side: the others write the same files",
        ),
    ],
)
def test_tasks_that_write_the_same_files_can_not_run_side_by_side(writes, mode, reason):
    tasks = [Task(id=name, writes=tuple(what.split())) for name, what in writes.items()]
    graph = Graph.of(tasks)

    assert choose_mode(graph, rivals(tasks, graph)) == (mode, reason)


def at_once(tasks: list[Task], limits: dict[str, int]) -> int:
    """The most tasks that may run at once, by trying all sets."""
    above = ancestors(tasks)
    graph = Graph.of(tasks)
    apart = rivals(tasks, graph)

    def possible(chosen: tuple[Task, ...]) -> bool:
        counted = Counter(task.concurrency_group for task in chosen if task.concurrency_group)
        return all(count <= limits.get(group, 1) for group, count in counted.items()) and not any(
            a.id in above[b.id] or b.id in above[a.id] or b.id in apart.get(a.id, ())
            for a, b in combinations(chosen, 2)
        )

    sizes = range(len(tasks), 0, -1)
    return next((n for n in sizes if any(map(possible, combinations(tasks, n)))), 0)


@given(plans())
def test_without_files_and_groups_the_width_is_exact(tasks):
    assert width(Graph.of(tasks)) == at_once(tasks, {})


@given(plans(), st.data())
def test_files_and_groups_never_let_more_tasks_run_than_the_width(bare, data):
    files = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2)
    tasks = [
        replace(
            task,
            writes=tuple(data.draw(files)),
            concurrency_group=data.draw(st.sampled_from(["", "g", "h"])),
        )
        for task in bare
    ]
    graph, limits = Graph.of(tasks), {"h": 2}

    found = width(graph, rivals(tasks, graph), caps(tasks, limits))

    assert at_once(tasks, limits) <= found <= at_once(bare, {})


@pytest.mark.parametrize(
    ("tasks", "most"),
    [
        # a and b, then c beside both is wider than any level
        (tasks_of(a="", b="a", c="a", d="b", e=""), 3),
        ([Task(id=name, writes=("x",)) for name in "abcd"], 1),
        ([Task(id=name, writes=(f"{name}.py", "x")) for name in "ab"] + tasks_of(c=""), 2),
        ([Task(id=name, concurrency_group="g") for name in "abcd"], 1),
        ([Task(id=name, concurrency_group="h") for name in "abcd"] + tasks_of(e=""), 3),
        ([Task(id=f"{a}{b}", writes=(f"{b}.py",)) for a in "xyz" for b in "pq"], 2),
    ],
    ids=["order", "one file", "two and a free one", "group", "group of two", "two files"],
)
def test_the_width_counts_what_can_run_at_once(tasks, most):
    graph = Graph.of(tasks)

    assert width(graph, rivals(tasks, graph), caps(tasks, {"h": 2})) == most


def test_a_group_alone_may_let_one_task_run_at_a_time():
    tasks = [Task(id=name, concurrency_group="db") for name in "abc"]
    graph = Graph.of(tasks)

    mode, why = choose_mode(graph, most=width(graph, limited=caps(tasks, {})))

    assert mode is Mode.SEQUENTIAL
    assert why == (
        "no two tasks may run side by side: their concurrency groups let one run at a time"
    )


@pytest.mark.slow
@pytest.mark.parametrize("count", cases([10_000, 30_000], [10_000]))
def test_the_width_of_many_tasks_is_found_at_once(count):
    dice = Random(count)
    tasks = [
        Task(
            id=f"t{i}",
            depends_on=tuple({f"t{i - dice.randint(1, 200)}" for _ in range(3)} if i > 200 else ()),
            writes=(f"f{dice.randrange(count // 3)}.py",),
            concurrency_group=f"g{i % 50}" if i % 7 == 0 else "",
        )
        for i in range(count)
    ]
    graph = Graph.of(tasks)
    apart, limited = rivals(tasks, graph), caps(tasks, {"g0": 3})
    started = time.process_time()

    most = width(graph, apart, limited)

    assert time.process_time() - started < fair(1.5)
    assert 0 < most < count


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "./src/a.py", True),
        ("src/a.py", "src/b.py", False),
        ("src", "src/a.py", True),
        ("src/", "src/a/b.py", True),
        ("src/", "srcs/a.py", False),
        ("setup.py", "tools/setup.py", False),
        ("src/**/*.py", "src/a/b.py", True),
        ("src/**/*.py", "src/b.py", True),
        ("src/**/*.py", "src/a/b.md", False),
        ("src/**/*.py", "docs/b.py", False),
        ("src/**/*.py", "src/", True),
        ("src/**/*.py", "src", True),
        ("src/**/*.py", "src/deep/er/", True),
        ("src/*.py", "src/a/", False),
        ("src/*.py", "src/sub/a.py", False),
        ("src/*", "src/sub/a.py", True),
        ("*.py", "deep/down/a.py", True),
        ("*.py", "deep/down/a.md", False),
        ("*.py", "deep/down/", True),
        ("**/*.py", "**/*.md", False),
        ("**/*.py", "**/test_*", True),
        ("src/*.py", "src/*.md", False),
        ("src/*.py", "src/a*", True),
        ("src/a*.py", "src/b*.py", False),
        ("src/**", "src/x/**/*.md", True),
        ("src/**", "lib/**", False),
        ("src/**/gen", "src/**/*.py", True),
        ("src/[ab].py", "src/a.py", True),
        ("src/[ab].py", "src/c.py", False),
        ("src/[ab].py", "src/?.py", True),
        ("a/*/c.py", "a/b/*.py", True),
        ("a/*/c.py", "a/b/d.py", False),
        ("src/{a,b}.py", "src/b.py", True),
        ("src/{a,b}.py", "src/c.py", False),
        ("src/a.py::A", "src/a.py::B", False),
        ("src/a.py::A", "src/a.py", True),
    ],
)
def test_patterns_overlap_unless_it_is_clear_that_they_do_not(one, other, meet):
    assert overlapping(one, other) is meet
    assert overlapping(other, one) is meet


def test_rivals_write_the_same_and_have_no_order():
    tasks = [
        Task(id="a", writes=("src/x.py",)),
        Task(id="b", writes=("src/",)),
        Task(id="c", writes=("src/x.py",), depends_on=("a",)),
        Task(id="d", writes=("docs/",)),
        Task(id="e", writes=("src/x.py",), read_only=True),
        Task(id="f"),
        Task(id="g", writes=("*.md", "!README.md"), depends_on=("d",)),
        Task(id="h", writes=("docs/a.md",)),
    ]

    found = rivals(tasks, Graph.of(tasks))

    assert found == {
        "a": ("b",),
        "b": ("a", "c", "g"),
        "c": ("b",),
        "d": ("h",),
        "g": ("b", "h"),
        "h": ("d", "g"),
    }


def test_an_order_through_others_is_an_order():
    tasks = [
        Task(id="a", writes=("x",)),
        Task(id="m", depends_on=("a",)),
        Task(id="z", writes=("x",), depends_on=("m",)),
    ]

    assert rivals(tasks, Graph.of(tasks)) == {}


PATTERNS = st.sampled_from(["a", "a/", "a/b", "a/*.py", "b/x.py", "b/**/*.py", "*.md", "b"])


@given(plans(), st.data())
def test_rivals_are_all_unordered_pairs_that_overlap(bare, data):
    tasks = [
        Task(
            id=t.id,
            depends_on=t.depends_on,
            writes=tuple(data.draw(st.lists(PATTERNS, max_size=2))),
        )
        for t in bare
    ]
    above = ancestors(tasks)

    found = rivals(tasks, Graph.of(tasks))

    for a, b in combinations(tasks, 2):
        ordered = a.id in above[b.id] or b.id in above[a.id]
        meet = any(overlapping(x, y) for x in a.writes for y in b.writes)
        assert (b.id in found.get(a.id, ())) == (meet and not ordered)


def test_a_task_that_shares_files_only_with_those_behind_it_is_counted_once():
    first = ("t0", "t1", "t2")
    tasks = [
        Task(id="t0"),
        Task(id="t1", depends_on=("t0",)),
        Task(id="t2", depends_on=("t0",), writes=("a",)),
        Task(id="t3", depends_on=first, writes=("a",)),
        Task(id="t4", depends_on=first, writes=("a",)),
    ]
    graph = Graph.of(tasks)

    mode, why = choose_mode(graph, rivals(tasks, graph))

    assert mode is Mode.SEQUENTIAL
    assert why.startswith("only 2 of 5 tasks could run side by side")


@given(plans(), st.data())
def test_the_mode_counts_exactly_the_tasks_that_may_run_beside_some_other(bare, data):
    tasks = [
        Task(
            id=t.id,
            depends_on=t.depends_on,
            writes=tuple(data.draw(st.lists(st.sampled_from(["a", "b", "a/*.py"]), max_size=2))),
        )
        for t in bare
    ]
    above, graph = ancestors(tasks), Graph.of(tasks)
    contenders = rivals(tasks, graph)
    loose = {
        name
        for a, b in combinations(above, 2)
        if a not in above[b] and b not in above[a] and b not in contenders.get(a, ())
        for name in (a, b)
    }

    mode, _ = choose_mode(graph, contenders)

    assert (mode is Mode.PARALLEL) == (len(loose) >= 3)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (("src/a.py",), ("src/a.py",), Clash("src/a.py", "src/a.py", "src/a.py")),
        (("x", "src/"), ("src/a.py",), Clash("src/", "src/a.py", "src/a.py")),
        (("src/*.py",), ("*/b.py", "*/c.py"), Clash("src/*.py", "*/c.py", "src/c.py")),
        (("s*/*.md",), ("*/b.md", "*/c.md"), Clash("s*/*.md", "*/b.md", "s/b.md")),
        (("{x,y}.py",), ("y.py",), Clash("y.py", "y.py", "y.py")),
        (("src/",), ("doc/",), None),
    ],
)
def test_a_clash_names_a_pattern_of_each_and_a_path_that_exists_if_there_is_one(one, other, why):
    tree = Tree.of(["src/c.py"])

    assert clash(Task(id="a", writes=one), Task(id="b", writes=other), tree) == why


def test_rivals_are_counted_in_pairs_each_once():
    tasks = [Task(id=name, writes=("x",)) for name in "abc"]

    found = rivals(tasks, Graph.of(tasks))

    assert found.pairs() == 3
    assert [(name, *found.later(name)) for name in found] == [("a", "b", "c"), ("b", "c"), ("c",)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "tasks",
    [
        chain(10_000),
        [Task(id=f"t{i}", writes=(f"out/{i % 100}/{i}.txt",)) for i in range(10_000)],
        [Task(id=f"t{i}", writes=("CHANGELOG.md",)) for i in range(10_000)],
        [Task(id=f"t{i}", writes=(f"m{i}/**/*.py",)) for i in range(10_000)],
        [Task(id=t.id, depends_on=t.depends_on, writes=("CHANGELOG.md",)) for t in chain(10_000)],
    ],
    ids=["chain", "own files", "one file", "own globs", "one file in a chain"],
)
def test_ten_thousand_tasks_are_no_burden(tasks):
    started = time.process_time()

    graph = Graph.of(tasks)
    graph.critical_path({})
    found = rivals(tasks, graph)
    choose_mode(graph, found)

    assert time.process_time() - started < fair(3)
    assert len(found) in {0, 10_000}
    assert find_cycle(graph.dependencies) is None


@pytest.mark.slow
def test_tasks_that_write_a_file_each_cost_no_memory_for_one_another():
    peaks = []

    for count in (1_500, 6_000):
        tasks = [Task(id=f"t{i}", writes=(f"src/f{i}.py",)) for i in range(count)]
        graph = Graph.of(tasks)
        tracemalloc.start()
        assert rivals(tasks, graph) == {}
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] / peaks[0] < 6


# waves


def in_waves(edges: dict[str, str], waves: dict[str, int]) -> Graph:
    tasks = tasks_of(**edges)
    return Graph.of([replace(task, wave=waves.get(task.id)) for task in tasks])


def test_a_wave_waits_for_all_of_the_wave_before():
    graph = in_waves(dict.fromkeys("abcd", ""), {"a": 1, "b": 1, "c": 5, "d": 5})

    assert graph.dependencies == {"a": (), "b": (), "c": ("a", "b"), "d": ("a", "b")}
    assert graph.dependents["a"] == ("c", "d")
    assert graph.waves() == (("a", "b"), ("c", "d"))


def test_only_the_ends_of_a_wave_are_tied_to_the_next_one():
    graph = in_waves({"a": "", "b": "a", "c": "", "d": "c"}, {"a": 0, "b": 0, "c": 1, "d": 1})

    assert graph.dependencies == {"a": (), "b": ("a",), "c": ("b",), "d": ("c",)}


def test_a_task_without_a_wave_waits_for_none():
    graph = in_waves({"a": "", "free": "", "b": "free a"}, {"a": 1, "b": 2})

    assert graph.dependencies == {"a": (), "free": (), "b": ("free", "a")}


@given(plans(), st.data())
def test_in_every_plan_with_waves_each_task_comes_after_all_of_lower_waves(tasks, data):
    depth = {name: i for i, name in enumerate(Graph.of(tasks).order)}
    cut = data.draw(st.integers(0, 8))
    waves = {name: int(depth[name] >= cut) + int(depth[name] >= 2 * cut) for name in depth}
    chosen = data.draw(st.sets(st.sampled_from(sorted(depth)))) if depth else set()
    graph = Graph.of(
        [replace(task, wave=waves[task.id] if task.id in chosen else None) for task in tasks]
    )

    levels = graph.bottom_levels({})

    for one in chosen:
        for other in chosen:
            if waves[one] < waves[other]:
                assert levels[one] > levels[other]
                assert graph.order.index(one) < graph.order.index(other)


def test_two_waves_of_a_thousand_share_the_names_that_they_wait_for():
    tasks = [Task(id=f"t{i}", wave=i // 1000) for i in range(2000)]

    graph = Graph.of(tasks)

    assert len(graph.dependencies["t1999"]) == 1000
    assert graph.dependencies["t1999"] is graph.dependencies["t1000"]
