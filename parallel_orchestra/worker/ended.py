"""How an attempt ended, and the way out of one that failed in one of its steps."""

from dataclasses import field

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Answer, FailureClass, Usage

#: How much of a command's output goes into a result and the next prompt, in bytes.
DETAIL_BYTES = 4096


@frozen
class Finished:
    """How an attempt ended: `failure` None for a success, `commit` its merge if it was merged.

    `detail` is output that explains the failure. `final` if no other attempt may follow, whatever
    the failure; `again` if one follows at once. `asked` is False if no agent was started. `way`,
    `directory`, `base`, `qa` and `qa_failure` are those of `AttemptResult`; `qa_usage` is what QA used. `log`
    is the name of the log that explains the failure, if that is not the agent's.
    """

    failure: FailureClass | None = None
    reason: str = ""
    detail: str = ""
    answer: Answer = field(default_factory=Answer)
    commit: str = ""
    ref: str = ""
    files: tuple[str, ...] = ()
    final: bool = False
    again: bool = False
    asked: bool = True
    way: str = ""
    directory: str = ""
    base: str = ""
    qa: str = ""
    qa_failure: str = ""
    log: str = ""
    qa_usage: Usage = field(default_factory=Usage)


class Ended(Exception):  # the regular way out of an attempt that failed
    """The attempt failed in one of its steps."""

    def __init__(
        self,
        failure: FailureClass,
        reason: str,
        detail: str = "",
        *,
        final: bool = False,
        log: str = "",
    ) -> None:
        super().__init__(reason)
        self.finished = Finished(failure, reason, detail, final=final, log=log)


class ForAPerson(Ended):
    """The work, which is `commit`, is whole, and a person has to decide what becomes of it."""

    def __init__(
        self, commit: str, failure: FailureClass, reason: str, detail: str = "", *, log: str = ""
    ) -> None:
        super().__init__(failure, reason, detail, log=log)
        self.commit = commit
