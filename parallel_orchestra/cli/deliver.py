"""`deliver`: brings what a run has merged to the user's branch, or into a pull request."""

from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.facts import answer
from parallel_orchestra.cli.options import json_option, layout_of, tasks_dir_option
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.conductor.byhand.delivering import deliver_run
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.progress import Delivery
from parallel_orchestra.report.text import one_line, short


@click.command("deliver", short_help="bring what was merged to your branch")
@tasks_dir_option
@json_option
@click.option(
    "--pr/--no-pr",
    "by_request",
    default=None,
    help="By a pull request, or into your branch (default: as the plan says).",
)
def command(tasks_dir: Path | None, as_json: bool, by_request: bool | None) -> int:
    """Bring what a run has merged by now to your branch, as far as git allows it.

    Safe to call at any time, also beside the run and again. Nothing is ever forced.
    """
    layout = layout_of(tasks_dir)
    with Passing() as passing:
        passing.say("delivering what was merged")
        delivery = deliver_run(layout, default_settings(), by_request=by_request)
    answer(delivery, map(one_line, (told(delivery),)), as_json=as_json)
    if delivery.done:
        return ExitCode.DONE
    click.echo(f"hint: once that is mended: `{delivery.command}`", err=True)
    return ExitCode.WAITS_FOR_PERSON


def told(delivery: Delivery) -> str:
    """Returns how a delivery went, as one sentence."""
    branch = f"`{delivery.branch}`"
    if not delivery.done and not delivery.reason:
        return f"not delivered to {branch}, as the plan says: `{delivery.command}` does it"
    if not delivery.done:
        return f"not delivered to {branch}: {delivery.reason}"
    if delivery.url:
        return f"{short(delivery.after)} waits for {branch} in a pull request: {delivery.url}"
    if delivery.before == delivery.after:
        return f"{branch} has all that was merged"
    return f"delivered to {branch}: {short(delivery.before)} -> {short(delivery.after)}"
