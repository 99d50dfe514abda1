"""The runs of a task directory, from files that tests have written."""

import json
from dataclasses import replace

from parallel_orchestra.cli.runs import table, where
from parallel_orchestra.conductor.earlier import EarlierRun, runs_in
from parallel_orchestra.events import AttemptEnded, RunEnded, RunStarted
from parallel_orchestra.journal import Journal
from parallel_orchestra.store import Layout, RunRecord
from parallel_orchestra.store.records import write_run

T = 1_795_230_000.0


def a_run(root, run, began, *, ended=True):
    """Writes a run of two tasks, of which one failed."""
    layout = Layout(root)
    layout.create()
    tasks = [{"id": "a"}, {"id": "b"}]
    plan = {"name": "shop", "source": "/p/plan.md", "cwd": "/p", "tasks": tasks}
    record = RunRecord(
        run=run,
        plan=plan,
        fingerprints={},
        repository="/p",
        base_branch="main",
        base_commit="0" * 40,
        integration="refs/heads/orchestra/shop",
        created=began,
    )
    write_run(layout, record)
    (layout.root / "done" / "a.a1f0.md").write_text("")
    (layout.root / "failed" / "b.a2f2.md").write_text("")
    journal = Journal(layout.journal, "host-1-aa")
    journal.write(RunStarted(began, run, 2, "parallel", "why", resumed=False))
    journal.write(AttemptEnded(began + 5, "a", 1, 5.0, cost_usd=0.25))
    if ended:
        journal.write(RunEnded(began + 9, 1, 9.0))
    journal.close()
    return layout


def put_aside(layout, run):
    """Moves a run's files to the attic, as a conductor does before the next run."""
    target = layout.attic / run
    target.mkdir()
    for name in ("available", "locked", "done", "failed", "journal"):
        (layout.root / name).rename(target / name)
    layout.run_file.rename(target / "run.0a1b2c3d.json")


def test_runs_are_told_the_newest_first_with_those_in_the_attic(tmp_path):
    layout = a_run(tmp_path / "_tasks", "r1", T)
    put_aside(layout, "r1")
    (layout.attic / "unknown-77").mkdir()
    a_run(tmp_path / "_tasks", "r2", T + 60, ended=False)

    newest, oldest = runs_in(layout)

    assert (newest.run, newest.archived, newest.exit_code) == ("r2", "", None)
    assert oldest == EarlierRun(
        run="r1",
        name="shop",
        source="/p/plan.md",
        started=T,
        ended=T + 9,
        seconds=9.0,
        exit_code=1,
        total=2,
        done=1,
        failed=1,
        cost_usd=0.25,
        archived=str(layout.attic / "r1"),
        integration="refs/orchestra/r1/integration",
    )


def test_a_record_that_can_not_be_read_hides_no_other_run(tmp_path):
    layout = a_run(tmp_path / "_tasks", "r1", T)
    (layout.attic / "r0").mkdir()
    (layout.attic / "r0" / "run.x.json").write_text("{")

    assert [one.run for one in runs_in(layout)] == ["r1"]


def test_the_table_says_how_each_run_ended_and_where_it_lies(tmp_path):
    layout = Layout(tmp_path)
    past = EarlierRun(
        *("r1", "shop", "/p/plan.md", T, T + 9, 9.0, 1, 2, 1, 1, 0.25),
        *("/t/attic/r1", "refs/orchestra/r1/integration"),
    )
    kept = "refs/heads/orchestra/shop"
    now = replace(past, run="r2", exit_code=None, seconds=None, archived="", integration=kept)

    lines = [*table([now, past], at_work=True), *where([now, past], layout)]

    assert lines == [
        "RUN  BEGAN (UTC)       TOOK   VERDICT      DONE  FAILED  COST   PLAN",
        "r2   2026-11-21 03:00  -      in progress  1/2   1       $0.25  shop",
        "r1   2026-11-21 03:00  9.0 s  failed       1/2   1       $0.25  shop",
        f"r2: `parallel-orchestra status`, logs in {tmp_path}/attempts, `git log orchestra/shop`",
        "r1: /t/attic/r1/attempts, `git log refs/orchestra/r1/integration`",
    ]
    assert "killed" in table([now], at_work=False)[1]
    assert json.dumps(lines)
