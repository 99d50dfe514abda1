"""What a shell may offer at a place of a command line: the tasks of the run here.

Asked at each press of tab, so it says nothing rather than fail, and reads names only.
"""

import contextlib
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem


def tasks_here(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Returns the tasks of the run in this project that begin so, each with where it lies.

    In a list (`a,b`) the last one is completed.
    """
    # who calls a command needs none of it
    from parallel_orchestra import files  # noqa: PLC0415
    from parallel_orchestra.states import TaskState  # noqa: PLC0415
    from parallel_orchestra.store import Layout  # noqa: PLC0415
    from parallel_orchestra.store.names import parse  # noqa: PLC0415

    head, comma, begun = incomplete.rpartition(",")
    named: Any = context.params.get("tasks_dir")
    with contextlib.suppress(OSError):
        layout = Layout(Path(named) if named else _found(Path.cwd()))
        there = {
            name.task: state.value
            for state in TaskState
            for file in files.names(layout.state(state))
            if (name := parse(file)) is not None
        }
        taken = context.params.get("tasks") or ()
        return [
            CompletionItem(f"{head}{comma}{task}", help=state)
            for task, state in sorted(there.items())
            if task.startswith(begun) and task not in taken
        ]
    return []


def _found(directory: Path) -> Path:
    for folder in (directory, *directory.parents):
        if (folder / "_tasks" / "run.json").is_file():
            return folder / "_tasks"
    return directory / "_tasks"
