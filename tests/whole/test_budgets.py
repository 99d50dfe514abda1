"""Runs with a budget: it is kept by all processes, whatever is killed, and goes on with more.

The agent is a script that says what it cost as Claude Code does, in a prompt like `Use 0.5.`
"""

import json
import signal

import pytest

from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: It keeps to a limit that it is told: with `Keep 4.` it ends when it has used that much.
AGENT = r"""
prompt=$(cat)
used=$(echo "$prompt" | sed -n 's/^Use \(.*\)\.$/\1/p')
wanted=$(echo "$prompt" | sed -n 's/^Keep \(.*\)\.$/\1/p')
echo "$prompt" > "$PO_TASK_ID.txt"
case $prompt in *Wait.*) while ! [ -e "$GO" ]; do sleep 0.02; done;; esac
case $prompt in *Sleep.*) sleep 60;; esac
error=false; kind=success
if [ -n "$wanted" ]; then
  used=$wanted
  if [ "$(echo "$wanted $1" | awk '{print ($1 > $2)}')" = 1 ]; then
    used=$1; error=true; kind=error_max_budget_usd
  fi
fi
printf '{"type":"result","subtype":"%s","is_error":%s,"result":"ok","num_turns":1,' $kind $error
printf '"total_cost_usd":%s,"usage":{"input_tokens":70,"output_tokens":30}}\n' "$used"
"""
HEAD = """---
po_plan_version: "0.2"
name: poor
max_workers: 1
defaults: {{backend: mine, max_retries: 0}}
backends: {{mine: {{command: [sh, ./agent.sh, "{{max_cost_usd}}"], result: claude}}}}
{top}
tasks:
"""


@pytest.fixture
def scene(tmp_path):
    env = {"GO": str(tmp_path / "go")}
    return Scene(tmp_path, env=env).repository({"agent.sh": AGENT})


def planned(scene, top, *tasks):
    entries = "".join(f"  - {{{task}}}\n" for task in tasks)
    return scene.plan(f"{HEAD.format(top=top)}{entries}---\n")


def reserved(scene):
    path = scene.tasks_dir / "reservations.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["max_cost_usd"] for line in lines]


def test_a_run_whose_budget_is_used_up_ends_and_goes_on_with_more(scene):
    tasks = [f"id: {name}, prompt: Use 0.5., max_cost_usd: 0.5" for name in "abc"]
    planned(scene, "budget: {max_cost_usd: 1}", *tasks)

    first = scene.run("--yes", check=4)
    status = scene.call("status", check=4)
    again = scene.run("--yes", "--resume", check=4)

    plan = scene.plan_path()
    more = f"`parallel-orchestra run {plan} --resume --max-cost 2.00`"
    why = "the run's budget is used up: $1.00 of $1.00"
    assert f"next: `c` can't start: {why}; with more of it: {more}\n" in first.out
    assert "budget: $1.00 of $1.00 used\n" in first.out
    assert f"waiting c: {why}\n" in status.out
    assert again.states() == {"a": "done", "b": "done", "c": "available"}
    assert scene.call("why", "c").out.startswith(f"c waiting: {why}\n")
    assert "\nbudget: $1.00 of $1.00 used\n" in scene.run("--dry-run", "--resume", check=0).out
    assert "\nbudget: $1.00\n" in scene.run("--dry-run", check=0).out

    report = scene.project.parent / "report.json"
    result = scene.run("--yes", "--resume", "--max-cost", "2", "--report", str(report), check=0)

    assert set(result.states().values()) == {"done"}
    assert "definition has changed" not in result.out + result.err
    told = json.loads(report.read_text())
    assert [one["used"] for one in told["budgets"]] == [told["figures"]["cost_usd"]]


def test_processes_of_one_run_share_its_budget(scene):
    tasks = [f'id: {name}, prompt: "Wait.\\nUse 0.5.", max_cost_usd: 0.5' for name in "abcd"]
    planned(scene, "budget: {max_cost_usd: 1}", *tasks)

    with scene.start("--yes") as conductor:
        wait_until(lambda: len(scene.tasks_in("locked")) == 1)
        with scene.start_command(
            "worker", "--tasks-dir", str(scene.tasks_dir), "-j", "2"
        ) as joined:
            wait_until(lambda: len(scene.tasks_in("locked")) == 2)
            status = scene.call("status").out
            (scene.project.parent / "go").touch()
            joined.wait()
        result = conductor.wait()

    assert "budget: $0.00 of $1.00 used, $1.00 reserved by running tasks\n" in status
    assert "of the run's $1.00, $1.00 are left, $1.00 of it reserved by running tasks\n" in status
    assert result.exit_code == 4, result
    assert sorted(result.states().values()) == ["available", "available", "done", "done"]
    assert reserved(scene) == [0.5, 0.5]


