"""The integration report as Markdown, in the parts that the format gives it."""

from collections.abc import Iterator

from parallel_orchestra.plan.cpo import Folder
from parallel_orchestra.progress import IntegrationReport, Mark, RunReport
from parallel_orchestra.progress.integration import (
    BOUNDARIES,
    BRANCH,
    CONTRACTS,
    LINT,
    SPEC,
    TESTS,
    TYPES,
)
from parallel_orchestra.report.text import code, escaped, instant, row, sentence

#: By this line a report is known to be one of ours, which may be written anew.
OURS = "<!-- written by parallel-orchestra at the end of each run -->"

#: The format's own names of the checks, and its signs.
_TITLES = {
    BRANCH: "Branch Merge",
    CONTRACTS: "Contract Compliance",
    SPEC: "Tech Spec Compliance",
    BOUNDARIES: "Boundary Violations",
    TESTS: "Tests",
    TYPES: "Type Check",
    LINT: "Lint",
}
_SIGNS = {Mark.GOOD: "✅", Mark.ODD: "⚠️", Mark.BAD: "❌", Mark.UNKNOWN: "⚪"}


def render(report: RunReport, folder: Folder, found: IntegrationReport) -> str:
    """Returns the whole report, with a line feed at its end."""
    return "\n".join(_lines(report, folder, found)) + "\n"


def _lines(report: RunReport, folder: Folder, found: IntegrationReport) -> Iterator[str]:
    manifest = folder.manifest
    yield from ("# Integration Report", "", OURS, "")
    yield f"- Generated: {instant(report.ended or report.started)}"
    yield f"- Folder: {code(folder.path.relative_to(folder.project).as_posix())}"
    yield f"- Tech Spec: {escaped(manifest.tech_spec_id)}"
    yield f"- Run: {code(report.run)}"
    yield f"- Tasks integrated: {found.merged} of {found.total}"
    yield from ("", "## Summary", "", row("Check", "Status", "Details"), "| --- | --- | --- |")
    for check in found.checks:
        yield row(_TITLES[check.name], _SIGNS[check.mark], sentence(check.details))
    yield from ("", "## Boundary Violations", "")
    if found.violations:
        yield from (row("Task", "File", "Issue"), "| --- | --- | --- |")
        for one in found.violations:
            yield row(code(one.task), code(one.file), sentence(one.issue))
    else:
        yield "None: what was merged, its task's scope names."
    yield from ("", "## Action Items", "")
    yield from _items("Must Fix", found.must)
    yield from _items("Should Fix", found.should)
    yield from ("## Next Steps", "")
    if found.must:
        yield f"Mend what must be fixed, then `parallel-orchestra run {_typed(folder)} --resume`."
    else:
        yield "Review what stands under Contract and Tech Spec Compliance, then open a pull request."


def _items(title: str, items: tuple[str, ...]) -> Iterator[str]:
    yield from (f"### {title}", "")
    yield from (f"- {sentence(item)}" for item in items) if items else ("Nothing.",)
    yield ""


def _typed(folder: Folder) -> str:
    return folder.path.relative_to(folder.project).as_posix()
