"""Made-up runs for the tests of reports: all done; failures of every kind; interrupted."""

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.progress import Attempt, Delivery, Outcome, RunReport, TaskReport

#: 2026-11-21T03:00:00Z
START = 1_795_230_000.0
OWNER = "host-4711-0a1b2c3d"


def attempt(number=1, started=START, seconds=10.0, **facts):
    facts = {"owner": OWNER, "slot": 1, "log": f"attempts/x/{number}.{OWNER}/agent.log"} | facts
    return Attempt(number=number, started=started, seconds=seconds, **facts)


def task(id_="build", outcome=Outcome.SUCCEEDED, **facts):
    facts = {
        "title": "",
        "agent": "",
        "backend": "command",
        "read_only": False,
        "depends_on": (),
    } | facts
    return TaskReport(id=id_, outcome=outcome, **facts)


def run(*tasks, **facts):
    facts = {
        "run": "20261121-030000-1f2e",
        "name": "demo",
        "source": "/repo/demo/plan.md",
        "cwd": "/repo/demo",
        "tasks_dir": "/repo/demo/_tasks",
        "started": START,
        "ended": START + 30.0,
        "workers": 2,
        "mode": "parallel",
        "mode_reason": "3 tasks have no order between them",
        "base_branch": "main",
        "base_commit": "b" * 40,
        "integration": "refs/heads/orchestra/demo",
        "tip": "c" * 40,
        "delivery": Delivery("main", "b" * 40, "c" * 40, done=True),
        "exit_code": ExitCode.DONE,
    } | facts
    return RunReport(tasks=tasks, **facts)


def log(name, number):
    return f"attempts/{name}/{number}.{OWNER}/agent.log"


def all_done():
    return run(
        task(
            "core",
            title="Write the core",
            agent="coder",
            backend="claude",
            commit="1" * 40,
            attempts=(
                attempt(
                    seconds=20.0,
                    log=log("core", 1),
                    cost_usd=0.25,
                    input_tokens=12_000,
                    output_tokens=800,
                    turns=7,
                    session="5e55",
                ),
            ),
        ),
        task(
            "docs",
            depends_on=("core",),
            failures=1,
            commit="2" * 40,
            attempts=(
                attempt(1, seconds=4.0, failure="verify", reason="1 failed", log=log("docs", 1)),
                attempt(2, START + 10, seconds=16.0, slot=2, log=log("docs", 2)),
            ),
            kept=(f"refs/orchestra/r/salvage/docs/1.{OWNER}",),
        ),
        task("look", read_only=True, attempts=(attempt(seconds=8.0, log=log("look", 1)),)),
        critical_path_seconds=24.0,
    )


def failures():
    return run(
        task("core", Outcome.RESUMED, commit="1" * 40),
        task("hand", Outcome.BY_HAND),
        task(
            "api",
            Outcome.FAILED,
            title="Add `GET /a|b` <now>",
            failures=1,
            failure="conflict",
            reason="both sides changed 2 files",
            files=("src/api.py", "src/routes.py"),
            against=("core",),
            kept=("refs/heads/orchestra-kept/demo/api-1",),
            attempts=(attempt(seconds=12.0, failure="conflict", log=log("api", 1)),),
        ),
        task(
            "tests",
            Outcome.FAILED,
            failures=2,
            failure="verify",
            reason="`pytest` said:\n```\n1 failed\x1b[31m!\n```",
            kept=(f"refs/orchestra/r/salvage/tests/2.{OWNER}",),
            attempts=(
                attempt(1, seconds=5.0, failure="transient", log=log("tests", 1)),
                attempt(2, START + 6, seconds=7.0, failure="verify", log=log("tests", 2)),
            ),
        ),
        task("ship", Outcome.SKIPPED, depends_on=("api",), reason="needs `api`, which failed"),
        delivery=Delivery(
            "main",
            "b" * 40,
            "b" * 40,
            reason="local changes are in the way: notes.md",
            command="git switch main && git merge orchestra/demo",
        ),
        exit_code=ExitCode.WAITS_FOR_PERSON,
        critical_path_seconds=12.0,
        warnings=("the tree has local changes in `notes.md`",),
        strange=("available/build.bak",),
    )


def interrupted():
    return run(
        task("core", commit="1" * 40, attempts=(attempt(seconds=15.0, log=log("core", 1)),)),
        task(
            "api",
            Outcome.WAITING,
            reason="cancelled by Ctrl-C",
            attempts=(attempt(seconds=14.5, failure="cancelled", log=log("api", 1)),),
            kept=(f"refs/orchestra/r/salvage/api/1.{OWNER}",),
            warnings=("its agent left 2 processes behind",),
        ),
        task("docs", Outcome.WAITING),
        task("gone", Outcome.MISSING),
        tasks_dir="/var/tmp/my tasks",
        delivery=Delivery(),
        exit_code=ExitCode.INTERRUPTED,
        critical_path_seconds=15.0,
    )


def large(count=10_000):
    """Returns a run of many tasks, every tenth failed and every tenth skipped."""
    kinds = {
        8: {"outcome": Outcome.FAILED, "failure": "verify", "reason": "`pytest` said no\n" * 5},
        9: {"outcome": Outcome.SKIPPED, "reason": "needs `task-00008`, which failed"},
    }
    return run(
        *(
            task(
                f"task-{place:05d}",
                title=f"Do the {place}th thing",
                depends_on=(f"task-{place - 1:05d}",) if place else (),
                commit="" if place % 10 in kinds else f"{place:040x}",
                attempts=() if place % 10 == 9 else (attempt(cost_usd=0.01),),
                **kinds.get(place % 10, {}),
            )
            for place in range(count)
        ),
        critical_path_seconds=25.0,
        exit_code=ExitCode.TASK_FAILED,
    )
