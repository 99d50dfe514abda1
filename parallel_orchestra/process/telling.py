"""By which lines a child tells that it is done, or that it can't go on. Knows nothing of agents."""

from parallel_orchestra.frozen import frozen

#: Texts, and where they stand in a line of JSON.
Pattern = tuple[tuple[str, str], ...]


@frozen
class LastWords:
    """By which lines of JSON on its stdout a child says that it is done.

    A pattern gives texts and where they stand in the line: a path of keys with dots between them.
    A line that fits one of `finals` is the last word, unless another line follows it. A line that
    fits `pending` lists under `pending_key` what the child still waits for. Who has said the last
    word, waits for nothing and left nothing running, is ended after `grace` seconds.
    """

    finals: tuple[Pattern, ...] = ()
    pending: Pattern = ()
    pending_key: str = ""
    grace: float = 10.0

    def told(self) -> tuple[tuple[Pattern, ...], Pattern, str, float]:
        """Returns what `request.Request` has as `last_words`."""
        return self.finals, self.pending, self.pending_key, self.grace


#: For children that only their end says anything of.
NO_LAST_WORDS = LastWords()


@frozen
class DeadEnd:
    """By which line a child tells that it can't go on, although it does not end by itself.

    `line` is a regular expression for the beginning of a line of its `stdout`, or of its stderr. The
    child is ended once such a line was printed `times` times and nothing else on stdout for
    `patience` seconds after it. A line of stdout with `onward` in it says that it got on: the
    count begins anew.
    """

    line: bytes
    stdout: bool = False
    times: int = 1
    patience: float = 0.0
    onward: bytes = b""

    def told(self) -> tuple[bool, bytes, int, float, bytes]:
        """Returns what `request.DeadEnd` has."""
        return self.stdout, self.line, self.times, self.patience, self.onward
