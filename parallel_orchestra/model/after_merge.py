"""What a plan wants done once, on the merged result, after its last merge."""

from dataclasses import fields
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model.command import Command
from parallel_orchestra.model.task import DEFAULT_BACKEND, DEFAULT_TIMEOUT, Task

#: Stands where a task's id stands. No task of a plan can be named so.
AFTER_MERGE = "after merge"


@frozen
class AfterMerge:
    """Commands to `run`, or the `prompt` of an agent; neither if nothing is wanted.

    `timeout` is in seconds, for each command. `keep` are patterns of files that are kept. If it is
    `required`, what fails it is not delivered.
    """

    run: tuple[Command, ...] = ()
    prompt: str = ""
    backend: str = DEFAULT_BACKEND
    agent: str = ""
    model: str = ""
    timeout: float = DEFAULT_TIMEOUT
    keep: tuple[str, ...] = ()
    required: bool = False

    @property
    def wanted(self) -> bool:
        """Whether there is something to do."""
        return bool(self.run or self.prompt)

    @property
    def task(self) -> Task | None:
        """What its agent is called with; None if it has none."""
        if not self.prompt:
            return None
        return Task(
            AFTER_MERGE,
            prompt=self.prompt,
            backend=self.backend,
            agent=self.agent,
            model=self.model,
            timeout=self.timeout,
        )

    def facts(self) -> dict[str, Any]:
        """Returns what was said, without what is as usual."""
        given = ((one.name, getattr(self, one.name), one.default) for one in fields(self))
        return {name: value for name, value, usual in given if value != usual}


NO_AFTER_MERGE = AfterMerge()
