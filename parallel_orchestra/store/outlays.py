"""What attempts reserved of a budget, and what they used: `reservations.jsonl` and their results.

A line is written before the agent starts, by whoever holds `claim.lock`, and never changed; what an
attempt used stands in its result, which is written before its task moves on. So whatever is killed
whenever, an attempt counts once: with what it used, or with all that it reserved. What agents used after
the last merge is noted beside their logs; it counts for the run, and for no task.
"""

import contextlib
import errno
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.model import Usage
from parallel_orchestra.plan.abilities import UNITS
from parallel_orchestra.spending import Amounts, Outlay, Spent, spent
from parallel_orchestra.states import TaskState
from parallel_orchestra.store.layout import Layout
from parallel_orchestra.store.names import parse
from parallel_orchestra.store.records import AttemptResult, attempt_results, read_result

#: Seconds by which a clock may have been set back between a reservation and its attempt.
_CLOCK_STEP = 1.0

#: How an attempt began that asked QA alone: see `retry.Way`.
_JUDGED_ONLY = "judge"

#: What the agent of a turn after the last merge used, in the turn's directory.
_USAGE = "usage.json"

_Key = tuple[str, int, str]


class Outlays:
    """All attempts of a run as one process has read them; its owner holds a lock."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._path = layout.root / "reservations.jsonl"
        self._offset = 0
        self._known: dict[_Key, Outlay] | None = None
        self._open: set[_Key] = set()

    def spent(self, now: float) -> Spent:
        """Returns how the run stands now (epoch), as its directory says.

        Exact for whoever holds `claim.lock`; for others a reservation that is just being made may
        count as one of an attempt that died.

        Raises:
            OSError: the reservations are there, but can't be read.
        """
        # Before the results: what has left `locked/` by now has written its own.
        live = self._live()
        known = self._read()
        for key in sorted(self._open):
            ended = self._ended(known[key], live)
            known[key] = ended
            if ended.seconds is not None:
                self._open.discard(key)
        found = spent(known.values(), live, now)
        after = _used_after_merge(self._layout)
        used = {unit: amount + after.get(unit, 0.0) for unit, amount in found.used.items()}
        return replace(found, used=used)

    def reserve(self, task: str, attempt: int, owner: str, now: float, amounts: Amounts) -> None:
        """Notes what an attempt may use that is about to be claimed; for who holds `claim.lock`.

        Raises:
            OSError: the disk is full or read-only; no agent may start.
        """
        facts = {"task": task, "attempt": attempt, "owner": owner, "time": now, **amounts}
        line = json.dumps(facts, separators=(",", ":")) + "\n"
        # a line that a killed process began stays alone
        torn = not self._path.exists() or self._last_byte() == b"\n"
        _append(self._path, (line if torn else f"\n{line}").encode())

    def _last_byte(self) -> bytes:
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                return file.read(1)
        return b"\n"

    def _live(self) -> frozenset[_Key]:
        names = map(parse, files.names(self._layout.state(TaskState.LOCKED)))
        return frozenset((one.task, one.attempts, one.owner) for one in names if one is not None)

    def _read(self) -> dict[_Key, Outlay]:
        if self._known is None:
            # Of attempts before there was a budget, what they said counts.
            self._known = {one.key: one for one in map(_unbudgeted, self._results())}
        for outlay in self._new():
            self._known[outlay.key] = outlay
            self._open.add(outlay.key)
        return self._known

    def _results(self) -> Iterable[AttemptResult]:
        for task in files.names(self._layout.attempts):
            yield from attempt_results(self._layout, task)

    def _new(self) -> Iterable[Outlay]:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._offset:
                # somebody took it away: what is known of it counts on
                self._offset = 0
            file.seek(self._offset)
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.splitlines():
                outlay = _reserved(line)
                if outlay is not None:
                    yield outlay

    def _ended(self, outlay: Outlay, live: frozenset[_Key]) -> Outlay:
        directory = self._layout.attempt(*outlay.key)
        result = read_result(directory)
        if result is not None and result.started >= outlay.started - _CLOCK_STEP:
            return _settled(outlay, result)
        if outlay.key in live or outlay.last:
            return outlay
        return _lost(outlay, directory / "agent.log")


def note_after_merge(directory: Path, usage: Usage) -> None:
    """Writes down what an agent used after the last merge, in the directory of its turn.

    Raises:
        OSError: the disk is full or read-only.
    """
    counted = [one for one in (usage.input_tokens, usage.output_tokens) if one is not None]
    used = {"max_cost_usd": usage.cost_usd or 0.0, "max_tokens": sum(counted)}
    files.write(directory / _USAGE, json.dumps(used).encode())


def _used_after_merge(layout: Layout) -> dict[str, float]:
    """Returns what the agents of all turns after the last merge have used, by unit."""
    total = dict.fromkeys(UNITS, 0.0)
    with contextlib.suppress(FileNotFoundError):
        for turn in files.names(layout.after_merge):
            content = files.read_bytes(layout.after_merge / turn / _USAGE)
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                used = json.loads(content or b"{}")
                total = {unit: had + float(used.get(unit, 0.0)) for unit, had in total.items()}
    return total


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        if os.write(descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def _reserved(line: bytes) -> Outlay | None:
    """Returns the reservation of a line; None for one that was cut off, or that others wrote."""
    try:
        facts = json.loads(line)
        amounts = {unit: float(facts[unit]) for unit in UNITS if unit in facts}
        if not all(0 <= amount < float("inf") for amount in amounts.values()):
            return None
        key = str(facts["task"]), int(facts["attempt"]), str(facts["owner"])
        return Outlay(*key, float(facts["time"]), amounts)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _unbudgeted(result: AttemptResult) -> Outlay:
    outlay = Outlay(result.task, result.attempt, result.owner, result.started, budgeted=False)
    return _settled(outlay, result)


def _settled(outlay: Outlay, result: AttemptResult) -> Outlay:
    used = _used(result)
    return Outlay(
        *outlay.key,
        outlay.started,
        outlay.reserved,
        used,
        max(0.0, result.seconds),
        asked=result.asked,
        budgeted=outlay.budgeted,
    )


def _used(result: AttemptResult) -> dict[str, float]:
    """Returns what its agent and QA used together; a unit that one of them did not tell is missing."""
    parts = []
    if result.way != _JUDGED_ONLY:
        parts.append((result.cost_usd, result.input_tokens, result.output_tokens))
    if result.qa:
        parts.append((result.qa_cost_usd, result.qa_input_tokens, result.qa_output_tokens))
    used: dict[str, float] = {}
    costs = [max(0.0, cost) for cost, _, _ in parts if cost is not None]
    if len(costs) == len(parts):
        used["max_cost_usd"] = sum(costs)
    tokens = [
        max(0, (read or 0) + (written or 0))
        for _, read, written in parts
        if (read, written) != (None, None)
    ]
    if len(tokens) == len(parts):
        used["max_tokens"] = float(sum(tokens))
    return used


def _lost(outlay: Outlay, log: Path) -> Outlay:
    """Returns an attempt whose worker died; the last word of its agent tells how long it took."""
    last = outlay.started
    with contextlib.suppress(OSError):
        last = max(last, log.stat().st_mtime)
    return Outlay(*outlay.key, outlay.started, outlay.reserved, last=last)
