"""`import` and `init`: what they write is good, and nothing that is there is lost."""

import hashlib
import json
import os
from dataclasses import replace

import click
import pytest
from pathspec import GitIgnoreSpec

from parallel_orchestra.cli.importing import command as import_command
from parallel_orchestra.cli.init import command as init_command
from parallel_orchestra.errors import UsageError
from parallel_orchestra.plan import load
from support import cpo
from support.published import manifest, write_task
from support.repository import make_repository


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = make_repository(tmp_path / "project", {"a.txt": "a\n"})
    monkeypatch.chdir(folder)
    return folder


def call(command: click.Command, *words: str) -> int:
    return int(command.main(list(words), standalone_mode=False))


def test_a_folder_becomes_the_same_plan(place):
    python = {"add": ["six==1.16.0"], "remove": ["old"]}
    texts = cpo.with_manifest(lambda m: m.update(dependencies={"python": python}))
    folder = cpo.write(place, texts)

    call(import_command, cpo.FOLDER, "-o", "plan.md")

    plan = load(place / "plan.md")
    assert plan.tasks == load(folder).tasks
    assert (plan.programs, plan.cwd) == (("uv",), place)


def test_a_plan_elsewhere_finds_its_project(place):
    cpo.write(place, cpo.files())

    call(import_command, cpo.FOLDER, "-o", "plans/deep/plan.md")

    assert load(place / "plans/deep/plan.md").cwd == place


def test_without_a_file_the_plan_alone_is_on_standard_output(place, capsys):
    (place / "todo.md").write_text("- [ ] a\n- [x] b\n")

    call(import_command, "todo.md")

    said = capsys.readouterr()
    (place / "plan.md").write_text(said.out)
    assert [task.id for task in load(place / "plan.md").tasks] == ["a"]
    assert said.err == "note: open boxes: 1; all may run at once\nnote: ticked boxes, left out: 1\n"


def test_for_programs_it_is_said_what_was_made(place, capsys):
    (place / "todo.md").write_text("- [ ] a\n- [x] b\n")

    told = []
    for words in (["todo.md"], ["todo.md", "-o", "made.md"]):
        call(import_command, *words, "--json")
        told.append(json.loads(capsys.readouterr().out))
    for words in ([], ["--cpo", "parallel/TS-0001-x"]):
        call(init_command, *words, "--json")
        told.append(json.loads(capsys.readouterr().out))

    printed, written, plan, folder = told
    assert (printed["path"], printed["tasks"]) == (None, ["a"])
    assert printed["plan"] == (place / "made.md").read_text()
    assert (written["path"], written["plan"]) == ("made.md", None)
    assert printed["notes"] == ["open boxes: 1; all may run at once", "ticked boxes, left out: 1"]
    assert plan == {"wrote": ["plan.md"]}
    assert "parallel/TS-0001-x/manifest.json" in folder["wrote"]
    assert all((place / name).exists() for name in folder["wrote"])


def test_what_is_there_is_not_overwritten(place):
    (place / "todo.md").write_text("- [ ] a\n")
    (place / "plan.md").write_text("mine\n")

    with pytest.raises(UsageError, match="is there already"):
        call(import_command, "todo.md", "-o", "plan.md")

    assert (place / "plan.md").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("none.md", None, "can't read `none.md`: no such file or directory"),
        ("words.md", "No boxes.\n", "nothing to import in `words.md`"),
        (
            "ours.md",
            '---\npo_plan_version: "0.2"\nname: n\ntasks: [{id: a, prompt: p, qa: true}]\n---\n',
            "`ours.md` is a plan of version 0.2 already",
        ),
        ("done.md", "- [x] a\n", "all boxes of `done.md` are ticked"),
        (".po-run-state-m.json", "{}", "the manifest of `.po-run-state-m.json` is not there"),
    ],
)
def test_what_can_not_be_imported_is_said(place, name, text, why):
    if text is not None:
        (place / name).write_text(text)

    with pytest.raises(UsageError, match=why.replace(".", r"\.")):
        call(import_command, name)


OLD = manifest(write_task("a", "true"), write_task("b", "true", depends_on=["a"]), cwd=".")


