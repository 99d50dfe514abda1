"""The fields of a plan of version 0.2: one attribute each.

To add a field to tasks: an attribute in `model.Task`, an attribute of the same name here (in
`SharedFields` if `defaults` may hold it, else in `TaskFields`), and its heading in the
reference. What is left out takes the default that stands in `model`.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WrapValidator,
)
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from parallel_orchestra.model import (
    AfterMerge,
    Budget,
    Checks,
    Command,
    LimitMode,
    MergeRules,
    Qa,
    Setup,
    UsageLimit,
)
from parallel_orchestra.ownership import patterns_of
from parallel_orchestra.plan import values
from parallel_orchestra.plan.described import Described
from parallel_orchestra.plan.evidence import Expected
from parallel_orchestra.plan.hooks import SomeHook
from parallel_orchestra.plan.timed import TimedCommands
from parallel_orchestra.plan.webhook import url_problem

#: "Left out": the value is never looked at, `model` has the defaults.
ABSENT: Any = None


class Fields(BaseModel):
    """A mapping of a plan; unknown keys are judged elsewhere, with a guess at what was meant."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        validate_assignment=True,
        protected_namespaces=(),
        defer_build=True,
    )

    def said(self) -> dict[str, Any]:
        """Returns what was given, by name; what was left out has its default in `model`."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class SetupFields(Fields):
    """What `setup` may say. pydantic has a `copy` of its own, hence the other name."""

    copied: values.SomePatterns = Field(ABSENT, alias="copy")
    symlink: values.SomePatterns = ABSENT
    run: values.Commands = ABSENT
    teardown: values.Commands = ABSENT
    keep: values.SomePatterns = ABSENT
    inputs: values.SomePatterns = ABSENT
    timeout: values.Duration = ABSENT

    @classmethod
    def keys(cls) -> frozenset[str]:
        """Returns its keys as one writes them."""
        return frozenset(one.alias or name for name, one in cls.model_fields.items())

    def as_setup(self) -> Setup:
        """Returns what was said."""
        given = self.said()
        return Setup(**{"copy" if name == "copied" else name: given[name] for name in given})


class BudgetFields(Fields):
    """What `budget` may say."""

    max_cost_usd: values.SomeDollars = ABSENT
    max_tokens: values.SomeTokens = ABSENT
    max_duration: values.Duration = ABSENT

    def as_budget(self) -> Budget:
        """Returns what was said."""
        return Budget(**self.said())


class ChecksFields(Fields):
    """What `checks` may say: what the integration report runs on the merged result."""

    tests: values.OneCommand = ABSENT
    types: values.OneCommand = ABSENT
    lint: values.OneCommand = ABSENT
    timeout: values.Duration = ABSENT

    def as_checks(self) -> Checks:
        """Returns what was said."""
        return Checks(**self.said())


_BudgetSaid = Annotated[BudgetFields, AfterValidator(BudgetFields.as_budget)]
_SetupSaid = Annotated[SetupFields, AfterValidator(SetupFields.as_setup)]


def _generated(value: str) -> str:
    if any(one.symbol or one.negative for one in patterns_of(value)):
        raise values.refused("be files that are generated", "leave out `!` and `::`")
    return value


def _pairs(given: Mapping[str, Command]) -> tuple[tuple[str, Command], ...]:
    return tuple(given.items())


_Generated = Annotated[values.File, AfterValidator(_generated)]


class MergeFields(Fields):
    """What `merge` may say: how candidates are judged, and how merged work is delivered."""

    baseline: bool = ABSENT
    junit: values.SomePatterns = ABSENT
    failing: values.OneCommand = ABSENT
    deliver: values.Delivering = ABSENT
    strategy: values.Merging = ABSENT
    on_conflict: values.Conflicting = ABSENT
    regenerate: Annotated[dict[_Generated, values.OneCommand], AfterValidator(_pairs)] = ABSENT
    message: values.Filled = ABSENT
    sign_off: bool = ABSENT
    co_author: values.CoAuthor = ABSENT

    def as_rules(self) -> MergeRules:
        """Returns what was said."""
        return MergeRules(**self.said())


_LimitMode = Literal["wait", "stop"]


class UsageLimitFields(Fields):
    """What `usage_limit` may say; a word alone stands for `mode`."""

    mode: _LimitMode = ABSENT
    max_wait: values.Duration = ABSENT

    def as_limit(self) -> UsageLimit:
        """Returns what was said."""
        given = self.said()
        return UsageLimit(**{**given, "mode": LimitMode(given.get("mode", "wait"))})


_LimitSaid = Annotated[UsageLimitFields, AfterValidator(UsageLimitFields.as_limit)]


def _webhook(value: str) -> str:
    problem = url_problem(value)
    if problem:
        raise values.refused("", problem)
    return value


class Webhook(Fields):
    """Where to tell of the run's end."""

    webhook_url: Annotated[str, AfterValidator(_webhook)]


class AfterMergeFields(Fields):
    """What `after_merge` may say; commands alone stand for `run`."""

    run: values.Commands = ABSENT
    prompt: values.Filled = ABSENT
    backend: values.FilledLine = ABSENT
    agent: values.PluginAgent = ABSENT
    model: values.FilledLine = ABSENT
    timeout: values.Duration = ABSENT
    keep: values.SomePatterns = ABSENT
    required: bool = ABSENT

    def as_after_merge(self) -> AfterMerge:
        """Returns what was said."""
        return AfterMerge(**self.said())


_AfterMergeSaid = Annotated[AfterMergeFields, AfterValidator(AfterMergeFields.as_after_merge)]


