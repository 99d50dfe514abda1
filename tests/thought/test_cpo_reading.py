"""A good folder of the `cpo` format becomes a plan with barriers between its waves."""

from pathlib import Path

import pytest

from parallel_orchestra.model import Task
from parallel_orchestra.plan import load, parse, plan_from_json, plan_to_json
from support import cpo


def loaded(tmp_path: Path, texts: dict[str, str] | None = None):
    return load(cpo.write(tmp_path, cpo.files() if texts is None else texts))


def test_the_tasks_stand_in_their_waves_with_a_validation_after_each(tmp_path):
    plan = loaded(tmp_path)

    shape = [(task.id, task.wave, task.depends_on) for task in plan.tasks]
    assert shape == [
        ("task-001", 1, ()),
        ("task-002", 1, ()),
        ("wave-1-validation", 1, ("task-001", "task-002")),
        ("task-003", 2, ("task-001", "task-002")),
        ("wave-2-validation", 2, ("task-003",)),
        ("task-004", 3, ("task-003",)),
    ]
    assert plan.warnings == ()
    assert (plan.name, plan.cpo, plan.cwd) == ("shop", True, tmp_path)
    assert plan.source == tmp_path / cpo.FOLDER / "manifest.json"


def test_a_task_is_what_its_file_and_the_manifest_say(tmp_path):
    task = loaded(tmp_path).task("task-001")

    assert task == Task(
        id="task-001",
        title="Build the users",
        prompt=task.prompt,
        agent="experts:model",
        creates=("shop/users.py",),
        boundary=("shop/items.py",),
        allow_empty=True,
        completion_signal=True,
        wave=1,
    )
    assert task.prompt.startswith(cpo.PROMPT.rstrip())
    assert "=== OUTPUT FORMAT (REQUIRED) ===" in task.prompt


def test_braces_are_written_out_and_symbols_narrow_a_file(tmp_path):
    plan = loaded(tmp_path)

    assert plan.task("task-002").creates == ("shop/items.py", "shop/stock.py")
    assert plan.task("task-003").modifies == ("shop/users.py::User.save",)


def test_a_prompt_that_lies_nowhere_is_made_from_the_task_file(tmp_path):
    prompt = loaded(tmp_path).task("task-003").prompt

    titles = [line for line in prompt.splitlines() if line.startswith("===")]
    assert titles == [
        "=== REQUIRED SKILLS ===",
        "=== CONTEXT ===",
        "=== OBJECTIVE ===",
        "=== CONTRACTS ===",
        "=== FILES TO CREATE ===",
        "=== FILES TO MODIFY ===",
        "=== DO NOT MODIFY ===",
        "=== IMPLEMENTATION REQUIREMENTS ===",
        "=== ACCEPTANCE CRITERIA ===",
        "=== EXECUTION INSTRUCTIONS ===",
        "=== IMPORTANT RULES ===",
        "=== OUTPUT FORMAT (REQUIRED) ===",
        "=== COMPLETION SIGNAL ===",
    ]
    assert "A shop." in prompt
    assert f"- {cpo.FOLDER}/contracts/types.py" in prompt
    assert "- shop/users.py::User.save" in prompt
    assert "- Write the orders." in prompt
    assert "touch .claude-task-complete" in prompt


def test_a_prompt_that_says_how_to_answer_is_left_as_it_is(tmp_path):
    prompt = 'Do it.\n\nEnd with {"task_completed": true}.\n\n\n'
    texts = {**cpo.files(), "prompts/task-002.txt": prompt}

    task = loaded(tmp_path, texts).task("task-002")

    assert task.prompt == prompt
    assert not task.completion_signal


def test_pinned_dependencies_are_a_first_wave_and_need_uv(tmp_path):
    python = {"add": ["pydantic==2.5.3"], "remove": ["old-lib"], "add_dev": ["pytest==7.4.3"]}
    texts = cpo.with_manifest(lambda m: m.update(dependencies={"python": python}))

    plan = loaded(tmp_path, texts)

    first = plan.tasks[0]
    assert plan.programs == ("uv",)
    assert (first.id, first.wave, first.allow_empty) == ("dependencies", 0, True)
    lines = str(first.command).splitlines()
    uv = [line[line.index("uv ") :] for line in lines if "uv " in line]
    assert uv == ["uv remove old-lib; fi", "uv add pydantic==2.5.3", "uv add --dev pytest==7.4.3"]


def test_ids_of_validations_give_way_to_those_of_tasks(tmp_path):
    def rename(manifest):
        manifest["waves"][0]["tasks"][1]["id"] = "wave-1-validation"

    texts = cpo.with_manifest(rename)
    texts["tasks/task-002-items.md"] = texts["tasks/task-002-items.md"].replace(
        "id: task-002", "id: wave-1-validation"
    )
    texts["tasks/task-003-orders.md"] = texts["tasks/task-003-orders.md"].replace(
        "task-002", "wave-1-validation"
    )

    plan = loaded(tmp_path, texts)

    assert plan.tasks[2].id == "wave-1-validation-x"


def test_a_task_file_may_have_the_longer_or_the_shorter_name(tmp_path):
    def rename(manifest):
        manifest["waves"][0]["tasks"][1]["id"] = "task-002-items"

    texts = cpo.with_manifest(rename)

    plan = loaded(tmp_path, texts)

    assert plan.task("task-003").depends_on == ("task-001", "task-002-items")


def test_what_a_task_blocks_waits_for_it(tmp_path):
    texts = cpo.with_task("task-002", "deps: []", "deps: []\nblocks: [task-004]")

    plan = loaded(tmp_path, texts)

    assert plan.task("task-004").depends_on == ("task-002", "task-003")


def test_the_manifest_means_its_folder(tmp_path):
    folder = cpo.write(tmp_path, cpo.files())

    assert load(folder / "manifest.json") == load(folder)


def test_outside_of_parallel_the_project_is_the_repository_around(tmp_path):
    (tmp_path / ".git").mkdir()
    folder = cpo.write(tmp_path, cpo.files(), "specs/deep/TS-1")

    assert load(folder).cwd == tmp_path


def test_a_run_s_record_gives_the_plan_back(tmp_path):
    texts = cpo.with_manifest(lambda m: m.update(dependencies={"python": {"add": ["a==1"]}}))
    plan = loaded(tmp_path, texts)

    assert plan_from_json(plan_to_json(plan)) == plan


@pytest.mark.parametrize("agent", ["", "coder", "plugin:coder"], ids=["none", "own", "plugin"])
def test_a_plan_of_ours_may_name_the_agent_of_a_plugin(agent):
    text = f'---\npo_plan_version: "0.2"\nname: n\ntasks: [{{id: a, prompt: p, agent: "{agent}"}}]\n---\n'

    plan = parse(text.encode(), Path("/p/plan.md"), lambda _: b"")

    assert plan.tasks[0].agent == agent