def test_what_an_old_run_has_done_is_left_out(place, capsys):
    (place / "m.md").write_text(OLD)
    digest = hashlib.sha256((place / "m.md").read_bytes()).hexdigest()
    state = {"manifest_hash": digest, "completed_tasks": ["a"]}
    (place / ".po-run-state-m.json").write_text(json.dumps(state))

    call(import_command, ".po-run-state-m.json", "-o", "plan.md")

    (task,) = load(place / "plan.md").tasks
    assert task == replace(load(place / "m.md").task("b"), depends_on=())
    assert "done by an earlier run, as .po-run-state-m.json says: `a`" in capsys.readouterr().err


def test_a_first_plan_is_a_good_one_and_parallel(place, capsys):
    call(init_command)

    plan = load(place / "plan.md")
    assert [task.id for task in plan.tasks] == ["first", "second", "review"]
    assert plan.name == "project"
    assert plan.fewest_beside == 2
    assert "validate plan.md" in capsys.readouterr().out


def test_a_first_plan_is_not_written_over_another(place):
    (place / "plan.md").write_text("mine\n")

    with pytest.raises(UsageError, match="is there already"):
        call(init_command)

    assert (place / "plan.md").read_text() == "mine\n"


@pytest.mark.parametrize("name", ['a "name": {x}', "Laden", "100%"])
def test_a_name_may_be_anything(place, name):
    call(init_command, "new", "-n", name)
    call(init_command, "--cpo", "parallel/TS-1", "-n", name)

    assert load(place / "new/plan.md").name == name
    assert load(place / "parallel/TS-1").name == name


def test_a_folder_s_skeleton_is_in_order(place):
    (place / "go.mod").write_text("module x\n")
    call(init_command, "--cpo", "parallel/TS-0042-my-shop", "-t", "TS-0042", "-n", "shop")

    folder = place / "parallel/TS-0042-my-shop"
    plan = load(folder)
    found = json.loads((folder / "manifest.json").read_text())
    assert plan.warnings == ()
    assert (found["tech_spec_id"], found["name"], found["technology"]) == ("TS-0042", "shop", "go")
    assert sorted(os.listdir(place / "parallel")) == [".gitignore", "README.md", "TS-0042-my-shop"]


def test_a_tech_spec_may_be_a_file_and_the_name_that_of_the_folder(place):
    (place / "TS-0007-shop.md").write_text("# Shop\n")
    call(init_command, "--cpo", "parallel/TS-0007-shop", "-t", "TS-0007-shop.md")

    found = json.loads((place / "parallel/TS-0007-shop/manifest.json").read_text())
    assert (found["tech_spec_id"], found["name"]) == ("TS-0007", "shop")
    assert found["metadata"]["tech_spec"] == "TS-0007-shop.md"


def test_git_sees_all_that_people_write_into_a_folder_and_nothing_that_runs_write(place):
    call(init_command, "--cpo", "parallel/TS-1", "-n", "shop")
    folder = place / "parallel/TS-1"
    made_by_runs = ("logs/task-001.log", "report.json", "integration-report.md")
    for name in ("prompts/task-001.txt", "prompts.backup-1/task-001.txt", *made_by_runs):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x\n")

    ignored = GitIgnoreSpec.from_lines((place / "parallel/.gitignore").read_text().splitlines())
    files = [one.relative_to(place / "parallel") for one in folder.rglob("*") if one.is_file()]

    assert {one.as_posix() for one in files if ignored.match_file(one)} == {
        "TS-1/prompts.backup-1/task-001.txt",
        *(f"TS-1/{name}" for name in made_by_runs),
    }


def test_the_one_time_files_of_parallel_are_written_once(place):
    call(init_command, "--cpo", "parallel/TS-1")
    (place / "parallel/README.md").write_text("mine\n")
    call(init_command, "--cpo", "parallel/TS-2")

    assert (place / "parallel/README.md").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--cpo", "parallel/shop"), "the folder needs a tech spec"),
        (("-t", "TS-1"), "is for `--cpo` folders"),
    ],
)
def test_what_init_can_not_do_is_said(place, words, why):
    with pytest.raises(UsageError, match=why):
        call(init_command, *words)


def test_a_folder_that_is_one_already_is_left_alone(place):
    folder = cpo.write(place, cpo.files())

    with pytest.raises(UsageError, match="already"):
        call(init_command, "--cpo", str(folder), "-t", "TS-1")

    assert not (folder / "architecture.md").exists()
