"""Folders of the `cpo` format for tests: a good one of three waves, and changes to it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = "parallel/TS-0042-shop"

MANIFEST: dict[str, Any] = {
    "tech_spec_id": "TS-0042",
    "name": "shop",
    "technology": "python",
    "python_version": "3.10",
    "waves": [
        {
            "number": 1,
            "tasks": [
                {"id": "task-001", "agent": "experts:model", "prompt_file": "prompts/task-001.txt"},
                {"id": "task-002", "agent": "experts:model"},
            ],
            "validation": "from shop.users import User; assert User",
        },
        {
            "number": 2,
            "tasks": [{"id": "task-003", "agent": "experts:api"}],
            "validation": "test -f shop/orders.py",
        },
        {"number": 3, "tasks": [{"id": "task-004", "agent": "experts:test"}]},
    ],
    "metadata": {"total_tasks": 4, "max_parallel": 2, "critical_path": ["task-001", "task-004"]},
}

#: The parts of each task file: component, wave, deps, scope lines.
TASKS = {
    "task-001": ("users", 1, "", "CREATE: shop/users.py", "BOUNDARY: shop/items.py"),
    "task-002": ("items", 1, "", "CREATE: shop/{items,stock}.py", "BOUNDARY: shop/users.py"),
    "task-003": (
        "orders",
        2,
        "task-001, task-002",
        "CREATE: shop/orders.py\nMODIFY: shop/users.py::User.save",
        "BOUNDARY: shop/items.py",
    ),
    "task-004": ("tests", 3, "task-003", "CREATE: tests/*.py", "BOUNDARY: shop/**"),
}

PROMPT = "Write shop/users.py. When all is well: touch .claude-task-complete\n"


def task_file(task: str) -> str:
    """Returns the text of a task's file; lines 2 to 8 are its front matter."""
    component, wave, deps, writes, boundary = TASKS[task]
    agent = next(one["agent"] for w in MANIFEST["waves"] for one in w["tasks"] if one["id"] == task)
    return f"""\
---
id: {task}
component: {component}
wave: {wave}
deps: [{deps}]
agent: {agent}
skills: [experts:style]
contracts: [contracts/types.py]
---
# {task}: Build the {component}

## Scope
{writes}
{boundary}

## Requirements
- Write the {component}.

## Checklist
- [ ] The {component} are there.
"""


def files() -> dict[str, str]:
    """Returns the good folder: the text of each file by its path in the folder."""
    return {
        "manifest.json": json.dumps(MANIFEST, indent=2),
        "context.md": "A shop.\n",
        "contracts/types.py": "class User: ...\n",
        "prompts/task-001.txt": PROMPT,
        **{f"tasks/{task}-{parts[0]}.md": task_file(task) for task, parts in TASKS.items()},
    }


def with_manifest(change: Callable[[dict[str, Any]], object]) -> dict[str, str]:
    """Returns the good folder with its manifest changed by a function."""
    manifest = copy.deepcopy(MANIFEST)
    change(manifest)
    return {**files(), "manifest.json": json.dumps(manifest, indent=2)}


def with_task(task: str, old: str, new: str) -> dict[str, str]:
    """Returns the good folder with one text replaced in a task's file.

    Raises:
        AssertionError: the file does not have the old text.
    """
    found = files()
    name = f"tasks/{task}-{TASKS[task][0]}.md"
    assert old in found[name]
    return {**found, name: found[name].replace(old, new, 1)}


def write(project: Path, texts: dict[str, str], folder: str = FOLDER) -> Path:
    """Writes a folder below a project and returns its path."""
    for name, text in texts.items():
        path = project / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return project / folder
