"""What the published tool of this name left of a run that it did not end: read once, on `--resume`.

Its state file lies beside the manifest and names tasks as completed before their work is merged.
So it is believed only of tasks whose branches are part of the user's branch.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from parallel_orchestra import files
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo
from parallel_orchestra.model import Plan, Task

_BRANCHES = "refs/heads/parallel-orchestra/"
#: The published tool ignores what is larger, too.
_LARGEST = 1 << 20


@frozen
class Takeover:
    """The tasks that need not run again, and what the user should know of them and of others."""

    tasks: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def take_over(plan: Plan, repo: Repo, base: str) -> Takeover:
    """Returns what the published tool completed of exactly this manifest; changes nothing.

    `base` is the commit that the run starts from. A state file that can't be read, or belongs
    to another text of the manifest, counts as missing.
    """
    completed = _completed(plan) if plan.published else frozenset()
    branches = repo.refs.list(_BRANCHES) if completed else {}
    done, remarks = [], []
    for task in plan.tasks:
        if task.id not in completed:
            continue
        branch = _unmerged(task, branches, repo, base)
        if branch:
            remarks.append(
                f"task `{task.id}` runs again: an earlier run completed it, but never merged "
                f"its branch `{branch}`, which stays"
            )
        else:
            done.append(task.id)
    if done:
        named = ", ".join(f"`{task}`" for task in done)
        remarks.append(f"done by an earlier run, as {_name(plan)} says: {named}")
    return Takeover(tuple(done), tuple(remarks))


def _name(plan: Plan) -> str:
    return f".po-run-state-{plan.source.stem}.json"


def _completed(plan: Plan) -> frozenset[str]:
    content = files.read_bytes(plan.source.with_name(_name(plan)))
    manifest = files.read_bytes(plan.source)
    if content is None or manifest is None or len(content) > _LARGEST:
        return frozenset()
    try:
        state: Any = json.loads(content)
    except (ValueError, RecursionError):
        return frozenset()
    if not isinstance(state, dict):
        return frozenset()
    tasks = state.get("completed_tasks")
    same = state.get("manifest_hash") == hashlib.sha256(manifest).hexdigest()
    if not same or not isinstance(tasks, list):
        return frozenset()
    return frozenset(task for task in tasks if isinstance(task, str))


def _unmerged(task: Task, branches: Mapping[str, str], repo: Repo, base: str) -> str:
    """Returns a branch of the published tool that has work of this task and is not merged."""
    own = re.compile(re.escape(f"{_BRANCHES}{task.id}-") + "[0-9a-f]{8}")
    for name, commit in branches.items():
        if own.fullmatch(name) and not repo.is_ancestor(commit, base):
            return name.removeprefix("refs/heads/")
    return ""
