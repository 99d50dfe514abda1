"""The report for test dashboards: JUnit XML, a test case per task, as Jenkins and GitLab read it.

A failure of the agent's is a `failure`, one of its surroundings an `error`; what was not tried to
the end is `skipped`. ElementTree escapes; `clean` takes out what XML 1.0 forbids, and `_STRAY` the rest.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from parallel_orchestra.model import FailureClass
from parallel_orchestra.progress import IntegrationReport, Mark, Outcome, RunReport, TaskReport
from parallel_orchestra.report.advice import next_step
from parallel_orchestra.report.figures import headline, verdict
from parallel_orchestra.report.last_words import last_words
from parallel_orchestra.report.text import clean, one_line

#: Neither letters of XML 1.0 (section 2.2) nor taken out by `clean`.
_STRAY = re.compile("[\ufffe\uffff]")
#: Lines of the log that tells why a task failed.
_LAST_WORDS = 20
_ERRORS = frozenset(one.value for one in FailureClass if not one.counted)


def render(report: RunReport) -> str:
    """Returns the report as JUnit XML; durations in seconds, of all attempts of a task together.

    The integration report, if there is one, is a second suite, with a case for each of its checks.
    """
    root = Element("testsuites", _attributes(name=report.name))
    started = datetime.fromtimestamp(report.started, timezone.utc).isoformat(timespec="seconds")
    facts = {"name": report.name, "timestamp": started.removesuffix("+00:00")}
    suite = SubElement(root, "testsuite", _attributes(**facts))
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
    if report.integration_report is not None:
        _add_integration(root, report, report.integration_report)
    for element in (root, *root):
        _count(element)
    indent(root)
    text = tostring(root, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _count(element: Element) -> None:
    """Sets how many cases there are below an element, how they ended, and how long they took."""
    cases = list(element.iter("testcase"))
    counted = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
        "time": f"{sum(float(case.get('time', '0')) for case in cases):.3f}",
    }
    for name, value in _attributes(**counted).items():
        element.set(name, value)


def _add_integration(root: Element, report: RunReport, made: IntegrationReport) -> None:
    name = f"{report.name}: integration"
    suite = SubElement(root, "testsuite", _attributes(name=name))
    _add_properties(suite, {"commit": made.commit})
    for check in made.checks:
        facts = {"classname": name, "name": check.name, "time": f"{check.seconds or 0:.3f}"}
        case = SubElement(suite, "testcase", _attributes(**facts))
        if check.mark is Mark.BAD:
            found = SubElement(case, "failure", _attributes(type=check.name, message=check.details))
            found.text = _legal("\n".join(made.must))
        elif check.mark is Mark.UNKNOWN:
            SubElement(case, "skipped", _attributes(message=check.details))
        if check.log:
            _attach(case, [f"{report.tasks_dir}/{check.log}"])


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
        rows = (task.reason, *last_words(task, _LAST_WORDS), f"next: {next_step(report, task)}")
        found.text = _legal("\n".join(rows).strip())
    # the agent's log of each attempt, and beside it the one that shows why it failed
    paths = (path for one in task.attempts for path in dict.fromkeys((one.log, one.told_in)))
    logs = [f"{report.tasks_dir}/{path}" for path in paths if path]
    if logs:
        _attach(case, logs)


def _attach(case: Element, logs: Sequence[str]) -> None:
    # Jenkins shows attachments that are named so
    SubElement(case, "system-out").text = _legal("\n".join(f"[[ATTACHMENT|{log}]]" for log in logs))


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
