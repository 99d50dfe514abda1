"""Every rule of the `cpo` format: what is said when it is broken, with file and line."""

import time

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.plan import load
from support import cpo
from support.machine import fair


def wave(number):
    return lambda manifest: manifest["waves"][number]


def told(tmp_path, texts):
    """Returns what is wrong with a folder: what, where below it, hint."""
    with pytest.raises(PlanError) as caught:
        load(cpo.write(tmp_path, texts))
    root = f"{tmp_path / cpo.FOLDER}/"
    return [
        (one.what, one.where.removeprefix(root), one.hint.replace(root, ""))
        for one in caught.value.problems
    ]


def changed(tmp_path, change):
    return told(tmp_path, cpo.with_manifest(change))


def pins(**python):
    return lambda manifest: manifest.update(dependencies={"python": python})


MANIFESTS = {
    "no spec": (
        lambda m: m.pop("tech_spec_id"),
        "the manifest has no `tech_spec_id`",
        "manifest.json:1:1",
        'add "tech_spec_id": "TS-0001"',
    ),
    "no waves": (
        lambda m: m.pop("waves"),
        "the manifest has no `waves`",
        "manifest.json:1:1",
        'write "waves": [ ... ] with at least one entry',
    ),
    "empty wave": (
        lambda m: m["waves"][2].update(tasks=[]),
        "`tasks` of waves[2] is empty",
        "manifest.json:34:16 waves[2].tasks",
        'write "tasks": [ ... ] with at least one entry',
    ),
    "wave numbers": (
        lambda m: m["waves"][1].update(number=3),
        "`number` of waves[1] must be 2, not 3",
        "manifest.json:23:17 waves[1].number",
        "waves are numbered 1, 2, 3 in their order",
    ),
    "typing error in a wave": (
        lambda m: m["waves"][2].update(validaton="true"),
        "unknown key `validaton` in waves[2]",
        "manifest.json:40:7 waves[2].validaton",
        "did you mean `validation`?",
    ),
    "broken python": (
        lambda m: m["waves"][1].update(validation="import shop; assert ("),
        "`validation` of waves[1] is not valid Python: '(' was never closed",
        "manifest.json:30:21 waves[1].validation",
        "mend it, or write a command",
    ),
    "id": (
        lambda m: m["waves"][2]["tasks"][0].update(id="task 4"),
        "`id` of the task must be 1 to 64 letters, digits, `-` or `_`, not `task 4`",
        "manifest.json:36:17 waves[2].tasks[0].id",
        "a task's file is named by its id",
    ),
    "twice": (
        lambda m: m["waves"][1]["tasks"].append({"id": "Task-001"}),
        "the task ids `task-001` and `Task-001` differ only in case",
        "manifest.json:30:17 waves[1].tasks[1].id",
        "choose another id (line 11)",
    ),
    "no task file": (
        lambda m: m["waves"][2]["tasks"].append({"id": "deploy"}),
        "task `deploy` has no file in `ROOT/tasks`",
        "manifest.json:40:17 waves[2].tasks[1].id",
        "write `tasks/deploy.md`, with `id: deploy`",
    ),
    "task file of another name": (
        lambda m: m["waves"][2]["tasks"][0].update(id="taks-004"),
        "task `taks-004` has no file in `ROOT/tasks`",
        "manifest.json:36:17 waves[2].tasks[0].id",
        "`tasks/task-004-tests.md` is the file of `task-004`",
    ),
    "prompt file": (
        lambda m: m["waves"][2]["tasks"][0].update(prompt_file="prompts/task-4.txt"),
        "the prompt file `prompts/task-4.txt` of task `task-004` is not there",
        "manifest.json:38:26 waves[2].tasks[0].prompt_file",
        "write it, or remove `prompt_file` to have it made from the task file",
    ),
    "prompt file outside": (
        lambda m: m["waves"][2]["tasks"][0].update(prompt_file="../p.txt"),
        "`prompt_file` of task `task-004` must be a path inside the folder, not `../p.txt`",
        "manifest.json:38:26 waves[2].tasks[0].prompt_file",
        "write it from the folder, without `..`",
    ),
    "not pinned": (
        pins(add=["pydantic>=2"]),
        "`add[0]` of dependencies.python can't be used",
        "manifest.json:53:9 dependencies.python.add[0]",
        "pin it to one version: `name==1.2.3`",
    ),
    "removed with a version": (
        pins(remove=["old==1"]),
        "`remove[0]` of dependencies.python must be the name of a package, not `old==1`",
        "manifest.json:53:9 dependencies.python.remove[0]",
        "a package is removed by its name alone",
    ),
    "two versions": (
        pins(add=["a_b==1"], add_dev=["A-B==2"]),
        "the package `a-b` is in `add_dev`, and in `add` already",
        "manifest.json:56:9 dependencies.python.add_dev[0]",
        "keep one of them",
    ),
    "unknown list": (
        pins(addd=["a==1"]),
        "unknown key `addd` in dependencies.python",
        "manifest.json:52:7 dependencies.python.addd",
        "did you mean `add`?",
    ),
    "python version": (
        lambda m: m.update(python_version=3.11),
        "`python_version` of the manifest must be text, not the number 3.11",
        "manifest.json:5:21 python_version",
        "put it in quotes",
    ),
    "typing error at the top": (
        lambda m: m.update(dependancies={}),
        "unknown key `dependancies`",
        "manifest.json:50:3 dependancies",
        "did you mean `dependencies`?",
    ),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_mistake_in_the_manifest(tmp_path, name):
    change, what, where, hint = MANIFESTS[name]

    problems = changed(tmp_path, change)

    assert (what.replace("ROOT", str(tmp_path / cpo.FOLDER)), where, hint) in problems


TASKS = {
    "no component": (
        ("task-001", "component: users\n", ""),
        "task `task-001` has no `component`",
        "tasks/task-001-users.md:2:1",
        "add `component: name`, the part of the system that it builds",
    ),
    "no agent": (
        ("task-001", "agent: experts:model\n", ""),
        "task `task-001` has no `agent`",
        "tasks/task-001-users.md:2:1",
        "add `agent: name`, who does it",
    ),
    "unknown key": (
        ("task-001", "skills:", "skils:"),
        "unknown key `skils` in task `task-001`",
        "tasks/task-001-users.md:7:1 skils",
        "did you mean `skills`?",
    ),
    "another wave": (
        ("task-003", "wave: 2", "wave: 1"),
        "`wave` of task `task-003` is 1, but the manifest has it in 2",
        "tasks/task-003-orders.md:4:7 wave",
        "write `wave: 2`, or move it",
    ),
    "unknown dependency": (
        ("task-003", "task-001,", "task-01,"),
        "`deps` of task `task-003` names `task-01`, which no wave has",
        "tasks/task-003-orders.md:5:8 deps[0]",
        "did you mean `task-001`?",
    ),
    "itself": (
        ("task-003", "task-001,", "task-003,"),
        "task `task-003` names itself in `deps`",
        "tasks/task-003-orders.md:5:8 deps[0]",
        "remove this entry",
    ),
    "twice": (
        ("task-003", "task-001,", "task-002,"),
        "`deps` of task `task-003` names `task-002` twice",
        "tasks/task-003-orders.md:5:18 deps[1]",
        "remove one of them",
    ),
    "first wave with dependencies": (
        ("task-002", "deps: []", "deps: [task-001]"),
        (
            "task `task-002` of wave 1 can't wait for `task-001` of wave 1: tasks of the first wave "
            "wait for nothing"
        ),
        "tasks/task-002-items.md:5:8 deps[0]",
        "move `task-002` to wave 2 or later, or remove this entry",
    ),
    "dependency on a later wave": (
        ("task-003", "task-001,", "task-004,"),
        "task `task-003` of wave 2 can't wait for `task-004` of wave 3",
        "tasks/task-003-orders.md:5:8 deps[0]",
        "move `task-003` to wave 4 or later, or remove this entry",
    ),
    "circle": (
        ("task-003", "task-001,", "task-004,"),
        "these tasks wait for each other in a circle: task-003 -> task-004 -> task-003",
        "tasks/task-003-orders.md:5:8 deps[0]",
        "remove one of these dependencies",
    ),
    "no scope": (
        ("task-001", "## Scope", "## Scpe"),
        "task `task-001` has no section `## Scope`",
        "tasks/task-001-users.md:10:1",
        "add it, with lines `CREATE:`, `MODIFY:` and `BOUNDARY:`",
    ),
    "no boundary": (
        ("task-001", "BOUNDARY: shop/items.py\n", ""),
        "the scope of task `task-001` has no `BOUNDARY`",
        "tasks/task-001-users.md:12:1",
        "add `BOUNDARY:` with what the task must not touch, or `BOUNDARY: none`",
    ),
    "typing error in the scope": (
        ("task-001", "BOUNDARY:", "BOUNDRY:"),
        "unknown directive `BOUNDRY` in the scope",
        "tasks/task-001-users.md:14:1",
        "did you mean `BOUNDARY`?",
    ),
    "created twice": (
        ("task-004", "CREATE: tests/*.py", "CREATE: tests/*.py, shop/stock.py"),
        "task `task-004` creates `shop/stock.py`, and so does `task-002`",
        "tasks/task-004-tests.md:13:21",
        "a file is created by one task alone: see tasks/task-002-items.md:13",
    ),
    "created by a pattern": (
        ("task-004", "CREATE: tests/*.py", "CREATE: shop/o*.py"),
        "task `task-004` creates `shop/o*.py`, and so does `task-003`",
        "tasks/task-004-tests.md:13:9",
        "a file is created by one task alone: see tasks/task-003-orders.md:13",
    ),
    "braces": (
        ("task-002", "{items,stock}", "{items,stock"),
        "the braces of `shop/{items,stock.py` do not match",
        "tasks/task-002-items.md:13:9",
        "each `{` needs its `}`, as in `{models,views}.py`",
    ),
    "outside": (
        ("task-002", "shop/{items", "../shop/{items"),
        "`../shop/{items,stock}.py` in CREATE of task `task-002` leads out of the project",
        "tasks/task-002-items.md:13:9",
        "write it from the project",
    ),
    "symbol": (
        ("task-003", "User.save", "User.save()"),
        "`User.save()` is no name of a class, function or method",
        "tasks/task-003-orders.md:14:9",
        "write `file.py::Class`, `file.py::function` or `file.py::Class.method`",
    ),
    "own boundary": (
        ("task-001", "BOUNDARY: shop/items.py", "BOUNDARY: shop/*"),
        "task `task-001` is to write `shop/users.py`, but its BOUNDARY forbids it",
        "tasks/task-001-users.md:13:9",
        "take it out of one of them: the boundary says `shop/*`",
    ),
    "no requirements": (
        ("task-002", "## Requirements", "## Wishes"),
        "task `task-002` has no section `## Requirements`, and no prompt of its own",
        "tasks/task-002-items.md:1:1",
        "write what the agent is to do",
    ),
    "the same id": (
        ("task-002", "id: task-002", "id: task-001"),
        "the task id `task-001` is used twice",
        "tasks/task-002-items.md:2:5 id",
        "choose another id: `tasks/task-001-users.md` has it already",
    ),
    "no front matter": (
        ("task-002", "---\nid", "id"),
        "the first line must be `---`, the beginning of the front matter",
        "tasks/task-002-items.md:1:1",
        "begin the file with `---`, then the YAML of the plan, then `---` again",
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_mistake_in_a_task_file(tmp_path, name):
    change, what, where, hint = TASKS[name]

    problems = told(tmp_path, cpo.with_task(*change))

    assert (what, where, hint) in problems


def modifying(*what):
    """Returns the good folder in which the two tasks of wave 1 modify these."""
    texts = cpo.files()
    for (name, text), entry in zip(
        [(n, texts[n]) for n in ("tasks/task-001-users.md", "tasks/task-002-items.md")],
        what,
        strict=True,
    ):
        texts[name] = text.replace("BOUNDARY:", f"MODIFY: {entry}\nBOUNDARY:", 1)
    return texts


@pytest.mark.parametrize(
    ("one", "other", "hint"),
    [
        ("a.py", "a.py", "give each a part of it, `file::Class.method`, or another wave: see"),
        ("a.py::A", "a.py", "give each a part of it, `file::Class.method`, or another wave: see"),
        ("a.py::A", "a.py::A", "one part lies in the other: see `a.py::A`,"),
        ("a.py::A", "a.py::A.save", "one part lies in the other: see `a.py::A`,"),
    ],
    ids=["whole", "part and whole", "same part", "nested"],
)
def test_two_tasks_of_a_wave_may_not_modify_the_same_part(tmp_path, one, other, hint):
    (problem,) = told(tmp_path, modifying(one, other))

    assert problem == (
        f"tasks `task-001` and `task-002` of wave 1 both modify `{other}`",
        "tasks/task-002-items.md:14:9",
        f"{hint} tasks/task-001-users.md:14",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.py::A.save", "a.py::A.clean"), ("a.py::save", "a.py::save_all"), ("a.py", "b.py")],
    ids=["methods", "functions", "files"],
)
def test_disjoint_parts_of_a_file_may_be_modified_in_one_wave(tmp_path, one, other):
    plan = load(cpo.write(tmp_path, modifying(one, other)))

    assert len({task.wave for task in plan.tasks[:2]}) == 1


def test_the_mistakes_of_all_files_are_told_at_once(tmp_path):
    texts = cpo.with_manifest(lambda m: m.pop("tech_spec_id"))
    texts["tasks/task-001-users.md"] = texts["tasks/task-001-users.md"].replace(
        "component: users\n", ""
    )
    texts["tasks/task-002-items.md"] = "nothing"

    places = [where.partition(":")[0] for _, where, _ in told(tmp_path, texts)]

    assert places == [
        "tasks/task-002-items.md",
        "manifest.json",
        "manifest.json",
        "tasks/task-001-users.md",
    ]


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("{a: 1}", "expecting property name", "manifest.json:1:2"),
        ("", "expecting value", "manifest.json:1:1"),
        ("[]", "a manifest must be an object, not a list", "manifest.json:1:1"),
        ('{"a": 1,\n "a": 2}', "the key `a` stands twice in the same object", "manifest.json:2:2"),
        ("[" * 100_000, "nested deeper than any manifest", "manifest.json:1:1"),
        ("\x00", "the file contains a NUL byte", "manifest.json:1:1"),
    ],
    ids=["bare", "empty", "list", "double key", "deep", "nul"],
)
def test_a_manifest_that_is_no_object(tmp_path, text, what, where):
    problems = told(tmp_path, {**cpo.files(), "manifest.json": text})

    assert any(what in said and place.startswith(where) for said, place, _ in problems)


def test_a_folder_without_a_manifest_is_named(tmp_path):
    texts = cpo.files()
    del texts["manifest.json"]

    ((what, where, hint),) = told(tmp_path, texts)

    assert what == "can't read the folder's manifest: no such file or directory"
    assert where == "manifest.json"
    assert "init --cpo" in hint


REMARKS = {
    "no context": (lambda t: t.pop("context.md"), "context.md:1:1: the folder has no `context.md`"),
    "no contract": (
        lambda t: t.pop("contracts/types.py"),
        (
            "tasks/task-001-users.md:8:13 contracts[0]: the contract `contracts/types.py` of task "
            "`task-001` is not there"
        ),
    ),
    "not in the manifest": (
        lambda t: t.update({"tasks/x.md": cpo.task_file("task-001").replace("task-001", "task-9")}),
        "tasks/x.md:2:5 id: task `task-9` is not in the manifest: it is not run",
    ),
    "half a prompt": (
        lambda t: t.update({"prompts/task-002.txt": "=== CONTEXT ===\nx\n"}),
        (
            "prompts/task-002.txt:1:1: the prompt of task `task-002` lacks EXECUTION INSTRUCTIONS, "
            "IMPORTANT RULES, COMPLETION SIGNAL"
        ),
    ),
    "no prompts at all": (
        lambda t: t.pop("prompts/task-001.txt"),
        (
            "manifest.json:13:26 waves[0].tasks[0].prompt_file: the prompt file "
            "`prompts/task-001.txt` of task `task-001` is not there"
        ),
    ),
    "another agent": (
        lambda t: t.update(
            {"tasks/task-001-users.md": t["tasks/task-001-users.md"].replace("experts:m", "m")}
        ),
        "tasks/task-001-users.md:6:8 agent: `agent` of task `task-001` is `model`, but",
    ),
    "old counts": (
        lambda t: t.update(
            {"manifest.json": t["manifest.json"].replace('total_tasks": 4', 'total_tasks": 9')}
        ),
        "manifest.json:43:20 metadata.total_tasks: `total_tasks` says 9, but the waves have 4",
    ),
}


@pytest.mark.parametrize("name", REMARKS)
def test_what_is_only_odd_is_a_remark(tmp_path, name):
    change, remark = REMARKS[name]
    texts = cpo.files()
    change(texts)

    plan = load(cpo.write(tmp_path, texts))

    root = f"{tmp_path / cpo.FOLDER}/"
    assert any(one.removeprefix(root).startswith(remark) for one in plan.warnings), plan.warnings


def test_of_two_tasks_of_one_id_the_first_is_checked_with_its_file(tmp_path):
    texts = cpo.with_manifest(lambda m: m["waves"][1]["tasks"].append({"id": "Task-001"}))
    name = "tasks/task-001-users.md"
    texts[name] = texts[name].replace("deps: []", "deps: [nobody]")

    found = [what for what, _, _ in told(tmp_path, texts)]

    assert found == [
        "the task ids `task-001` and `Task-001` differ only in case",
        "`deps` of task `task-001` names `nobody`, which no wave has",
    ]


def test_a_package_that_is_not_pinned_hides_no_other_that_stands_twice(tmp_path):
    found = changed(tmp_path, pins(add=["flask", "x==1"], upgrade=["x==1"]))

    assert sorted(what for what, _, _ in found) == [
        "`add[0]` of dependencies.python can't be used",
        "the package `x` is in `upgrade`, and in `add` already",
    ]


def test_no_hint_takes_another_task_for_the_one_that_is_missing(tmp_path):
    texts = cpo.with_task("task-004", "deps: [task-003]", "deps: [task-003, task-005]")
    del texts["tasks/task-003-orders.md"]

    found = {where: hint for _, where, hint in told(tmp_path, texts)}

    assert found == {
        "manifest.json:26:17 waves[1].tasks[0].id": (
            "write `tasks/task-003.md`, with `id: task-003`"
        ),
        # neither itself nor what it names already
        "tasks/task-004-tests.md:5:18 deps[1]": "did you mean `task-002`?",
    }


@pytest.mark.slow
def test_a_thousand_tasks_that_need_nobody_there_is_are_told_soon(tmp_path):
    names = [f"task-{number:04d}" for number in range(1000)]
    texts = cpo.with_manifest(
        lambda m: m["waves"][0].update(tasks=[{"id": name, "agent": "python"} for name in names])
    )
    kept = {path: text for path, text in texts.items() if not path.startswith("tasks/")}
    task = cpo.task_file("task-001").replace("deps: []", "deps: [task-99999]")
    files = {f"tasks/{name}.md": task.replace("task-001", name) for name in names}
    started = time.process_time()

    problems = told(tmp_path, kept | files)

    assert time.process_time() - started < fair(2)
    lacking = [what for what, *_ in problems if "names `task-99999`, which no wave has" in what]
    assert len(lacking) == 1000
