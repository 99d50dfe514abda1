"""Watches one child: is it at work, has it said its last word, or that it can't go on?

Joins the signs of life (`pulse`, from `family` and `touched`), the `last_word` and the `dead_end`, at the lowest
price: who prints is alive, and no more is looked at; files come last, once nothing else tells.
Looking at them may cost a four thousandth of a processor, but for one look before anybody is
called stuck. The helper program (`reaper`) loads this file by itself.
"""

import os
import time

if __package__:
    from parallel_orchestra.process.dead_end import DeadEnds
    from parallel_orchestra.process.family import Family
    from parallel_orchestra.process.last_word import LastWord
    from parallel_orchestra.process.pulse import STUCK, WORKING, Pulse, Signs
    from parallel_orchestra.process.request import Request
    from parallel_orchestra.process.touched import Walk
else:  # the bare interpreter knows this folder only
    from dead_end import DeadEnds  # type: ignore[import-not-found,no-redef]
    from family import Family  # type: ignore[import-not-found,no-redef]
    from last_word import LastWord  # type: ignore[import-not-found,no-redef]
    from pulse import STUCK, WORKING, Pulse, Signs  # type: ignore[import-not-found,no-redef]
    from request import Request  # type: ignore[import-not-found,no-redef]
    from touched import Walk  # type: ignore[import-not-found,no-redef]

_NEVER = float("inf")
#: What looking at files may cost, and the seconds between two looks at least.
_FILES_SHARE = 0.00025
_FILES_EVERY = 60.0
#: Seconds from one stretch of a walk through the files to the next.
_BETWEEN_STRETCHES = 0.02
#: Seconds of silence after the last word for whoever left something running or waits for it.
_LINGER = 600.0


class Watch:
    """One child being watched; all instants are by the clock that never jumps."""

    def __init__(self, request: Request, now: float) -> None:
        #: When to look next.
        self.due = _NEVER
        finals, pending, pending_key, self._grace = request.last_words
        self._last = LastWord(finals, pending, pending_key)
        self._speaks = bool(finals)
        self._dead = DeadEnds(request.dead_ends) if request.dead_ends else None
        self._there = os.path.isdir("/proc/self/task")
        self._pulse: Pulse | None = None
        self._next_look = _NEVER
        if request.idle_timeout is not None and self._there:
            self._pulse = Pulse(request.idle_timeout, now)
            self.due = self._next_look = now + self._pulse.every
        self._heard = self._looked = now
        self._usual: frozenset[tuple[int, bytes]] | None = None
        self._top = request.cwd
        self._walk: Walk | None = None
        self._next_files = self._next_decision = 0.0
        self._decides = self._sure = False
        self._file, self._told = request.life, WORKING

    def hear(self, data: bytes, *, stdout: bool) -> None:
        """Takes output in."""
        self._heard = now = time.monotonic()
        if self._dead is not None:
            self._dead.hear(data, now, stdout=stdout)
            self.due = min(self.due, self._dead_at)
        if not (stdout and self._speaks):
            return
        if self._usual is None:
            # What it needs to speak at all: wrappers, servers of tools.
            self._usual = Family().members
        self._last.hear(data, now)
        if self._last.said_at == now:
            self.due = min(self.due, now + self._grace)

    def look(self, now: float) -> str:
        """Looks if it is time to; returns how the run is to be ended, or nothing."""
        if now < self.due:
            return ""
        if now >= self._dead_at:
            return "dead end"
        if now >= self._next_look:
            self._look_at_family(now)
        self._look_at_files(now)
        self._tell()
        self.due = self._next(now)
        if self._has_answered(now):
            return "answered"
        return "stalled" if self._sure else ""

    @property
    def _dead_at(self) -> float:
        due = self._dead.due if self._dead is not None else None
        return _NEVER if due is None else due

    def close(self) -> None:
        """Takes back what was told others of the child."""
        if self._told != WORKING:
            try:
                os.unlink(self._file)
            except OSError:
                return  # nobody asks for it any more

    def _look_at_family(self, now: float) -> None:
        if self._pulse is None:
            return
        if self._heard > self._looked:
            signs = Signs(now, self._heard)
        else:
            seen = Family()
            signs = Signs(now, self._heard, seen.cpu_seconds, seen.members, eager=seen.eager)
        self._pulse.take(signs)
        self._looked = now
        self._next_look = now + self._pulse.every

    def _look_at_files(self, now: float) -> None:
        """Goes on with a walk through the files, or begins one if that is due."""
        pulse = self._pulse
        if pulse is None or pulse.state == WORKING:
            self._walk = None
            return
        if self._walk is None:
            if now < (self._next_decision if pulse.state == STUCK else self._next_files):
                return
            self._walk, self._decides = Walk(self._top), pulse.state == STUCK
        newest = self._walk.go_on()
        if newest is None:
            return
        tells = pulse.take_files(newest)
        self._sure = tells and self._decides and pulse.state == STUCK
        pause = min(_FILES_EVERY, pulse.limit / 4)
        self._next_files = now + max(pause, self._walk.cost / _FILES_SHARE)
        # the first walk tells nothing, and a second one at once no more
        self._next_decision = now if tells else now + pause
        self._walk = None

    def _has_answered(self, now: float) -> bool:
        said = self._last.said_at
        if said is None or now - said < self._grace:
            return False
        if not (self._last.waits or self._left_something()):
            return True
        silent = self._pulse.silent if self._pulse else now - self._heard
        linger = min(_LINGER, self._pulse.limit) if self._pulse else _LINGER
        return min(silent, now - said) >= linger

    def _left_something(self) -> bool:
        """Returns whether processes run that did not when it began to speak."""
        return not self._there or bool(Family().members - (self._usual or frozenset()))

    def _tell(self) -> None:
        """Writes for others how it stands, if that has changed."""
        state = self._pulse.state if self._pulse else WORKING
        if state == self._told or self._pulse is None or not self._file:
            return
        self._told = state
        since = time.time() - self._pulse.silent
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            # Its folder is made for those that have something to say only.
            os.makedirs(os.path.dirname(self._file), 0o700, exist_ok=True)
            fd = os.open(self._file, flags, 0o600)
            os.write(fd, b'{"state": "%s", "since": %.0f}\n' % (state.encode(), since))
            os.close(fd)
        except OSError:
            return  # a full disk: it is only shown

    def _next(self, now: float) -> float:
        due = min(self._next_look, self._dead_at)
        if self._walk is not None:
            due = min(due, now + _BETWEEN_STRETCHES)
        if self._last.said_at is not None:
            ended = self._last.said_at + self._grace
            due = min(due, ended if ended > now else now + self._grace)
        return due
