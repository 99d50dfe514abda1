"""The supervisor: real children, and that nothing of them is left."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from parallel_orchestra.process import Child, Ending, Supervisor, find_program
from parallel_orchestra.process.family import own_children
from parallel_orchestra.process.identity import inside, marked
from parallel_orchestra.process.supervisor import MARK
from support.waiting import given_time, wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the sub-reaper")

#: A daemon by the book, that obeys no signal which can be disobeyed. It says when it is ready, and so
#: does who started it, who has seen the one between them end.
DAEMON = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write("ready")
        time.sleep(300)
    os._exit(0)
os.wait()
while not os.path.exists(sys.argv[1]):
    time.sleep(0.001)
open(sys.argv[1] + ".both", "w").close()
"""
QUICK = (0.1, 0.1)


@pytest.fixture
def supervisor():
    with Supervisor() as supervisor:
        yield supervisor


@pytest.fixture
def make(tmp_path):
    """A maker of children that work in a folder of their own and carry a mark of this test."""
    work = tmp_path / "work"
    work.mkdir()
    env = {"PATH": os.defpath, "MARK_OF_TEST": str(tmp_path)}

    def make(*argv, **changes):
        facts = {"cwd": work, "env": env, "log": tmp_path / "log", "graces": QUICK}
        return Child(argv=argv, **{**facts, **changes})

    return make


@pytest.fixture
def shell(make):
    return lambda line, **changes: make("/bin/sh", "-c", line, **changes)


@pytest.fixture
def python(make):
    """A maker of children that run a piece of Python, fast to start."""
    return lambda code, *args, **changes: make(
        sys.executable, "-I", "-S", "-c", code, *args, **changes
    )


@pytest.fixture
def left(tmp_path):
    """Says which processes of this test's children are alive."""
    return lambda: marked("MARK_OF_TEST", str(tmp_path))


