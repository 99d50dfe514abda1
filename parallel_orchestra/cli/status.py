"""`status`: how a run stands, read from its directory; changes nothing."""

from pathlib import Path

import click

from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import json_option, tasks_dir_of, tasks_dir_option
from parallel_orchestra.cli.tinted import say, tinted_as
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.plain import clean
from parallel_orchestra.store import Layout
from parallel_orchestra.store.standing import kept


@click.command("status", short_help="say how a run stands")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@tasks_dir_option
@json_option
@click.option("--watch", is_flag=True, help="Say it again whenever it has changed, until the end.")
def command(plan: Path | None, tasks_dir: Path | None, as_json: bool, watch: bool) -> int:
    """Say how a run stands: exit code 0 done, 1 failed, 4 waits for you, 6 unfinished.

    With PLAN, a plan or a `cpo` folder, it is the run of that plan, wherever you are.

    With --watch it goes on until the run has ended, or nobody is at work on it: on a terminal in
    place, elsewhere a block of lines each time that a task has moved.
    """
    if watch and as_json:
        hint = "programs follow a run with `--progress json`, or ask `status --json` again"
        raise usage("`--watch` and `--json` exclude each other", hint)
    layout = Layout(tasks_dir_of(plan, tasks_dir, Path.cwd()))
    known = None if watch or as_json else kept(layout)
    if known is not None:
        say(tinted_as(map(clean, known), "good"))
        return ExitCode.DONE
    return _looked(layout, watch=watch, as_json=as_json)


def _looked(layout: Layout, *, watch: bool, as_json: bool) -> ExitCode:
    # of a run at rest that left word of itself, none of this is loaded
    from parallel_orchestra.cli import standing  # noqa: PLC0415
    from parallel_orchestra.cli.closing import say_tinted  # noqa: PLC0415

    report = standing.watched(layout) if watch else standing.read(layout)
    if as_json:
        from parallel_orchestra.report.json_report import render  # noqa: PLC0415  # not for people

        click.echo(render(report), nl=False)
    elif not watch or standing.in_place():
        say_tinted(standing.lines_of(layout, report), report)
    return standing.standing(report)
