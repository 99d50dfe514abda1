"""How the real agents failed, as `tests/agents/record.py` wrote it down, and what we make of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parallel_orchestra.agents import BACKENDS, AgentSettings
from parallel_orchestra.model import Answer, FailureClass, Task
from parallel_orchestra.process import Ending, Exit
from parallel_orchestra.retry import Verdict, decide

TESTS = Path(__file__).resolve().parent.parent
RECORDED = TESTS / "trades" / "recorded_agents"
#: What each case is, in the order of the table.
MEANINGS = {
    "success": "it did its task",
    "429": "429 of the service",
    "429-retry-after": "429 that says how long to wait",
    "429-an-hour": "429 that asks to wait for an hour",
    "usage-limit": "a usage limit that ends in two hours",
    "529": "529, overloaded",
    "500": "500 of the service",
    "401": "401, the key is refused",
    "no-key": "no key at all",
    "400": "400, the request is wrong",
    "404": "404, there is no such model",
    "credit": "the credit is used up",
    "too-long": "the conversation is too long for the model",
    "max-turns": "more turns than `max_turns`",
    "budget": "more dollars than it was told",
    "denied": "a read-only agent that tried to write",
    "unknown-agent": "an `agent` that there is not",
    "refused": "nobody listens at the service's address",
    "dropped": "the connection is cut before the answer",
    "dropped-amid": "the connection is cut amid the answer",
    "hang": "the service says nothing",
    "hang-after-result": "it answers, and goes on waiting",
    "killed": "it is killed from outside",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording; `requests` counts how often the agent asked."""

    backend: str
    case: str
    version: str
    at: float
    requests: int
    seconds: float
    ended: Exit

    def answer(self) -> Answer:
        """Returns what we take it for."""
        environ = {"PATH": "/bin", "TZ": "UTC"}
        settings = AgentSettings(environ, Path("/"), clock=lambda: self.at)
        task = Task(
            id="a",
            agent="nobody" if self.case == "unknown-agent" else "",
            read_only=self.case == "denied",
            timeout=7200.0,
        )
        return BACKENDS[self.backend].answer(task, settings, self.ended)

    def verdict(self, answer: Answer) -> Verdict | None:
        """Returns what follows a first attempt that ended so; None for a success."""
        if answer.failure is None:
            return None
        facts: dict[str, Any] = {"attempts": 1, "failures": 0, "max_retries": 1, "dice": 0.5}
        return decide(answer.failure, retry_after=answer.retry_after, **facts)


def recordings(backend: str) -> Iterator[Recorded]:
    """Yields all recordings of a backend, in the order of `MEANINGS`."""
    paths = {path.stem: path for path in (RECORDED / backend).glob("*.json")}
    for case in MEANINGS:
        if case in paths:
            yield _read(backend, case, json.loads(paths[case].read_text(encoding="utf-8")))


def rows(backend: str) -> Iterator[tuple[str, str, str, str]]:
    """Yields what happened, its class, whether it is tried again, and what is said of it."""
    for one in recordings(backend):
        answer = one.answer()
        failure = f"`{answer.failure.value}`" if answer.failure else "-"
        said = answer.reason.replace("|", "\\|")
        yield MEANINGS[one.case], failure, _again(answer, one.verdict(answer)), said


def _again(answer: Answer, verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    if not verdict.again:
        return "no" if answer.failure is not FailureClass.AUTH else "no, and no other task of it"
    if answer.failure is FailureClass.USAGE_LIMIT:
        wait = answer.retry_after
        return (
            "after growing waits, uncounted" if wait is None else f"after {_span(wait)}, uncounted"
        )
    after = f"after {_span(verdict.delay)}" if verdict.delay else "at once"
    return after if verdict.counted else f"{after}, uncounted"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if seconds < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _read(backend: str, case: str, record: dict[str, Any]) -> Recorded:
    streams = ("\n".join([*record[key], ""]).encode() for key in ("stdout", "stderr"))
    return Recorded(
        backend,
        case,
        record["version"],
        record["recorded_at"],
        record["requests"],
        record["seconds"],
        Exit(
            Ending(record["ending"]),
            record["code"],
            *streams,
            kept="".join(f"{line}\n" for line in record["kept"]).encode(),
        ),
    )
