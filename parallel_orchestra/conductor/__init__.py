"""The run: publishes the plan, starts workers, delivers, and says how it went.

`preflight` looks before anything is touched, `opening` makes `_tasks/` ours, `crew` is this
process at work in a run (as conductor or as a worker that joined), `conductor` joins them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parallel_orchestra.conductor.conductor import conduct
    from parallel_orchestra.conductor.control import Control, Snapshot
    from parallel_orchestra.conductor.durations import past_of
    from parallel_orchestra.conductor.join import join
    from parallel_orchestra.conductor.picture import report_of
    from parallel_orchestra.conductor.preflight import Preflight, examine

__all__ = ["Control", "Preflight", "Snapshot", "conduct", "examine", "join", "past_of", "report_of"]

#: The module of each name: `status` and its like need none that starts work.
_MODULES = {
    "Control": "control",
    "Preflight": "preflight",
    "Snapshot": "control",
    "conduct": "conductor",
    "examine": "preflight",
    "join": "join",
    "past_of": "durations",
    "report_of": "picture",
}


def __getattr__(name: str) -> object:
    """Loads a public name from its module when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Returns the public names, loaded or not."""
    return sorted(__all__)
