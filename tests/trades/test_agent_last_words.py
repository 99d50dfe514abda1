"""By which line each agent is known to be done, on what the real ones were recorded to print."""

import json
from pathlib import Path

import pytest

from parallel_orchestra.agents import BACKENDS, AgentSettings
from parallel_orchestra.model import Task
from parallel_orchestra.process.last_word import LastWord

RECORDED = Path(__file__).parent / "recorded_agents"
CASES = sorted(RECORDED.glob("*/*.json"))
NAMES = [f"{path.parent.name} {path.stem}" for path in CASES]
#: Those who went on after what would have been their last word, had they ended there.
WENT_ON = {"claude hang-after-result", "opencode too-long"}


def listened(path):
    """Returns a listener after all that was printed, and how often it was told too early."""
    backend = path.parent.name
    settings = AgentSettings(environ={"PATH": "/bin"}, cwd=Path("/"))
    words = BACKENDS[backend].call(Task(id="a", backend=backend), settings).last_words
    listener = LastWord(words.finals, words.pending, words.pending_key)
    lines = json.loads(path.read_text(encoding="utf-8"))["stdout"]
    early = 0
    for number, line in enumerate(lines, 1):
        listener.hear(f"{line}\n".encode(), float(number))
        early += listener.said_at is not None and number < len(lines)
    return listener, early


@pytest.mark.parametrize(
    "path",
    [path for path in CASES if path.stem in ("success", "denied")],
    ids=lambda path: path.parent.name + " " + path.stem,
)
def test_an_agent_that_did_its_task_has_said_its_last_word(path):
    listener, _ = listened(path)

    assert listener.said_at is not None


@pytest.mark.parametrize(
    "path",
    [path for path in CASES if path.stem in ("hang", "killed")],
    ids=lambda path: path.parent.name + " " + path.stem,
)
def test_an_agent_that_never_came_to_an_end_has_not(path):
    listener, _ = listened(path)

    assert listener.said_at is None


def test_hardly_any_goes_on_after_its_last_word():
    early = {name for name, path in zip(NAMES, CASES, strict=True) if listened(path)[1]}

    assert early == WENT_ON


def test_claude_says_that_it_waits_for_what_it_left_running():
    listener, _ = listened(RECORDED / "claude" / "hang-after-result.json")

    assert listener.waits
