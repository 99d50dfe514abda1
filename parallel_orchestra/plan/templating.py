"""`prompt_template` and `merge.message`: in the plan or in a file, and what is wrong with them.

Judging a template means running it, which is nothing for this floor: `judge` is passed in.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.plan.findings import Finding, Findings, brief

#: Variables with their parts, None for those without.
Known = Mapping[str, Sequence[str] | None]
#: A template, facts to try it with, the variables there are -> the line (0: unknown) and the words
#: of each fault.
Judge = Callable[[str, Iterable[Mapping[str, Any]], Known], Sequence[tuple[int, str]]]

_AT = ("prompt_template",)
MESSAGE = ("merge", "message")
_MARKS = ("{{", "{%", "{#")


@frozen
class Template:
    """A template's text, and its file as messages name it; "" if it stands in the plan.

    `at` is the way to its field.
    """

    text: str = ""
    file: str = ""
    at: tuple[str, ...] = _AT


def read_template(
    given: str,
    folder: Path,
    shown: str,
    read: Callable[[Path], bytes],
    findings: Findings,
    at: tuple[str, ...] = _AT,
) -> Template:
    """Returns the template that a plan names: one line without `{{ }}` is a file's path.

    `shown` is the plan's file as the user named it. What can't be read is noted.
    """
    name = given.strip()
    if not name or "\n" in name or any(mark in name for mark in _MARKS):
        return Template(given, at=at)
    try:
        text = read(folder / name).decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or "can't be read"
    except ValueError:  # not UTF-8, or a path that no system has
        reason = "not UTF-8 text"
    else:
        if text.strip():
            return Template(text, os.path.join(os.path.dirname(shown), name), at)
        reason = "is empty"
    what = f"the file `{brief(name)}` of `{'.'.join(at)}` can't be used: {reason}"
    such = "task.prompt" if at == _AT else "task.title"
    hint = f"its path counts from the plan's folder; a template has `{{{{ }}}}`, e.g. `{{{{ {such} }}}}`"
    findings.problem(Finding(what, hint, at))
    return Template(at=at)


def judge_template(
    template: Template,
    trials: Iterable[Mapping[str, Any]],
    known: Known,
    judge: Judge,
    findings: Findings,
) -> None:
    """Notes all that is wrong with a template, each with its line."""
    if not template.text:
        return
    *names, last = (f"`{name}`" for name in known)
    has = f"a template has {', '.join(names)} and {last}"
    for line, words in judge(template.text, trials, known):
        what = f"`{'.'.join(template.at)}` can't be used: {words}"
        hint = has if line else ""
        findings.problem(Finding(what, hint, template.at, line=line, file=template.file))


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
