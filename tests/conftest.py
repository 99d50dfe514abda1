"""What no test may touch: the developer's home, git configuration, settings, the network.

`support/guards.py` has the guards, `test_guards.py` tests them.
"""

import compileall
import gc
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import parallel_orchestra
from support import figures, preloaded, repository
from support.guards import (
    GIT_CONFIG,
    SESSION_MARKER,
    forbid_network,
    foreign,
    let_children_be_stopped,
    nothing_keeps_running,
)

sys.addaudithook(forbid_network)
# To read six thousand tests makes millions of objects and hardly any garbage, and to look for it again
# and again took longer than all the rest of it.
gc.disable()

# How long an example takes says something of the machine, not of the tool.
hypothesis.settings.register_profile(
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")

pytest_plugins = ("support.pools",)


@pytest.fixture(scope="session", autouse=True)
def _a_home_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Points HOME, XDG_* and git's configuration to a temporary folder, and drops what is foreign."""
    home = tmp_path_factory.mktemp("home")
    config = home / ".gitconfig"
    config.write_text(GIT_CONFIG, encoding="utf-8")
    nonce = secrets.token_hex(8)

    with pytest.MonkeyPatch.context() as patch:
        for name in foreign(tuple(os.environ)):
            patch.delenv(name)
        patch.setenv("HOME", str(home))
        for folder in ("CONFIG", "CACHE", "DATA", "STATE"):
            patch.setenv(f"XDG_{folder}_HOME", str(home / folder.lower()))
        patch.setenv("XDG_RUNTIME_DIR", str(home / "runtime"))
        # The file lies in HOME too, because the tool drops GIT_* before it calls git.
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        # The stand-ins for agents share no login that many starts at once could hurt.
        patch.setenv("PO_START_GAP", "0")
        patch.setenv(SESSION_MARKER, nonce)
        patch.setenv(repository.TEMPLATES, str(tmp_path_factory.mktemp("templates")))
        yield
        preloaded.close()
        nothing_keeps_running(nonce)


def pytest_configure(config: pytest.Config) -> None:
    """Compiles the tool and opens the file of figures, before pytest-xdist starts its processes."""
    let_children_be_stopped()
    if figures.FILE_VARIABLE not in os.environ:
        # Tests start the tool a thousand times. Where PYTHONDONTWRITEBYTECODE is set, as in all our
        # scenes, each start would compile all of it: a fifth of a second.
        compileall.compile_dir(Path(parallel_orchestra.__file__).parent, quiet=1)
        descriptor, path = tempfile.mkstemp(prefix="figures-")
        os.close(descriptor)
        os.environ[figures.FILE_VARIABLE] = path
        config.add_cleanup(lambda: _forget_figures(Path(path)))


def pytest_collection_finish() -> None:
    """Looks for garbage from here on, but not among what was read so far, for that stays."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the tests measured."""
    lines = figures.told(Path(os.environ[figures.FILE_VARIABLE]))
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line(line)


def _forget_figures(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.environ.pop(figures.FILE_VARIABLE, None)
