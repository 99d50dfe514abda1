"""Makes `docs/pictures/report.png`: a report as a browser shows it, of a run that is made up.

.venv/bin/python -m pip install '.[dev,browser]'    # and Chromium with its driver
.venv/bin/python docs/pictures/report.py
"""  # noqa: INP001  # a script of the docs, not a package

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from parallel_orchestra.report import html  # noqa: E402 - the path is ours
from support import exhibition  # noqa: E402 - as above
from support.browser import browser  # noqa: E402 - as above

PICTURE = ROOT / "docs" / "pictures" / "report.png"
#: Of the page, in CSS pixels, and how much of that is a pixel of the picture.
WIDTH, HEIGHT, SCALE = 1180, 1940, 0.6


def main() -> None:
    """Writes the picture."""
    with tempfile.TemporaryDirectory() as folder, browser() as window:
        page = Path(folder) / "report.html"
        page.write_text(html.render(exhibition.shop()), encoding="utf-8")
        window.open(page, WIDTH)
        window.picture(PICTURE, HEIGHT, SCALE)


if __name__ == "__main__":
    main()
