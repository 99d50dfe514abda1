"""What the user sees before the first agent starts: what will run, how, where, and why so."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

from parallel_orchestra.cli.ink import Line, Piece, Signs, boxed, painted, signs_for
from parallel_orchestra.cli.preview import judges_of, limits_of
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.conductor import Preflight
from parallel_orchestra.graph import Mode
from parallel_orchestra.model import AfterMerge, MergeRules, OnConflict, Plan, as_typed
from parallel_orchestra.report.text import counted, one_line, short

_NAME = len("workers")
#: A line that is longer is hard to read.
_WIDEST = 100
_NARROWEST = 40
#: Groups that are listed one by one.
_LISTED = 6

_Facts = Sequence[tuple[str, str]]


def brief(plan: Plan, found: Preflight) -> None:
    """Says what is going to happen: in a box on a terminal, elsewhere in lines."""
    facts = facts_of(plan, found)
    if not sys.stderr.isatty():
        click.echo(
            "".join(f"{name:<{_NAME}}  {value}\n" for name, value in facts), err=True, nl=False
        )
        return
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
    color = colored(sys.stderr, os.environ)
    for line in box(facts, width, signs_for(sys.stderr.encoding)):
        click.echo(painted(line, color=color), err=True, color=color)


def facts_of(plan: Plan, found: Preflight) -> _Facts:
    """Returns names and values: the plan, the mode with its reason, the groups, where it runs."""
    return [
        (name, one_line(value))
        for name, value in (
            ("plan", f"{plan.name or plan.source.name}: {counted(len(plan.tasks), 'task')}"),
            ("mode", f"{found.mode.value}: {found.mode_reason}"),
            *(("groups", words) for words in _groups(plan, found)),
            ("workers", str(found.workers)),
            ("base", f"{found.base_branch} at {short(found.base_commit)}"),
            *(("budget", words) for words in limits_of(plan.budget)),
            *(("qa", words) for words in judges_of(plan)),
            *(("clash", words) for words in _clash(plan.merge)),
            *(("after", words) for words in _after(plan.after_merge)),
            ("project", str(plan.cwd)),
            *(("note", notice) for notice in found.notices),
        )
    ]


def box(facts: _Facts, width: int, signs: Signs) -> Iterator[Line]:
    """Yields the facts in a box, long ones wrapped."""
    lines = []
    for name, value in facts:
        parts = textwrap.wrap(value, width - 4 - _NAME - 2, break_on_hyphens=False) or [""]
        look = "odd" if name == "note" else "name" if name in ("plan", "mode") else ""
        for place, part in enumerate(parts):
            label = name if place == 0 else ""
            lines.append((Piece(f"{label:<{_NAME}}  ", "quiet"), Piece(part, look)))
    return boxed("parallel-orchestra", lines, width, signs)


def _clash(rules: MergeRules) -> Iterator[str]:
    """Yields what follows a conflict, if that is not the usual, and what is made anew instead."""
    follows = {
        OnConflict.HALT: "nothing new starts after a conflict, and the run asks you",
        OnConflict.RETRY: "a task that conflicts begins anew on the merged work",
        OnConflict.AGENT: "a task's agent resolves its conflict",
    }
    if rules.on_conflict in follows:
        yield follows[rules.on_conflict]
    for pattern, command in rules.regenerate:
        yield f"{pattern} is made anew by {as_typed(command)}"


def _after(wanted: AfterMerge) -> Iterator[str]:
    """Yields what is done after the last merge, and whether that holds the delivery back."""
    if wanted.wanted:
        commands = ", ".join(f"`{as_typed(command)}`" for command in wanted.run)
        what = commands or f"an agent of `{wanted.backend}` looks at the merged result"
        yield f"{what}; what fails it is not delivered" if wanted.required else what


def _groups(plan: Plan, found: Preflight) -> Iterator[str]:
    """Yields how the tasks follow each other, and how many of a kind run at once."""
    if found.mode is Mode.PARALLEL:
        sizes = [len(level) for level in found.graph.waves()]
        if len(sizes) == 1:
            yield f"1: all {sizes[0]} tasks can start at once"
        else:
            listed = ", then ".join(map(str, sizes))
            if len(sizes) > _LISTED:
                listed = f"{min(sizes)} to {max(sizes)} tasks each"
            yield f"{len(sizes)}: {listed}; a task starts once what it needs is done"
    for group, most in plan.concurrency_limits.items():
        yield f"at most {most} of `{group}` at once"
