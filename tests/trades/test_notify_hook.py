"""The command of `on_event`: a real process for each event."""

import json
import os
import sys

import pytest

from parallel_orchestra.events import Failed, RunEnded
from parallel_orchestra.notify import runner
from support.waiting import given_time, wait_until

FAILED = Failed(1.0, "dig", 2, "verify", 'said "no"\n')


def shell(script, folder, **more):
    return runner(("sh", "-c", script), script, folder, os.environ, **more)


def test_a_command_gets_the_event_as_json_and_its_kind_and_task_as_variables(tmp_path):
    script = 'cat > told.json; printf "%s %s" "$PO_EVENT" "$PO_TASK" > words'

    assert shell(script, tmp_path)(FAILED) is None

    told = json.loads((tmp_path / "told.json").read_text())
    assert told["kind"] == "Failed"
    assert (told["task"], told["reason"]) == ("dig", 'said "no"\n')
    assert (tmp_path / "words").read_text() == "Failed dig"


def test_an_event_of_no_task_has_none(tmp_path):
    shell('printf "<%s>" "$PO_TASK" > words', tmp_path)(RunEnded(1.0, 0, 2.0))

    assert (tmp_path / "words").read_text() == "<>"


def test_a_command_need_not_read(tmp_path):
    long = Failed(1.0, "dig", 2, "verify", "x" * 1_000_000)

    assert shell("exec <&-; exit 0", tmp_path)(long) is None


def test_a_command_that_fails_is_a_sentence(tmp_path):
    assert shell("exit 3", tmp_path)(FAILED) == "`exit 3` ended with exit code 3, at Failed"


def test_a_command_that_is_not_there_is_a_sentence(tmp_path):
    run = runner(("no-such-program",), "no-such-program", tmp_path, os.environ)

    assert run(FAILED) == "`no-such-program` can't be run: No such file or directory"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_command_that_hangs_is_killed_with_its_children(tmp_path):
    script, note = "sleep 1000 & echo $! > child; wait", tmp_path / "child"
    said = given_time(
        lambda seconds: (shell(script, tmp_path, timeout=seconds)(FAILED), seconds),
        lambda _: note.exists() and note.read_text(),
        seconds=0.5,
    )

    assert said[0] == f"`{script}` was killed after {said[1]:g} s, at Failed"
    child = note.read_text().strip()
    wait_until(lambda: _gone(child), what="the child of the command is gone")


def _gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
