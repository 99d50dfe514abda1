"""What every report format can do, and how it is asked for."""

from typing import Protocol

from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress import RunReport


class Report(Protocol):
    """A format: a module with this function is one."""

    def render(self, report: RunReport, /) -> str:
        """Returns the whole report as text, with a line feed at its end. Writes no file."""


@frozen
class Format:
    """A row of the registry: who asks by `name`, or for a file of one of these `suffixes`.

    `use` is for whom it is, in a few words for the documentation. With `exhibits` it shows what
    attempts left and what merges changed, which a report has only if somebody looked.
    """

    name: str
    suffixes: tuple[str, ...]
    report: Report
    use: str
    exhibits: bool = False
