"""What a plan says of files: what contradicts itself, and what does not fit the disk."""

import time
from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import Boundaries
from parallel_orchestra.plan import load, parse
from parallel_orchestra.plan.borders import Disk

HEAD = '---\npo_plan_version: "0.2"\nname: n\ndefaults: {backend: command, command: x}\n'


REMARKS = """\
p:6:23 tasks[0].creates[0]: task `a` creates `old.py`, which is there already \
(if it is to be changed, put it into `modifies`)
p:7:23 tasks[1].creates[0]: tasks `a` and `b` both create `new.py` \
(let one create it, and the other have it in `modifies` (line 6))
p:7:51 tasks[1].modifies[1]: task `b` modifies `gone.py`, which is not there, and which \
no task creates (check the path, which counts from `cwd`, or use `creates`)
p:8:24 tasks[2].modifies[0]: task `c` modifies `new.py`, which `a` creates, but does not \
wait for that (add `depends_on: [a]`)"""


def read(*lines, there=(), top=""):
    """The plan of these tasks, one on each line from the sixth; `there` are files on the disk."""
    text = f"{HEAD}{top}tasks:\n" + "".join(f"  - {line}\n" for line in lines) + "---\n"
    disk = Disk({Path("/p") / name for name in there}.__contains__)
    return parse(text.encode(), Path("/p/plan.md"), Path.read_bytes, disk=disk, shown="p")


def told(*lines, top=""):
    with pytest.raises(PlanError) as caught:
        read(*lines, top=top)
    return [(one.what, one.where, one.hint) for one in caught.value.problems]


@pytest.mark.parametrize("field", ["writes", "creates", "modifies"])
def test_who_only_reads_may_not_say_what_it_changes(field):
    (problem,) = told(f"{{id: a, read_only: true, {field}: [w]}}")

    assert problem == (
        f"task `a` is read-only, and has `{field}`",
        f"p:6:30 tasks[0].{field}",
        "take one of them out: a read-only task changes nothing",
    )


def test_the_defaults_may_make_a_task_read_only_too():
    text = HEAD.replace("command: x}", "command: x, read_only: true}")

    with pytest.raises(PlanError, match="task `a` is read-only, and has `writes`"):
        parse(
            f"{text}tasks: [{{id: a, writes: [w]}}]\n---\n".encode(),
            Path("/p/plan.md"),
            Path.read_bytes,
        )


def test_the_fields_reach_the_task_and_are_what_it_may_write():
    (task,) = read(
        "{id: a, writes: [w], creates: [c], modifies: [m], boundary: [b]}", there=["m"]
    ).tasks

    assert (task.writes, task.creates, task.modifies, task.boundary) == (
        ("w",),
        ("c",),
        ("m",),
        ("b",),
    )
    assert task.may_write == ("w", "c", "m")


def test_a_boundary_may_stand_in_the_defaults():
    text = HEAD.replace("command: x}", "command: x, boundary: [core/]}")
    plan = parse(f"{text}tasks: [{{id: a}}]\n---\n".encode(), Path("/p/plan.md"), Path.read_bytes)

    assert plan.tasks[0].boundary == ("core/",)


@pytest.mark.parametrize(
    ("line", "beyond", "boundary"),
    [
        ("", Boundaries.WARN, Boundaries.BLOCK),
        ("boundaries: off\n", Boundaries.OFF, Boundaries.OFF),
        ('boundaries: "off"\n', Boundaries.OFF, Boundaries.OFF),
        ("boundaries: warn\n", Boundaries.WARN, Boundaries.WARN),
        ("boundaries: block\n", Boundaries.BLOCK, Boundaries.BLOCK),
    ],
)
def test_what_follows_is_said_once_for_both(line, beyond, boundary):
    plan = read("{id: a}", top=line)

    assert (plan.on_beyond, plan.on_boundary) == (beyond, boundary)


def test_a_published_manifest_is_not_looked_at():
    text = (
        '---\npo_plan_version: "0.1"\nname: n\ncwd: .\n'
        "tasks: [{id: a, agent: x, read_only: false, writes: [a]}]\n---\n"
    )

    plan = parse(text.encode(), Path("/p/plan.md"), Path.read_bytes)

    assert plan.on_beyond is Boundaries.OFF


@pytest.mark.parametrize(
    ("value", "shown"),
    [("on", "not true (a yes/no value)"), ("strict", "not `strict`"), ("[warn]", "not a list")],
)
def test_boundaries_that_are_none_are_told(value, shown):
    ((what, where, hint),) = told("{id: a}", top=f"boundaries: {value}\n")

    assert what == f"`boundaries` must be `off`, `warn` or `block`, {shown}"
    assert where == "p:5:13 boundaries"
    assert hint == "`block` fails an attempt, `warn` only says so"


def test_contradictions_and_texts_that_are_no_patterns_are_told_all_at_once():
    assert told(
        '{id: a, writes: [src/x.py, "src/*"], creates: [n.py], boundary: [src/]}',
        "{id: b, creates: [n.py], modifies: [m.py, ./n.py]}",
        '{id: c, writes: ["a.py::1"], boundary: ["x[", /etc]}',
        '{id: d, modifies: ["a.py::A.f"], boundary: ["a.py::A"]}',
    ) == [
        (
            "task `a` has `src/x.py` in `writes` and in its `boundary`",
            "p:6:22 tasks[0].writes[0]",
            "take it out of one of them",
        ),
        (
            "task `b` has `n.py` in `creates` and in `modifies`",
            "p:7:47 tasks[1].modifies[1]",
            "a file is made once, and is there from then on: keep one of them",
        ),
        (
            "`writes[0]` of task `c` must be a path, or a path and a symbol, not `a.py::1`",
            "p:8:22 tasks[2].writes[0]",
            "write `src/a.py::Class.method` or `src/a.py`",
        ),
        (
            "`boundary[0]` of task `c` must close every `[` with a `]`",
            "p:8:45 tasks[2].boundary[0]",
            "write `\\[` for the character itself",
        ),
        (
            "`boundary[1]` of task `c` must be a path inside the project, not `/etc`",
            "p:8:51 tasks[2].boundary[1]",
            "write it relative to `cwd`, without `..`",
        ),
        (
            "task `d` has `a.py::A.f` in `modifies` and in its `boundary`",
            "p:9:24 tasks[3].modifies[0]",
            "take it out of one of them",
        ),
    ]


