"""Rides along in every Python that is started with this folder on PYTHONPATH (see `site`).

In the tool, and only where the environment asks for it, it counts the steps into the world, dies
or stops at one of them, or shortens spans of time. The tool itself has no door for that: steps are
seen by an audit hook, and what raises no audit event of its own gets one from here.

    STEPS_LOG       a file that gets a line for each step
    STEPS_OF        the command that is meant (`run`, `worker`, ...); every one if not given
    DEATH_AT        dies before its so manieth step
    DEATH_HOW       `alone`, its `group`, or `everything` that has the mark of its scene
    DEATH_IN        "function share": dies before a step within that function, by dice
    STOP_IN         the same, but stops until somebody wakes it (SIGCONT): also before it takes a
                    lock, but not while it changes refs, as everybody would wait for that lock
    TRANSACTIONS    a file that gets a line before and one after each ref transaction
    SPANS           "module:NAME=seconds ..."
"""

import contextlib
import fcntl
import importlib
import itertools
import os
import random
import signal
import sys
import threading
import time

_TOOL = "parallel_orchestra"
#: Audit events that change the disk (https://docs.python.org/3/library/audit_events.html).
CHANGES = frozenset({
    "os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir", "os.utime",
    "os.truncate", "os.chmod",
})  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
#: Events of our own: an answer is asked of a git that stays; bytes are written; a file is synced.
ASKED, WROTE, SYNCED = "orchestra.ask", "orchestra.write", "orchestra.sync"
#: What is no file of anybody's; nor is one without a name (O_TMPFILE).
_NO_FILE = ("/dev/", "/proc/")
_NAMELESS = getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY


def step_of(event, args):
    """Returns a step into the world in words, or None if the event is none."""
    if event == "open":
        path, _, flags = args
        writes = isinstance(flags, int) and flags & WRITING and not flags & _NAMELESS
        named = isinstance(path, (str, os.PathLike)) and not str(path).startswith(_NO_FILE)
        return f"open {path}" if writes and named else None
    if event == "subprocess.Popen":
        return "start " + " ".join(_without_settings(args[1]))
    if event in CHANGES:
        return f"{event.partition('.')[2]} {args[0]}"
    if event in (ASKED, WROTE, SYNCED):
        return f"{event.partition('.')[2]} {args[0]}"
    return None


def _without_settings(words):
    """Returns a command without what stands before the verb in every call of git."""
    words = [str(word) for word in words]
    while len(words) > 2 and (words[1] == "-c" or words[1].startswith("--")):
        del words[1 : 3 if words[1] == "-c" else 2]
    return words[:6]


def die(how):
    """Ends this process by SIGKILL; with it its group, or everything that its scene started."""
    if how == "everything":
        mark = f"ORCHESTRA_TEST_SCENE={os.environ['ORCHESTRA_TEST_SCENE']}".encode()
        stopped = set()
        # Whoever was just about to start another is stopped by now: looks until there is no new one.
        while fresh := {pid for pid in _pids() if _has(pid, mark)} - stopped:
            _send(fresh, signal.SIGSTOP)
            stopped |= fresh
        _send(stopped, signal.SIGKILL)
    os.kill(0 if how == "group" else os.getpid(), signal.SIGKILL)


def _pids():
    return map(int, filter(str.isdigit, os.listdir("/proc")))


def _send(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _has(pid, mark):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return pid != os.getpid() and mark in file.read().split(b"\0")
    except OSError:
        return False


def _within(function):
    """Returns whether this thread is carrying out a function of that name."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == function:
            return True
        frame = frame.f_back
    return False


class Steps:
    """Counts, writes down, dies and stops, as the environment says."""

    def __init__(self, environ):
        self.limit = int(environ.get("DEATH_AT", "0"))
        self.how = environ.get("DEATH_HOW", "alone")
        self.death_in = _aim(environ.get("DEATH_IN"))
        self.stop_in = _aim(environ.get("STOP_IN"))
        self.count = itertools.count(1)
        log = environ.get("STEPS_LOG")
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log else None
        self.write = os.write

    def __call__(self, event, args):
        # Taking a lock changes nothing, but it is where a process may sleep for long.
        locks = event == "fcntl.flock" and args[1] & fcntl.LOCK_EX
        step = step_of(event, args)
        if self.stop_in and (locks or step is not None) and not _within("transact"):
            self._by_dice(self.stop_in, signal.SIGSTOP)
        if step is None:
            return
        number = next(self.count)
        if self.log is not None:
            self.write(self.log, f"{step}\n".replace("\0", " ").encode(errors="replace"))
        if number == self.limit:
            die(self.how)
        if self.death_in:
            self._by_dice(self.death_in, signal.SIGKILL)

    def _by_dice(self, aim, number):
        function, share = aim
        if _within(function) and random.random() < share:
            # To this thread: sent to the process, it may take a few more steps before it stops.
            signal.pthread_kill(threading.get_ident(), number)


def _aim(text):
    function, _, share = (text or "").partition(" ")
    return (function, float(share)) if function else None


def _audited(function, event, say):
    """Returns the function with an audit event raised before each call."""

    def call(*args, **options):
        sys.audit(event, say(*args))
        return function(*args, **options)

    return call


def _question(helper, question):
    return f"{helper._arguments[0]} {question[:160].decode(errors='replace')!r}"


def _shorten(spans):
    for span in spans.split():
        place, _, seconds = span.partition("=")
        module, _, name = place.partition(":")
        old = getattr(importlib.import_module(module), name)
        # In a process that has all rooms loaded, some took it over from another.
        for loaded in [one for title, one in sys.modules.items() if title.startswith(_TOOL)]:
            if getattr(loaded, name, None) is old:
                setattr(loaded, name, float(seconds))


def _note_transactions(path):
    from parallel_orchestra.git import refs  # noqa: PLC0415  # in the tool only

    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    write, transact, numbers = os.write, refs.Refs.transact, itertools.count(1)

    def noted(self, updates, verify=()):
        number = f"{os.stat('/proc/self/ns/pid').st_ino}.{os.getpid()}.{next(numbers)}"

        def note(word):
            facts = [f"{one.ref}={one.new}" for one in updates] + [
                f"{one.ref}?{one.value}" for one in verify
            ]
            write(log, " ".join((number, word, f"{time.monotonic():.6f}", *facts)).encode() + b"\n")

        note("begins")
        try:
            transact(self, updates, verify)
        except BaseException as error:
            note(f"refused:{getattr(error, 'ref', type(error).__name__)}")
            raise
        note("holds")

    refs.Refs.transact = noted


def board():
    """Looks whether this is the tool, and what is wanted of it."""
    environ = os.environ
    if _TOOL not in sys.orig_argv or environ.get("STEPS_OF", "") not in (
        "",
        *sys.orig_argv,
    ):
        return
    _shorten(environ.get("SPANS", ""))
    if "TRANSACTIONS" in environ:
        _note_transactions(environ["TRANSACTIONS"])
    if environ.keys() & {"STEPS_LOG", "DEATH_AT", "DEATH_IN", "STOP_IN"}:
        from parallel_orchestra.git.helper import Helper  # noqa: PLC0415  # in the tool only

        steps = Steps(environ)
        Helper.send = _audited(Helper.send, ASKED, _question)
        os.write = _audited(os.write, WROTE, lambda number, data: f"{len(data)} bytes")
        os.fsync = _audited(os.fsync, SYNCED, lambda number: "a file")
        sys.addaudithook(steps)


board()
