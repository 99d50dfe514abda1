"""Whole runs in which a second agent judges work before it is merged. Both agents are scripts."""

import json
import signal

import pytest

from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Its prompt stands in `PO_PROMPT_FILE`; each time it runs leaves a line in `$NOTES/<task>`.
WORKER = """
cat > /dev/null
echo "$PO_ATTEMPT" >> "$NOTES/$PO_TASK_ID"
grep -q 'say more' "$PO_PROMPT_FILE" && echo more >> "$PO_TASK_ID.txt"
echo "$PO_ATTEMPT" >> "$PO_TASK_ID.txt"
echo "I made $PO_TASK_ID.txt"
"""
HEAD = """---
po_plan_version: "0.2"
name: judged
max_workers: 3
defaults: {backend: worker, max_retries: 0}
backends:
  worker: {command: [sh, worker.sh]}
"""
#: By name, what each judge does. `$TIMES` is how often it was asked of this task.
JUDGES = {
    "content": "echo all well; echo APPROVED",
    "critical": 'grep -q more "$PO_TASK_ID.txt" && echo APPROVED || echo "REJECTED: say more"',
    "never": "echo nothing is good enough; echo REJECTED",
    "lost": "echo BLOCKED: there is no compiler",
    "vague": "echo it looks fine to me",
    "slow": '[ "$TIMES" = 2 ] && echo APPROVED || echo hm',
    "meddling": 'echo mine > "$PO_TASK_ID.txt"; git add -A; git commit -qm mine; echo more > b; echo APPROVED',
    "dying": '[ "$TIMES" = 1 ] && kill -9 $$; echo APPROVED',
    "asleep": "sleep 60; echo APPROVED",
    "spent": 'test -e "$GO" && echo APPROVED || { echo "usage limit: try again in 2h"; exit 1; }',
}  # fmt: skip
LIMIT = "classify: {usage_limit: usage limit}"
ASKED = 'cat > /dev/null; TIMES=$(($(cat "$NOTES/$PO_TASK_ID.qa" 2>/dev/null || echo 0) + 1)); '
ASKED += 'echo $TIMES > "$NOTES/$PO_TASK_ID.qa"\n'


