"""What a person has chosen to see of a run: a task, a pane, how far it is scrolled. Pure."""

from dataclasses import replace
from enum import Enum

from parallel_orchestra.frozen import frozen


class Pane(Enum):
    """What the lower pane shows of the chosen task; the value is its title."""

    LOG = "log"
    DIFF = "diff"
    RESULT = "result"
    USAGE = "usage"
    HELP = "keys"


#: What each key does, in the order of the help.
KEYS = {
    "j": "the next task, or a line down where the pane has the focus; also the arrow",
    "k": "the task before, or a line up; also the arrow",
    "enter": "the pane over the whole window, and back",
    "tab": "the focus to the pane, and back to the list",
    "l": "the log: what the agent did and said, as it comes",
    "d": "the diff: what the task changed, or what a failed attempt left",
    "r": "the result: how its attempts ended, and what to do",
    "u": "the usage: time, tokens and dollars, of the task and of the run",
    "space": "a page down; `b` goes a page up, `g` to the beginning, `G` to the end",
    "q": "leave; the run goes on",
    "?": "these keys",
}
_PANES = {"l": Pane.LOG, "d": Pane.DIFF, "r": Pane.RESULT, "u": Pane.USAGE, "?": Pane.HELP}
_STEPS = {"j": 1, "down": 1, "k": -1, "up": -1}
_PAGES = {"space": 1, "pgdn": 1, "b": -1, "pgup": -1}


@frozen
class View:
    """What is chosen: the `task` by its id, so that it stays when the list changes its order.

    `back` is by how many lines the pane is scrolled back from its end (a log) or on from its
    beginning (all else). `page` is how many lines of it were shown the last time.
    """

    task: str = ""
    pane: Pane = Pane.LOG
    in_pane: bool = False
    whole: bool = False
    offset: int = 0
    page: int = 10
    over: bool = False

    def pressed(self, key: str, tasks: tuple[str, ...]) -> "View":
        """Returns what is chosen after a key; `tasks` are the listed ones, in order."""
        if key == "q":
            return replace(self, over=True)
        if key in _PANES:
            return replace(self, pane=_PANES[key], offset=0)
        if key == "tab":
            return replace(self, in_pane=not self.in_pane)
        if key == "enter":
            return replace(self, whole=not self.whole, in_pane=not self.whole)
        if key == "esc":
            return replace(self, whole=False, in_pane=False)
        if key in _STEPS:
            step = _STEPS[key]
            return self._scrolled(step) if self.in_pane else self._moved(step, tasks)
        if key in _PAGES:
            return self._scrolled(_PAGES[key] * max(1, self.page - 1))
        if key in ("g", "home", "G", "end"):
            ahead = (key in ("g", "home")) == (self.pane is Pane.LOG)
            return replace(self, offset=1 << 30 if ahead else 0)
        return self

    def settled(self, tasks: tuple[str, ...]) -> "View":
        """Returns the same with a task that there is: the first one, where none was chosen."""
        return self if self.task in tasks or not tasks else replace(self, task=tasks[0], offset=0)

    def part(self, lines: int, room: int) -> tuple["View", int]:
        """Returns the first line of the pane that is shown of so many, and what is so chosen."""
        most = max(0, lines - room)
        offset = min(self.offset, most)
        first = most - offset if self.pane is Pane.LOG else offset
        return replace(self, offset=offset, page=room), first

    def _moved(self, step: int, tasks: tuple[str, ...]) -> "View":
        if not tasks:
            return self
        place = tasks.index(self.task) if self.task in tasks else 0
        task = tasks[min(max(place + step, 0), len(tasks) - 1)]
        return replace(self, task=task, offset=0 if task != self.task else self.offset)

    def _scrolled(self, step: int) -> "View":
        back = -step if self.pane is Pane.LOG else step
        return replace(self, offset=max(0, self.offset + back))
