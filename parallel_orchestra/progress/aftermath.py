"""How what the plan wants done after its last merge went, as a report shows it."""

from parallel_orchestra.events import AfterMergeBegun, AfterMergeEnded, Event, RunEnded, RunStarted
from parallel_orchestra.frozen import frozen


@frozen
class Aftermath:
    """The last time that it was done: `seconds` None while it runs, `failure` empty if it passed.

    On that `commit`, since `started` (epoch). `log` and the kept `files` are relative to `_tasks/`.
    `changed` are paths that it changed beside them, and that `ref` keeps. What is `required` is not
    delivered if it failed.
    """

    commit: str
    started: float
    log: str
    seconds: float | None = None
    failure: str = ""
    reason: str = ""
    files: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ref: str = ""
    required: bool = False
    cost_usd: float | None = None

    @property
    def state(self) -> str:
        """Returns `running`, `passed` or `failed`."""
        if self.seconds is None:
            return "running"
        return "failed" if self.failure else "passed"


def after(known: Aftermath | None, event: Event) -> Aftermath | None:
    """Returns how it stands once an event has happened."""
    if isinstance(event, AfterMergeBegun):
        return Aftermath(event.commit, event.time, event.log)
    if isinstance(event, AfterMergeEnded):
        return Aftermath(
            event.commit,
            event.time - event.seconds,
            event.log,
            event.seconds,
            event.failure,
            event.reason,
            event.files,
            event.changed,
            event.ref,
            event.required,
            event.cost_usd,
        )
    if isinstance(event, RunStarted | RunEnded) and known is not None and known.seconds is None:
        # Whoever was at it was killed; it begins again, if it is still due.
        return None
    return known
