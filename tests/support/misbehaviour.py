"""Agents that misbehave, as commands for `sh`, and how the attempt of each has to end.

`done`, or the beginning of what is said of its failure. `$OUTSIDE` is a folder beside the
project, `$AGENTS` the folder of the programs, `$PROJECT` the user's checkout.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.scene import Scene

PROGRAMS = Path(__file__).with_name("agents")

#: Something is done before a bad agent and after it, in the worktree that it used.
_BESIDE = """---
po_plan_version: "0.2"
name: agents
max_workers: 1
defaults: {{backend: command, max_retries: 0}}
tasks:
  - {{id: good, priority: 9, command: "echo > good.txt"}}
  - {{id: bad, command: [sh, -c, '{command}']}}
  - {{id: next, command: "echo > next.txt; git status", depends_on: [good]}}
---
"""

_SIDE = (
    "git checkout -q -b {0}; echo {0} > a.txt; git commit -qam {0}; git checkout -q --detach HEAD~1"
)
_SPLIT = f"{_SIDE}; echo other > a.txt; git commit -qam other; "


@dataclass(frozen=True)
class Agent:
    """One of them: its command, what its attempt comes to, and its limits in seconds."""

    command: str
    outcome: str = "done"
    timeout: float = 30.0
    idle_timeout: float = 1800.0


_REMOVED = "unusable: the agent removed its worktree"
_HALF = "unusable: the agent left a merge half done, with conflicts in a.txt"

#: Those that harm nobody but themselves, so that all can be let loose in one run.
TOGETHER = {
    # processes
    "daemon": Agent(f"{sys.executable} $AGENTS/daemon.py $OUTSIDE/daemon; echo > daemon.txt"),
    "deaf": Agent(
        "trap '' HUP INT TERM QUIT; while :; do sleep 0.05; done", "timeout: ", timeout=0.5
    ),
    "silent": Agent("sleep 2; echo > silent.txt"),
    "hangs-after-result": Agent("echo > h.txt; echo result; sleep 600", "timeout: ", timeout=0.5),
    "child-keeps-stdout": Agent("echo > child.txt; echo result; sleep 600 & exit 0"),
    "never-reads-its-prompt": Agent("echo > prompt.txt"),
    "waits-for-more-input": Agent("cat > /dev/null; cat > input.txt; echo > more.txt"),
    "closes-its-output": Agent("exec >&- 2>&-; sleep 0.2; echo > closed.txt"),
    "hangs": Agent("echo > hangs.txt; sleep 600", "stalled: ", idle_timeout=0.5),
    "stops-itself": Agent("kill -STOP $$", "stalled: ", idle_timeout=0.5),
    "stops-its-parent": Agent("kill -STOP $PPID; echo > stopped.txt"),
    "kills-its-parent": Agent(
        "echo > killed.txt; test $PO_ATTEMPT = 2 || { kill -KILL $PPID; sleep 9; }"
    ),
    "does-nothing": Agent("true", "no_changes: "),
    # commits and branches
    "commits": Agent("echo > own.txt; git add own.txt; git commit -qm own"),
    "switches-branch": Agent("git checkout -q -b mine; echo > mine.txt"),
    "amends": Agent("echo > amended.txt; git add -A; git commit -q --amend -m amended"),
    "resets": Agent("git reset -q --hard $(git rev-list --max-parents=0 HEAD); echo > reset.txt"),
    "rebases": Agent(
        "git commit -q --allow-empty -m one; echo > re.txt; git add -A; git commit -qm two; "
        "git rebase -q --onto HEAD~2 HEAD~1"
    ),
    "orphan-branch": Agent("git checkout -q --orphan lonely; echo > orphan.txt; git add -A"),
    "half-a-merge": Agent(_SPLIT.format("m") + "git merge -q m; true", _HALF),
    "half-a-rebase": Agent(_SPLIT.format("r") + "git rebase -q r; true", _HALF),
    "half-a-cherry-pick": Agent(_SPLIT.format("c") + "git cherry-pick c; true", _HALF),
    "half-a-stash": Agent(
        "echo stashed > a.txt; git stash -q; echo other > a.txt; git commit -qam x; "
        "git stash pop; git stash drop -q; true",
        _HALF,
    ),
    "resolved-but-not-committed": Agent(
        _SPLIT.format("n") + "git merge -q n; git show HEAD~1:a.txt > a.txt; echo > resolved.txt"
    ),
    "bisects": Agent("echo > bi.txt; git add -A; git commit -qm b; git bisect start HEAD HEAD~1"),
    "tags": Agent("echo > tag.txt; git tag agents-tag"),
    "pushes": Agent(
        "echo > push.txt; git add -A; git commit -qm p; git push -q origin HEAD:refs/heads/new"
    ),
    "sparse": Agent("echo > sparse.txt; git sparse-checkout set --no-cone /nothing"),
    "embedded-repository": Agent(
        "git init -q sub; cd sub; echo > x; git add x; git commit -qm x",
        "unusable: the agent made a git repository inside its worktree: sub",
    ),
    # files
    "removes-git-file": Agent("rm .git; echo > nogit.txt"),
    "replaces-git-file": Agent("rm .git; git init -q .; echo > replaced.txt"),
    "removes-its-git-directory": Agent("rm -rf $(git rev-parse --absolute-git-dir)", _REMOVED),
    "removes-its-worktree": Agent("rm -rf $PWD", _REMOVED),
    "unregisters-its-worktree": Agent("git worktree remove --force --force $PWD", _REMOVED),
    "prunes-worktrees": Agent("git worktree prune --expire=now; echo > prune.txt"),
    "takes-all-rights": Agent("mkdir d; echo > d/x; echo > y; chmod 000 d/x y d"),
    "links-out": Agent("ln -s $OUTSIDE/precious.txt linked; echo > out.txt"),
    "writes-through-a-link": Agent(
        "rm -r keep; ln -s $OUTSIDE keep; echo > keep/through.txt; echo > w.txt"
    ),
    "becomes-a-link": Agent(
        'd=$PWD; cd /; rm -rf "$d"; ln -s "$OUTSIDE" "$d"',
        "unusable: the agent replaced its worktree by a link to ",
    ),
    "becomes-a-link-to-the-checkout": Agent(
        'd=$PWD; cd /; rm -rf "$d"; ln -s "$PROJECT" "$d"',
        "unusable: the agent replaced its worktree by a link to ",
    ),
    "its-git-directory-becomes-a-link": Agent(
        'd=$(git rev-parse --absolute-git-dir); rm -rf "$d"; ln -s "$PROJECT/.git" "$d"',
        "unusable: the agent replaced its worktree by a link to ",
    ),
}


def between_good_ones(folder: Path, command: str, files: Mapping[str, str] | None = None) -> Scene:
    """Returns a scene in which the agent of `bad` carries out a command, between `good` and `next`.

    The repository has these files, or one.
    """
    plan = _BESIDE.format(command=command)
    return Scene(folder).repository(files or {"a.txt": "a\n"}).plan(plan)
