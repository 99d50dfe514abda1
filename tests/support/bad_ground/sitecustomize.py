"""Bad ground under one run: Python loads this at its start (see site), where `faults.py` says so.

The file-system call with a certain number fails, once or from then on; or it is done and yet
reports an error, as NFS may; the wall clock jumps; what is waited for minutes takes seconds.
Only the conductor or worker itself stands on it: its git children and the agents do not.
"""

import atexit
import errno
import importlib
import itertools
import json
import os
import sys
import threading
import time

#: The audit events of calls that touch the file system, and the programs that are started.
_CALLS = frozenset((
    "open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.listdir",
    "os.scandir", "os.chmod", "os.symlink", "subprocess.Popen",
))  # fmt: skip
#: Calls without an audit event, all on an open file.
_ON_DESCRIPTORS = ("write", "pwrite", "fsync", "ftruncate")
_MOVES = ("rename", "replace", "link")


class Faults:
    """Counts the calls inside a place, and lets the one with the right number fail."""

    def __init__(self, facts):
        self.facts = facts
        self.place = facts["place"]
        self.numbers = itertools.count(1)
        self.number = 0
        self.over = False
        self.inside = threading.local()

    def meet(self, call, path):
        """Raises the fault if it is this call's turn."""
        if self.over or getattr(self.inside, "now", False) or self.place not in path:
            return
        self.number = next(self.numbers)
        at, every = self.facts["at"], self.facts.get("every", 0)
        due = self.number == at or (self.facts["ever"] and self.number > at)
        if not at or not (due or (every and self.number % every == at % every)):
            return
        self.note(f"{self.number} {call} {path}\n", "fired.txt")
        if self.facts.get("fill"):
            fill(self.facts["fill"])
            self.over = True
            return
        code = getattr(errno, self.facts["errno"])
        raise OSError(code, os.strerror(code), path)

    def note(self, text, file):
        self.inside.now = True
        try:
            with open(os.path.join(self.facts["notes"], file), "a", encoding="utf-8") as stream:
                stream.write(text)
        finally:
            self.inside.now = False

    def end(self):
        self.over = True
        self.note(f"{self.number}\n", "count.txt")


def fill(disk):
    """Takes all the room that a small file system has."""
    with open(os.path.join(disk, "filler"), "ab", buffering=0) as stream:
        try:
            while stream.write(bytes(1 << 20)):
                pass
        except OSError:
            return


def fail(faults):
    """Lets calls fail before anything is done."""

    def hear(event, args):
        if event in _CALLS:
            path = args[2] if event == "subprocess.Popen" else args[0]
            if sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
                # `python -m` looks for modules in the current directory, which is the project.
                return
            if isinstance(path, (str, os.PathLike)):
                faults.meet(event, str(path))

    def on_descriptor(name, real):
        def call(descriptor, *args):
            try:
                path = os.readlink(f"/proc/self/fd/{descriptor}")
            except OSError:
                path = ""
            faults.meet(f"os.{name}", path)
            return real(descriptor, *args)

        return call

    sys.addaudithook(hear)
    for name in _ON_DESCRIPTORS:
        setattr(os, name, on_descriptor(name, getattr(os, name)))


def lie(faults):
    """Lets moves be done, and report an error all the same."""

    def afterwards(name, real):
        def call(source, target, **options):
            real(source, target, **options)
            faults.meet(f"os.{name}", str(target))

        return call

    for name in _MOVES:
        setattr(os, name, afterwards(name, getattr(os, name)))


def jump(facts):
    """Sets the wall clock of this process by `by` seconds from `after` seconds on; or at once."""
    real, begun = time.time, time.monotonic()
    time.time = lambda: real() + (facts["by"] if time.monotonic() - begun >= facts["after"] else 0)


def hasten(facts):
    """Makes short what is otherwise waited for long: `{"room": {"_CONSTANT": seconds}}`."""
    for room, values in facts.items():
        module = importlib.import_module(f"parallel_orchestra.{room}")
        for name, value in values.items():
            assert hasattr(module, name), f"parallel_orchestra.{room} has no {name}"
            setattr(module, name, value)


def prepare(facts):
    if "hasten" in facts:
        hasten(facts["hasten"])
    if "jump" in facts:
        jump(facts["jump"])
    if "faults" in facts:
        faults = Faults(facts["faults"])
        atexit.register(faults.end)
        (lie if facts["faults"].get("lie") else fail)(faults)


if "parallel_orchestra" in sys.orig_argv and {"run", "worker"} & set(sys.orig_argv):
    prepare(json.loads(os.environ["BAD_GROUND"]))
