"""What a report may show beside the facts: ends of files, and lines that a merge changed."""

from parallel_orchestra.frozen import frozen


@frozen
class Exhibit:
    """A part of a file that an attempt left: the beginning of its prompt, the end of a log.

    `path` is relative to `_tasks/`. `cut` if the file has more than `text`, which is as people read
    it, but not cleaned.
    """

    path: str
    text: str
    cut: bool = False

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.rpartition("/")[2]


@frozen
class FileChange:
    """What a merge did to one file, in lines; None where git counts no lines, in a picture say."""

    path: str
    added: int | None
    removed: int | None


@frozen
class Landed:
    """What a task's merge changed, and when (epoch) it was made."""

    time: float
    files: tuple[FileChange, ...]

    @property
    def added(self) -> int:
        """The lines that it added."""
        return sum(one.added or 0 for one in self.files)

    @property
    def removed(self) -> int:
        """The lines that it removed."""
        return sum(one.removed or 0 for one in self.files)
