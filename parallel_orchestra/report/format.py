"""What every report format can do."""

from typing import Protocol

from parallel_orchestra.progress import RunReport


class Report(Protocol):
    """A format: a module with this function is one."""

    def render(self, report: RunReport, /) -> str:
        """Returns the whole report as text, with a line feed at its end. Writes no file."""
