"""Children that hang are ended, and those that work are not: real ones, by short limits.

Those of a kind run side by side, since all of them take their time.
"""

import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from parallel_orchestra.process import Child, DeadEnd, Ending, LastWords, Supervisor
from parallel_orchestra.process.identity import marked
from parallel_orchestra.process.touched import Walk
from support.waiting import wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

#: Seconds without a sign of life, and seconds that the living live: far more.
LIMIT = 0.8
LONG = 2.0
WORDS = LastWords(
    finals=((("type", "result"),),),
    pending=(("type", "waits"),),
    pending_key="for",
    grace=0.3,
)
#: What runs when its first word is heard is no sign of work, so it waits until that was.
HEARD = 'until grep -qs begin "$PWD.log"; do sleep 0.02; done; sleep 0.1; '
BEGIN, RESULT = 'echo \'{"type":"begin"}\'; ' + HEARD, 'echo \'{"type":"result"}\'; '
PYTHON = f"exec {sys.executable} -I -S -c "

HANG = {
    "before the first byte": "exec sleep 600",
    "after some": "echo begun; exec sleep 600",
    "in a line": 'printf \'{"type":"resu\'; exec sleep 600',
    "deaf": "trap '' INT TERM HUP; sleep 600; sleep 600",
    "child keeps the pipe": "sleep 600 | sleep 600",
    "stopped": "kill -STOP $$",
    "daemon": "(setsid sleep 600 &); exec sleep 600",
    "goes on and hangs": RESULT + "echo and more; exec sleep 600",
}
LIVE = {
    "uses the processor": PYTHON
    + f"'import time\nt=time.monotonic()\nwhile time.monotonic()-t<{LONG}: pass'",
    "children come and go": "for i in $(seq 10); do sleep 0.2; done",
    "writes a file": PYTHON + '\'import os,time\nfd=os.open("f",os.O_CREAT|os.O_WRONLY)\n'
    f't=time.monotonic()\nwhile time.monotonic()-t<{LONG}: os.write(fd,b"x"); time.sleep(0.1)\'',
    "prints": "for i in $(seq 10); do sleep 0.2; echo $i; done",
}
DONE = {
    "hangs": "exec sleep 600",
    "spins": "trap '' INT TERM; while :; do :; done",
    "has more words": "trap 'echo no; exit 1' INT; trap 'echo no; exit 1' TERM; while :; do :; done",
    "stopped": "kill -STOP $$",
}


@pytest.fixture
def shell(tmp_path):
    """A maker of children that carry out a line in a folder of their own."""

    def make(line, name="work", **changes):
        work = tmp_path / name
        work.mkdir()
        facts = {
            "cwd": work,
            "env": {"PATH": os.defpath, "MARK_OF_TEST": str(tmp_path)},
            "log": tmp_path / f"{name}.log",
            "graces": (0.1, 0.1),
            "timeout": 300.0,
            "idle_timeout": LIMIT,
            "last_words": WORDS,
            "life": tmp_path / "told" / f"{name}.life",
        }
        return Child(argv=("/bin/sh", "-c", line), **{**facts, **changes})

    return make


def run(child):
    with Supervisor() as supervisor:
        return supervisor.run(child)


def run_all(children):
    """Runs them side by side; returns how each went, by its name."""
    with ThreadPoolExecutor(len(children)) as pool:
        return dict(zip(children, pool.map(run, children.values()), strict=True))


@linux
@pytest.mark.slow
def test_who_hangs_is_ended_and_nothing_of_it_is_left(shell, tmp_path):
    exits = run_all({name: shell(line, name) for name, line in HANG.items()})

    assert {name: exit_.ending for name, exit_ in exits.items()} == dict.fromkeys(
        HANG, Ending.STALLED
    )
    assert all(exit_.seconds >= LIMIT for exit_ in exits.values())
    assert not marked("MARK_OF_TEST", str(tmp_path))
    assert {exit_.reason for exit_ in exits.values()} == {"showed no sign of life for 0.8 s"}
    assert not list(tmp_path.glob("told/*.life"))


@linux
@pytest.mark.slow
def test_who_shows_any_sign_of_life_lives_on(shell):
    exits = run_all({name: shell(line, name) for name, line in LIVE.items()})

    assert {name: (exit_.ending, exit_.code) for name, exit_ in exits.items()} == dict.fromkeys(
        LIVE, (Ending.EXITED, 0)
    )


