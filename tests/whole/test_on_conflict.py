"""What a plan wants to follow a conflict: `keep`, which is the rule, is tried with git's corners."""

import json

import pytest

from support.corners import begun, check_all_merged, check_in_order, done
from support.repository import make_repository, write_files
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Kind of conflict: what the first task does, what the second does at first, and then instead.
KINDS = {
    "text": ("echo ours > {k}/f", "echo theirs > {k}/f", "echo theirs >> {k}/f"),
    "binary": ("printf 'a\\0b' > {k}/bin", "printf 'a\\0c' > {k}/bin", "printf d >> {k}/bin"),
    "add-add": ("echo ours > {k}/new", "echo theirs > {k}/new", "echo theirs >> {k}/new"),
    "modify-delete": ("echo ours > {k}/f", "rm {k}/f", "rm {k}/f"),
    "delete-modify": ("rm {k}/f", "echo theirs > {k}/f", "echo theirs > {k}/f"),
    "rename-rename": ("mv {k}/lines {k}/x", "mv {k}/lines {k}/y", "mv {k}/x {k}/y"),
}
LINES = "".join(f"{number}\n" for number in range(1, 9))


def tasks_of(kinds):
    """Returns one task that does the first side of all conflicts, and one for each second side."""
    first = "; ".join(ours.format(k=kind) for kind, (ours, _, _) in kinds.items())
    yield "first", f"{begun(*kinds)}; {first}"
    for kind, (_, theirs, again) in kinds.items():
        line = f"{done('first')}; {theirs}; else {again}; fi".format(k=kind)
        yield kind, f"if test $PO_ATTEMPT = 1; then {line}"


def plan(tasks, policy, retries=1):
    lines = ["---", 'po_plan_version: "0.2"', "name: clash", f"merge: {{on_conflict: {policy}}}"]
    lines += [f"defaults: {{backend: command, max_retries: {retries}}}", "tasks:"]
    lines += [
        f"  - {{id: {task}, prompt: Do it., command: {json.dumps(line)}}}" for task, line in tasks
    ]
    return "\n".join([*lines, "---", ""])


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    make_repository(scene.project, 1)
    for kind in KINDS:
        write_files(scene.project, {f"{kind}/f": "f\n", f"{kind}/lines": LINES})
        (scene.project / kind / "bin").write_bytes(b"a\0a")
    scene.git("add", "--all")
    scene.git("commit", "-qm", "conflicts to be")
    return scene


def test_a_task_that_conflicts_begins_anew_on_the_merged_work_and_is_told_all_of_it(scene):
    tasks = dict(tasks_of(KINDS))

    result = scene.plan(plan(tasks.items(), "retry")).run("--yes", "-j", str(len(tasks)))

    check_all_merged(result, *tasks)
    files = scene.files()
    assert (files["text/f"], files["add-add/new"]) == ("ours\ntheirs\n", "ours\ntheirs\n")
    assert (files["rename-rename/y"], files["delete-modify/f"]) == (LINES, "theirs\n")
    assert "modify-delete/f" not in files
    assert "clash    a task that conflicts begins anew on the merged work\n" in result.err
    assert scene.refs("refs/heads/orchestra-kept") == set()
    (prompt,) = (scene.tasks_dir / "attempts" / "text").glob("2.*/prompt.md")
    told = prompt.read_text()
    assert "failed (conflict): conflict in 1 file with `first`." in told
    assert "refs/orchestra/" in told
    assert "contradicts what was merged of other tasks meanwhile, in `text/f`." in told
    assert "What it had changed:\n\n```diff\n" in told
    assert "-f\n+theirs\n" in told


GENERATED = """---
po_plan_version: "0.2"
name: clash
max_workers: 3
verify: ["sh make.sh && git diff --exit-code sub/all.lock"]
merge: {{strategy: {strategy}, regenerate: {{"sub/*.{{lock,sum}}": {command}}}}}
defaults: {{backend: command, max_retries: 0}}
tasks:
{tasks}
---
"""


@pytest.fixture
def generating(tmp_path):
    """A project with a file that a script makes of all others."""
    scene = Scene(tmp_path)
    make = "for f in part-*; do cat $f; done > sub/all.lock\n"
    return scene.repository({"make.sh": make, "part-0": "0\n", "sub/all.lock": "0\n"})


@pytest.mark.parametrize("strategy", ["merge", "rebase"])
def test_generated_files_that_conflict_are_made_anew_in_the_merge(generating, strategy):
    names = ("1", "2", "3")
    lines = [
        f"  - {{id: t{one}, command: {json.dumps(f'{begun(*others)}; echo {one} > part-{one}; sh make.sh')}}}"
        for one in names
        for others in [[f"t{two}" for two in names]]
    ]
    text = GENERATED.format(
        strategy=strategy, tasks="\n".join(lines), command="sh make.sh; echo > odd"
    )

    result = generating.plan(text).run("--yes", "-j", "3")

    check_all_merged(result, "t1", "t2", "t3")
    assert "clash    sub/*.{lock,sum} is made anew by sh make.sh; echo > odd\n" in result.err
    assert result.files()["sub/all.lock"] == "0\n1\n2\n3\n"
    assert "odd" not in result.names()


