"""Which paths differ between two trees, told by one git process that stays."""

import os

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.call import Git
from parallel_orchestra.git.helper import Helper


@frozen
class Change:
    """One path that differs between two trees.

    `status` is `A`, `M`, `D` or `T`; `mode` the file mode afterwards (`100644`, `120000` a
    symbolic link, `160000` an embedded repository, `000000` deleted).
    """

    status: str
    path: str
    mode: str


class Differ:
    """Compares two trees at a time; any thread may ask."""

    def __init__(self, git: Git) -> None:
        self._helper = Helper(
            git,
            *("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff"),
            "--ignore-submodules=none",
        )
        # What is no object id, git repeats: the end of an answer. No path can hold what nobody
        # else knows.
        self._end = f"end-{os.urandom(16).hex()}\n".encode()

    def changed(self, before: str, after: str) -> tuple[Change, ...]:
        """Returns the paths that differ between two trees that are there; a rename is two changes.

        Raises:
            GitError: git can't read what they hold.
        """
        question = f"{before} {after}\n".encode()
        with self._helper.talk() as helper:
            helper.send(question + self._end)
            answer = helper.until(self._end)
        fields = os.fsdecode(answer.removeprefix(question)).split("\0")[:-1]
        return tuple(
            Change(status=facts.split(" ")[4][0], path=path, mode=facts.split(" ")[1])
            for facts, path in zip(fields[::2], fields[1::2], strict=True)
        )

    def close(self) -> None:
        """Ends the process; it starts again when needed."""
        self._helper.close()
