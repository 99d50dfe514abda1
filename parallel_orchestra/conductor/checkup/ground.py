"""What a run stands on: git, the machine, the disk, the variables around us."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents.surroundings import outer_session
from parallel_orchestra.conductor.checkup.finding import Finding, Level, problems_as_findings
from parallel_orchestra.conductor.preflight import (
    agent_settings,
    disk_problems,
    notices,
    obstacles,
    worktree_root,
)
from parallel_orchestra.config import Settings
from parallel_orchestra.git import Repo
from parallel_orchestra.graph import Graph, Mode, caps, choose_mode, rivals, width
from parallel_orchestra.model import Plan
from parallel_orchestra.process import subreaper

_MIB = 1 << 20
#: Memory that an agent and what it starts need at the least, as a rule of thumb.
_PER_WORKER = 256 * _MIB
#: Agents wait for their service most of the time: so many of them share a core well.
_PER_CORE = 8


def machine(settings: Settings) -> Iterator[Finding]:
    """Yields what is to be said of this machine and of what surrounds us."""
    system = f"Python {platform.python_version()} on {platform.system()}"
    if subreaper.available():
        yield Finding(Level.OK, f"{system}: all processes of an agent can be found and ended")
    else:
        said = f"{system}: no sub-reaper, so processes that an agent detaches may outlive it"
        yield Finding(Level.NOTE, said)
    if outer := outer_session(settings.environ):
        names = ", ".join(outer)
        said = f"this is an agent's session: its variables are kept from our agents ({names})"
        yield Finding(Level.NOTE, said)
    if settings.as_root:
        said = "this is root: agents can change everything on this machine"
        yield Finding(Level.NOTE, said)


def repository(repo: Repo) -> Iterator[Finding]:
    """Yields which git and which repository was found."""
    version = repo.git.run("version").line
    yield Finding(Level.OK, f"{version}, {repo.object_format} repository", str(repo.top))


def place(directory: Path, mounts: Path = Path("/proc/self/mounts")) -> Iterator[Finding]:
    """Yields what is to be said of the disk that a directory lies, or will lie, on."""
    existing = next(path for path in (directory, *directory.parents) if os.access(path, os.F_OK))
    yield from problems_as_findings(disk_problems(existing))
    kind = files.file_system(existing, mounts)
    free = shutil.disk_usage(existing).free
    if files.is_network(kind):
        said = f"the tasks lie on a network file system ({kind}): limits across machines are "
        said += "best effort there, and dead workers are noticed after 150 s"
        yield Finding(Level.WARNING, said, str(existing), "use a local disk: `--tasks-dir DIR`")
    else:
        yield Finding(Level.OK, f"{free // _MIB} MiB free ({kind or 'unknown'})", str(existing))


def plan_at(plan: Plan, settings: Settings, repo: Repo) -> Iterator[Finding]:
    """Yields what keeps a run of this plan from beginning, and what one should know before."""
    free_disk = {one.what for one in disk_problems(settings.tasks_root(plan))}
    found = [one for one in obstacles(plan, settings, repo) if one.what not in free_disk]
    yield from problems_as_findings(found)
    graph = Graph.of(plan.tasks)
    contenders = rivals(plan.tasks, graph)
    most = width(graph, contenders, caps(plan.tasks, plan.concurrency_limits))
    mode, _ = choose_mode(graph, contenders, most, enough=settings.enough(plan))
    workers = settings.workers(plan) if mode is Mode.PARALLEL else 1
    agents = agent_settings(plan, settings)
    for notice in notices(plan, settings, repo, agents, most, workers):
        yield Finding(Level.NOTE, notice)
    backends = ", ".join(dict.fromkeys(task.backend for task in plan.agents))
    places = ", ".join(dict.fromkeys(task.isolation.value for task in plan.tasks))
    if not found:
        said = f"agents: {backends}; isolation: {places}"
        yield Finding(Level.OK, said, str(worktree_root(repo, settings)))
    yield strength(workers, os.cpu_count() or 1, available_memory())


def strength(workers: int, cores: int, memory: int) -> Finding:
    """Returns whether the machine carries so many agents; `memory` in bytes, 0 if unknown."""
    said = f"{workers} worker{'s' if workers > 1 else ''} on {cores} cores"
    said += f" with {memory // _MIB} MiB of memory free" if memory else ""
    if workers > cores * _PER_CORE or (memory and workers * _PER_WORKER > memory):
        fit = max(1, min(cores * _PER_CORE, memory // _PER_WORKER if memory else workers))
        return Finding(Level.WARNING, f"{said}: too many", "", f"`--max-workers {fit}`")
    return Finding(Level.OK, said)


def available_memory() -> int:
    """Returns the bytes of memory that can still be had; 0 where the system does not say."""
    if not sys.platform.startswith("linux"):
        return 0
    for line in (files.read_text("/proc/meminfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key == "MemAvailable":
            return int(value.split()[0]) * 1024
    return 0
