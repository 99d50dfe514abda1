"""All settings of a run, joined once from defaults, plan, environment and command line.

Pure: the environment is passed in. A value of the command line beats the environment, which
beats the plan, which beats the default.
"""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import DEFAULT_MAX_WORKERS, Plan


@frozen
class Settings:
    """How a run is to be carried out.

    `max_workers` None means the plan's, else 3. `environ` is what agents and git inherit,
    `directory` what relative program paths are meant from. `base` is the branch to start
    from; empty means the plan's, else the one that is checked out. `log_dir` gets copies of
    the agents' output, None for none. `only` and `skip` name tasks; with `retry_failed` those that
    failed are carried out, with `one_group` those that may run as things stand. `cache` is the user's cache directory, where worktrees
    lie unless `worktree_root` says otherwise. No task starts while fewer than `min_memory` bytes
    are available (None for a default that fits the machine, 0 for no such demand) or the load is
    above `max_load`; `start_gap` seconds lie between two starts (None for what the backend needs).
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    directory: Path = Path()
    max_workers: int | None = None
    resume: bool = False
    fresh: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    retry_failed: bool = False
    one_group: bool = False
    base: str = ""
    claude_exe: str = "claude"
    tasks_dir: Path | None = None
    worktree_root: Path | None = None
    cache: Path = Path()
    keep_worktrees: bool = False
    log_dir: Path | None = None
    as_root: bool = False
    min_memory: int | None = None
    max_load: float | None = None
    start_gap: float | None = None

    def workers(self, plan: Plan) -> int:
        """Returns how many workers this process starts at most."""
        return self.max_workers or plan.max_workers or DEFAULT_MAX_WORKERS

    def enough(self, plan: Plan) -> int:
        """Returns how many tasks that could run beside others make several workers worth while.

        Who names a number of workers means it: then two will do.
        """
        return 2 if self.max_workers else plan.fewest_beside

    def tasks_root(self, plan: Plan) -> Path:
        """Returns the directory of the plan's tasks: `_tasks` in its project, if not set."""
        return self.tasks_dir or plan.cwd / "_tasks"
