"""Plans to be killed, ways to kill, and what must be true when all is over.

Agents write a line into a journal outside the repository when they start and when they end, so
that what ran, and how often, is known from the agents and not from the tool.
"""

import json
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from support.processes import marked
from support.repository import commit_files, fsck_clean
from support.scene import Result, Running, Scene
from support.views import PLACES, SCENE_MARKER
from support.waiting import wait_until

#: The agent of all these plans: says that it starts, looks for what it needs, writes its file.
#: What a task needs and a person declared done by hand is not looked for.
AGENT = """\
#!/bin/sh
up=0
test ! -r /proc/uptime || read -r up _ < /proc/uptime
echo "start $PO_TASK_ID $PO_ATTEMPT $$ $up $PO_OWNER" >> "{journal}"
for need in $NEEDS; do
    test "$(cat "$need.txt" 2>&1)" = "$need" || grep -qsx "$need" "{by_hand}" ||
        {{ echo "no $need" >&2; exit 9; }}
done
sleep "${{NAP:-0.05}}"
eval "$DOES"
test -n "$LOOKS_ONLY" || echo "$PO_TASK_ID" > "$PO_TASK_ID.txt"
echo "end $PO_TASK_ID $PO_ATTEMPT $$" >> "{journal}"
"""


@dataclass(frozen=True)
class Step:
    """A task of such a plan."""

    id: str
    needs: tuple[str, ...] = ()
    looks_only: bool = False
    #: What its agent does besides, in the words of a shell.
    does: str = ""
    #: Further lines of the plan.
    facts: tuple[str, ...] = ()


#: A chain, a diamond, tasks for themselves, tasks that only look.
MIXED = (
    *(Step(f"c{n}", (f"c{n - 1}",) if n > 1 else ()) for n in range(1, 5)),
    Step("d0"),
    Step("d1", ("d0",)),
    Step("d2", ("d0",)),
    Step("d3", ("d1", "d2")),
    *(Step(f"i{n}") for n in range(1, 5)),
    Step("r1", looks_only=True),
    Step("r2", ("c4",), looks_only=True),
)


def plan_of(steps: tuple[Step, ...], agent: Path, *, head: str = "") -> str:
    """Returns the text of a plan with one `command` task per step."""
    lines = ["---", 'po_plan_version: "0.2"', "name: storm", "cwd: project", *head.splitlines()]
    lines += ["defaults: {backend: command}", "tasks:"]
    for step in steps:
        lines += [f"  - id: {step.id}", f"    command: ['{agent}']"]
        if step.needs:
            lines.append(f"    depends_on: [{', '.join(step.needs)}]")
        marks = f"NEEDS: '{' '.join(step.needs)}'"
        if step.looks_only:
            lines.append("    read_only: true")
            marks += ", LOOKS_ONLY: '1'"
        if step.does:
            marks += f", DOES: {json.dumps(step.does)}"
        lines += [f"    {fact}" for fact in step.facts]
        lines.append(f"    env: {{{marks}}}")
    return "\n".join([*lines, "---", ""])


