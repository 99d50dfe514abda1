"""A plan as the text of a Markdown file that `parse` reads again: for what comes from elsewhere.

Each task has all that it is; prompts stand as they are, and a template keeps them so.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import yaml

from parallel_orchestra.model import Halt, Plan, Timed, UsageLimit
from parallel_orchestra.plan.canonical import canonical, plan_to_json

#: Prompts from elsewhere say all that they want to say: only feedback is added.
AS_IT_IS = "{{ task.prompt }}{% if feedback %}\n\n## Feedback\n\n{{ feedback.text }}\n{% endif %}"
_WIDTH = 100
_OTHER_ENDS = re.compile("[\r\x85\u2028\u2029]")


def written(plan: Plan, cwd: str, note: str) -> str:
    """Returns the plan as Markdown with front matter, of version 0.2 whatever it was before.

    `cwd` is its project, counted from where the text will lie; `note` stands below the front
    matter, for people.
    """
    top: dict[str, Any] = {"po_plan_version": "0.2", "name": plan.name, "cwd": cwd}
    given = {
        "base": plan.base,
        "max_workers": plan.max_workers,
        "verify": _plain(plan.verify),
        "concurrency_limits": dict(plan.concurrency_limits),
        "programs": list(plan.programs),
        "context": plan.context,
        "prompt_template": plan.prompt_template,
    }
    top.update({name: value for name, value in given.items() if value})
    if plan.boundaries is not None:
        top["boundaries"] = plan.boundaries.value
    if merge := plan_to_json(plan)["merge"]:
        if "regenerate" in merge:
            merge["regenerate"] = dict(merge["regenerate"])
        top["merge"] = merge
    if after := plan_to_json(plan)["after_merge"]:
        top["after_merge"] = {name: _plain(one) for name, one in after.items()}
    if plan.halt != Halt():
        top["halt"] = str(plan.halt)
    if plan.usage_limit != UsageLimit():
        top["usage_limit"] = _plain(plan.usage_limit.facts())
    for occasion, url in asdict(plan.webhooks).items():
        if url:
            top[occasion] = {"webhook_url": url}
    top["tasks"] = [_task(canonical(task)) for task in plan.tasks]
    text = yaml.dump(
        top,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
        default_flow_style=None,
    )
    return f"---\n{text}---\n\n{note.strip()}\n"


def _task(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Timed):
        return {name: _plain(fact) for name, fact in value.facts().items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, so that a prompt reads as it was written."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Sets lists off from their key."""
        del indentless
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:
        """Writes equal values out each time."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # what YAML takes for a line's end beside the line feed is safe in quotes only
    style = '"' if _OTHER_ENDS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