@linux
@pytest.mark.slow
def test_who_has_said_its_last_word_is_ended_soon_and_judged_by_it(shell):
    changes = {"idle_timeout": 200.0, "keep": (b"result",)}

    exits = run_all(
        {name: shell(BEGIN + RESULT + line, name, **changes) for name, line in DONE.items()}
    )

    assert {(exit_.ending, exit_.code) for exit_ in exits.values()} == {(Ending.ANSWERED, 0)}
    assert {exit_.stdout_tail for exit_ in exits.values()} == {
        b'{"type":"begin"}\n{"type":"result"}\n'
    }
    assert {exit_.kept for exit_ in exits.values()} == {b'{"type":"result"}\n'}


@pytest.mark.slow
def test_who_says_that_it_can_not_go_on_is_ended_and_nothing_of_it_is_left(shell, tmp_path):
    ends = (DeadEnd(b"^sleeps "), DeadEnd(b"^refused", patience=0.3))
    lines = {
        "at once": "echo sleeps till noon >&2; exec sleep 600",
        "deaf": "trap '' INT TERM; echo sleeps till noon >&2; while :; do sleep 1; done",
        "after a while": "echo begun; echo refused >&2; exec sleep 600",
    }

    exits = run_all({name: shell(line, name, dead_ends=ends) for name, line in lines.items()})

    assert {exit_.ending for exit_ in exits.values()} == {Ending.DEAD_END}
    assert exits["at once"].stderr_tail == b"sleeps till noon\n"
    assert not marked("MARK_OF_TEST", str(tmp_path))


@linux
@pytest.mark.slow
def test_who_is_not_done_after_a_result_is_waited_for(shell):
    lines = {
        "left a process running": f"{BEGIN}sleep 1 & {RESULT}wait; ",
        "says that it waits": f'{BEGIN}echo \'{{"type":"waits","for":[1]}}\'; {RESULT}sleep 1; ',
        "goes on": f'{BEGIN}{RESULT}echo \'{{"type":"init"}}\'; sleep 1; {RESULT}',
        "fails by itself": RESULT,
    }

    exits = run_all(
        {name: shell(line + "exit 3", name, idle_timeout=100.0) for name, line in lines.items()}
    )

    assert {name: (exit_.ending, exit_.code) for name, exit_ in exits.items()} == dict.fromkeys(
        lines, (Ending.EXITED, 3)
    )


@linux
@pytest.mark.slow
def test_what_runs_on_after_the_last_word_is_waited_for_only_while_it_lives(shell, tmp_path):
    exit_ = run(shell(f"{BEGIN}sleep 600 & {RESULT}wait"))

    assert (exit_.ending, exit_.code) == (Ending.ANSWERED, 0)
    assert exit_.seconds >= LIMIT
    assert not marked("MARK_OF_TEST", str(tmp_path))


@linux
@pytest.mark.slow
def test_others_can_read_that_it_is_quiet_and_since_when(shell, tmp_path):
    life = tmp_path / "told" / "work.life"
    with Supervisor() as supervisor:
        child = shell("exec sleep 600", idle_timeout=2.0)
        thread = threading.Thread(target=supervisor.run, args=(child,))
        thread.start()

        told = json.loads(wait_until(lambda: life.exists() and life.read_text(), what="it is told"))
        supervisor.cancel()
        thread.join(60)

    assert told["state"] in ("quiet", "stuck")
    assert told["since"] <= time.time()
    assert not life.exists()


def test_a_walk_sees_the_newest_change_wherever_it_was(tmp_path):
    for number in range(30):
        (tmp_path / f"d{number}" / "e").mkdir(parents=True)
        (tmp_path / f"d{number}" / "e" / "f").write_text("x")
    before = walked(tmp_path)

    (tmp_path / "d7" / "e" / "f").write_text("other")
    after = walked(tmp_path)

    assert before <= after == (tmp_path / "d7" / "e" / "f").stat().st_ctime_ns


def walked(top: Path) -> int:
    walk = Walk(str(top))
    while (found := walk.go_on()) is None:
        pass
    return found
