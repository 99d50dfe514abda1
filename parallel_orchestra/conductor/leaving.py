"""The last thing that a conductor does: it leaves word of how its run stands, if all is done.

Then `status` need not read the plan, the journal and the branch of a run at rest. The word is true
of what the report was made of: if anything was written or moved since, none is left.
"""

import contextlib
from dataclasses import replace

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.events import RunEnded, to_line
from parallel_orchestra.git import Repo
from parallel_orchestra.progress import RunReport
from parallel_orchestra.report.summary import status_lines
from parallel_orchestra.store import Layout
from parallel_orchestra.store.standing import Sight, Word, keep, sight_of


def leave_word(
    layout: Layout, repo: Repo, report: RunReport, before: Sight | None, owner: str, ended: RunEnded
) -> None:
    """Keeps what `status` is to say of a run whose journal is closed.

    `before` is what the directory looked like before the report was made. Since then its `owner`
    has said that it `ended`, and nobody has done or said anything else.
    """
    if before is None or not _at_rest(report):
        return
    own = f"{owner}.jsonl"
    events = {**before.events, own: before.events.get(own, 0) + len(to_line(ended))}
    expected = replace(before, events=events)
    with contextlib.suppress(OSError):
        if sight_of(layout) == expected:
            lines = tuple(
                row for line in status_lines(report, ended.time) for row in line.splitlines()
            )
            ref = repo.common_dir / "refs" / "heads" / report.integration
            keep(layout, Word(lines, ref, report.tip), expected)


def seen(layout: Layout) -> Sight | None:
    """Returns what the directory looks like, or None if it can't be read."""
    with contextlib.suppress(OSError):
        return sight_of(layout)
    return None


def _at_rest(report: RunReport) -> bool:
    """Returns whether nothing is left to be done, and what is said of it holds at any hour."""
    unsettled = (report.held, report.paused, report.limits, report.purses, report.strange)
    done = report.completed == report.total and report.exit_code == ExitCode.DONE
    return done and not any(unsettled) and bool(report.tip)
