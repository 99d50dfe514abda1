"""The silence of an agent in words, the same wherever it is shown."""

from parallel_orchestra.progress import Silence
from parallel_orchestra.report.text import span


def silence(found: Silence, now: float) -> str:
    """Returns how long an agent has shown no sign of life at `now` (epoch)."""
    return f"its agent is {found.state}: no sign of life for {span(max(0.0, now - found.since))}"


def doing(act: str, found: Silence | None, now: float) -> str:
    """Returns an agent's latest act; of one that is silent, first for how long it has been so."""
    if found is None:
        return act
    quiet = f"{found.state} for {span(max(0.0, now - found.since))}"
    return f"{quiet}: {act}" if act else quiet