def test_a_command_that_fails_leaves_a_conflict_and_shows_what_it_said(generating):
    both = f"{begun('a', 'b')}; echo $PO_TASK_ID > part-1; sh make.sh"
    lines = [
        f"  - {{id: a, command: {json.dumps(both.replace('part-1', 'part-a'))}}}",
        f"  - {{id: b, command: {json.dumps(both.replace('part-1', 'part-b'))}}}",
    ]
    text = GENERATED.format(strategy="merge", tasks="\n".join(lines), command="echo no way; exit 7")

    result = generating.plan(text).run("--yes", "-j", "2")

    assert result.exit_code == 4, result
    assert sorted(result.states().values()) == ["done", "failed"]
    (failed,) = (task for task, state in result.states().items() if state == "failed")
    (facts,) = (result.tasks_dir / "attempts" / failed).glob("1.*/result.json")
    assert (
        "which makes it anew, exited with code 7\nno way" in json.loads(facts.read_text())["detail"]
    )


def test_a_task_that_conflicts_too_often_is_left_on_a_branch(scene):
    kinds = {"text": (*KINDS["text"][:2], "exit 1")}
    tasks = dict(tasks_of(kinds))

    result = scene.plan(plan(tasks.items(), "retry", 0)).run("--yes", "-j", "2")

    assert result.exit_code == 4, result
    assert scene.refs("refs/heads/orchestra-kept") == {"refs/heads/orchestra-kept/clash/text-1"}


def test_a_run_that_is_to_ask_starts_nothing_after_a_conflict(scene):
    wait = 'until test -n "$(ls "$PO_TASKS_DIR/failed")"; do sleep 0.02; done'
    more = {"hold": f"{done('first')}; {wait}; echo > hold", "later": "echo > later"}
    text = plan({**dict(tasks_of({"text": KINDS["text"]})), **more}.items(), "halt", 0)

    halted = scene.plan(text.replace("{id: later,", "{id: later, priority: -1,"))
    result = halted.run("--yes", "-j", "2")

    assert result.exit_code == 4, result
    assert "halted: `text` conflicts, and the run was to ask then" in result.out + result.err
    assert result.states() == {
        "first": "done",
        "hold": "done",
        "text": "failed",
        "later": "available",
    }
    assert result.merges("main") == {"first": 1, "hold": 1}
    check_in_order(result)


RESOLVING = """---
po_plan_version: "0.2"
name: clash
verify: ["test ! -e broken"]
merge: {{on_conflict: agent, strategy: {strategy}}}
backends: {{mine: {{command: [sh, {agent}]}}, judge: {{command: [sh, {place}/judge.sh]}}}}
qa: {{backend: judge}}
defaults: {{backend: mine, max_retries: 0}}
tasks:
  - {{id: first, title: The first, prompt: Write ours.}}
  - {{id: second, prompt: Write theirs., verify: ["test ! -e bad"]}}
  - {{id: after, depends_on: [second], prompt: Look.}}
---
"""
#: Who does the tasks; and, where it is told of a conflict, what stands in `resolve.sh`.
AGENT = """
if grep -q MERGE_HEAD "$PO_PROMPT_FILE"; then
  cp "$PO_PROMPT_FILE" {place}/told.md; echo >> {place}/times; git status --porcelain > {place}/status; . {place}/resolve.sh
  exit
fi
case $PO_TASK_ID in
  first) {meet}; echo ours > text/f; rm lines/lines; printf 'o\\0' > binary/bin;;
  second) {wait}; echo theirs > text/f; echo 9 >> lines/lines; printf 't\\0' > binary/bin;;
  after) cat text/f > after.txt;;
esac
"""
#: Who judges: approves of any work, and does what is wanted where it is told of a conflict.
JUDGE = """
if grep -q "What was in conflict" "$PO_PROMPT_FILE"; then
  cp "$PO_PROMPT_FILE" {place}/asked.md; {wanted}
fi
echo APPROVED
"""
RESOLVE = "printf 'ours\\ntheirs\\n' > text/f; git rm -q lines/lines; printf 'x\\0' > binary/bin"


