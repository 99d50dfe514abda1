"""The report for test dashboards: JUnit XML, a test case per task, as Jenkins and GitLab read it.

A failure of the agent's is a `failure`, one of its surroundings an `error`; what was not tried to
the end is `skipped`. ElementTree escapes; `clean` takes out what XML 1.0 forbids, and `_STRAY` the rest.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from parallel_orchestra.model import FailureClass
from parallel_orchestra.progress import Outcome, RunReport, TaskReport
from parallel_orchestra.report.advice import next_step
from parallel_orchestra.report.figures import headline, verdict
from parallel_orchestra.report.text import clean, one_line

#: Neither letters of XML 1.0 (section 2.2) nor taken out by `clean`.
_STRAY = re.compile("[\ufffe\uffff]")
_ERRORS = frozenset(one.value for one in FailureClass if not one.counted)


def render(report: RunReport) -> str:
    """Returns the report as JUnit XML; durations in seconds, of all attempts of a task together."""
    counted = {
        "tests": report.total,
        "failures": sum(_kind(task) == "failure" for task in report.tasks),
        "errors": sum(_kind(task) == "error" for task in report.tasks),
        "skipped": sum(_kind(task) == "skipped" for task in report.tasks),
        "time": f"{report.work_seconds:.3f}",
    }
    root = Element("testsuites", _attributes(name=report.name, **counted))
    started = datetime.fromtimestamp(report.started, timezone.utc).isoformat(timespec="seconds")
    facts = {**counted, "timestamp": started.removesuffix("+00:00")}
    suite = SubElement(root, "testsuite", _attributes(name=report.name, **facts))
    said = {
        "run": report.run,
        "plan": report.source,
        "verdict": verdict(report),
        "headline": headline(report),
        "exit_code": report.exit_code,
        "commit": report.tip,
    }
    _add_properties(suite, said)
    for task in report.tasks:
        _add_case(suite, report, task)
    indent(root)
    text = tostring(root, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_case(suite: Element, report: RunReport, task: TaskReport) -> None:
    facts = {"classname": report.name, "name": task.id, "time": f"{task.seconds:.3f}"}
    case = SubElement(suite, "testcase", _attributes(**facts))
    said = {
        "title": task.title,
        "outcome": task.outcome.value,
        "attempts": len(task.attempts),
        "commit": task.commit,
        "cost_usd": "" if task.cost_usd is None else task.cost_usd,
    }
    _add_properties(case, said)
    kind = _kind(task)
    if kind == "skipped":
        why = task.reason or (task.cause.words if task.cause is not None else "")
        SubElement(case, kind, _attributes(message=why or task.outcome.value))
    elif kind:
        facts = {"type": task.failure or "failed", "message": task.reason or task.failure}
        found = SubElement(case, kind, _attributes(**facts))
        found.text = _legal(f"{task.reason}\nnext: {next_step(report, task)}".strip())
    logs = [f"{report.tasks_dir}/{one.log}" for one in task.attempts if one.log]
    if logs:
        # Jenkins shows attachments that are named so
        SubElement(case, "system-out").text = _legal(
            "\n".join(f"[[ATTACHMENT|{log}]]" for log in logs)
        )


def _kind(task: TaskReport) -> str:
    """Returns the element that says how a task went; empty for one that is done."""
    if task.outcome.done:
        return ""
    if task.outcome is not Outcome.FAILED:
        return "skipped"
    return "error" if task.failure in _ERRORS else "failure"


def _add_properties(element: Element, facts: Mapping[str, object]) -> None:
    place = SubElement(element, "properties")
    for name, value in facts.items():
        if value != "":
            SubElement(place, "property", _attributes(name=name, value=value))


def _attributes(**facts: object) -> dict[str, str]:
    return {name: _legal(one_line(str(value))) for name, value in facts.items()}


def _legal(text: str) -> str:
    return _STRAY.sub("\ufffd", clean(text))
