"""The figures as a table on the terminal, as raw data, and as a table of a docs page."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from measuring import Goal, Result

_BEGIN, _END = "<!-- measured -->\n", "<!-- end of measured -->\n"


def show(result: Result) -> None:
    """Prints one line of the table."""
    beside = f" / {result.beside}" if result.beside else ""
    print(f"{result.what + beside:<64} {figures(result)}", flush=True)


def figures(result: Result) -> str:
    """Returns the value with its spread, the goal, and whether it is met."""
    if result.skipped:
        return f"skipped: {result.skipped}"
    unit = "x" if result.other else result.unit
    spread = f"{min(result.values):,.2f} to {max(result.values):,.2f}"
    cpu = "" if result.cpu_ratio is None else f", processor {result.cpu_ratio:.2f} x"
    goal = "" if result.goal is None else f", goal {result.goal}"
    missed = f": MISSED by {result.missed_by:.0%}" if result.missed_by else ""
    return f"{result.value:,.2f} {unit} ({spread}){cpu}{goal}{missed}"


def kept(path: Path, row: str, results: list[Result], runs: int) -> None:
    """Puts a row's raw data into a file of them, in place of what it had of that row."""
    data: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    data[row] = {
        "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "runs": runs,
        "load": round(os.getloadavg()[0], 1),
        "machine": machine(),
        "results": [asdict(result) for result in results],
    }
    path.write_text(json.dumps(data, indent=1) + "\n")


def machine() -> dict[str, str]:
    """Returns what the figures depend on."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "git": git.stdout.split()[-1],
        "program": Path(sys.executable).resolve().name,
    }


def write_page(page: Path, data: Path) -> None:
    """Puts the table of all raw data into a page, between its two marks."""
    before, rest = page.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    table = table_of(json.loads(data.read_text()))
    page.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}")


def table_of(data: Mapping[str, Any]) -> str:
    """Returns the raw data as a Markdown table, and the machines below it."""
    lines = ["| Row | What | Beside | Ours | Other | Value (spread) | Processor | Goal |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    notes = []
    for row, facts in data.items():
        lines += [f"| `{row}` | {_cells(_result(one))} |" for one in facts["results"]]
        where = facts["machine"]
        notes.append(
            f"`{row}`: {facts['when']}, {facts['runs']} runs, {where['cores']} cores at a load of "
            f"{facts['load']}, {where['system']}, Python {where['python']}, git {where['git']}"
        )
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), ""])


def _result(facts: Mapping[str, Any]) -> Result:
    goal = facts["goal"] and Goal(**facts["goal"])
    values = {"ours": tuple(facts["ours"]), "other": tuple(facts["other"]), "goal": goal}
    return Result(**{**facts, **values})


def _cells(result: Result) -> str:
    goal = str(result.goal or "")
    if result.skipped:
        return f"{result.what} | {result.beside} | | | skipped: {result.skipped} | | {goal}"
    unit = "x" if result.other else result.unit
    cpu = "" if result.cpu_ratio is None else f"{result.cpu_ratio:.2f} x"
    spread = f"{result.value:,.2f} {unit} ({min(result.values):,.2f} to {max(result.values):,.2f})"
    if result.missed_by:
        goal = f"{goal}, **missed by {result.missed_by:.0%}**"
    sides = (_median(result.ours, result.unit), _median(result.other, result.unit))
    return " | ".join([result.what, result.beside, *sides, spread, cpu, goal])


def _median(values: tuple[float, ...], unit: str) -> str:
    if not values:
        return ""
    middle = sorted(values)[len(values) // 2]
    # Beyond four digits `g` would tell powers of ten.
    return f"{middle:,.0f} {unit}" if middle >= 10_000 else f"{middle:,.4g} {unit}"
