"""What is wrong with a folder of many files: one list of findings for each file, raised together."""

from collections.abc import Callable, Collection

from parallel_orchestra.errors import PlanError, Problem
from parallel_orchestra.plan.findings import Findings, KeyPath, Marks

#: How the places of key paths are found in a file, once they are wanted.
Locate = Callable[[Collection[KeyPath]], Marks]


class Book:
    """The findings of all files of one folder, in the order in which the files were opened."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[Findings, Locate]] = {}
        self._problems: list[Problem] = []

    def open(self, shown: str) -> Findings:
        """Returns the findings of the file of that name, as the user would type it."""
        if shown not in self._pages:
            self._pages[shown] = (Findings(shown), lambda _: Marks())
        return self._pages[shown][0]

    def locate_with(self, shown: str, locate: Locate) -> None:
        """Says how places in an opened file are found."""
        self._pages[shown] = (self._pages[shown][0], locate)

    def give_up(self, shown: str, error: PlanError) -> None:
        """Takes in all that is wrong with a file that can't be read to its end."""
        self._pages.pop(shown, None)
        self._problems += error.problems

    @property
    def wrong(self) -> bool:
        """Whether something is wrong with any of the files."""
        return bool(self._problems) or any(page.wrong for page, _ in self._pages.values())

    def close(self) -> tuple[str, ...]:
        """Returns the remarks, one sentence each.

        Raises:
            PlanError: with everything that is wrong, file by file.
        """
        problems: list[Problem] = list(self._problems)
        remarks: list[str] = []
        for page, locate in self._pages.values():
            if not page.any:
                continue
            marks = locate(page.paths())
            remarks += page.sentences(marks)
            if page.wrong:
                try:
                    page.raise_all(marks)
                except PlanError as error:
                    problems += error.problems
        if problems:
            raise PlanError(*problems)
        return tuple(remarks)
