"""What a run leaves in a `cpo` folder: `report.json`, `integration-report.md`, a tidy `logs/`.

What somebody else wrote under these names is moved aside first.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from parallel_orchestra.cli.outputs import Written, replace_file
from parallel_orchestra.conductor.picture import read_record, repository_of
from parallel_orchestra.errors import Problem
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import read_cpo
from parallel_orchestra.progress import RunReport
from parallel_orchestra.report import json_report
from parallel_orchestra.store import Layout

REPORT = "report.json"
INTEGRATION = "integration-report.md"


def write_into_folder(plan: Plan, report: RunReport) -> Written:
    """Writes both reports beside the manifest; one that fails does not hide the other."""
    return _written(plan, report, {REPORT: _report, INTEGRATION: _integration})


def write_integration(plan: Plan, report: RunReport) -> Written:
    """Writes the integration report beside the manifest."""
    return _written(plan, report, {INTEGRATION: _integration})


def _written(
    plan: Plan, report: RunReport, texts: Mapping[str, Callable[[Plan, RunReport], str]]
) -> Written:
    folder = plan.source.parent
    written, problems = [], []
    for name, text_of in texts.items():
        path = folder / name
        try:
            text = text_of(plan, report)
            _move_aside(path)
            replace_file(path, text)
            written.append(path)
        except Exception as error:  # noqa: BLE001  # a report must never hide how the run went
            reason = getattr(error, "strerror", None) or str(error)
            problems.append(Problem(f"cannot write the report: {reason}", str(path)))
    return Written(tuple(written), tuple(problems))


def _report(plan: Plan, report: RunReport) -> str:
    del plan
    return json_report.render(report)


def _integration(plan: Plan, report: RunReport) -> str:
    # Only such a folder needs these rooms: with pydantic, a seventh of the start of `run`.
    from parallel_orchestra.conductor.of_folder import found_of  # noqa: PLC0415
    from parallel_orchestra.report.integration import render  # noqa: PLC0415

    folder = read_cpo(plan.source.parent)
    if report.integration_report is not None:
        return render(report, folder, report.integration_report)
    layout = Layout(Path(report.tasks_dir))
    record = read_record(layout)
    repo = repository_of(record, os.environ)
    try:
        found = found_of(report, folder, plan, record, repo, layout, os.environ)
        return render(report, folder, found)
    finally:
        repo.close()


def _move_aside(path: Path) -> None:
    """Gives a file that is not of our making another name, which nothing has yet."""
    if not path.is_file() or _is_ours(path):
        return
    number = 0
    while (aside := path.with_name(f"{path.name}.backup{number or ''}")).exists():
        number += 1
    path.rename(aside)


def _is_ours(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".md":
        from parallel_orchestra.report.integration import OURS  # noqa: PLC0415  # see above

        return OURS in text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"schema_version", "run", "verdict"} <= found.keys()