@pytest.fixture
def scene(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    found = Scene(tmp_path, env={"NOTES": str(notes), "GO": str(tmp_path / "go")})
    judges = {f"{name}.sh": ASKED + what + "\n" for name, what in JUDGES.items()}
    return found.repository({"worker.sh": WORKER, **judges})


def planned(scene, tasks, top=""):
    judges = "".join(f"  {name}: {{command: [sh, {name}.sh], {LIMIT}}}\n" for name in JUDGES)
    entries = "".join(f"  - {{{task}}}\n" for task in tasks)
    return scene.plan(f"{HEAD}{judges}{top}\ntasks:\n{entries}---\n")


def judged_by(*names):
    return [f"id: {name}, prompt: Do it., qa: {{backend: {name}}}" for name in names]


def worked(scene, task):
    path = scene.project.parent / "notes" / task
    return path.read_text().split() if path.exists() else []


def report_of(scene, *args, check):
    path = scene.project.parent / "report.json"
    result = scene.run("--yes", "--report", str(path), *args, check=check)
    return result, {task["id"]: task for task in json.loads(path.read_text())["tasks"]}


def test_what_each_verdict_leads_to(scene):
    good = ("content", "critical", "slow", "meddling", "dying")
    asleep = "id: asleep, prompt: Do it., qa: {backend: asleep, timeout: 0.3}"
    planned(scene, [asleep, *judged_by(*good, "never")])

    result, tasks = report_of(scene, check=4)

    failed = ("never", "asleep")
    states = {**dict.fromkeys(good, "done"), **dict.fromkeys(failed, "failed")}
    assert result.states() == states
    verdicts = {
        name: [one["qa"]["verdict"] for one in task["attempts"]] for name, task in tasks.items()
    }
    assert verdicts == {
        "content": ["approved"],
        "critical": ["rejected", "approved"],
        "never": ["rejected"] * 3,
        "slow": ["approved"],
        "meddling": ["approved"],
        "dying": ["unheard", "approved"],
        "asleep": ["unheard"] * 2,
    }
    assert result.files()["critical.txt"] == "1\nmore\n2\n"
    assert result.files()["meddling.txt"] == "1\n"
    assert result.names().isdisjoint({"b", "never.txt", "asleep.txt"})
    assert result.merges() == dict.fromkeys(good, 1)
    first = tasks["critical"]["attempts"][0]
    assert (first["failure"], first["reason"]) == ("qa_rejected", "say more")
    assert first["told_in"] == first["qa"]["log"]
    assert "REJECTED: say more" in (scene.tasks_dir / first["told_in"]).read_text()
    assert tasks["never"]["failures"] == 0
    (warning,) = tasks["meddling"]["warnings"]
    ref = warning.rpartition(" ")[2]
    assert warning.startswith("QA is read-only but changed files; discarded, see refs/orchestra/")
    assert result.git("show", f"{ref}:meddling.txt") == "mine\n"
    assert not [one for one in result.refs() if "/candidate/" in one]
    killed, again = tasks["dying"]["attempts"]
    assert (killed["failure"], killed["reason"]) == (
        "environment",
        "QA (`dying`): ended by SIGKILL",
    )
    assert (again["way"], worked(scene, "dying")) == ("judge", ["1"])
    first, last = tasks["asleep"]["attempts"]
    assert (first["failure"], last["failure"]) == ("environment", "qa_blocked")
    assert last["reason"].startswith("QA (`asleep`): ")
    assert last["reason"].endswith(", twice")
    assert worked(scene, "asleep") == ["1"]


def test_work_that_cannot_be_judged_waits_for_a_person(scene):
    tasks = [*judged_by("lost", "vague"), "id: next, depends_on: [lost], prompt: Go on."]
    planned(scene, [*tasks, "id: other, prompt: Do it."])

    result, told = report_of(scene, check=4)
    first = result.states()
    why = scene.call("why", "lost", check=0).out
    (scene.project / "lost.sh").write_text(ASKED + JUDGES["content"])
    result.git("commit", "-qam", "give it a compiler")
    scene.call("retry", "lost", check=0)
    again, later = report_of(scene, "--resume", check=4)

    states = {"lost": "failed", "vague": "failed", "next": "available", "other": "done"}
    assert first == states
    assert [told[name]["failure_category"] for name in ("lost", "vague")] == ["qa_blocked"] * 2
    assert told["lost"]["reason"] == "there is no compiler"
    said = "QA gave no verdict that can be read, twice; its last words: it looks fine to me"
    assert told["vague"]["reason"] == said
    assert "QA (`lost`) could not judge it after" in why
    assert "`parallel-orchestra retry lost` asks it again" in why
    assert again.states() == {**states, "lost": "done", "next": "done"}
    assert worked(scene, "lost") == ["1"]
    assert [one["way"] for one in later["lost"]["attempts"]] == ["", "judge"]
    asks = (
        "next: `parallel-orchestra logs vague` shows what QA said; `parallel-orchestra retry vague`"
    )
    assert asks in scene.call("status", check=4).out
    scene.call("merge", "vague", check=0)
    assert again.states()["vague"] == "done"
    assert again.merges("orchestra/judged")["vague"] == 1
    assert again.files()["lost.txt"] == "1\n"


@pytest.mark.parametrize("policy", ["stop", "{max_wait: 1h}"])
def test_a_limit_of_the_judge_that_is_not_to_be_waited_for_asks_a_person(scene, policy):
    planned(scene, judged_by("spent"), f"usage_limit: {policy}")

    stopped, told = report_of(scene, check=4)
    left = stopped.states()
    (scene.project.parent / "go").touch()
    again, later = report_of(scene, "--resume", check=0)

    assert left == {"spent": "failed"}
    assert told["spent"]["failure_category"] == "qa_blocked"
    assert "(the plan's `usage_limit` does not wait for it)" in told["spent"]["reason"]
    assert again.states() == {"spent": "done"}
    assert [one["way"] for one in later["spent"]["attempts"]] == ["", "judge"]
    assert worked(scene, "spent") == ["1"]


def test_who_has_something_to_say_to_the_agent_has_it_go_on(scene):
    planned(scene, judged_by("lost"))
    scene.run("--yes", check=4)

    scene.call("retry", "lost", "--feedback", "Please say more.", check=0)
    scene.run("--yes", "--resume", check=4)

    assert worked(scene, "lost") == ["1", "2"]


def test_work_is_not_done_again_if_its_worker_is_killed_while_it_is_judged(scene):
    planned(scene, ["id: held, prompt: Do it., qa: {backend: held}"])
    wait = f'{ASKED}while ! [ -e "$GO" ]; do sleep 0.02; done; echo APPROVED\n'
    (scene.project / "held.sh").write_text(wait)
    plan = (
        scene.plan_path()
        .read_text()
        .replace("backends:", "backends:\n  held: {command: [sh, held.sh]}")
    )
    scene.write_plan(plan)
    Scene.git(scene, "add", "-A")
    Scene.git(scene, "commit", "-qm", "a judge that takes its time")

    with scene.start("--yes") as running:
        wait_until(lambda: worked(scene, "held.qa"))
        running.kill_tree(whole_group=True)
    (scene.project.parent / "go").touch()
    result, tasks = report_of(scene, "--resume", check=0)

    assert worked(scene, "held") == ["1"]
    assert result.files()["held.txt"] == "1\n"
    assert tasks["held"]["attempts"][-1]["way"] == "judge"
    assert result.merges() == {"held": 1}
    assert result.processes() == []


PAID = """
cat > /dev/null
echo "$PO_ATTEMPT" >> "$NOTES/$PO_TASK_ID$1"
[ "$1" ] || echo "$PO_ATTEMPT" > "$PO_TASK_ID.txt"
printf '{"type":"result","subtype":"success","is_error":false,"result":"APPROVED","num_turns":1,'
printf '"total_cost_usd":%s,"usage":{"input_tokens":70,"output_tokens":30}}\\n' "$2"
"""
PAID_PLAN = """---
po_plan_version: "0.2"
name: paid
max_workers: 1
defaults: {backend: maker}
budget: {max_cost_usd: 1}
qa: {backend: judge}
backends:
  maker: {command: [sh, paid.sh, "", "0.3"], result: claude}
  judge: {command: [sh, paid.sh, .qa, "0.2", "{max_cost_usd}"], result: claude}
tasks:
  - {id: a, prompt: Do it.}
  - {id: b, prompt: Do it.}
  - {id: c, prompt: Do it.}
---
"""


def test_what_qa_costs_counts_for_the_budget_and_is_told_apart(scene):
    (scene.project / "paid.sh").write_text(PAID)
    Scene.git(scene, "add", "-A")
    Scene.git(scene, "commit", "-qm", "paid agents")
    scene.plan(PAID_PLAN)

    result, tasks = report_of(scene, check=4)

    done = [name for name, state in result.states().items() if state == "done"]
    assert len(done) == 2
    assert "budget: $1.00 of $1.00 used" in result.out
    for name in done:
        (attempt,) = tasks[name]["attempts"]
        assert (attempt["cost_usd"], attempt["qa"]["cost_usd"]) == (0.3, 0.2)
        assert tasks[name]["cost_usd"] == 0.5


def test_who_judges_is_said_before_the_run(scene):
    planned(scene, judged_by("content"), "qa: {backend: critical, max_rejections: 5}")

    told = scene.run("--dry-run", check=0).out
    record = json.loads(scene.run("--dry-run", "--json", check=0).out)

    assert "judged by content, at most 5 rejections" in told
    assert record["tasks"][0]["judge"] == "content"


def test_a_judge_whose_program_is_not_there_stops_the_run_before_it_begins(scene):
    planned(scene, ["id: a, prompt: Do it., qa: {backend: nobody}"])
    plan = scene.plan_path().read_text()
    scene.write_plan(plan.replace("backends:", "backends:\n  nobody: {command: [no-such-agent]}"))

    result = scene.run("--yes", check=3)

    assert "the agent program `no-such-agent` is not there" in result.err
    assert not scene.tasks_dir.exists()


def test_logs_show_what_qa_said(scene):
    planned(scene, judged_by("never"), "qa: {max_rejections: 0}")
    scene.run("--yes", check=1)

    told = scene.call("logs", "never", check=0).out

    assert "==> qa.log <==\nnothing is good enough\nREJECTED\n" in told


def test_a_run_that_is_stopped_while_work_is_judged_goes_on_with_that(scene):
    planned(scene, ["id: held, prompt: Do it., qa: {backend: held}"])
    plan = scene.plan_path().read_text()
    wait = 'while ! [ -e "$GO" ]; do sleep 0.02; done; echo APPROVED'
    judge = f"backends:\n  held: {{command: [sh, -c, '{ASKED.strip()}; {wait}']}}"
    scene.write_plan(plan.replace("backends:", judge))

    with scene.start("--yes") as running:
        wait_until(lambda: worked(scene, "held.qa"))
        running.send(signal.SIGTERM)
        running.wait()
    (scene.project.parent / "go").touch()
    result, tasks = report_of(scene, "--resume", check=0)

    assert worked(scene, "held") == ["1"]
    first, second = tasks["held"]["attempts"]
    assert (first["failure"], first["qa"]["verdict"]) == ("cancelled", "unheard")
    assert (second["way"], second["qa"]["verdict"]) == ("judge", "approved")
    assert result.merges() == {"held": 1}


def test_approved_work_is_not_done_again_if_its_worker_is_killed_before_the_merge(scene):
    wait = 'verify: \'touch "$NOTES/merging"; while ! [ -e "$GO" ]; do sleep 0.02; done\''
    planned(scene, judged_by("content"), wait)

    with scene.start("--yes") as running:
        wait_until((scene.project.parent / "notes" / "merging").exists)
        running.kill_tree(whole_group=True)
    (scene.project.parent / "go").touch()
    result, tasks = report_of(scene, "--resume", check=0)

    assert worked(scene, "content") == ["1"]
    assert tasks["content"]["attempts"][-1]["way"] == "judge"
    assert result.merges() == {"content": 1}
    assert not [one for one in result.refs() if "/candidate/" in one]


def test_work_for_whose_judgement_no_money_is_left_waits_for_more(scene):
    (scene.project / "paid.sh").write_text(PAID)
    Scene.git(scene, "add", "-A")
    Scene.git(scene, "commit", "-qm", "paid agents")
    plan = PAID_PLAN.partition("  - {id: b")[0] + "---\n"
    scene.plan(plan.replace("prompt: Do it.", "prompt: Do it., max_cost_usd: 0.3"))

    _, first = report_of(scene, check=4)
    scene.plan(plan.replace("prompt: Do it.", "prompt: Do it., max_cost_usd: 0.6"))
    _, then = report_of(scene, "--resume", check=0)

    assert first["a"]["reason"] == "nothing is left of $0.30 for QA"
    assert [one["way"] for one in then["a"]["attempts"]] == ["", "judge"]
    assert worked(scene, "a") == ["1"]
    assert then["a"]["cost_usd"] == 0.5


def test_judged_work_that_was_merged_and_undone_is_not_merged_once_more(scene):
    planned(scene, judged_by("content"))
    scene.run("--yes")
    # As if the worker had been killed between the merge and the end of its attempt.
    (attempt,) = (scene.tasks_dir / "attempts" / "content").iterdir()
    candidate = json.loads((attempt / "candidate.json").read_text())
    (attempt / "result.json").unlink()
    scene.git("update-ref", candidate["ref"], scene.git("rev-parse", "HEAD^2").strip())
    scene.call("undo", "content")

    scene.call("retry", "content")
    again = scene.run("--resume")

    assert worked(scene, "content") == ["1", "2"]
    assert again.files()["content.txt"] == "2\n"
    assert "begins anew" not in again.out
