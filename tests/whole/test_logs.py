"""`logs`: what agents do, read while they do it, by one person or by a program."""

import json
import os
import pty
import subprocess
import sys

import pytest

from parallel_orchestra.conductor.acts import Glance
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.store import Layout
from parallel_orchestra.store.records import read_run
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Speaks Claude Code's language; begins a command, and ends it when the file `go` appears.
AGENT = r"""cat > /dev/null
say() { printf '%s\n' "$1"; }
say '{"type":"system","subtype":"init","session_id":"s1","model":"m1"}'
say '{"type":"assistant","message":{"content":[{"type":"text","text":"I begin.\u001b[31m"}]}}'
say '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"1","name":"Bash","input":{"command":"make"}}]}}'
say "a warning"
while ! [ -e "$PO_TASKS_DIR/go" ]; do sleep 0.05; done
say '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"1","content":"ok"}]}}'
if [ "$PO_ATTEMPT" = 1 ] && [ "$PO_TASK_ID" = a ]
then say '{"type":"result","is_error":true,"subtype":"error","num_turns":1,"result":"no luck"}'; exit 1
fi
echo done > "$PO_TASK_ID.txt"
say '{"type":"result","is_error":false,"subtype":"success","num_turns":2,"result":"I am done."}'
"""
PLAN = """---
po_plan_version: "0.2"
name: watched
max_workers: 2
backends:
  chatty: {command: [sh, chatty.sh], result: claude}
defaults: {backend: chatty, max_retries: 1}
tasks:
  - {id: a, prompt: Do it., verify: [echo checked]}
  - {id: long, prompt: Do it.}
---
"""
FIRST = """note    session s1, model m1
says    I begin.
a warning
ok      run make
note    failed after 1 turn: no luck
"""
SECOND = """note    session s1, model m1
says    I begin.
a warning
ok      run make
note    ended after 2 turns
==> verify.log <==
checked
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository({"chatty.sh": AGENT}).plan(PLAN)


def without_open(text):
    """Returns the lines without those of acts that had begun: whether one sees them is chance."""
    return "".join(line for line in text.splitlines(keepends=True) if "...     " not in line)


def test_acts_are_followed_from_attempt_to_attempt_until_the_tasks_have_ended(scene):
    with scene.start() as running:
        wait_until(lambda: len(list(scene.tasks_dir.glob("attempts/*/1.*/agent.log"))) == 2, 20)
        with (
            scene.start_command("logs", "a", "-f") as one,
            scene.start_command("logs", "a", "long", "-f") as both,
            scene.start_command("logs", "a", "-f", "--attempt", "1") as first,
        ):
            begun = "...     run make\n"
            wait_until(lambda: begun in one.out(), 20)
            wait_until(lambda: {f"a     {begun}", f"long  {begun}"} <= whole_lines(both), 20)
            doing = Glance(Layout(scene.tasks_dir), plan_of(scene)).look()
            (scene.tasks_dir / "go").touch()
            followed = [follower.wait() for follower in (one, both, first)]
        result = running.wait()

    assert result.exit_code == 0, result
    assert [one.exit_code for one in followed] == [0, 0, 0]
    assert [(one.task, one.attempt, one.act) for one in doing] == [
        ("a", 1, "run make"),
        ("long", 1, "run make"),
    ]
    assert without_open(followed[0].out) == f"{FIRST}==> attempt 2 <==\n{SECOND}"
    assert without_open(followed[2].out) == FIRST
    lines = without_open(followed[1].out).splitlines()
    assert {line[:6] for line in lines} == {"a     ", "long  "}
    of_a = [line[6:] for line in lines if line.startswith("a ")]
    assert of_a == [*FIRST.splitlines(), "==> attempt 2 <==", *SECOND.splitlines()]


def whole_lines(running):
    return set(running.out().splitlines(keepends=True))


def plan_of(scene):
    return plan_from_json(read_run(Layout(scene.tasks_dir)).plan)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    scene = Scene(tmp_path_factory.mktemp("ended")).repository({"chatty.sh": AGENT}).plan(PLAN)
    scene.tasks_dir.mkdir(mode=0o700)
    (scene.tasks_dir / "go").touch()
    scene.run(check=0)
    return scene


def test_the_last_attempt_is_shown_or_the_one_that_is_named(ended):
    assert ended.call("logs", "a", check=0).out == SECOND
    assert ended.call("logs", "a", "--attempt", "1", check=0).out == FIRST
    assert ended.call("logs", "a", "-f", check=0).out == SECOND


def test_raw_into_a_pipe_is_the_log_byte_by_byte(ended):
    (log,) = ended.tasks_dir.glob("attempts/long/1.*/agent.log")

    shown = ended.call("logs", "long", "--raw", check=0).out

    assert shown == log.read_text(encoding="utf-8")
    assert shown.startswith('{"type":"system"')


def test_for_programs_each_line_says_where_it_is_from(ended):
    shown = ended.call("logs", "a", "long", "--json", check=0).out
    raw = ended.call("logs", "long", "--raw", "--json", check=0).out
    (log,) = ended.tasks_dir.glob("attempts/long/1.*/agent.log")

    lines = [json.loads(line) for line in shown.splitlines()]
    of_a = [one["text"] for one in lines if one["task"] == "a"]
    assert of_a == [line for line in SECOND.splitlines() if not line.startswith("==>")]
    assert {(one["attempt"], one["log"]) for one in lines} == {
        (2, "agent.log"),
        (2, "verify.log"),
        (1, "agent.log"),
    }
    told = [json.loads(line)["text"] for line in raw.splitlines()]
    assert told == log.read_text(encoding="utf-8").splitlines()


def test_nothing_that_an_agent_prints_reaches_a_terminal(ended):
    (log,) = ended.tasks_dir.glob("attempts/long/1.*/agent.log")
    before = log.read_bytes()
    evil = b"\x1b]0;title\x07\x1b[2J\x1b[1;1Hevil\xe2\x80\xae\x00\xff\x9b31m\r\n"
    log.write_bytes(before + evil + b"no end")

    try:
        raw, told = (on_a_terminal(ended, "logs", "long", *more) for more in (["--raw"], []))
    finally:
        log.write_bytes(before)

    for shown in (raw, told):
        assert shown.rstrip().endswith("no end")
        assert "evil" in shown
        assert not set(shown) & set("\x1b\x07\x00\x9b\N{RIGHT-TO-LEFT OVERRIDE}")


def on_a_terminal(scene, *args):
    """Returns what a command shows on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "parallel_orchestra", *args]
    with subprocess.Popen(command, cwd=scene.project, stdin=theirs, stdout=theirs) as child:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 1 << 16):
                shown += piece
        except OSError:
            # the other end is closed: that is how a terminal ends (pty(7))
            pass
        assert child.wait() == 0
    os.close(ours)
    return shown.decode(errors="replace")


