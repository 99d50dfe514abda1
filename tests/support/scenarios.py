"""A task's day in pieces, each small enough to die at every one of its steps."""

from support.deaths import Scenario, riding_along
from support.repository import commit_files
from support.storm import Step, Storm, kill_marked
from support.waiting import wait_until

#: Does something the first time only: agents keep their notes outside of the repository.
ONCE = 'test -e "$FLAGS/{flag}" || {{ : > "$FLAGS/{flag}"; {words}; }}'
#: An agent that sleeps until it is killed, the first time.
SLEEP = ONCE.format(flag="slept-$PO_TASK_ID", words="echo up >> $FLAGS/asleep; sleep 600")

THREE = (Step("a"), Step("b", ("a",)), Step("c"))
LATER = (Step("x"), Step("y", ("x",)), Step("z"))

#: The first writer waits until the second is there, which waits until the first is merged: what both
#: wrote from one base conflicts.
SHARED = (
    Step("a", does='until test -e "$FLAGS/b-is-there"; do sleep 0.02; done; echo a > shared.txt'),
    Step(
        "b",
        does=': > "$FLAGS/b-is-there"; until git cat-file -e refs/heads/orchestra/storm:a.txt 2>/dev/null; '
        "do sleep 0.02; done; echo b > shared.txt",
    ),
    Step("c"),
)
#: The user commits, in mid-run. Who is killed at it does it again, as a person would: with what the
#: killed git left removed.
USER = (
    'cd "$PO_TASKS_DIR/.." && { git cat-file -e HEAD:mine.txt 2>/dev/null || '
    "{ rm -f .git/index.lock .git/HEAD.lock .git/refs/heads/main.lock && echo > mine.txt && "
    'git add mine.txt && git commit -qm mine; }; }; cd "$OLDPWD"'
)
#: Says who conducts it: the process number stands in the owner's name.
CONDUCTOR = 'p=${PO_OWNER%-*}; kill -TERM "${p##*-}"'


def _environment(storm: Storm, **wishes: str) -> dict[str, str]:
    flags = storm.scene.project.parent / "flags"
    return {"NAP": "0", "FLAGS": str(flags), **riding_along(**wishes)}


def killed(storm: Storm) -> None:
    """Kills everything once two agents are at work (those that sleep)."""
    asleep = storm.scene.project.parent / "flags" / "asleep"
    with storm.scene.start("--yes", "-j", "2", env=_environment(storm)) as running:
        wait_until(
            lambda: asleep.exists() and len(asleep.read_text().splitlines()) == 2, 20, "two asleep"
        )
        kill_marked(running.marker)
        running.wait()


def killed_after_a_merge(storm: Storm) -> None:
    """Kills the run between a task's merge and its move to `done/`."""
    log = storm.scene.project.parent / "steps.txt"
    steps = _environment(storm, STEPS_LOG=str(log), DEATH_IN="settled 1")
    with storm.scene.start("--yes", "-j", "1", env=steps) as running:
        assert running.wait().exit_code == -9
    log.unlink()


def moved(storm: Storm) -> None:
    """Kills the run; then the user commits."""
    killed(storm)
    commit_files(storm.scene.project, {"mine.txt": "mine\n"})


def finished(storm: Storm) -> None:
    """Carries out another plan of the same name to its end."""
    Storm(storm.scene, THREE).scene.run("--yes", env=_environment(storm), check=0)


def undelivered(storm: Storm) -> None:
    """Leaves all tasks done and merged, but nothing delivered; the user has committed since."""
    obstacle = storm.scene.project / "a.txt"
    obstacle.write_text("mine\n")
    storm.scene.run("--yes", env=_environment(storm), check=4)
    obstacle.unlink()
    commit_files(storm.scene.project, {"mine.txt": "mine\n"})


def changed(storm: Storm) -> None:
    """Kills the run; then the definition of all its tasks changes, of those that wait as well."""
    killed(Storm(storm.scene, tuple(Step(step.id, does=SLEEP) for step in storm.steps)))


def _merged_again(storm: Storm) -> bool:
    return storm.scene.merges("main").get("a") == 2


#: Candidates that gather while the first check goes on, one of them red in its first attempt.
BATCH = (Step("a"), Step("b", does=ONCE.format(flag="b", words="echo > bad.txt")), Step("c"))
SLOW_AT_FIRST = (
    "verify: '" + ONCE.format(flag="checked", words="sleep 0.5") + "; test ! -e bad.txt'"
)

_RESUME = ("run", "PLAN", "--yes", "--resume", "-j", "1")
_BUSY = (Step("a", does=SLEEP), Step("b", does=SLEEP), Step("c", ("a",)), Step("d"))

SCENARIOS = (
    Scenario("success", THREE),
    Scenario("two at once", (Step("a"), Step("b"), Step("c")), (*_RESUME[:-1], "2")),
    Scenario("chain", tuple(Step(f"c{n}", (f"c{n - 1}",) if n > 1 else ()) for n in range(1, 4))),
    Scenario(
        "read-only",
        (
            Step("a"),
            Step("look", looks_only=True),
            Step("touch", ("a",), looks_only=True, does="echo > mess.txt"),
        ),
    ),
    Scenario("failure and retry", (Step("a", does=ONCE.format(flag="a", words="exit 1")),)),
    Scenario(
        "blocked",
        (
            Step("good"),
            Step("bad", does="echo half > half.txt; exit 1", facts=("max_retries: 0",)),
            Step("after", ("bad",)),
        ),
        code=1,
        end=1,
    ),
    Scenario(
        "rejected by the plan's verify",
        (Step("a", does=ONCE.format(flag="a", words="echo > bad.txt")),),
        head="verify: test ! -e bad.txt",
    ),
    Scenario("a batch with a culprit", BATCH, (*_RESUME[:-1], "3"), head=SLOW_AT_FIRST),
    Scenario("conflict", SHARED, (*_RESUME[:-1], "2"), code=4),
    Scenario("resume of a killed run", _BUSY, before=killed),
    Scenario("resume after a merge", THREE, before=killed_after_a_merge),
    Scenario("the user's branch moved", _BUSY, before=moved),
    Scenario("the user commits in mid-run", (Step("a", does=USER), Step("b"))),
    Scenario("delivery", THREE, before=undelivered),
    Scenario("archive of a finished run", LATER, ("run", "PLAN", "--yes"), before=finished),
    Scenario("fresh", _BUSY, ("run", "PLAN", "--yes", "--fresh", "-j", "1"), before=killed),
    Scenario(
        "cancel",
        (Step("a"), Step("b", does=ONCE.format(flag="b", words=CONDUCTOR + "; sleep 600"))),
        code=143,
    ),
    Scenario("redefined tasks", (Step("a"), Step("b"), Step("c"), Step("d")), before=changed),
    Scenario(
        "a done task again",
        (Step("a", does="echo more >> more.txt"), Step("b", ("a",))),
        ("retry", "a"),
        before=lambda storm: storm.scene.run("--yes", env=_environment(storm), check=0),
        until=_merged_again,
    ),
    Scenario("a worker that joined", _BUSY, ("worker",), before=killed),
    Scenario(
        "after the last merge",
        (Step("a"), Step("b")),
        head="after_merge: {run: 'test -e a.txt -a -e b.txt; echo > mess.txt', required: true}",
    ),
    Scenario(
        "replayed commit by commit",
        tuple(
            Step(one, does=f"echo > {one}.first; git add .; git commit -qm first") for one in "ab"
        ),
        (*_RESUME[:-1], "2"),
        head="merge: {strategy: rebase}",
    ),
)
