"""Looks at everything a run needs before anything is touched; finds all problems at once."""

import os
import re
from hashlib import sha256
from pathlib import Path

from parallel_orchestra import github
from parallel_orchestra.agents import AgentSettings, backend_of
from parallel_orchestra.conductor.territory import inside, tree_of
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import FALLBACK_IDENTITY, Head, Repo, remote_of, worktrees
from parallel_orchestra.graph import Graph, Mode, Rivals, caps, choose_mode, rivals, width
from parallel_orchestra.isolation import Supplies, default_root
from parallel_orchestra.merge_queue import Guard
from parallel_orchestra.model import Deliver, Isolation, Plan
from parallel_orchestra.ownership import Tree, covered, reach, read_patterns
from parallel_orchestra.plain import some_of
from parallel_orchestra.process import find_program
from parallel_orchestra.store import Layout
from parallel_orchestra.store.room import Place, lacks

#: Free bytes below which a run is refused, and below which it is warned of.
_TOO_LITTLE = 100 << 20
_LITTLE = 1 << 30


#: How those programs are installed that plans of folders ask for.
_HOW_TO_INSTALL = {"uv": "install it: `pip install uv`, or see https://docs.astral.sh/uv"}

#: Below these names lie the branches that a run makes.
_OUR_FOLDERS = ("orchestra", "orchestra-kept")


@frozen
class Preflight:
    """What was found: the repository, where the run starts, how it will go, what to know before.

    `base_branch` is the user's branch that the work is delivered to, `tree` the project's files
    where tasks start from, as far as the plan says what tasks write; `contenders` are those that
    may write the same of them, and `most` is how many tasks can run at once.
    """

    repo: Repo
    agents: AgentSettings
    graph: Graph
    tree: Tree
    contenders: Rivals
    base_branch: str
    base_commit: str
    slug: str
    mode: Mode
    mode_reason: str
    workers: int
    most: int
    notices: tuple[str, ...]


def examine(plan: Plan, settings: Settings) -> Preflight:
    """Returns what a run of this plan will rest on.

    Raises:
        EnvironmentProblem: with everything that stands in the way; nothing was changed.
        WaitsForPerson: git was set up to run other programs in the run that is to go on.
    """
    if not plan.cwd.is_dir():
        raise EnvironmentProblem(
            Problem("the plan's `cwd` is not a directory", str(plan.cwd), "mend `cwd` in the plan")
        )
    repo = Repo.discover(plan.cwd, settings.environ)
    if settings.resume:
        Guard(repo, Layout(settings.tasks_root(plan)), _unheard).demand_asked()
    agents = agent_settings(plan, settings)
    head, branch, commit = _start(plan, settings, repo)
    problems = _in_the_way(plan, settings, repo, head, branch, commit)
    if problems or commit is None:
        repo.close()
        raise EnvironmentProblem(*problems)
    graph = Graph.of(plan.tasks)
    tree = tree_of(plan, repo, commit)
    contenders = rivals(plan.tasks, graph, tree)
    most = width(graph, contenders, caps(plan.tasks, plan.concurrency_limits))
    mode, reason = choose_mode(graph, contenders, most, enough=settings.enough(plan))
    workers = settings.workers(plan) if mode is Mode.PARALLEL else 1
    return Preflight(
        repo=repo,
        agents=agents,
        graph=graph,
        tree=tree,
        contenders=contenders,
        base_branch=branch,
        base_commit=commit,
        slug=slug_of(plan.name or plan.source.stem),
        mode=mode,
        mode_reason=reason,
        workers=workers,
        most=most,
        notices=notices(plan, settings, repo, agents, most, workers),
    )


def obstacles(plan: Plan, settings: Settings, repo: Repo) -> list[Problem]:
    """Returns everything that would keep a run of this plan from beginning; changes nothing."""
    return _in_the_way(plan, settings, repo, *_start(plan, settings, repo))


def _start(plan: Plan, settings: Settings, repo: Repo) -> tuple[Head, str, str | None]:
    """Returns what is checked out, and the branch to start from with its commit, if there is one."""
    head = repo.head()
    branch = settings.base or plan.base or head.branch or ""
    return head, branch, repo.refs.read(f"refs/heads/{branch}") if branch else None


