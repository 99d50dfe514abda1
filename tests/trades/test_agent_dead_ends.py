"""By which lines each agent is known to wait in vain, on what the real ones were recorded to print."""

import json
from pathlib import Path

import pytest

from parallel_orchestra.agents import BACKENDS, AgentSettings
from parallel_orchestra.model import Task
from parallel_orchestra.process.dead_end import DeadEnds

RECORDED = Path(__file__).parent / "recorded_agents"
WAIT = {
    "codex 429-an-hour",
    "codex refused",
    "opencode 429-an-hour",
    "opencode too-long",
    "opencode usage-limit",
}


def lines_of(path):
    """Returns what was said, on stdout first: whether it was, and the line."""
    told = json.loads(path.read_text(encoding="utf-8"))
    return [(True, line) for line in told["stdout"]] + [(False, line) for line in told["stderr"]]


def listener_of(backend):
    settings = AgentSettings(environ={"PATH": "/bin"}, cwd=Path("/"))
    ends = BACKENDS[backend].call(Task(id="a", backend=backend), settings).dead_ends
    return DeadEnds(tuple(one.told() for one in ends))


def test_these_wait_in_vain_and_no_other():
    waits = set()

    for path in sorted(RECORDED.glob("*/*.json")):
        listener = listener_of(path.parent.name)
        for stdout, line in lines_of(path):
            listener.hear(f"{line}\n".encode(), 1.0, stdout=stdout)
        if listener.due is not None:
            waits.add(f"{path.parent.name} {path.stem}")

    assert waits == WAIT


@pytest.mark.parametrize("name", sorted(WAIT))
@pytest.mark.parametrize("stdout", [True, False])
def test_an_agent_that_quotes_such_lines_goes_on(name, stdout):
    backend, case = name.split()
    said = [line for _, line in lines_of(RECORDED / backend / f"{case}.json")]
    quotes = {
        "codex": lambda text: {"type": "item.completed", "item": {"text": text}},
        "opencode": lambda text: {"type": "text", "part": {"text": text}},
    }
    listener = listener_of(backend)

    if stdout:
        said.append("\n".join(said))
    for line in said * 3:
        quoted = json.dumps(quotes[backend](line)) if stdout else f"tool: {line}"
        listener.hear(f"{quoted}\n".encode(), 1.0, stdout=stdout)

    assert listener.due is None


def test_what_the_user_wants_codex_to_log_stays():
    settings = AgentSettings(environ={"PATH": "/bin", "RUST_LOG": "trace"}, cwd=Path("/"))

    call = BACKENDS["codex"].call(Task(id="a", backend="codex"), settings)

    assert call.env["RUST_LOG"] == "trace"