def in_background(function, *args):
    """Calls it in a thread; returns a way to wait for what it returns."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function(*args)))
    thread.start()

    def answer():
        thread.join(120)
        assert not thread.is_alive()
        return answers[0]

    return answer


def helper_pid(supervisor):
    return supervisor._helper._process.pid


# How a child ends


@pytest.mark.parametrize(
    ("line", "code"),
    [("exit 0", 0), ("exit 7", 7), ("exit 137", 137), ("kill -9 $$", -9), ("kill -11 $$", -11)],
)
def test_an_exit_tells_code_or_signal(supervisor, shell, line, code):
    exit_ = supervisor.run(shell(line))

    assert (exit_.ending, exit_.code, exit_.reason) == (Ending.EXITED, code, "")


def test_many_children_run_one_after_the_other_in_one_helper(supervisor, shell):
    exits = [supervisor.run(shell(f"echo {number}; exit {number}")) for number in range(20)]

    assert [exit_.code for exit_ in exits] == list(range(20))
    assert [exit_.stdout_tail for exit_ in exits] == [b"%d\n" % number for number in range(20)]


def test_a_helper_that_was_made_ready_carries_out_the_first_run(supervisor, shell):
    others = set(own_children())
    supervisor.ready()
    (helper,) = set(own_children()) - others
    supervisor.ready()

    ended = supervisor.run(shell("echo $PPID"))

    assert ended.stdout_tail == b"%d\n" % helper
    assert set(own_children()) - others == {helper}


def test_who_is_closed_makes_nothing_ready(supervisor):
    others = own_children()
    supervisor.close()

    supervisor.ready()

    assert own_children() == others


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"argv": ("no-such-program",)}, "`no-such-program` is not a program that can be run here"),
        ({"argv": ("",)}, "`` is not a program that can be run here"),
        ({"argv": ("/bin/true", "a\0b")}, "cannot run `/bin/true`: embedded null byte"),
        ({"argv": ("/bin/true", "x" * 200_000)}, "cannot run `/bin/true`: Argument list too long"),
        ({"env": {"A=B": "c"}}, "cannot run `/bin/true`: illegal environment variable name"),
        ({"cwd": Path("/no/such")}, "cannot enter /no/such: No such file or directory"),
        ({"stdin": Path("/no/such")}, "cannot read /no/such: No such file or directory"),
    ],
    ids=["program", "no name", "null byte", "long", "environment", "cwd", "stdin"],
)
def test_what_can_not_be_started_says_why(supervisor, make, changes, reason):
    facts = {"argv": ("/bin/true",), **changes}

    exit_ = supervisor.run(make(*facts.pop("argv"), **facts))

    assert (exit_.ending, exit_.code, exit_.reason) == (Ending.NOT_STARTED, None, reason)


def test_a_script_without_an_interpreter_is_not_started(supervisor, make, tmp_path):
    script = tmp_path / "work" / "script"
    script.write_text("exit 3\n")
    script.chmod(0o755)

    exit_ = supervisor.run(make("./script"))

    assert (exit_.ending, exit_.reason) == (
        Ending.NOT_STARTED,
        "cannot run `./script`: Exec format error",
    )


def test_programs_are_found_by_the_childs_own_path(tmp_path):
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    (tmp_path / "bin" / "note").write_text("no program")

    assert find_program("tool", {"PATH": f"/nowhere:{tool.parent}"}, Path("/")) == str(tool)
    assert find_program("tool", {"PATH": "bin"}, tmp_path) == str(tool)
    assert find_program("bin/tool", {}, tmp_path) == str(tool)
    assert find_program("tool", {"PATH": "/nowhere"}, tmp_path) is None
    assert find_program("note", {"PATH": str(tool.parent)}, tmp_path) is None
    assert find_program("bin", {"PATH": str(tmp_path)}, tmp_path) is None


# What a child gets


def test_a_child_gets_exactly_the_given_environment_and_a_mark(supervisor, shell):
    exit_ = supervisor.run(shell("/usr/bin/env", env={"A": "ö\udcff", "B": ""}))

    lines = set(exit_.stdout_tail.splitlines())
    names = {line.partition(b"=")[0] for line in lines}
    assert {os.fsencode("A=ö\udcff"), b"B="} <= lines
    of_the_shell = {b"PWD", b"OLDPWD", b"SHLVL", b"_"}
    assert names - of_the_shell == {b"A", b"B", MARK.encode()}


def test_a_child_reads_its_stdin_from_a_file(supervisor, make, tmp_path):
    (tmp_path / "prompt").write_bytes(b"do it" * 100_000)

    exit_ = supervisor.run(make("/usr/bin/wc", "-c", stdin=tmp_path / "prompt"))

    assert exit_.stdout_tail.split() == [b"500000"]


def test_a_child_without_stdin_reads_nothing(supervisor, make):
    exit_ = supervisor.run(make("/bin/cat"))

    assert (exit_.code, exit_.output_bytes) == (0, 0)


def test_a_child_that_never_reads_its_stdin_ends_like_any_other(supervisor, shell, tmp_path):
    (tmp_path / "prompt").write_bytes(b"do it" * 1_000_000)

    exit_ = supervisor.run(shell("exit 4", stdin=tmp_path / "prompt"))

    assert exit_.code == 4


@linux
def test_a_child_inherits_neither_ignored_signals_nor_descriptors(supervisor, shell):
    line = "grep -E 'Sig(Ign|Blk)' /proc/self/status; ls /proc/self/fd | wc -l"

    exit_ = supervisor.run(shell(line))

    words = exit_.stdout_tail.split()
    of_the_c_library = 1 << 31 | 1 << 32  # signals 32 and 33, which no program may touch
    assert [int(word, 16) & ~of_the_c_library for word in words[1:4:2]] == [0, 0]
    assert words[-1] == b"4"  # 0, 1, 2 and the listed folder itself


def test_a_child_leads_a_session_of_its_own(supervisor, python):
    exit_ = supervisor.run(python("import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))"))

    assert exit_.stdout_tail == b"True\n"


# Output


def test_both_streams_meet_in_the_log_in_order_of_arrival(supervisor, python, tmp_path):
    code = (
        "import os, time\n"
        "for i in range(6):\n"
        "    os.write(1 + i % 2, b'%d\\n' % i)\n"
        # What arrived before the next look at both streams has no order.
        "    while not os.path.exists('../log') or os.path.getsize('../log') < 2 * i + 2:\n"
        "        time.sleep(0.002)"
    )
    copies = {"stdout_log": tmp_path / "out", "stderr_log": tmp_path / "err"}

    exit_ = supervisor.run(python(code, **copies))

    assert (tmp_path / "log").read_bytes() == b"0\n1\n2\n3\n4\n5\n"
    assert (tmp_path / "out").read_bytes() == exit_.stdout_tail == b"0\n2\n4\n"
    assert (tmp_path / "err").read_bytes() == exit_.stderr_tail == b"1\n3\n5\n"
    assert exit_.output_bytes == 12


def test_a_log_is_for_its_owner_alone_and_made_only_when_needed(supervisor, shell, tmp_path):
    supervisor.run(shell("exit 0"))
    silent = (tmp_path / "log").exists()
    supervisor.run(shell("echo words"))

    assert not silent
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_of_a_log_that_is_full_the_latest_can_be_seen_while_the_child_runs(
    supervisor, shell, tmp_path
):
    line = "seq 1000; echo now; until grep -qs now ../log.latest; do sleep 0.02; done"

    exit_ = supervisor.run(shell(line, log_cap_bytes=100, timeout=120.0))

    assert (exit_.ending, exit_.code) == (Ending.EXITED, 0)
    assert not (tmp_path / "log.latest").exists()


def test_a_relative_log_lies_where_we_are_not_where_the_child_is(
    supervisor, shell, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    supervisor.run(shell("echo words", log=Path("mine.log")))

    assert (tmp_path / "mine.log").read_text() == "words\n"


def test_a_log_can_be_read_while_the_child_runs(supervisor, shell, tmp_path):
    log = tmp_path / "log"
    answer = in_background(supervisor.run, shell("echo first; exec sleep 300", timeout=60))

    wait_until(
        lambda: log.exists() and log.read_bytes() == b"first\n", what="first line is readable"
    )

    supervisor.cancel()
    assert answer().ending is Ending.CANCELLED


def test_bytes_of_any_kind_arrive_unchanged(supervisor, make, tmp_path):
    every = bytes(range(256)) * 4000 + b"no newline \xff\xfe"
    (tmp_path / "bytes").write_bytes(every)

    exit_ = supervisor.run(make("/bin/cat", stdin=tmp_path / "bytes", tail_bytes=1000))

    assert (tmp_path / "log").read_bytes() == every
    assert exit_.stdout_tail == every[-1000:]


def test_secrets_are_masked_even_when_they_arrive_in_two_pieces(supervisor, python, tmp_path):
    code = "import os,time; os.write(1, b'key hunt'); time.sleep(.05); os.write(1, b'er2 end')"

    exit_ = supervisor.run(python(code, secrets=("hunter2",), stdout_log=tmp_path / "out"))

    assert exit_.stdout_tail == b"key [masked] end"
    assert (tmp_path / "log").read_bytes() == b"key [masked] end"
    assert (tmp_path / "out").read_bytes() == b"key [masked] end"


@linux
@pytest.mark.slow
def test_a_flood_costs_no_memory_and_the_log_keeps_head_and_tail(supervisor, shell, tmp_path):
    flood = 200 << 20
    line = f"echo head; head -c {flood} /dev/zero; echo; echo tail"

    exit_ = supervisor.run(shell(line, stdout_log=tmp_path / "out"))

    status = Path(f"/proc/{helper_pid(supervisor)}/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    log = (tmp_path / "log").read_bytes()
    total = flood + len("head\n\ntail\n")
    assert peak_kib < 50 << 10
    assert exit_.output_bytes == total
    assert log.startswith(b"head\n")
    assert log.endswith(b"\ntail\n")
    assert b"\n[... %d bytes left out ...]\n" % (total - (10 << 20)) in log
    assert len(log) < (10 << 20) + 60


def test_a_full_disk_loses_the_log_but_not_the_run(supervisor, shell):
    exit_ = supervisor.run(shell("echo words", log=Path("/dev/full")))

    assert (exit_.ending, exit_.code, exit_.stdout_tail) == (Ending.EXITED, 0, b"words\n")
    assert exit_.reason == "cannot write /dev/full: No space left on device"


def test_a_child_may_close_its_streams_and_go_on(supervisor, shell, tmp_path):
    exit_ = supervisor.run(shell("exec >&- 2>&-; sleep 0.1; touch later; exit 5"))

    assert exit_.code == 5
    assert (tmp_path / "work" / "later").exists()


# Stopping it


def test_a_timeout_gives_the_agent_a_last_word(supervisor, shell):
    line = "trap 'echo cost; exit 0' INT; echo ready; while :; do sleep 0.01; done"

    exit_ = given_time(
        lambda seconds: supervisor.run(shell(line, timeout=seconds, graces=(60.0, 5.0))),
        lambda exit_: exit_.stdout_tail.startswith(b"ready\n"),
        seconds=0.3,
    )

    assert (exit_.ending, exit_.code, exit_.stdout_tail) == (Ending.TIMEOUT, 0, b"ready\ncost\n")


@pytest.mark.parametrize(
    ("trapped", "code"),
    [("", -signal.SIGINT), ("INT", -signal.SIGTERM), ("INT TERM", -signal.SIGKILL)],
    ids=["interrupt", "terminate", "kill"],
)
def test_a_timeout_goes_from_interrupt_to_terminate_to_kill(supervisor, python, trapped, code):
    code_ = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        f"for name in {trapped.split()!r}: signal.signal(getattr(signal, 'SIG' + name), signal.SIG_IGN)\n"
        "print('ready', flush=True); time.sleep(300)"
    )

    exit_ = given_time(
        lambda seconds: supervisor.run(python(code_, timeout=seconds)),
        lambda exit_: exit_.stdout_tail,
        seconds=0.2,
    )

    assert (exit_.ending, exit_.code) == (Ending.TIMEOUT, code)


def test_a_child_that_stopped_itself_is_ended_too(supervisor, shell, left):
    exit_ = supervisor.run(shell("kill -STOP $$", timeout=0.05))

    assert exit_.ending is Ending.TIMEOUT
    assert left() == ()


def test_a_cancel_ends_the_run_from_another_thread(supervisor, shell, tmp_path, left):
    answer = in_background(supervisor.run, shell("touch begun; sleep 300 & sleep 300"))
    wait_until((tmp_path / "work" / "begun").exists)

    said = supervisor.cancel()

    assert said
    assert answer().ending is Ending.CANCELLED
    assert left() == ()


def test_a_cancel_when_nothing_runs_does_nothing(supervisor, shell):
    before = supervisor.cancel()
    supervisor.run(shell("exit 0"))
    between = supervisor.cancel()

    exit_ = supervisor.run(shell("sleep 0.05; exit 6"))

    assert (before, between) == (False, False)
    assert (exit_.ending, exit_.code) == (Ending.EXITED, 6)


def test_closing_ends_what_runs_at_once_and_keeps_its_output(supervisor, shell, tmp_path, left):
    line = "trap '' INT TERM; echo words; touch begun; sleep 300"
    answer = in_background(supervisor.run, shell(line, graces=(60.0, 60.0)))
    wait_until((tmp_path / "work" / "begun").exists)

    supervisor.close()

    exit_ = answer()
    assert (exit_.ending, exit_.stdout_tail) == (Ending.CANCELLED, b"words\n")
    assert (tmp_path / "log").read_text() == "words\n"
    assert left() == ()
    assert supervisor.run(shell("exit 0")).ending is Ending.CANCELLED


# What it leaves behind


@linux
@pytest.mark.parametrize("how", ["end", "timeout", "cancel", "close"])
def test_daemons_that_obey_nothing_are_gone(supervisor, python, tmp_path, left, how):
    ready, both = tmp_path / "ready", tmp_path / "ready.both"
    end = "" if how == "end" else "time.sleep(300)"

    def run(seconds):
        answer = in_background(supervisor.run, python(DAEMON + end, str(ready), timeout=seconds))
        if how != "timeout":
            wait_until(both.exists)
        {"cancel": supervisor.cancel, "close": supervisor.close}.get(how, bool)()
        return answer()

    exit_ = given_time(run, lambda _: both.exists(), seconds=0.4 if how == "timeout" else 300)

    endings = {"end": Ending.EXITED, "timeout": Ending.TIMEOUT}
    assert left() == ()
    assert exit_.ending is endings.get(how, Ending.CANCELLED)
    assert exit_.left_over == 1


@linux
def test_nobody_waits_for_a_background_process_that_holds_the_pipe(supervisor, shell, left):
    exit_ = supervisor.run(shell("sleep 300 & echo words", timeout=60))

    assert (exit_.ending, exit_.code, exit_.stdout_tail) == (Ending.EXITED, 0, b"words\n")
    assert exit_.left_over == 1
    assert exit_.seconds < 60
    assert left() == ()


@linux
def test_last_words_of_a_background_process_are_kept(supervisor, shell):
    line = "(trap 'echo bye; exit' TERM; echo hello; touch up; while :; do sleep 0.01; done) & "
    line += "until test -e up; do sleep 0.01; done"

    exit_ = supervisor.run(shell(line))

    assert exit_.stdout_tail == b"hello\nbye\n"


@linux
@pytest.mark.slow
def test_a_process_that_forks_and_exits_without_end_is_caught(supervisor, python, left):
    chain = "import os\nfor _ in range(200_000):\n    if os.fork(): os._exit(0)\n    os.setsid()"

    exit_ = supervisor.run(python(chain))

    assert exit_.code == 0
    assert exit_.reason == ""
    assert left() == ()


@linux
def test_orphans_do_not_pile_up_as_zombies_while_the_child_runs(supervisor, shell, tmp_path):
    line = "for i in 1 2 3 4 5; do (true &); done; touch begun; exec sleep 300"
    answer = in_background(supervisor.run, shell(line))
    wait_until((tmp_path / "work" / "begun").exists)
    helper = helper_pid(supervisor)

    def children():
        return Path(f"/proc/{helper}/task/{helper}/children").read_text().split()

    wait_until(lambda: len(children()) == 1, what="only the child is left")

    supervisor.cancel()
    assert answer().left_over == 0


@linux
def test_nobody_stays_in_the_childs_directory(supervisor, shell, tmp_path):
    supervisor.run(shell("exit 0"))

    assert inside(tmp_path / "work") == ()


# When one of us is killed

OWNER = """
import sys
from pathlib import Path
from parallel_orchestra.process import Child, Supervisor
log, mark, *argv = sys.argv[1:]
with Supervisor() as supervisor:
    supervisor.run(Child(tuple(argv), Path("/"), {"MARK_OF_TEST": mark}, Path(log)))
