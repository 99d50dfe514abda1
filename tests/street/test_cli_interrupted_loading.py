"""Ctrl-C before the first thing is done: the command is gone, and no traceback is left behind."""

import signal
import subprocess
import sys
import threading

import pytest

from parallel_orchestra.cli.loading import interrupts_end_the_process

#: Presses Ctrl-C at the moment when that module is asked for.
PRESS = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Press:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Press())
from parallel_orchestra.cli import main
sys.exit(main(["validate", "no-such-plan.md"]))
"""


@pytest.mark.parametrize(
    "module", ["click", "parallel_orchestra.cli.group", "parallel_orchestra.cli.validate"]
)
def test_an_interrupt_while_modules_are_loaded_ends_the_command_without_a_word(module):
    ended = subprocess.run(
        [sys.executable, "-c", PRESS, module], capture_output=True, text=True, check=False
    )

    assert ended.stderr == ""
    assert ended.returncode == -signal.SIGINT


def test_the_usual_handler_is_back_when_all_is_loaded():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        with interrupts_end_the_process():
            within = signal.getsignal(signal.SIGINT)
        after = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert (within, after) == (signal.SIG_DFL, signal.default_int_handler)


def test_an_ignored_interrupt_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)

    try:
        with interrupts_end_the_process():
            within = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert within is signal.SIG_IGN


def test_commands_can_be_loaded_in_any_thread():
    entered = []

    def load():
        with interrupts_end_the_process():
            entered.append(True)

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()

    assert entered == [True]
