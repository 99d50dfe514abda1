"""The fields of a plan of version 0.1, the published format: what it takes, we take.

Its prompts stay as they are, byte for byte; unknown keys are remarks, not errors; an empty
`env:`, `writes:` or `depends_on:` is nothing. What it took without a word although it can't go
well (two tasks of one id, equal keys, an agent's name that begins with `-`) is an error here too.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from parallel_orchestra.model import DEFAULT_TIMEOUT_V01
from parallel_orchestra.plan import values
from parallel_orchestra.plan.fields import ABSENT, Fields, Webhook

#: Keys of tasks that the published tool refuses: it sets these itself.
REFUSED_KEYS = frozenset(
    {"cwd", "timeout_sec", "idle_timeout_sec", "retry_delay_sec", "retry_backoff_factor"}
)
#: Keys whose empty value is the same as leaving them out.
NULLABLE_KEYS = frozenset(
    {"env", "writes", "depends_on", "concurrency_group", "concurrency_limits", "defaults"}
    | {"on_complete", "on_failure"}
)


class ManifestDefaults(Fields):
    """The only default that the format knows."""

    max_retries: values.LooseRetries = ABSENT


class ManifestTask(ManifestDefaults):
    """A task; `prompt` is `/agent-<agent>` if left out."""

    id: values.TaskId
    agent: values.Agent
    read_only: bool
    prompt: str = ABSENT
    env: values.PublishedEnv = ABSENT
    writes: values.Paths = ABSENT
    depends_on: values.Ids = ABSENT
    concurrency_group: values.Filled = ABSENT


class ManifestTop(Fields):
    """What holds for the whole manifest, `tasks` and `defaults` aside."""

    name: str = ABSENT
    cwd: values.FilledLine
    concurrency_limits: values.LooseLimits = ABSENT
    on_complete: Webhook = ABSENT
    on_failure: Webhook = ABSENT


def completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a task's values with what the published tool does where we have fields."""
    return {
        "prompt": f"/agent-{given['agent']}",
        "timeout": DEFAULT_TIMEOUT_V01,
        "allow_empty": True,
        **given,
    }


def writes_below(paths: Iterable[str], folder: Path, cwd: Path) -> tuple[str, ...]:
    """Returns `writes`, which count from the manifest's folder there, counted from `cwd`.

    What lies outside of `cwd` is left out: no worktree has it.
    """
    counted = (os.path.relpath(folder / path, cwd) for path in paths)
    return tuple(path for path in counted if path != ".." and not path.startswith("../"))
