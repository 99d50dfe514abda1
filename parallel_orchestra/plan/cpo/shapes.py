"""The fields of a `cpo` folder: what `manifest.json` and the front matter of task files may say."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from parallel_orchestra.plan import values
from parallel_orchestra.plan.cpo import pins
from parallel_orchestra.plan.fields import ABSENT, Fields

_PYTHON = re.compile(r"\d+(?:\.\d+){0,2}")

#: Keys of `manifest.json` that other programs of the family write, and that have no effect here.
OTHER_TOP_KEYS = frozenset(
    {"version", "created_at", "updated_at", "tech_spec", "sources", "command", "tasks"}
    | {"execution", "integration", "metadata", "waves", "dependencies"}
)
#: Lists that may be left empty, and then are: `deps:` is `deps: []`.
LISTS = frozenset({"deps", "blocks", "skills", "contracts"})


def _python(value: str) -> str:
    if not _PYTHON.fullmatch(value):
        raise values.refused("be a version such as 3.11", "write digits and dots")
    return value


def _named(value: str) -> str:
    if not value:
        raise values.refused("not be empty", "name the agent that does it")
    return value


def _pinned(value: str) -> str:
    why = pins.why_not_pinned(value)
    if why:
        raise values.refused("", why)
    return value


def _package(value: str) -> str:
    if not pins.is_name(value):
        raise values.refused("be the name of a package", "a package is removed by its name alone")
    return value


def _relative(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/") or "\\" in value:
        raise values.refused(
            "be a path inside the folder", "write it from the folder, without `..`"
        )
    return value


Pinned = Annotated[str, AfterValidator(_pinned)]
Package = Annotated[str, AfterValidator(_package)]
Inside = Annotated[values.FilledLine, AfterValidator(_relative)]
Agent = Annotated[values.PluginAgent, AfterValidator(_named)]
Number = Annotated[int, Field(ge=1, le=10_000)]


class ManifestFields(Fields):
    """The top of `manifest.json`, `waves`, `dependencies` and `metadata` aside."""

    tech_spec_id: values.FilledLine
    name: values.FilledLine = ABSENT
    technology: values.Line = ABSENT
    python_version: Annotated[str, AfterValidator(_python)] = ABSENT


class WaveFields(Fields):
    """One of `waves`, its `tasks` aside; `validation` is Python, or a line for the shell."""

    number: Number
    validation: values.Filled = ABSENT


class WaveTaskFields(Fields):
    """One of the `tasks` of a wave."""

    id: values.TaskId
    agent: Agent = ABSENT
    prompt_file: Inside = ABSENT


class PythonFields(Fields):
    """`dependencies.python`: what is installed before any task, in the order of removal first."""

    remove: Annotated[list[Package], AfterValidator(tuple)] = ABSENT
    upgrade: Annotated[list[Pinned], AfterValidator(tuple)] = ABSENT
    add: Annotated[list[Pinned], AfterValidator(tuple)] = ABSENT
    add_dev: Annotated[list[Pinned], AfterValidator(tuple)] = ABSENT


class MetadataFields(Fields):
    """`metadata`, as far as it can be checked against the waves."""

    total_tasks: int = ABSENT
    max_parallel: int = ABSENT
    critical_path: values.Ids = ABSENT


class TaskFileFields(Fields):
    """The front matter of a task file; `blocks` and `tech_spec` may be left out."""

    id: values.TaskId
    component: values.FilledLine
    wave: Number
    deps: values.Ids
    agent: Agent
    skills: Annotated[list[values.FilledLine], AfterValidator(tuple)]
    contracts: Annotated[list[Inside], AfterValidator(tuple)]
    blocks: values.Ids = ABSENT
    tech_spec: values.Line = ABSENT