@pytest.fixture
def resolving(scene, tmp_path):
    """Makes the project's agent, with what it does about conflicts; returns the scene."""

    def made(resolve, strategy="merge", judge="true"):
        for kind in ("lines", "binary"):
            write_files(scene.project, {f"{kind}/lines": LINES})
            (scene.project / kind / "bin").write_bytes(b"a\0a")
        scene.git("add", "--all")
        scene.git("commit", "-qm", "more")
        agent = tmp_path / "agent.sh"
        meet, wait = begun("second"), done("first")
        agent.write_text(AGENT.format(place=tmp_path, meet=meet, wait=wait))
        (tmp_path / "resolve.sh").write_text(resolve)
        (tmp_path / "judge.sh").write_text(JUDGE.format(place=tmp_path, wanted=judge))
        return scene.plan(RESOLVING.format(agent=agent, place=tmp_path, strategy=strategy))

    return made


@pytest.mark.parametrize(
    ("how", "strategy"), [("", "merge"), ("; git add -A; git commit -qm resolved", "rebase")]
)
def test_an_agent_resolves_a_conflict_that_is_told_with_both_sides(
    resolving, tmp_path, how, strategy
):
    scene = resolving(RESOLVE + how, strategy)

    result = scene.run("--yes", "-j", "2")

    check_all_merged(result, "first", "second", "after")
    files = result.files()
    assert (files["text/f"], files["after.txt"]) == ("ours\ntheirs\n", "ours\ntheirs\n")
    assert "lines/lines" not in files
    told = (tmp_path / "told.md").read_text()
    assert [one in told for one in ("- `text/f`", "Task `first`: The first", "Write theirs.")] == [
        True
    ] * 3
    assert (tmp_path / "status").read_text().splitlines() == [
        "UU binary/bin",
        "DU lines/lines",
        "UU text/f",
    ]
    said = scene.call("why", "second").out
    assert "a conflict in 3 files was resolved by an agent" in said
    assert "kept:" not in said
    asked = (tmp_path / "asked.md").read_text()
    assert "there:\n\n- `binary/bin`\n- `lines/lines`\n- `text/f`\n" in asked
    assert "-ours\n" not in asked
    assert "+theirs\n" in asked


@pytest.mark.parametrize(
    ("resolve", "why"),
    [
        ("git add -A", "conflict markers are left in text/f"),
        ("true", "the agent left a merge half done, with conflicts in text/f"),
        (f"{RESOLVE}; echo > other", "it changed what neither side had changed: other"),
        ("git merge --abort", "nothing of the task's work is left"),
        ("echo no way; exit 3", "transient: exit code 3"),
    ],
    ids=["markers", "half", "beyond", "abort", "failed"],
)
def test_what_an_agent_did_not_resolve_is_left_to_a_person(resolving, resolve, why):
    scene = resolving(resolve)

    result = scene.run("--yes", "-j", "2")

    assert result.exit_code == 4, result
    told = scene.call("why", "second").out
    assert f"; an agent did not resolve it: {why}" in told
    if "echo no way" in resolve:
        assert "/resolve.log\n" in told
    assert result.merges("main") == {"first": 1}
    assert scene.refs("refs/heads/orchestra-kept") == {"refs/heads/orchestra-kept/clash/second-1"}
    check_in_order(result)


def test_a_merge_that_qa_rejects_is_left_to_a_person(resolving):
    judge = "echo text/f: ours is twice there; echo REJECTED; exit"
    scene = resolving(RESOLVE, judge=judge)

    result = scene.run("--yes", "-j", "2")

    assert result.exit_code == 4, result
    told = scene.call("why", "second").out
    assert "; an agent did not resolve it: QA rejected it: text/f: ours is twice there" in told
    assert "/qa.log\n" in told
    assert result.merges("main") == {"first": 1}
    assert scene.refs("refs/heads/orchestra-kept") == {"refs/heads/orchestra-kept/clash/second-1"}
    check_in_order(result)


def test_a_merge_that_qa_can_not_judge_is_not_resolved_once_more(resolving, tmp_path):
    scene = resolving(RESOLVE, judge="kill -9 $$")

    result = scene.run("--yes", "-j", "2")

    check_all_merged(result, "first", "second", "after")
    assert result.files()["text/f"] == "ours\ntheirs\n"
    assert (tmp_path / "times").read_text() == "\n"
    told = scene.call("why", "second").out
    assert "QA (`judge`): ended by SIGKILL" in told
    assert not [one for one in result.refs() if "/candidate/" in one]


def test_a_run_killed_while_an_agent_resolves_goes_on_and_merges_once(resolving, tmp_path):
    scene = resolving(f"touch {tmp_path}/begun; sleep 60")
    with scene.start("--yes", "-j", "2") as running:
        wait_until((tmp_path / "begun").exists)
        running.kill_tree(whole_group=True)
    (tmp_path / "resolve.sh").write_text(RESOLVE)
    (tmp_path / "agent.sh").write_text(
        (tmp_path / "agent.sh").read_text().replace("echo theirs >", "echo theirs >>")
    )

    result = scene.run("--yes", "--resume")

    check_all_merged(result, "first", "second", "after")
    assert result.files()["text/f"] == "ours\ntheirs\n"
