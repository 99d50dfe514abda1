"""What one attempt may use of the budgets: told to its agent, and looked at once it has ended."""

from collections.abc import Callable
from dataclasses import replace

from parallel_orchestra.agents import Call
from parallel_orchestra.model import Answer, FailureClass, Task, Usage
from parallel_orchestra.process import Ending, Exit
from parallel_orchestra.spending import Grant, lasting, shown
from parallel_orchestra.worker.ended import Ended

_COST, _TOKENS = "max_cost_usd", "max_tokens"


class Allowance:
    """The allowance of one attempt; `asked` says whether its agent was started."""

    def __init__(self, task: Task, grant: Grant | None, monotonic: Callable[[], float]) -> None:
        """Takes what was reserved for it, None without a budget; its time begins at once."""
        self._task = task
        self._grant = grant or Grant()
        self._monotonic = monotonic
        self._begun = monotonic()
        self.asked = False

    @property
    def task(self) -> Task:
        """The task as its agent is to be called for it: with the limits of this attempt."""
        cost, tokens = self._grant.amounts.get(_COST), self._grant.amounts.get(_TOKENS)
        tokens = None if tokens is None else int(tokens)
        task = self._task
        if (task.max_cost_usd, task.max_tokens) == (cost, tokens):
            return task
        return replace(task, max_cost_usd=cost, max_tokens=tokens)

    def told(self, call: Call) -> Call:
        """Returns an agent's call with the variables that tell its limits."""
        said = {}
        if _COST in self._grant.amounts:
            said["PO_MAX_COST_USD"] = f"{self._grant.amounts[_COST]:.6f}"
        if _TOKENS in self._grant.amounts:
            said["PO_MAX_TOKENS"] = str(int(self._grant.amounts[_TOKENS]))
        return replace(call, env={**call.env, **said}) if said else call

    def seconds_left(self) -> float | None:
        """Returns how long its agent may take, None for no limit but the task's `timeout`."""
        if self._grant.seconds is None:
            return None
        return max(1.0, self._grant.seconds - (self._monotonic() - self._begun))

    def beyond(self, answer: Answer, ended: Exit) -> Ended | None:
        """Returns the end of an attempt that used more than it may; None if it did not."""
        if ended.ending is Ending.NOT_STARTED:
            self.asked = False
        if answer.failure is FailureClass.CANCELLED:
            return None
        reason = self._overrun(answer.usage) or self._overtime(ended)
        again = False
        if not reason and answer.failure is FailureClass.BUDGET:
            again = _COST in self._grant.amounts and _COST not in self._grant.own
            reason = answer.reason
            if again:
                share = shown(_COST, self._grant.amounts[_COST])
                reason = f"met its share of the run's budget, {share}: the next one is larger"
        if not reason:
            return None
        raised = Ended(FailureClass.BUDGET, reason)
        raised.finished = replace(raised.finished, answer=answer, again=again, final=not again)
        return raised

    def rest(self, judge: Task, used: Usage) -> Task:
        """Returns the agent that judges the work as it is to be called: with what its maker left.

        Raises:
            Ended: that is nothing.
        """
        mine = {}
        for unit, amount in self._grant.amounts.items():
            own = getattr(judge, unit)
            if own == 0:
                continue
            left = amount - (_of(used).get(unit) or 0.0)
            if left <= 0:
                raise self.spent(f"nothing is left of {shown(unit, amount)} for QA")
            mine[unit] = left if own is None else min(own, left)
        tokens = mine.get(_TOKENS, judge.max_tokens)
        return replace(
            judge,
            max_cost_usd=mine.get(_COST, judge.max_cost_usd),
            max_tokens=None if tokens is None else int(tokens),
        )

    def spent(self, reason: str, *, final: bool = False) -> Ended:
        """Returns the end of an attempt whose judge met the limit of what was left for it.

        If that was a share of the run's, the next attempt gets another one, unless it is `final`.
        """
        again = bool(self._grant.amounts) and not (self._grant.own or final)
        raised = Ended(FailureClass.BUDGET, reason, final=not again)
        raised.finished = replace(raised.finished, again=again)
        return raised

    def overtime(self, ended: Exit) -> Ended | None:
        """Returns the end of an attempt whose task has no time left; None if that was not so."""
        reason = self._overtime(ended)
        return Ended(FailureClass.BUDGET, reason, final=True) if reason else None

    def _overrun(self, usage: Usage) -> str:
        """Returns what it used of its task's own budget, if that is more than was left of it."""
        used = _of(usage)
        for unit in sorted(self._grant.own):
            amount, limit = used.get(unit), self._grant.amounts[unit]
            if amount is not None and amount > limit:
                return f"used {shown(unit, amount)}, and its task had {shown(unit, limit)} left"
        return ""

    def _overtime(self, ended: Exit) -> str:
        seconds, whole = self._grant.seconds, self._task.max_duration
        if seconds is None or whole is None or ended.ending is not Ending.TIMEOUT:
            return ""
        if self._monotonic() - self._begun < seconds:
            # it was its `timeout`
            return ""
        return f"its attempts took all of its `max_duration` of {lasting(whole)}"


def _of(usage: Usage) -> dict[str, float | None]:
    told = [one for one in (usage.input_tokens, usage.output_tokens) if one is not None]
    return {_COST: usage.cost_usd, _TOKENS: sum(told) if told else None}