@dataclass
class Storm:
    """A scene whose plan is run, killed and resumed until it is done."""

    scene: Scene
    steps: tuple[Step, ...] = MIXED
    head: str = ""
    options: tuple[str, ...] = ("--yes", "--resume", "-j", "3")
    plan_name: str = "plan.md"
    #: Tasks that lay in `done/` when everything was dead, and where the journal stood then.
    seen_done: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Writes agent and plan."""
        agent = AGENT.format(journal=self.journal, by_hand=self.by_hand)
        self.agent.write_text(agent, encoding="utf-8")
        self.agent.chmod(0o755)
        self.scene.plan(plan_of(self.steps, self.agent, head=self.head), self.plan_name)

    @property
    def agent(self) -> Path:
        """The program that all tasks run."""
        return self.scene.project.parent / "agent.sh"

    @property
    def journal(self) -> Path:
        """Where the agents write that they start and end."""
        return self.scene.project.parent / "agents.txt"

    @property
    def by_hand(self) -> Path:
        """Where a person who declares a task done writes its id before, line by line."""
        return self.scene.project.parent / "by-hand.txt"

    def lines(self) -> list[list[str]]:
        """Returns what the agents wrote, line by line.

        Word, task, attempt, process; at the start uptime and owner besides.
        """
        if not self.journal.exists():
            return []
        return [line.split() for line in self.journal.read_text(encoding="utf-8").splitlines()]

    def start(self, *more: str, **env: str) -> Running:
        """Starts the run, or goes on with it."""
        return self.scene.start(*self.options, *more, plan=self.plan_name, env=env)

    def remember(self) -> None:
        """Waits until nothing runs, then notes what is done: it must never start again."""
        self.scene.wait_for_silence()
        if not self.scene.tasks_dir.exists():
            return
        now = len(self.lines())
        # A task that a death left in two places is not done before it is settled which counts.
        files = [file for place in PLACES for file in (self.scene.tasks_dir / place).glob("*.md")]
        times = Counter(file.name.partition(".")[0] for file in files)
        done = {file.name.partition(".")[0] for file in files if file.parent.name == "done"}
        for task in (task for task in done if times[task] == 1):
            self.seen_done.setdefault(task, now)

    def finish(self) -> Result:
        """Runs to the end and checks everything that must be true then."""
        result = self.scene.run(*self.options, check=0)
        self.check()
        return result

    def check(self) -> None:
        """Checks a finished run: merged once, nothing ran again, nothing is left behind.

        Raises:
            AssertionError: one of it is not so.
        """
        scene = self.scene
        writers = {step.id for step in self.steps if not step.looks_only}
        assert scene.states() == dict.fromkeys((step.id for step in self.steps), "done")
        assert scene.merges() == dict.fromkeys(writers, 1)
        files = scene.files()
        assert {task: files.get(f"{task}.txt") for task in writers} == {
            task: f"{task}\n" for task in writers
        }
        self.check_done_stays_done()
        check_tidy(scene)

    def check_done_stays_done(self) -> None:
        """Checks that nothing ran again that `remember` had seen in `done/`.

        Raises:
            AssertionError: it did.
        """
        again = [
            line
            for number, line in enumerate(self.lines())
            if line[0] == "start" and number >= self.seen_done.get(line[1], number + 1)
        ]
        assert not again, f"done tasks ran again: {again}"


@dataclass
class User:
    """Who commits on the branch that the run began from, a new file each time."""

    scene: Scene
    commits: int = 0

    def commit(self) -> bool:
        """Commits, and returns whether git took it: while a delivery holds the index it does not."""
        try:
            commit_files(self.scene.project, {self._file: "mine\n"})
        except AssertionError:
            return False
        self.commits += 1
        return True

    def commit_the_rest(self) -> None:
        """Commits what a delivery was in the way of, once nobody else holds the index any more."""
        if any(line.endswith(self._file) for line in self.scene.dirty()):
            assert self.commit(), self.scene.dirty()

    def files(self) -> set[str]:
        """Returns the names of all that it committed."""
        return {f"mine{number}.txt" for number in range(self.commits)}

    @property
    def _file(self) -> str:
        return f"mine{self.commits}.txt"


def check_tidy(scene: Scene) -> None:
    """Checks that nothing is left of the runs but their results.

    Raises:
        AssertionError: a process, a worktree, a lock file, a change in the checkout; or git
            finds its repository damaged.
    """
    scene.wait_for_silence()
    assert scene.dirty() == [], scene.dirty()
    assert scene.git("symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert scene.worktrees() == []
    git_dir = scene.project / ".git"
    locks = {path.relative_to(git_dir).as_posix() for path in git_dir.rglob("*.lock")}
    assert locks <= {"orchestra.lock"}
    assert fsck_clean(scene.project)


def kill(running: Running, how: str) -> None:
    """Ends a run by SIGKILL: the conductor `alone`, its `group`, or `everything` at one blow."""
    if running.child.poll() is not None:
        return
    if how == "everything":
        kill_marked(running.marker)
    running.kill_tree(whole_group=how == "group")


def kill_marked(marker: str) -> None:
    """Kills all processes of a scene at once: git, helpers and agents too, as a dying container."""
    stopped: set[int] = set()
    while fresh := set(marked(SCENE_MARKER, marker)) - stopped:
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh
    for pid in stopped:
        _signal(pid, signal.SIGKILL)


def wait_for_line(storm: Storm, word: str, task: str, within: float = 15.0) -> None:
    """Waits until the agent of that task wrote that word."""
    wait_until(
        lambda: any(line[:2] == [word, task] for line in storm.lines()),
        within,
        f"`{word} {task}` in {storm.journal}",
    )


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
