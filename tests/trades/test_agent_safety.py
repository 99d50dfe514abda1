"""Before the first agent starts, one is told what those that write may do without being asked."""

from pathlib import Path

import pytest

from parallel_orchestra.agents import BACKENDS, AgentSettings
from parallel_orchestra.model import Task

SETTINGS = AgentSettings({"HOME": "/home/ana"}, Path("/"))


def told(backend, *tasks, settings=SETTINGS):
    return BACKENDS[backend].notices(settings, tasks)


def test_each_mode_of_the_tasks_that_write_is_told_once():
    tasks = [
        Task("a"),
        Task("b"),
        Task("c", permission_mode="acceptEdits"),
        Task("d", read_only=True),
    ]

    skipped, edits = told("claude", *tasks)

    assert skipped == (
        "Claude Code runs 2 tasks that write with `--dangerously-skip-permissions`: "
        "no question is asked"
    )
    assert edits == (
        "Claude Code runs 1 task that writes with `--permission-mode acceptEdits`: "
        "what that does not allow is denied"
    )


@pytest.mark.parametrize(
    ("backend", "mode"),
    [("claude", "bypassPermissions"), ("codex", "danger-full-access"), ("gemini", "yolo")],
)
def test_a_mode_that_asks_nothing_is_told_as_such_by_whatever_name(backend, mode):
    (sentence,) = told(backend, Task("a", permission_mode=mode))

    assert sentence.endswith(": no question is asked")


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_nothing_is_told_of_tasks_that_only_read(backend):
    root = AgentSettings(SETTINGS.environ, Path("/"), as_root=True)

    assert told(backend, Task("a", read_only=True, command="true"), settings=root) == ()


@pytest.mark.parametrize("backend", ["claude", "codex", "gemini"])
def test_a_task_that_only_reads_never_runs_in_a_mode_that_asks_nothing(backend):
    one = BACKENDS[backend]
    free = one.mode(Task("a"))

    assert one.mode(Task("a", read_only=True)) != free
    assert one.mode(Task("a", read_only=True, permission_mode="x")) == (
        one.mode(Task("a", read_only=True))
    )
