"""parallel-orchestra: one Markdown plan, many coding agents at once, one verified branch.

For other programs: `load_plan`, `run_plan` and the values that they take and return.

    import parallel_orchestra as po

    report = po.run_plan("plan.md", po.default_settings(max_workers=4))
    print(report.completed, "of", report.total)

The house, from the ground up; a room imports only from floors below it, or from a room further
left on its own floor:

    5 street   cli/                                        argv, words, exit codes, the terminal
    4 work     merge_queue/ recovery board worker/ engine/ conductor/ example api      the run
    3 trades   store/ journal agents/ isolation/ report/ notify     our nouns put upon the world
    2 ground   files process/ git/                       one outer thing each; no tasks in there
    1 thought  graph/ config plan/ schedule retry progress/          pure: values in, values out
    0 words    door garbage errors model states events                 names of things, all frozen
"""

# As a name of our own: `typing` alone takes a quarter of the time of `--version`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from parallel_orchestra.api import default_settings, load_plan, run_plan
    from parallel_orchestra.conductor import Control, Preflight, Snapshot
    from parallel_orchestra.config import Settings
    from parallel_orchestra.errors import (
        EnvironmentProblem,
        ExitCode,
        GitError,
        HeldElsewhere,
        OrchestraError,
        PlanError,
        Problem,
        UsageError,
        WaitsForPerson,
    )
    from parallel_orchestra.events import Event
    from parallel_orchestra.graph import Mode
    from parallel_orchestra.model import FailureClass, Isolation, Plan, Task, Webhooks
    from parallel_orchestra.progress import Attempt, Delivery, Outcome, RunReport, TaskReport

__version__ = "0.2.0"

__all__ = [
    "Attempt",
    "Control",
    "Delivery",
    "EnvironmentProblem",
    "Event",
    "ExitCode",
    "FailureClass",
    "GitError",
    "HeldElsewhere",
    "Isolation",
    "Mode",
    "OrchestraError",
    "Outcome",
    "Plan",
    "PlanError",
    "Preflight",
    "Problem",
    "RunReport",
    "Settings",
    "Snapshot",
    "Task",
    "TaskReport",
    "UsageError",
    "WaitsForPerson",
    "Webhooks",
    "__version__",
    "default_settings",
    "load_plan",
    "run_plan",
]

#: The room of each name: `import parallel_orchestra` loads none of them before its name is used.
_ROOMS = {
    "api": ("default_settings", "load_plan", "run_plan"),
    "conductor": ("Control", "Preflight", "Snapshot"),
    "config": ("Settings",),
    "errors": (
        "EnvironmentProblem",
        "ExitCode",
        "GitError",
        "HeldElsewhere",
        "OrchestraError",
        "PlanError",
        "Problem",
        "UsageError",
        "WaitsForPerson",
    ),
    "events": ("Event",),
    "graph": ("Mode",),
    "model": ("FailureClass", "Isolation", "Plan", "Task", "Webhooks"),
    "progress": ("Attempt", "Delivery", "Outcome", "RunReport", "TaskReport"),
}


def __getattr__(name: str) -> object:
    """Loads a public name from its room when it is first used."""
    from importlib import import_module  # noqa: PLC0415  # `--version` does without it

    for room, names in _ROOMS.items():
        if name in names:
            value: object = getattr(import_module(f"{__name__}.{room}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Returns the public names, loaded or not."""
    return sorted(__all__)