def test_who_follows_a_task_that_nobody_works_on_is_told_so(scene):
    with scene.start() as running:
        wait_until(lambda: len(list(scene.tasks_dir.glob("attempts/*/1.*/agent.log"))) == 2, 20)
        with scene.start_command("logs", "a", "-f") as follower:
            wait_until(lambda: "\na warning\n" in follower.out(), 20)
            running.kill_tree(whole_group=True)
            told = follower.wait()
    scene.wait_for_silence()

    assert told.exit_code == 0
    assert told.err == "a: its worker is gone\n"
    assert told.out.endswith("...     run make\n")


def test_a_task_that_said_nothing_has_nothing_to_show(tmp_path):
    plan = (
        PLAN.partition("backends:")[0]
        + "tasks: [{id: a, backend: command, command: 'true', read_only: true}]\n---\n"
    )
    scene = Scene(tmp_path).repository(1).plan(plan)
    scene.run(check=0)

    quiet = scene.call("logs", "a", check=3)
    followed = scene.call("logs", "a", "-f", check=0)

    assert "task `a` is done, and printed nothing" in quiet.err
    assert (followed.out, followed.err) == ("", "")


def test_a_task_that_failed_without_a_word_is_said_to_have_printed_nothing(tmp_path):
    silent = "{id: a, backend: command, command: 'false', read_only: true, max_retries: 0}"
    scene = Scene(tmp_path).repository(1)
    scene.plan(PLAN.partition("backends:")[0] + f"tasks: [{silent}]\n---\n")
    scene.run(check=1)
    page = tmp_path / "page.html"

    told = scene.call("logs", "a", check=3)
    why = scene.call("why", "a", check=0)
    scene.call("report", "-o", str(page), check=0)

    assert (told.out, "task `a` has failed, and printed nothing" in told.err) == ("", True)
    assert "  it printed nothing\n" in why.out
    assert "agent.log" not in why.out + page.read_text(encoding="utf-8")


def test_a_task_at_work_that_has_printed_nothing_is_not_called_unbegun(tmp_path):
    go = tmp_path / "go"
    silent = f"{{id: a, backend: command, read_only: true, command: 'until [ -e {go} ]; do sleep 0.05; done'}}"
    scene = Scene(tmp_path).repository(1)
    scene.plan(PLAN.partition("backends:")[0] + f"tasks: [{silent}]\n---\n")

    with scene.start() as running:
        wait_until(lambda: list(scene.tasks_dir.glob("locked/a.*")), what="begun")
        told = scene.call("logs", "a", check=3).err
        go.touch()
        running.wait()

    assert "error: task `a` has printed nothing yet" in told
    assert "`parallel-orchestra logs a -f` shows what comes" in told
