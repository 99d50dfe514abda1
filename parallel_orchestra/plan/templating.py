"""`prompt_template`: a template in the plan or in a file beside it, and what is wrong with it.

Judging a template means running it, which is nothing for this floor: `judge` is passed in.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parallel_orchestra.plan.findings import Finding, Findings, brief

#: A template and facts to try it with -> the line (0: unknown) and the words of each fault.
Judge = Callable[[str, Iterable[Mapping[str, Any]]], Sequence[tuple[int, str]]]

_AT = ("prompt_template",)
_MARKS = ("{{", "{%", "{#")
_HINT = "a template has `plan`, `task`, `attempt`, `feedback`, `dependencies` and `budget`"


@dataclass(frozen=True, slots=True)
class Template:
    """A template's text, and its file as messages name it; "" if it stands in the plan."""

    text: str = ""
    file: str = ""


def read_template(
    given: str, folder: Path, shown: str, read: Callable[[Path], bytes], findings: Findings
) -> Template:
    """Returns the template that a plan names: one line without `{{ }}` is a file's path.

    `shown` is the plan's file as the user named it. What can't be read is noted.
    """
    name = given.strip()
    if not name or "\n" in name or any(mark in name for mark in _MARKS):
        return Template(given)
    try:
        text = read(folder / name).decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or "can't be read"
    except ValueError:  # not UTF-8, or a path that no system has
        reason = "not UTF-8 text"
    else:
        if text.strip():
            return Template(text, os.path.join(os.path.dirname(shown), name))
        reason = "is empty"
    what = f"the file `{brief(name)}` of `prompt_template` can't be used: {reason}"
    hint = (
        "its path counts from the plan's folder; a template has `{{ }}`, e.g. `{{ task.prompt }}`"
    )
    findings.problem(Finding(what, hint, _AT))
    return Template()


def judge_template(
    template: Template, trials: Iterable[Mapping[str, Any]], judge: Judge, findings: Findings
) -> None:
    """Notes all that is wrong with a template, each with its line."""
    if not template.text:
        return
    for line, words in judge(template.text, trials):
        what = f"`prompt_template` can't be used: {words}"
        hint = _HINT if line else ""
        findings.problem(Finding(what, hint, _AT, line=line, file=template.file))


def remark_on_template(template: Template, context: str, findings: Findings) -> None:
    """Notes what of the plan a template leaves out, by its words."""
    text = template.text
    if not text or "extends" in text:
        return
    if "prompt" not in text:
        what = "`prompt_template` never uses `task.prompt`: agents are not told what to do"
        findings.warning(Finding(what, "", _AT))
    if context and "context" not in text:
        what = "`context` has no effect: `prompt_template` does not use `plan.context`"
        findings.warning(Finding(what, "", ("context",), key=True))
