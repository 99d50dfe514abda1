"""What a plan wants to follow a conflict: `keep`, which is the rule, is tried with git's corners."""

import json

import pytest

from support.corners import begun, check_all_merged, check_in_order, done
from support.repository import make_repository, write_files
from support.scene import Scene

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
merge: {{strategy: {strategy}, regenerate: {{"sub/*.lock": {command}}}}}
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
