"""The integration reports of a run, one directory each: `integration/<n>/`, the last one counts.

Nothing is overwritten: two processes that make one at the same time have a directory each.
"""

import json
from contextlib import suppress
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.progress.integration import IntegrationReport, integration_from
from parallel_orchestra.store.layout import Layout

REPORT = "report.json"


def made_place(layout: Layout) -> Path:
    """Makes the directory of the next one and returns it.

    Raises:
        OSError: it can't be made.
    """
    number = max(_numbers(layout), default=0)
    layout.integrations.mkdir(mode=0o700, exist_ok=True)
    while True:
        number += 1
        with suppress(FileExistsError):
            place = layout.integrations / str(number)
            place.mkdir(mode=0o700)
            return place


def last_integration(layout: Layout) -> IntegrationReport | None:
    """Returns the last one that was made; None if there is none. One that can't be read is passed over."""
    for number in sorted(_numbers(layout), reverse=True):
        content = files.read_bytes(layout.integrations / str(number) / REPORT)
        # one that was cut off has no report
        with suppress(ValueError, RecursionError):
            if content is not None:
                return integration_from(json.loads(content))
    return None


def _numbers(layout: Layout) -> list[int]:
    return [int(name) for name in files.names(layout.integrations) if name.isdecimal()]
