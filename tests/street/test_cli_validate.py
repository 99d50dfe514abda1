"""`validate`, `graph` and `schema` as people and programs call them."""

import json
import re

import pytest
import yaml

from parallel_orchestra.cli import main
from parallel_orchestra.cli.catalogue import PROGRAM
from parallel_orchestra.errors import ExitCode
from support.pages import ROOT
from support.scene import Scene
from support.waiting import wait_until

GOOD = """---
po_plan_version: "0.2"
name: good
concurrency_limits: {"a: b": 1}
tasks: [{id: a, backend: command, command: "true"}, {id: b, prompt_file: b.txt, depends_on: [a]}]
---
"""
BAD = GOOD.replace("[a]", "[c]")


@pytest.fixture
def plans(tmp_path, monkeypatch):
    """A folder with `good.md` and `bad.md`, in which commands are typed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.txt").write_text("Do it.")
    (tmp_path / "good.md").write_text(GOOD)
    (tmp_path / "bad.md").write_text(BAD)
    return tmp_path


def test_several_plans_are_judged_at_once(plans, capsys):
    code = main(["validate", "bad.md", "good.md"])
    said = capsys.readouterr()

    assert code == ExitCode.USAGE
    assert said.err.startswith("error: task `b` depends on `c`, which the plan does not have\n")
    assert "warning: good.md:4:22 concurrency_limits.a: b: " in said.err
    assert said.out.startswith("good.md: good, 2 tasks; ")


def test_the_json_of_several_plans_is_a_list(plans, capsys):
    code = main(["validate", "bad.md", "good.md", "--format", "json"])
    found = json.loads(capsys.readouterr().out)

    assert code == ExitCode.USAGE
    assert [(one["plan"], one["valid"]) for one in found] == [("bad.md", False), ("good.md", True)]


def test_json_may_be_asked_for_as_everywhere(plans, capsys):
    main(["validate", "good.md", "--format", "json"])
    named = capsys.readouterr().out
    code = main(["validate", "good.md", "--json"])

    assert code == ExitCode.DONE
    assert capsys.readouterr().out == named
    assert main(["validate", "good.md", "--json", "--format", "sarif"]) == ExitCode.USAGE


def test_of_several_plans_it_is_said_which_one_is_read(plans, capfd):
    main(["validate", "-v", "bad.md", "good.md"])

    read = [line for line in capfd.readouterr().err.splitlines() if line.startswith("reading ")]
    assert read[0] == "reading bad.md (1 of 2)"
    assert "reading good.md (2 of 2)" in read


def test_what_is_read_is_said_only_if_asked_for(plans, capfd):
    for command in (["validate", "good.md"], ["import", "good.md"]):
        main(command)
        assert "reading" not in capfd.readouterr().err
        main([*command, "--verbose"])
        read = [line for line in capfd.readouterr().err.splitlines() if line.startswith("reading ")]
        assert read[0] == "reading good.md"
        assert read[-1].endswith("/b.txt")


def test_sarif_has_each_problem_and_each_warning_at_its_place(plans, capsys):
    (plans / "with space.md").write_text(GOOD)

    main(["validate", "bad.md", "with space.md", "--format", "sarif"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]

    error, warning = run["results"]
    assert error["level"] == "error"
    assert error["message"]["text"].startswith("tasks[1].depends_on[0]: task `b` depends on `c`")
    (place,) = error["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "bad.md"},
        "region": {"startLine": 5, "startColumn": 94},
    }
    assert warning["level"] == "warning"
    assert warning["message"]["text"].startswith("concurrency_limits.a: b: no task is in the group")
    (place,) = warning["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "with%20space.md"
    assert place["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 22}


def test_sarif_of_a_good_plan_is_an_empty_list(plans, capsys):
    (plans / "good.md").write_text(GOOD.replace('concurrency_limits: {"a: b": 1}\n', ""))

    code = main(["validate", "good.md", "--format", "sarif"])

    assert code == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["runs"][0]["results"] == []


def test_github_annotates_warnings_at_their_lines_too(plans, capsys):
    main(["validate", "good.md", "--format", "github"])

    assert capsys.readouterr().out.startswith("::warning file=good.md,line=4,col=22::")


@pytest.mark.slow
def test_a_fault_of_a_template_in_a_file_is_annotated_there(plans, capsys):
    (plans / "good.md").write_text(GOOD.replace("name: good", "name: good\nprompt_template: t.j2"))
    (plans / "t.j2").write_text("{{ task.prompt }}\n{{ tsk }}\n")

    main(["validate", "good.md", "--format", "github"])
    github = capsys.readouterr().out
    main(["validate", "good.md", "--format", "sarif"])
    sarif = capsys.readouterr().out

    assert github.startswith(
        "::error file=t.j2,line=2::prompt_template: `prompt_template` can't be used: there is no `tsk`"
    )
    (place,) = json.loads(sarif)["runs"][0]["results"][0]["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "t.j2"},
        "region": {"startLine": 2},
    }


def test_a_watch_has_no_format(plans, capsys):
    code = main(["validate", "good.md", "--watch", "--format", "json"])

    assert code == ExitCode.USAGE
    assert "`--watch` is for people" in capsys.readouterr().err


def test_the_hook_for_pre_commit_calls_what_there_is(plans, capsys):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, *words = hook["entry"].split()

    assert program == PROGRAM
    assert main([*words, "good.md"]) == ExitCode.DONE
    assert re.search(hook["files"], "docs/plan.yaml")
    assert not re.search(hook["files"], "docs/myplan.md")


@pytest.mark.slow
def test_a_watch_judges_anew_when_the_plan_or_a_prompt_file_changes(tmp_path):
    scene = Scene(tmp_path).repository(1).write_plan(BAD)

    with scene.start_command("validate", str(scene.plan_path()), "--watch") as watch:
        wait_until(lambda: "can't be used: no such file" in watch.err().lower(), within=20)
        (tmp_path / "b.txt").write_text("Do it.")
        wait_until(lambda: watch.err().count("depends on `c`") == 2)
        scene.write_plan(GOOD)
        wait_until(lambda: "good, 2 tasks" in watch.out())
        watch.interrupt()
        result = watch.wait()

    assert result.exit_code == ExitCode.INTERRUPTED
    assert result.err.endswith("stopped\n")


def test_graph_draws_a_tree_unless_asked_for_something_else(plans, capsys):
    codes = [main(["graph", "good.md"]), main(["graph", "good.md", "--format", "dot"])]

    assert codes == [ExitCode.DONE, ExitCode.DONE]
    assert capsys.readouterr().out.startswith('a -> b\ndigraph "good" {\n')


def test_graph_tells_programs_in_json(plans, capsys):
    code = main(["graph", "good.md", "--json"])

    assert (code, json.loads(capsys.readouterr().out)["critical_path"]) == (0, ["a", "b"])
    assert main(["graph", "good.md", "--json", "--format", "dot"]) == ExitCode.USAGE


def test_graph_of_a_plan_with_mistakes_says_them(plans, capsys):
    assert main(["graph", "bad.md"]) == ExitCode.USAGE
    assert "depends on `c`" in capsys.readouterr().err


def test_what_is_only_odd_is_said_beside_what_is_wrong(tmp_path, capsys):
    path = tmp_path / "plan.md"
    path.write_text(
        '---\npo_plan_version: "0.1"\nname: n\ncwd: .\nextra: 1\n'
        "tasks: [{id: a, agent: b, read_only: 7}]\n---\n"
    )

    code = main(["validate", str(path)])

    told = capsys.readouterr().err
    assert code == 2
    assert "error: `read_only` of task `a` must be true or false, not the number 7\n" in told
    assert f"warning: {path}:5:1 extra: unknown key `extra` has no effect" in told