def _in_the_way(
    plan: Plan, settings: Settings, repo: Repo, head: Head, branch: str, commit: str | None
) -> list[Problem]:
    return [
        *_repository_problems(repo, head, branch, commit, plan),
        *_backend_problems(plan, agent_settings(plan, settings)),
        *_program_problems(plan, settings),
        *lacks(places(repo, settings.tasks_root(plan), settings), _TOO_LITTLE),
        *_worktree_problems(plan, worktree_root(repo, settings)),
        *_setup_problems(plan, repo),
    ]


def agent_settings(plan: Plan, settings: Settings) -> AgentSettings:
    """Returns what holds for all agents of a run of this plan."""
    return AgentSettings(
        environ=settings.environ,
        cwd=settings.directory,
        claude_exe=settings.claude_exe,
        as_root=settings.as_root,
        plan_version=plan.version,
        templates=plan.backends,
    )


def worktree_root(repo: Repo, settings: Settings) -> Path:
    """Returns the directory in which the worktrees of this repository lie; it may not exist yet."""
    return settings.worktree_root or default_root(settings.cache, repo.common_dir)


def places(repo: Repo, tasks: Path, settings: Settings) -> tuple[Place, ...]:
    """Returns the directories that a run writes to all the time."""
    return (
        Place("task directory", tasks),
        Place("repository", repo.common_dir),
        Place("checkout", repo.top),
        Place("worktrees", worktree_root(repo, settings)),
    )


def slug_of(name: str) -> str:
    """Returns a name as `[a-z0-9-]` for branches; what has no such letters gets a number."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return slug or f"plan-{sha256(name.encode()).hexdigest()[:8]}"


def _unheard(warning: str) -> None:
    """Drops a warning: it is said again once the run goes on."""


def _repository_problems(
    repo: Repo, head: Head, branch: str, commit: str | None, plan: Plan
) -> list[Problem]:
    where = str(repo.top)
    problems = []
    if head.commit is None and commit is None:
        problems.append(
            Problem(
                "the repository has no commit yet",
                where,
                "commit what the agents should start from: `git add -A && git commit`",
            )
        )
    elif not branch:
        problems.append(
            Problem(
                "HEAD is detached, so there is no branch to deliver to",
                where,
                "`git switch BRANCH` first, or name the branch with `--base BRANCH`",
            )
        )
    elif commit is None:
        problems.append(
            Problem(f"there is no branch `{branch}` to start from", where, "see `git branch`")
        )
    under_way = repo.under_way()
    if under_way is not None:
        way_back = "reset" if under_way == "bisect" else "--abort"
        hint = f"finish it, or take it back with `git {under_way} {way_back}`"
        problems.append(Problem(f"a {under_way} is under way in the checkout", where, hint))
    places = worktrees.checkouts(repo, branch) if commit is not None else ()
    if len(places) > 1:
        names = ", ".join(map(str, places))
        hint = f"work would be delivered under one of them: `git switch` to another branch in {places[-1]}"
        problems.append(Problem(f"`{branch}` is checked out in two worktrees", names, hint))
    problems += _name_problems(repo)
    if not plan.cwd.resolve().is_relative_to(repo.top.resolve()):
        problems.append(Problem("the plan's `cwd` lies outside the repository", str(plan.cwd)))
    if plan.merge.sign_off and repo.identity() is None:
        what = "`merge.sign_off` has nobody to sign off: git knows no user.name and user.email"
        hint = (
            'set them: `git config user.name "Your Name" && git config user.email you@example.org`'
        )
        problems.append(Problem(what, where, hint))
    return problems


def _name_problems(repo: Repo) -> list[Problem]:
    """Finds branches by whose names git can't have ours: a ref is no directory of refs."""
    taken = [name for name in _OUR_FOLDERS if repo.refs.read(f"refs/heads/{name}") is not None]
    return [
        Problem(
            f"the branch `{name}` is in the way of branches `{name}/...`",
            str(repo.top),
            f"rename it: `git branch -m {name} NEW`",
        )
        for name in taken
    ]


def _backend_problems(plan: Plan, agents: AgentSettings) -> list[Problem]:
    names = dict.fromkeys(task.backend for task in plan.agents)
    found = (backend_of(name, agents).check(agents) for name in names)
    return [problem for problem in found if problem is not None]


def _program_problems(plan: Plan, settings: Settings) -> list[Problem]:
    """Returns which of the programs that the plan needs are not there."""
    return [
        Problem(
            f"the plan needs the program `{name}`, which is not there or not executable",
            f"PATH={settings.environ.get('PATH', '')}",
            _HOW_TO_INSTALL.get(name, f"install `{name}`, or put its directory on PATH"),
        )
        for name in dict.fromkeys(plan.programs)
        if find_program(name, settings.environ, settings.directory) is None
    ]


