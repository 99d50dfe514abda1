"""What other programs call, and the command line with them: load a plan, run it, read the result.

Knows nothing of the terminal. Without `settings` a run behaves as the command line does without
options: it takes over the environment, the directory and the cache of this process.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from parallel_orchestra.agents import BACKENDS
from parallel_orchestra.conductor import Control, Preflight, Snapshot, conduct, examine
from parallel_orchestra.config import Settings
from parallel_orchestra.events import Event
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import load
from parallel_orchestra.progress import RunReport
from parallel_orchestra.worker.prompt import judge


def load_plan(path: Path | str, read: Callable[[Path], bytes] | None = None) -> Plan:
    """Returns the plan in a file, all defaults filled in.

    `read` gives the bytes of the plan and of its prompt files; None reads them from the disk.

    Raises:
        PlanError: the file can't be read, or with everything that is wrong with the plan.
    """
    return load(Path(path), tuple(BACKENDS), read, judge)


def default_settings(environ: Mapping[str, str] | None = None, **choices: Any) -> Settings:
    """Returns the settings of the command line without options, with `choices` put in their place.

    `environ` is what agents inherit and what `PO_WORKTREE_ROOT`, `PO_KEEP_WORKTREE` and
    `PO_START_GAP` are read from; None means this process's own.

    Raises:
        TypeError: a choice is no field of `Settings`.
    """
    inherited = dict(os.environ if environ is None else environ)
    directory = Path.cwd()
    root = inherited.get("PO_WORKTREE_ROOT", "")
    found = Settings(
        environ=inherited,
        directory=directory,
        cache=user_cache_path(),
        worktree_root=directory / root if root else None,
        keep_worktrees=inherited.get("PO_KEEP_WORKTREE") == "1",
        as_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        start_gap=_seconds(inherited.get("PO_START_GAP", "")),
    )
    return replace(found, **choices)


def run_plan(
    plan: Plan | Path | str,
    settings: Settings | None = None,
    *,
    control: Control | None = None,
    on_preflight: Callable[[Preflight], None] | None = None,
    on_event: Callable[[Event], None] | None = None,
    on_snapshot: Callable[[Snapshot], None] | None = None,
) -> RunReport:
    """Carries out a plan and returns how it went; nothing of it runs on afterwards.

    `settings` None means `default_settings()`. `control` stops the run, from any thread.
    `on_preflight` gets what was found before anything is changed; what it raises stops the run
    there. `on_snapshot` is called ten times a second from the calling thread, `on_event` with
    every event, from any thread. The report's `exit_code` says how it ended.

    Raises:
        PlanError: the plan is wrong; nothing was changed.
        HeldElsewhere: another run holds the task directory.
        EnvironmentProblem: something around us is missing or broken.
        WaitsForPerson: the integration branch was changed from outside.
    """
    loaded = plan if isinstance(plan, Plan) else load_plan(plan)
    chosen = default_settings() if settings is None else settings
    if loaded.keep_worktrees:
        chosen = replace(chosen, keep_worktrees=True)
    found = examine(loaded, chosen)
    try:
        if on_preflight is not None:
            on_preflight(found)
        return conduct(
            loaded,
            chosen,
            found,
            control or Control(),
            on_snapshot or _ignore,
            on_event or _ignore,
        )
    finally:
        found.repo.close()


def _seconds(text: str) -> float | None:
    """Returns a number of seconds; None for what is none."""
    try:
        return max(0.0, min(float(text), 3600.0))
    except ValueError:
        return None


def _ignore(_: object) -> None:
    """Stands in for a listener that nobody gave."""
