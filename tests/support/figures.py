"""Figures that tests measure: told by any test in any process, printed once at the end.

A figure is for reading ("145 kill points"); no test fails by one.
"""

import json
import os
from pathlib import Path

#: The file that all processes of a session append to.
FILE_VARIABLE = "ORCHESTRA_TEST_FIGURES"


def tell(what: str, **figures: object) -> None:
    """Notes figures of one measurement, such as `tell("kill points", found=145, tried=12)`."""
    path = os.environ.get(FILE_VARIABLE)
    if not path:
        return
    line = json.dumps({"what": what, **figures}) + "\n"
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(line)


def told(path: Path) -> list[str]:
    """Returns all figures of a session, one line of words each, alike ones side by side."""
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: row["what"])
    return [
        f"{row.pop('what')}: " + ", ".join(f"{name} {value}" for name, value in row.items())
        for row in rows
    ]
