"""Many workers at one run, and everything that can happen to them at once.

Workers are killed, or stopped and woken long after they were declared dead; a person moves task
files by hand; the user commits. Then it grows quiet, the run is resumed, and `support/verdict.py`
says what must be true.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from support.deaths import riding_along
from support.processes import children, started_at, state
from support.scene import Running
from support.storm import Storm, User, kill
from support.views import PLACES

#: Only time is faked: a worker out of sight is dead after two seconds without a sign of life.
SPANS = (
    "parallel_orchestra.store.liveness:LEASE=2 "
    "parallel_orchestra.store.liveness:HEARTBEAT=0.3 "
    "parallel_orchestra.retry:_FIRST_DELAY=0.2"
)
#: Where workers die by dice, besides where they are killed from outside.
DEATHS_IN = ("_publish 0.05", "_move_fence 0.02", "_free 0.1", "_settle 0.02", "open 0.01", "")
CONDUCTORS_DIE_IN = ("deliver 0.05", "catch_up 0.2", "publish 0.05", "_free 0.1", "", "")
#: Half of the far workers stop by themselves: between the last look at their claim and the ref
#: transaction, or at any other step of a merge. The others are stopped from outside.
STOPS_IN = ("_publish 0.4", "_publish 0.4", "merge 0.03")
#: A worker that sleeps with a lock of all workers in its hand is woken after so many seconds; one
#: that was taken for dead, when another has done its task, or after so many.
_LONGEST_STOP = 15.0
_LONGEST_DEATH = 4.0
#: Two kinds of weather come equally often, but for such a share.
_UNEVEN = 0.1


def another_namespace() -> tuple[str, ...] | None:
    """Returns the command that starts another in a pid namespace of its own, or None if none may."""
    # The first process of a namespace can't stop itself (pid_namespaces(7)): that is the shell.
    shell = ("sh", "-c", '"$@"; exit $?', "sh")
    plain = ("unshare", "--pid", "--fork", "--mount-proc")
    for words in (plain, (*plain, "--user", "--map-root-user")):
        with contextlib.suppress(OSError):
            if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
                return (*words, *shell)
    return None


def far_tool(running: Running) -> int:
    """Returns the process of the tool in another namespace, or 0 if there is none (any more)."""
    for shell in children(running.pid):
        for tool in children(shell):
            return tool
    return 0


@dataclass
class Post:
    """A worker process: the conductor, one beside it, or one `far` in another pid namespace."""

    running: Running
    far: bool
    since: float
    #: It stops by itself, in a merge.
    aimed: bool = False
    stopped: float = 0.0
    #: The locks that it held when it was stopped, and since when they are taken from it.
    held: tuple[str, ...] = ()
    dead: float = 0.0
    killed: bool = False

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.running.child.poll() is None

    @property
    def tool(self) -> int:
        """The process of the tool itself, or 0 if it has not started yet."""
        if not self.far:
            return self.running.pid
        return far_tool(self.running)


@dataclass
class Tempest:
    """A run in bad weather. `plan` says how often each thing is to happen."""

    storm: Storm
    dice: random.Random
    workers: int
    far_workers: int
    plan: dict[str, int]
    far: tuple[str, ...]
    happened: Counter[str] = field(default_factory=Counter)
    #: When each task was first seen in `done/`: monotonic seconds.
    seen_done: dict[str, float] = field(default_factory=dict)
    #: Tasks that a person ever moved, and those that were moved to `done/`.
    touched: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    #: Owners that were ever seen stopped.
    sleepers: set[str] = field(default_factory=set)
    posts: list[Post | None] = field(init=False)
    user: User = field(init=False)
    _let_through: float = 0.0

    def __post_init__(self) -> None:
        """Makes room for the workers: the conductor first, those far away last."""
        self.posts = [None] * self.workers
        self.user = User(self.storm.scene)
        self.flags.mkdir(exist_ok=True)
        self._pace()

    @property
    def flags(self) -> Path:
        """Where agents look whether the gate is shut."""
        return self.storm.scene.project.parent / "flags"

    @property
    def transactions(self) -> Path:
        """What the workers noted of their ref transactions."""
        return self.storm.scene.project.parent / "transactions.txt"

    def rage(self, limit: float) -> None:
        """Goes on until all that is planned has happened; gives up after so many seconds."""
        end = time.monotonic() + limit
        while self._missing() and time.monotonic() < end:
            self._look()
            if len(self.seen_done) == len(self.storm.steps):
                return
            self._man_the_posts()
            self._mind_the_stopped()
            choice = self._missing()
            # Zombies take the longest: whenever one can be had.
            if choice.pop("zombies", 0) and self.dice.random() < 0.5:
                self.zombies()
            # Nothing far ahead of the rest: a worker that is killed at once never becomes a zombie.
            least = max(self._missing().values(), default=0.0) - _UNEVEN
            if names := sorted(name for name, share in choice.items() if share >= least):
                getattr(self, self.dice.choice(names))()
            self._pace()
            time.sleep(self.dice.uniform(0.0, 0.12))  # any moment will do: nothing is waited for

    def calm(self) -> None:
        """Wakes who is stopped, ends all workers, and finishes the run in peace."""
        for post in self._living():
            self._wake(post)
        self._gate.unlink(missing_ok=True)
        time.sleep(1.0)  # the woken go on as if nothing had been: any second will do
        for post in self._living():
            kill(post.running, "group" if post.far else "alone")
        self.storm.scene.wait_for_silence(20)
        for _ in range(5):
            self._unpark()
            words = ("--yes", "--resume", "-j", "3")
            ended = self.storm.scene.run(*words, env=self._environment(), within=300)
            self._look()
            if ended.exit_code == 0:
                self.user.commit_the_rest()
                return
        raise AssertionError(f"the run does not come to its end\n{ended}")

    # what happens -----------------------------------------------------------------------------

    def kills(self) -> None:
        """Kills a worker that is well under way: alone, or with its process group."""
        grown = [post for post in self._living() if time.monotonic() - post.since > 0.8]
        chosen = [post for post in grown if not post.stopped]
        if chosen:
            post = self.dice.choice(chosen)
            way = "group" if self.happened["group kills"] * 2 < self.happened["kills"] else "alone"
            post.killed = True
            if post.far and way == "alone" and post.tool:
                os.kill(post.tool, signal.SIGKILL)
                post.running.wait()
            else:
                kill(post.running, way)
            self.happened["kills"] += 1
            self.happened["group kills"] += way == "group"

    def zombies(self) -> None:
        """Stops a far worker that holds a claim; see `_mind_the_stopped` for the rest of it."""
        far = [post for post in self._living() if post.far and not post.aimed]
        awake = [post for post in far if not post.stopped and post.tool]
        holding = [post for post in awake if self._locks_of(post)]
        if holding:
            os.kill(self.dice.choice(holding).tool, signal.SIGSTOP)

    def moves(self) -> None:
        """Moves a task file as a person would, with its name or with nothing but the task."""
        source, target = self.dice.sample(PLACES, 2)
        files = sorted((self.storm.scene.tasks_dir / source).glob("*.md"))
        if not files:
            return
        file = self.dice.choice(files)
        task = file.name.partition(".")[0]
        name = self.dice.choice([file.name, f"{task}.md"])
        self.touched.add(task)
        if target == "done":
            self.by_hand.add(task)
            with self.storm.by_hand.open("a", encoding="utf-8") as list_:
                list_.write(f"{task}\n")
        with contextlib.suppress(FileNotFoundError):
            file.rename(self.storm.scene.tasks_dir / target / name)
            self.happened["moves"] += 1

    def commits(self) -> None:
        """Commits on the branch that the run started from."""
        self.happened["commits"] += self.user.commit()

    # how it goes on ---------------------------------------------------------------------------

    def fell_short(self) -> list[str]:
        """Returns what happened less often than planned, with both numbers."""
        return [
            f"{self.happened[name]} {name} instead of {count}"
            for name, count in self.plan.items()
            if self.happened[name] < count
        ]

    def _missing(self) -> dict[str, float]:
        """Returns what has not happened often enough, by the share that is missing."""
        left = {name: 1 - self.happened[name] / count for name, count in self.plan.items() if count}
        return {name: share for name, share in left.items() if share > 0}

    def _pace(self) -> None:
        """Shuts the gate before the agents while they are ahead of the bad weather.

        Then one may pass now and then: only a worker between two tasks looks for the dead.
        """
        over = 1 - max(self._missing().values(), default=0.0)
        if len(self.seen_done) / len(self.storm.steps) <= 0.1 + 0.8 * over:
            self._gate.unlink(missing_ok=True)
            return
        self._gate.touch()
        asleep = [post for post in self._living() if post.stopped]
        for name in (name for post in asleep if post.dead for name in post.held):
            self._let_pass(name)
        if time.monotonic() - self._let_through > 0.5 and (names := self._who_may_pass(asleep)):
            self._let_through = time.monotonic()
            self._let_pass(self.dice.choice(names))

    def _who_may_pass(self, asleep: list[Post]) -> list[str]:
        """Returns the locks of one of which the agent may end although the gate is shut.

        What somebody holds who is to stop in its merge; else any, while nobody was free to see
        that a sleeper gives no sign of life, or while nobody who could become a zombie has a task.
        """
        unseen = any(not post.dead and time.monotonic() - post.stopped > 3 for post in asleep)
        unseen = unseen or not any(self._locks_of(post) for post in self._living() if post.far)
        aimed = [post for post in self._living() if post.aimed and not post.stopped]
        if held := [name for post in aimed for name in self._locks_of(post)]:
            return held
        locks = (self.storm.scene.tasks_dir / "locked").glob("*.md") if unseen else ()
        return sorted(file.name for file in locks if not self._pass_of(file.name).exists())

    def _let_pass(self, lock: str) -> None:
        self._pass_of(lock).touch()

    def _pass_of(self, lock: str) -> Path:
        return self.flags / f"go-{lock.partition('.')[0]}"

    @property
    def _gate(self) -> Path:
        return self.flags / "shut"

    def _look(self) -> None:
        """Notes what is done; a person who put a lock without an owner takes it back."""
        now = time.monotonic()
        for file in (self.storm.scene.tasks_dir / "done").glob("*.md"):
            self.seen_done.setdefault(file.name.partition(".")[0], now)
        if self.dice.random() < 0.1:
            self._unpark()

    def _unpark(self) -> None:
        for file in (self.storm.scene.tasks_dir / "locked").glob("*.md"):
            if file.name.count(".") < 3:
                with contextlib.suppress(FileNotFoundError):
                    file.rename(self.storm.scene.tasks_dir / "available" / file.name)

    def _man_the_posts(self) -> None:
        """Starts one worker that is missing, and takes notice of one that died by dice."""
        for number, post in enumerate(self.posts):
            if post is not None and post.alive:
                continue
            if post is not None and not post.killed and post.running.child.returncode in (-9, 137):
                self.happened["kills"] += 1
                self.happened["aimed kills"] += 1
            if number and not (self.storm.scene.tasks_dir / "run.json").exists():
                return
            far = number >= self.workers - self.far_workers
            aimed = far and self.dice.random() < 0.5
            running = self._started(number, far=far, aimed=aimed)
            self.posts[number] = Post(running, far, time.monotonic(), aimed)
            return

    def _started(self, number: int, *, far: bool, aimed: bool) -> Running:
        scene = self.storm.scene
        if number == 0:
            plan = str(scene.plan_path(self.storm.plan_name))
            env = self._environment(DEATH_IN=self.dice.choice(CONDUCTORS_DIE_IN))
            return scene.start_command("run", plan, "--yes", "--resume", "-j", "2", env=env)
        words = ("worker", "--tasks-dir", str(scene.tasks_dir))
        if far:
            env = self._environment(STOP_IN=self.dice.choice(STOPS_IN) if aimed else "")
            return scene.start_command(*words, env=env, via=self.far)
        env = self._environment(DEATH_IN=self.dice.choice(DEATHS_IN))
        return scene.start_command(*words, env=env)

    def _environment(self, **wishes: str) -> dict[str, str]:
        noted = {"TRANSACTIONS": str(self.transactions), "FLAGS": str(self.flags), "NAP": "0.1"}
        return {**noted, **riding_along(SPANS, **wishes)}

    def _mind_the_stopped(self) -> None:
        """Declares nobody dead, but sees who was: and wakes it when it is too late for it."""
        now = time.monotonic()
        for post in self._living():
            if not post.far or not post.tool or state(post.tool) != "T":
                continue
            if not post.stopped:
                post.stopped, post.held, post.dead = now, self._locks_of(post), 0.0
                self.sleepers.add(self._owner_of(post))
                self.happened["stops"] += bool(post.held)
            locks = self.storm.scene.tasks_dir / "locked"
            if (
                post.held
                and not post.dead
                and not any((locks / name).exists() for name in post.held)
            ):
                post.dead = now
            done = all(self._is_done(name.partition(".")[0]) for name in post.held)
            long = now - post.stopped > _LONGEST_STOP or now - (post.dead or now) > _LONGEST_DEATH
            if (post.dead and done) or long or not post.held:
                self.happened["zombies"] += post.dead > 0
                self.happened["woken after others did the task"] += post.dead > 0 and done
                self._wake(post)

    def _is_done(self, task: str) -> bool:
        return any((self.storm.scene.tasks_dir / "done").glob(f"{task}.*"))

    def _wake(self, post: Post) -> None:
        if post.tool:
            with contextlib.suppress(ProcessLookupError):
                os.kill(post.tool, signal.SIGCONT)
        post.stopped, post.held = 0.0, ()

    def _locks_of(self, post: Post) -> tuple[str, ...]:
        """Returns the names of the locks that a far worker holds."""
        owner, locks = self._owner_of(post), self.storm.scene.tasks_dir / "locked"
        return tuple(file.name for file in locks.glob(f"*.{owner}.md")) if owner else ()

    def _owner_of(self, post: Post) -> str:
        """Returns what a far worker calls itself, or "": its namespace and start stand in its record.

        The start too, because the numbers of namespaces are used again.
        """
        with contextlib.suppress(OSError):
            namespace, start = os.readlink(f"/proc/{post.tool}/ns/pid"), started_at(post.tool)
            for record in (self.storm.scene.tasks_dir / "workers").glob("*.json"):
                words = record.read_text(encoding="utf-8")
                if f'"{namespace}"' in words and f'"start":"{start}"' in words:
                    return record.stem
        return ""

    def _living(self) -> list[Post]:
        return [post for post in self.posts if post is not None and post.alive]

    def __enter__(self) -> "Tempest":  # noqa: PYI034 - Self is younger than Python 3.10
        """Returns itself; whatever still runs at the end is killed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kills all workers, stopped ones too."""
        for post in self._living():
            kill(post.running, "group")
