"""A real browser without a window: pages are opened in it as a reader does, and looked at.

Needs Chromium, its driver and Selenium (`pip install '.[browser]'`); tests that use it are skipped
where they are missing, and say so.
"""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: The widths of a telephone, a tablet and a desk, in CSS pixels.
WIDTHS = (375, 768, 1440)
_HEIGHT = 900
#: Names the file of axe-core, which `.ci/extra` gets from the npm registry.
AXE = "AXE_CORE"


class Browser:
    """One window; `problems` gathers what scripts and policies complain of."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        # of the processor: a wall clock would measure who else is at work
        self._tell("Performance.enable", timeDomain="threadTicks")

    def open(self, page: Path, width: int = 1440, *, dark: bool = False) -> None:
        """Opens a page as wide as that, in a light or a dark scheme; `problems` begins anew."""
        self._driver.get("about:blank")
        self._tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=_HEIGHT,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._tell("Emulation.setEmulatedMedia", features=[scheme])
        self.problems()
        self._driver.get(page.as_uri())

    def ask(self, expression: str) -> Any:
        """Returns what an expression of JavaScript comes to in the page."""
        return self._driver.execute_script(f"return ({expression})")

    def answer(self, statements: str) -> Any:
        """Returns what statements of JavaScript call `done` with, at some time."""
        return self._driver.execute_async_script(
            f"const done = arguments[arguments.length - 1]; {statements}"
        )

    def press(self, *keys: str) -> None:
        """Presses keys, one after the other, wherever the focus is."""
        for key in keys:
            self._driver.switch_to.active_element.send_keys(key)

    def problems(self) -> list[str]:
        """Returns what the browser has complained of since the last time."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def effort(self) -> float:
        """Returns the processor seconds that the page took to be read, laid out and drawn."""
        metrics = self._tell("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    def picture(self, path: Path, height: int | None = None, scale: float = 1.0) -> None:
        """Writes the page, or the upper part of it, as a PNG, larger or smaller."""
        size = self._tell("Page.getLayoutMetrics")["cssContentSize"]
        clip = {
            "x": 0,
            "y": 0,
            "width": size["width"],
            "height": height or size["height"],
            "scale": scale,
        }
        shot = self._tell("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def violations(self) -> list[str]:
        """Returns what axe-core finds wrong with the page for people who use it otherwise.

        Skips the test where axe-core is not at hand.
        """
        axe = os.environ.get(AXE, "")
        if not axe:
            pytest.skip(f"`{AXE}` does not name a copy of axe-core")
        self._driver.execute_script(Path(axe).read_text(encoding="utf-8"))
        found = self.answer(
            "axe.run(document, {resultTypes: ['violations']})"
            ".then(found => done(JSON.stringify(found.violations)), wrong => done(String(wrong)))"
        )
        return [
            f"{one['id']}: {one['help']}: {node['html'][:200]}"
            for one in json.loads(found)
            for node in one["nodes"]
        ]

    def _tell(self, command: str, **facts: Any) -> Any:
        return self._driver.execute_cdp_cmd(command, facts)


@contextmanager
def browser() -> Iterator[Browser]:
    """Yields a browser; skips the test where there is none."""
    selenium = pytest.importorskip("selenium.webdriver")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("there is no `chromium` with its `chromedriver`")
    options = selenium.ChromeOptions()
    options.binary_location = program
    # in a container root has no sandbox; the pages are ours, and are never fetched
    # (nor has it much shared memory)
    options.add_argument("--disable-dev-shm-usage")
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = selenium.Chrome(options=options, service=service.Service(driver))
    try:
        yield Browser(window)
    finally:
        window.quit()