def test_an_attempt_whose_worker_was_killed_counts_with_all_that_it_reserved(scene):
    planned(
        scene,
        "budget: {max_cost_usd: 1}",
        'id: a, prompt: "Wait.\\nUse 0.1.", max_cost_usd: 0.7',
        "id: b, prompt: Use 0.3., max_cost_usd: 0.3",
        "id: c, prompt: Use 0.1., max_cost_usd: 0.1",
    )

    with scene.start("--yes") as running:
        wait_until(lambda: (scene.tasks_dir / "attempts" / "a").exists() and reserved(scene))
        wait_until(lambda: scene.tasks_in("locked"))
        running.send(signal.SIGKILL)
        running.child.wait()
    (scene.project.parent / "go").touch()
    result = scene.run("--yes", "--resume", check=4)

    assert result.states() == {"a": "available", "b": "done", "c": "available"}
    assert "budget: $1.00 of $1.00 used\n" in result.out
    assert "its own budget is used up: $0.70 of $0.70" in scene.call("why", "a").out


def test_a_task_that_used_more_than_its_own_budget_fails_and_its_work_is_kept(scene):
    tasks = ("id: a, prompt: Use 0.1.", "id: b, prompt: Use 0.5., max_cost_usd: 0.4")
    planned(scene, "", *tasks)

    first = scene.run("--yes", check=4)

    assert first.states() == {"a": "done", "b": "failed"}
    assert "failed b: budget: used $0.50, and its task had $0.40 left\n" in first.out
    assert any("/salvage/b/" in ref for ref in first.refs())

    planned(scene, "", "id: a, prompt: Use 0.1., max_cost_usd: 9", tasks[1].replace("0.4", "1.5"))
    result = scene.run("--yes", "--resume", check=0)

    assert "definition has changed" not in result.out + result.err
    assert reserved(scene) == [0.4, 1.0]


def test_an_agent_that_met_its_share_of_the_runs_budget_gets_a_larger_one(scene):
    planned(scene, "budget: {max_cost_usd: 10}", "id: a, prompt: Keep 4.")

    result = scene.run("--yes", check=0)

    assert reserved(scene) == [2.5, 5.0]
    assert "budget: $6.50 of $10.00 used\n" in result.out
    prompts = [(attempt / "prompt.md").read_text() for attempt in result.attempts("a")]
    assert [
        f"is left for you: {share}." in text
        for share, text in zip(("$2.50", "$5.00"), prompts, strict=True)
    ] == [True, True]


def test_a_task_that_used_up_its_time_is_ended_and_not_tried_again(scene):
    planned(scene, "", "id: a, prompt: Sleep., max_duration: 1, max_retries: 3")

    result = scene.run("--yes", check=4)

    assert "failed a: budget: its attempts took all of its `max_duration` of 1s\n" in result.out
    assert len(result.attempts("a")) == 1


def test_tokens_and_the_time_of_the_run_are_kept_too(scene):
    tasks = [f"id: {name}, prompt: Use 0.1." for name in "abc"]
    planned(scene, "budget: {max_tokens: 200, max_duration: 1h}", *tasks)

    result = scene.run("--yes", check=4)

    assert sorted(result.states().values()) == ["available", "done", "done"]
    assert (
        "the run's budget is used up: 200 tokens of 200 tokens; raise it in the plan" in result.out
    )

    planned(scene, "budget: {max_duration: 0.01s}", *tasks)
    assert " of 0.01s; raise it in the plan" in scene.run("--yes", "--resume", check=4).out


@pytest.mark.parametrize("dollars", ["0", "nan", "inf", "five"])
def test_a_limit_on_the_command_line_that_is_none_is_refused(scene, dollars):
    planned(scene, "", "id: a, prompt: Use 0.1.")

    scene.run("--yes", "--max-cost", dollars, check=2)

    assert not scene.tasks_dir.exists()


def test_a_limit_on_the_command_line_that_cannot_be_kept_changes_nothing(scene):
    planned(scene, "", "id: a, backend: command, command: make")

    result = scene.run("--yes", "--max-cost", "5", check=2)

    assert "`--max-cost` can't be kept: task `a` has the backend `command`" in result.err
    assert not scene.tasks_dir.exists()


@pytest.mark.parametrize(
    ("used", "ended"), [("0.5", ("passed", "", 0.3)), ("1", ("failed", "budget", None))]
)
def test_what_comes_after_the_last_merge_gets_what_is_left_or_is_not_started(scene, used, ended):
    top = "budget: {max_cost_usd: 1}\nafter_merge: {prompt: Use 0.3., backend: mine}"
    planned(scene, top, f"id: a, prompt: Use {used}., max_cost_usd: 1")

    scene.run("--yes", check=0 if ended[0] == "passed" else 1)

    report = json.loads(scene.call("report", "--format", "json").out)
    found = report["after_merge"]
    assert (found["state"], found["failure"], found["cost_usd"]) == ended
    (purse,) = report["budgets"]
    assert purse["used"] == pytest.approx(float(used) + (ended[2] or 0))