class QaFields(Fields):
    """What `qa` may say of who judges work, and how often it may be rejected."""

    backend: values.FilledLine = ABSENT
    agent: values.PluginAgent = ABSENT
    model: values.FilledLine = ABSENT
    command: values.OneCommand = ABSENT
    instructions: values.Filled = ABSENT
    timeout: values.Duration = ABSENT
    max_turns: values.Turns = ABSENT
    max_cost_usd: values.Dollars = ABSENT
    max_tokens: values.Tokens = ABSENT
    max_rejections: values.Retries = ABSENT

    def as_qa(self) -> Qa:
        """Returns what was said."""
        return Qa(**self.said())


def _switched(value: object, read: Callable[[object], QaFields]) -> Qa:
    if isinstance(value, bool):
        return Qa(on=value)
    if not isinstance(value, dict):
        raise values.refused("be true, false or a mapping", "write `qa: {backend: NAME}`")
    return read(value).as_qa()


class _OrSwitch:
    """Says in the schema that `true` and `false` will do in place of a mapping."""

    @staticmethod
    def __get_pydantic_json_schema__(
        core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "boolean"}, handler(core)]}


_QaSaid = Annotated[QaFields, WrapValidator(_switched), _OrSwitch()]


class SharedFields(Fields):
    """What a task may say, and `defaults` for all tasks."""

    agent: values.PluginAgent = ABSENT
    backend: values.FilledLine = ABSENT
    model: values.FilledLine = ABSENT
    command: values.OneCommand = ABSENT
    read_only: bool = ABSENT
    boundary: values.Patterns = ABSENT
    priority: values.Priority = ABSENT
    estimate: values.Estimate = ABSENT
    max_retries: values.Retries = ABSENT
    timeout: values.Duration = ABSENT
    idle_timeout: values.Duration = ABSENT
    env: values.Env = ABSENT
    verify: TimedCommands = ABSENT
    expect: Expected = ABSENT
    allow_empty: bool = ABSENT
    completion_signal: bool = ABSENT
    skills: values.Lines = ABSENT
    contracts: values.Files = ABSENT
    isolation: values.Where = ABSENT
    concurrency_group: values.FilledLine = ABSENT
    permission_mode: values.FilledLine = ABSENT
    allowed_tools: values.Tools = ABSENT
    disallowed_tools: values.Tools = ABSENT
    max_turns: values.Turns = ABSENT
    max_cost_usd: values.Dollars = ABSENT
    max_tokens: values.Tokens = ABSENT
    max_duration: values.Duration = ABSENT


class TaskFields(SharedFields):
    """What only a task may say. `prompt_file` counts from the plan's folder."""

    id: values.TaskId
    title: values.Line = ABSENT
    prompt: values.Filled = ABSENT
    prompt_file: values.FilledLine = ABSENT
    depends_on: values.Ids = ABSENT
    writes: values.Patterns = ABSENT
    creates: values.Patterns = ABSENT
    modifies: values.Patterns = ABSENT
    wave: values.Wave = ABSENT
    setup: _SetupSaid = ABSENT
    qa: _QaSaid = ABSENT


class TopFields(Fields):
    """What holds for the whole plan, `tasks` and `defaults` aside."""

    name: values.FilledLine
    cwd: values.FilledLine = ABSENT
    base: values.Branch = ABSENT
    max_workers: values.Workers = ABSENT
    verify: TimedCommands = ABSENT
    concurrency_limits: values.Limits = ABSENT
    backends: Described = ABSENT
    halt: values.Halting = ABSENT
    usage_limit: Annotated[
        _LimitSaid,
        BeforeValidator(
            lambda one: {"mode": one} if isinstance(one, str) else one,
            json_schema_input_type=UsageLimitFields | _LimitMode,
        ),
    ] = ABSENT
    context: values.Filled = ABSENT
    prompt_template: values.Filled = ABSENT
    programs: values.Lines = ABSENT
    setup: _SetupSaid = ABSENT
    boundaries: values.Bounds = ABSENT
    qa: _QaSaid = ABSENT
    merge: Annotated[MergeFields, AfterValidator(MergeFields.as_rules)] = ABSENT
    budget: _BudgetSaid = ABSENT
    checks: Annotated[ChecksFields, AfterValidator(ChecksFields.as_checks)] = ABSENT
    on_complete: Webhook = ABSENT
    on_failure: Webhook = ABSENT
    on_event: SomeHook = ABSENT
    notify: values.Lines = ABSENT
    after_merge: Annotated[
        _AfterMergeSaid,
        BeforeValidator(
            lambda one: one if isinstance(one, dict) else {"run": one},
            json_schema_input_type=AfterMergeFields | values.Commands,
        ),
    ] = ABSENT


def _keys(fields: type[Fields], whose: str) -> dict[str, str]:
    return dict.fromkeys(fields.model_fields, whose)


#: Whose the keys are that are misplaced at the top, in `defaults` or in a task.
_OUTER = dict.fromkeys(("po_plan_version", "tasks", "defaults"), "the plan itself")
ELSEWHERE_THAN_TOP = {
    **_keys(TaskFields, "a task"),
    **_keys(SharedFields, "a task or of `defaults`"),
}
ELSEWHERE_THAN_DEFAULTS = {
    **_OUTER,
    **_keys(TopFields, "the plan itself"),
    **_keys(TaskFields, "a task"),
}
ELSEWHERE_THAN_TASK = {**_OUTER, **_keys(TopFields, "the plan itself")}
