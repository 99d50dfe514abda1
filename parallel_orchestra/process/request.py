"""What is to be run, as it comes over the socket to the helper program."""

#: See `last_word`.
Pattern = tuple[tuple[str, str], ...]
#: See `telling.DeadEnd`: on stdout, line, times, patience, onward.
DeadEnd = tuple[bool, bytes, int, float, bytes]


class Request:
    """See `supervisor.Child`; paths are absolute."""

    def __init__(
        self,
        *,
        number: int,
        argv: tuple[str, ...],
        env: dict[str, str],
        cwd: str,
        stdin: str,
        log: str,
        stdout_log: str,
        stderr_log: str,
        timeout: float | None,
        graces: tuple[float, float],
        secrets: tuple[bytes, ...],
        log_cap_bytes: int,
        tail_bytes: int,
        keep: tuple[bytes, ...],
        idle_timeout: float | None,
        life: str,
        last_words: tuple[tuple[Pattern, ...], Pattern, str, float],
        dead_ends: tuple[DeadEnd, ...],
    ) -> None:
        self.number = number
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.stdin = stdin
        self.log = log
        self.stdout_log = stdout_log
        self.stderr_log = stderr_log
        self.timeout = timeout
        self.graces = graces
        self.secrets = secrets
        self.log_cap_bytes = log_cap_bytes
        self.tail_bytes = tail_bytes
        self.keep = keep
        self.idle_timeout = idle_timeout
        self.life = life
        self.last_words = last_words
        self.dead_ends = dead_ends
