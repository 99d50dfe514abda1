"""What no test may touch: the developer's home, git configuration, settings, the network.

`support/guards.py` has the guards, `test_guards.py` tests them.
"""

import os
import secrets
import sys
from collections.abc import Iterator

import pytest

from support.guards import (
    GIT_CONFIG,
    SESSION_MARKER,
    forbid_network,
    foreign,
    nothing_keeps_running,
)

sys.addaudithook(forbid_network)


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
        patch.setenv(SESSION_MARKER, nonce)
        yield
        nothing_keeps_running(nonce)
