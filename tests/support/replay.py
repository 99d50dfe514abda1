"""What many tests begin with, done once: a scene in which a plan was carried out.

Paths stand in the files of a run, so it is put back to where it was made, for each test anew.
"""

import copy
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.repository import TEMPLATES
from support.scene import Scene

_users: dict[Path, str] = {}


def after_run(text: str, *words: str, code: int = 0, files: int = 3) -> Scene:
    """Returns a scene of so many files in which `run --yes WORDS` of that plan has ended so.

    Raises:
        AssertionError: it did not end so, or this test has that scene already.
    """
    scene, kept = _made(text, words, code, files)
    folder = scene.project.parent
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")[0]
    assert _users.get(folder) != test, "one scene for two uses in one test"
    _users[folder] = test
    shutil.rmtree(folder)
    _copy(kept, folder)
    return copy.copy(scene)


@functools.cache
def _made(text: str, words: tuple[str, ...], code: int, files: int) -> tuple[Scene, Path]:
    """Returns the scene, and where a copy of all that belongs to it lies."""
    place = Path(tempfile.mkdtemp(dir=os.environ[TEMPLATES]))
    scene = Scene(place / "scene").repository(files).plan(text)
    scene.run("--yes", *words, check=code)
    _copy(place / "scene", place / "kept")
    return scene, place / "kept"


def _copy(source: Path, target: Path) -> None:
    # Hard links and times mean something to the tool: not `shutil.copytree`.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
