"""`integrate`: looks once more at what came together on the branch; merges and delivers nothing."""

from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.facts import answer
from parallel_orchestra.cli.failures import complain
from parallel_orchestra.cli.folder import write_integration
from parallel_orchestra.cli.options import json_option, tasks_dir_of, tasks_dir_option
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.cli.standing import read
from parallel_orchestra.conductor.byhand.looking import integrate_run
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.report.together import integration_lines, integration_record
from parallel_orchestra.store import Layout


@click.command("integrate", short_help="check what came together: tests, contracts, boundaries")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@tasks_dir_option
@json_option
def command(plan: Path | None, tasks_dir: Path | None, as_json: bool) -> int:
    """Check the merged result as a whole: exit code 0 if nothing must be fixed, else 1.

    The plan's `checks` run in a worktree of their own at the tip of the branch. Safe at any time:
    beside the run, after its end and after the delivery. With PLAN, it is the run of that plan.
    """
    layout = Layout(tasks_dir_of(plan, tasks_dir, Path.cwd()))
    with Passing() as passing:
        passing.say("running the plan's checks on what was merged")
        found = integrate_run(layout, default_settings())
    answer(integration_record(found), integration_lines(found), as_json=as_json)
    codes = [ExitCode.DONE if found.clean else ExitCode.TASK_FAILED]
    loaded = plan_from_json(read_record(layout).plan)
    if loaded.cpo:
        written = write_integration(loaded, read(layout))
        for path in written.paths:
            click.echo(f"report: {path}", err=as_json)
        for problem in written.problems:
            complain(problem)
            codes.append(ExitCode.ENVIRONMENT)
    return max(codes)
