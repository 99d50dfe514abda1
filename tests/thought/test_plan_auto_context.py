"""`.claude/auto-context.yaml` gives defaults that a plan need not say, and never stops one."""

from pathlib import Path

import pytest

from parallel_orchestra.plan import load, parse
from parallel_orchestra.plan.auto_context import read_auto_context
from support import cpo

HEAD = '---\npo_plan_version: "{version}"\nname: n\ncwd: .\n{more}tasks:\n'
TASK = "  - {id: a, prompt: p, agent: x, read_only: false}\n---\n"


def read(settings, more="", task=TASK, version="0.2"):
    def file(path):
        if path == Path("/p/.claude/auto-context.yaml"):
            return settings.encode()
        raise FileNotFoundError(2, "no such file", str(path))

    text = HEAD.format(version=version, more=more) + task
    return parse(text.encode(), Path("/p/plan.md"), file)


ALL = """\
parallelization:
  enabled: true
  min_tasks: 4
  max_agents: 5
  auto_cleanup: false
  retry_on_failure: 3
  branch_prefix: auto/
"""


def test_its_values_are_defaults():
    plan = read(ALL)

    assert (plan.max_workers, plan.fewest_beside, plan.keep_worktrees) == (5, 4, True)
    assert plan.tasks[0].max_retries == 3
    assert plan.warnings == ()


def test_what_the_plan_says_wins():
    plan = read(ALL, "max_workers: 2\ndefaults: {max_retries: 0}\n")

    assert (plan.max_workers, plan.tasks[0].max_retries) == (2, 0)


def test_a_number_of_agents_is_not_meant_for_this_very_plan():
    assert read("parallelization: {max_agents: 5}").fewest_beside == 3


def test_switched_off_there_is_one_task_at_a_time():
    plan = read("parallelization: {enabled: false, max_agents: 5}")

    assert plan.max_workers == 1
    assert plan.warnings == (".claude/auto-context.yaml says `enabled: false`: one task at a time",)


def test_manifests_of_version_0_1_run_unchanged():
    plan = read(ALL, version="0.1")

    assert (plan.max_workers, plan.tasks[0].max_retries) == (None, 1)


@pytest.mark.parametrize(
    "settings", ["", "other: 1", "[1]", "parallelization:", "parallelization: 3"]
)
def test_a_file_that_says_nothing_changes_nothing(settings):
    plan = read(settings)

    assert (plan.max_workers, plan.warnings) == (None, ())


def test_what_is_wrong_is_said_and_the_rest_holds():
    plan = read("parallelization:\n  max_agents: many\n  retry_on_failure: 2\n")

    assert plan.tasks[0].max_retries == 2
    assert plan.warnings == (
        ".claude/auto-context.yaml:2:15 parallelization.max_agents: "
        "`parallelization.max_agents` must be a whole number, not `many`; it has no effect".replace(
            "`parallelization.max_agents` must", "`max_agents` of parallelization must"
        ),
    )


def test_a_file_that_is_no_yaml_is_said_and_changes_nothing():
    plan = read("parallelization: [,")

    assert plan.max_workers is None
    assert len(plan.warnings) == 1
    assert plan.warnings[0].startswith(".claude/auto-context.yaml:1:")


def test_a_cpo_folder_has_these_defaults_too(tmp_path):
    folder = cpo.write(tmp_path, cpo.files())
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/auto-context.yaml").write_text(ALL)

    plan = load(folder)

    assert (plan.max_workers, plan.task("task-001").max_retries) == (5, 3)
    assert plan.task("wave-1-validation").max_retries == 0


def test_one_open_bracket_is_told_as_what_it_is(tmp_path):
    found = read_auto_context(tmp_path, lambda _: b"{")

    assert found.given == {}
    assert len(found.remarks) == 1
