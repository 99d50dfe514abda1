import signal
import subprocess
import sys

import pytest

from parallel_orchestra.process.apart import start_apart

#: A Ctrl-C that does not end: all of the group are told again and again while programs start.
STORM = """
import os, signal, sys, threading
from parallel_orchestra.process.apart import start_apart

signal.signal(signal.SIGINT, lambda *_: None)
over = threading.Event()

def press():
    while not over.is_set():
        os.killpg(0, signal.SIGINT)

presser = threading.Thread(target=press)
presser.start()
codes = [start_apart(["true"]).wait() for _ in range(100)]
over.set()
presser.join()
print(*sorted(set(codes)))
"""


@pytest.mark.slow
def test_a_ctrl_c_reaches_no_child_of_ours_even_while_it_starts():
    told = subprocess.run(
        [sys.executable, "-c", STORM],
        check=False,
        capture_output=True,
        text=True,
        start_new_session=True,
    )

    assert (told.stdout, told.stderr) == ("0\n", "")


def test_the_mask_of_the_thread_is_what_it_was():

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    with pytest.raises(FileNotFoundError):
        start_apart(["no such program"])

    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