"""


@linux
def test_when_the_owner_is_killed_the_whole_tree_is_gone(tmp_path, left):
    ready, log = tmp_path / "ready", tmp_path / "log"
    agent = DAEMON + "print('last words', flush=True); time.sleep(300)"
    argv = (sys.executable, "-I", "-S", "-c", agent, str(ready))
    command = [sys.executable, "-c", OWNER, str(log), str(tmp_path), *argv]
    env = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.defpath}
    with subprocess.Popen(command, env=env) as owner:
        wait_until(lambda: ready.exists() and log.exists())

        owner.kill()

    wait_until(lambda: left() == (), what="the tree is gone")
    assert log.read_text() == "last words\n"


@linux
def test_when_the_helper_is_killed_its_tree_is_ended_and_the_next_run_works(
    supervisor, python, shell, tmp_path, left
):
    ready = tmp_path / "ready"
    answer = in_background(supervisor.run, python(DAEMON + "time.sleep(300)", str(ready)))
    wait_until((tmp_path / "ready.both").exists)

    os.kill(helper_pid(supervisor), signal.SIGKILL)

    exit_ = answer()
    assert (exit_.ending, exit_.code, exit_.left_over) == (Ending.LOST, None, 2)
    assert exit_.reason.startswith("the helper process was lost: ")
    assert left() == ()
    assert supervisor.run(shell("exit 3")).code == 3


def test_a_helper_killed_between_runs_is_replaced_without_a_word(supervisor, shell):
    supervisor.run(shell("exit 0"))
    os.kill(helper_pid(supervisor), signal.SIGKILL)
    supervisor._helper._process.wait()

    exit_ = supervisor.run(shell("exit 3"))

    assert (exit_.ending, exit_.code) == (Ending.EXITED, 3)


def test_an_agent_that_tries_to_end_its_harness_does_not(supervisor, shell):
    exit_ = supervisor.run(
        shell("for s in INT TERM HUP QUIT; do kill -$s $PPID; done; sleep 0.05; exit 2")
    )

    assert (exit_.ending, exit_.code) == (Ending.EXITED, 2)


@linux
def test_a_stopped_helper_does_not_stop_a_close(supervisor, shell, tmp_path, left, monkeypatch):
    monkeypatch.setattr("parallel_orchestra.process.supervisor._CLOSE_LIMIT", 0.2)
    answer = in_background(supervisor.run, shell("touch begun; kill -STOP $PPID; sleep 300"))
    wait_until((tmp_path / "work" / "begun").exists)

    supervisor.close()

    assert answer().ending is Ending.CANCELLED
    assert left() == ()


@linux
def test_a_silent_helper_is_given_up_after_the_limit(
    supervisor, shell, tmp_path, left, monkeypatch
):
    monkeypatch.setattr("parallel_orchestra.process.supervisor._RUN_SLACK", 0.1)

    exit_ = given_time(
        lambda seconds: supervisor.run(
            shell("kill -STOP $PPID; touch stopped; sleep 300", timeout=seconds)
        ),
        lambda _: (tmp_path / "work" / "stopped").exists(),
        seconds=0.1,
    )

    assert (exit_.ending, exit_.reason) == (Ending.LOST, "the helper process was lost: timed out")
    assert left() == ()


def test_a_worktree_removed_under_the_child_harms_nobody(supervisor, shell, tmp_path):
    answer = in_background(supervisor.run, shell("touch begun; sleep 0.1; exit 1"))
    wait_until((tmp_path / "work" / "begun").exists)

    shutil.rmtree(tmp_path / "work")

    assert answer().code == 1
    assert supervisor.run(shell("exit 0")).ending is Ending.NOT_STARTED
