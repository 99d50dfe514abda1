"""Small and read-only file systems that a test mounts: as root, or as root of its own namespace."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: More than the pre-flight demands (100 MiB), and less than takes long to fill.
SIZE = "112m"
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[Path]:
    """Mounts a file system at an empty directory, by default a small tmpfs; skips if it can't be."""
    place.mkdir(parents=True, exist_ok=True)
    words = options or ("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs")
    if shutil.which("mount") is None:
        pytest.skip("there is no `mount`")
    done = subprocess.run(["mount", *words, place], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"no file system could be mounted: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path, leave: int = 0) -> Path:
    """Takes all the room there is but `leave` bytes, and returns the file that has it."""
    path = place / "filler"
    facts = os.statvfs(place)
    with path.open("ab", buffering=0) as stream:
        wanted = max(0, facts.f_bavail * facts.f_frsize - leave)
        try:
            while wanted > 0:
                wanted -= stream.write(bytes(min(wanted, 1 << 20)))
        except OSError:
            return path
    return path


def in_a_namespace(file: str) -> None:
    """Runs a file of tests once more, as root of a namespace of its own, for who is not root.

    Raises:
        AssertionError: a test failed there; carries what pytest said.
    """
    if os.getuid() == 0:
        pytest.skip("root mounts by itself: the tests of this file do it")
    if (
        shutil.which("unshare") is None
        or subprocess.run([*_NAMESPACE, "true"], check=False).returncode
    ):
        pytest.skip("neither root nor user namespaces: nothing can be mounted")
    words = [*_NAMESPACE, sys.executable, "-m", "pytest", "-q", "-n", "0", "-rs", file]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