def disk_problems(tasks: Path) -> list[Problem]:
    """Returns that too little of the disk of a task directory is free, if it is so."""
    return list(lacks((Place("task directory", tasks),), _TOO_LITTLE))


def _worktree_problems(plan: Plan, root: Path) -> list[Problem]:
    if all(task.isolation is Isolation.NONE for task in plan.tasks):
        return []
    # not `exists`: it raises below a directory that only others may enter
    existing = next(path for path in (root, *root.parents) if os.access(path, os.F_OK))
    if not existing.is_dir():
        reason = "not a directory"
    elif not os.access(existing, os.W_OK | os.X_OK):
        reason = "not writable"
    else:
        return []
    hint = "name another place with `--worktree-root DIR` or `PO_WORKTREE_ROOT`"
    return [Problem(f"worktrees can't be made there: {reason}", str(existing), hint)]


def _setup_problems(plan: Plan, repo: Repo) -> list[Problem]:
    if not plan.cwd.resolve().is_relative_to(repo.top.resolve()):
        return []
    supplies = Supplies(repo, plan.cwd, None)
    wanted = dict.fromkeys(
        path
        for setup in dict.fromkeys(plan.setup_of(task) for task in plan.tasks)
        for path in supplies.missing(setup)
    )
    hint = "make it, take it out of `setup`, or write a pattern (`.env*`) if it may be missing"
    return [
        Problem("the set-up copies or links what is not there", str(plan.cwd / path), hint)
        for path in wanted
    ]


def notices(
    plan: Plan,
    settings: Settings,
    repo: Repo,
    agents: AgentSettings,
    most: int,
    workers: int,
) -> tuple[str, ...]:
    """Returns what one should know before a run of this plan begins; `most` can run at once."""
    told = list(plan.warnings)
    for name in dict.fromkeys(task.backend for task in plan.agents):
        theirs = [task for task in plan.agents if task.backend == name]
        told += backend_of(name, agents).notices(agents, theirs)
    if agents.as_root and not all(task.read_only for task in plan.tasks):
        told.append(
            "you are root, and so are the agents: nothing on this machine is closed to them"
        )
    if repo.committer() is FALLBACK_IDENTITY:
        who = f"{FALLBACK_IDENTITY.name} <{FALLBACK_IDENTITY.email}>"
        told.append(f"git knows no user.name and user.email: commits are made as {who}")
    if workers > most > 1:
        told.append(f"{workers} workers, but at most {most} tasks can run at once")
    written = places(repo, settings.tasks_root(plan), settings)
    told += [f"{lack.what} ({lack.where})" for lack in lacks(written, _LITTLE)]
    told += _dirty_notices(plan, repo)
    if plan.merge.deliver is Deliver.PR:
        told += _request_notices(
            settings.base or plan.base or repo.head().branch or "", repo, settings
        )
    return tuple(told)


def _request_notices(branch: str, repo: Repo, settings: Settings) -> list[str]:
    # Said before a night of work and not after it.
    if remote_of(repo, branch) is None:
        missing = f"`{branch}` has no upstream, and there is no remote `origin`"
        return [f"{missing}: no pull request can be made until there is one"]
    if github.find(settings.environ) is None:
        return ["there is no `gh` here: the work will be pushed, and you open the pull request"]
    return []


def _dirty_notices(plan: Plan, repo: Repo) -> list[str]:
    # The plan itself is for us, not for the agents.
    source = plan.source.parent.resolve() if plan.cpo else plan.source.resolve()
    dirty = [
        path for path in repo.dirty() if not (repo.top / path).resolve().is_relative_to(source)
    ]
    if not dirty:
        return []
    patterns = read_patterns(text for task in plan.tasks for text in task.may_write)
    prefix = inside(plan.cwd, repo)
    below = f"{prefix}/" if prefix else ""
    clash = covered(
        {path.removeprefix(below): path for path in dirty if path.startswith(below)},
        [reach(pattern) for pattern in patterns if not pattern.negative],
    )
    if clash:
        names = some_of([f"`{path}`" for path in clash], 5)
        told = (
            f"uncommitted changes in files that tasks write: {names}; agents do not see "
            "them, and delivery will stop there: commit or stash them"
        )
        return [told]
    changes = "1 uncommitted change" if len(dirty) == 1 else f"{len(dirty)} uncommitted changes"
    return [f"{changes} in the checkout, which agents do not see"]
