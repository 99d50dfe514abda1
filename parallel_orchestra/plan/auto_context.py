"""`.claude/auto-context.yaml`: what its `parallelization` says, as defaults for plans beside it.

The file belongs to another program, which reads more of it: what is wrong with it never stops a
plan, it is only said. What the plan or the command line says wins.
"""

from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from parallel_orchestra.errors import PlanError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import values
from parallel_orchestra.plan.document import decode
from parallel_orchestra.plan.fields import ABSENT, Fields
from parallel_orchestra.plan.findings import Findings
from parallel_orchestra.plan.wording import validated
from parallel_orchestra.plan.yaml_tree import read_tree

PLACE = ".claude/auto-context.yaml"

_PART = "parallelization"
#: How many tasks must be able to run beside others, if nobody says so.
_USUAL = 3


class _PartFields(Fields):
    """The keys of `parallelization` that have a meaning here; its others are left alone."""

    enabled: bool = ABSENT
    min_tasks: Annotated[int, Field(ge=1, le=10_000)] = ABSENT
    max_agents: values.Workers = ABSENT
    auto_cleanup: bool = ABSENT
    retry_on_failure: values.Retries = ABSENT


@frozen
class AutoContext:
    """What was found: the values that are in order, and a sentence on each that is not."""

    given: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def task_defaults(self) -> dict[str, Any]:
        """The fields of tasks that neither they nor `defaults` of the plan need to say."""
        if "retry_on_failure" not in self.given:
            return {}
        return {"max_retries": self.given["retry_on_failure"]}

    def applied(self, plan: Plan) -> Plan:
        """Returns the plan with what it leaves open said from here."""
        if not self.given:
            return replace(plan, warnings=(*plan.warnings, *self.remarks))
        told = self.remarks
        workers, fewest = plan.max_workers, self.given.get("min_tasks")
        if workers is None:
            workers = self.given.get("max_agents")
            # a number of workers in a plan is meant for this plan, one in a settings file is not
            fewest = fewest or _USUAL
            if self.given.get("enabled") is False:
                workers = 1
                told = (*told, f"{PLACE} says `enabled: false`: one task at a time")
        return replace(
            plan,
            max_workers=workers,
            fewest=fewest,
            keep_worktrees=self.given.get("auto_cleanup") is False,
            warnings=(*plan.warnings, *told),
        )


def read_auto_context(project: Path, read: Callable[[Path], bytes]) -> AutoContext:
    """Returns what the file of a project says; nothing if there is none."""
    try:
        data = read(project / PLACE)
    except (OSError, ValueError):
        return AutoContext()
    findings = Findings(PLACE)
    given: dict[str, Any] = {}
    try:
        raw = _part(data, findings)
        given = validated(_PartFields, raw, _PART, (_PART,), findings)
        if findings.wrong:
            text = decode(data, Findings(PLACE))
            findings.raise_all(read_tree(text, Findings(PLACE), 1, findings.paths()).marks)
    except PlanError as error:
        remarks = tuple(f"{one.where}: {one.what}; it has no effect" for one in error.problems)
        return AutoContext(given, remarks)
    return AutoContext(given)


def _part(data: bytes, findings: Findings) -> dict[str, Any]:
    if not data.strip():
        return {}
    whole = read_tree(decode(data, findings), findings, 1).value
    part = whole.get(_PART) if isinstance(whole, dict) else None
    return part if isinstance(part, dict) else {}