def test_files_that_do_not_fit_the_disk_or_other_tasks_are_remarked_on():
    plan = read(
        "{id: a, creates: [old.py, new.py]}",
        "{id: b, creates: [new.py], modifies: [old.py, gone.py]}",
        "{id: c, modifies: [new.py, any.md, gen/x]}",
        '{id: d, modifies: [new.py], depends_on: [m], writes: ["*.md"]}',
        "{id: m, depends_on: [a], creates: [gen/]}",
        there=["old.py"],
    )

    assert "\n".join(plan.warnings) == REMARKS


def test_the_same_remarks_come_along_with_the_errors_of_a_plan():
    with pytest.raises(PlanError) as caught:
        read(
            "{id: a, creates: [old.py, new.py]}",
            "{id: b, creates: [new.py], modifies: [old.py, gone.py], timeout: soon}",
            "{id: c, modifies: [new.py, any.md, gen/x], depends_on: [nobody]}",
            '{id: d, modifies: [new.py], depends_on: [m], writes: ["*.md"], priority: x}',
            "{id: m, depends_on: [a], creates: [gen/]}",
            "{id: m, creates: [old.py], modifies: [nothing]}",
            "{creates: [old.py]}",
            there=["old.py"],
        )

    assert len(caught.value.problems) == 5
    assert "\n".join(caught.value.remarks) == REMARKS


def test_files_that_nobody_creates_are_not_told_while_some_task_writes_who_knows_what():
    with pytest.raises(PlanError) as caught:
        read(
            "{id: a, modifies: [gone.py], creates: [old.py]}", '{writes: ["[x"]}', there=["old.py"]
        )

    assert [remark.partition(": ")[2] for remark in caught.value.remarks] == [
        REMARKS.splitlines()[0].partition(": ")[2]
    ]


def test_a_circle_of_tasks_says_nothing_of_who_comes_first():
    with pytest.raises(PlanError) as caught:
        read(
            "{id: a, creates: [new.py], depends_on: [b]}",
            "{id: b, depends_on: [a]}",
            "{id: c, modifies: [new.py], depends_on: [b]}",
        )

    assert caught.value.remarks == ()


def test_links_out_of_the_repository_are_remarked_on(tmp_path):
    top, outside = tmp_path / "top", tmp_path / "outside"
    (top / "app" / "deep").mkdir(parents=True)
    (top / ".git").mkdir()
    (top / "shared").mkdir()
    outside.mkdir()
    (top / "app" / "out").symlink_to("../../outside")
    (top / "app" / "near").symlink_to("../shared")
    (top / "app" / "deep" / "file.py").symlink_to(outside / "file.py")
    (tmp_path / "way").symlink_to(top)
    plan = top / "app" / "plan.md"
    plan.write_text(
        f"{HEAD}tasks:\n"
        "  - {id: a, writes: [near/x.py, 'out/**', 'o*']}\n"
        "  - {id: b, modifies: ['deep/{file,other}.py'], creates: [out]}\n---\n"
    )

    remarks = load(tmp_path / "way" / "app" / "plan.md").warnings

    shown = f"{tmp_path}/way/app/plan.md"
    ends = "(git sees no change there, and all tasks share it: write elsewhere)"
    where = "is a link out of the repository, to"
    assert "\n".join(remark for remark in remarks if where in remark) == (
        f"{shown}:6:33 tasks[0].writes[1]: task `a` writes `out/**`, but `out` {where} {outside} "
        f"{ends}\n"
        f"{shown}:7:24 tasks[1].modifies[0]: task `b` writes `deep/{{file,other}}.py`, but "
        f"`deep/file.py` {where} {outside}/file.py {ends}\n"
        f"{shown}:7:59 tasks[1].creates[0]: task `b` writes `out`, but `out` {where} {outside} {ends}"
    )


def test_many_remarks_of_a_kind_are_cut_short():
    plan = read(
        *(f"{{id: t{i}, creates: [f{i}]}}" for i in range(50)), there=[f"f{i}" for i in range(50)]
    )

    assert len(plan.warnings) == 21
    assert plan.warnings[-1].endswith("and 30 more like this")


def test_the_disk_is_not_asked_if_the_plan_starts_from_another_branch():
    assert read("{id: a, modifies: [gone]}", top="base: other\n").warnings == ()


@pytest.mark.slow
def test_thousands_of_tasks_that_pass_files_on_are_judged_without_comparing_each_with_each():
    lines = [
        f"{{id: t{i}, creates: [f{i}], modifies: [f{max(0, i - 2)}x, f{max(0, i - 2)}], "
        f"depends_on: [{f't{i - 1}' if i else ''}]}}"
        for i in range(3_000)
    ]
    lines[:2] = ["{id: t0, creates: [f0]}", "{id: t1, creates: [f1], depends_on: [t0]}"]
    started = time.process_time()

    plan = read(*lines)

    assert len(plan.warnings) == 21
    assert time.process_time() - started < 3
