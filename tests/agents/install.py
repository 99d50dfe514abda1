"""Installs real agents from the npm registry: `python tests/agents/install.py FOLDER NAME ...`

Each into a folder of its own below FOLDER, in the version that was tried. What is there stays.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from parallel_orchestra.agents import BACKENDS


def main(folder: Path, names: list[str]) -> int:
    """Returns the exit code: 0 if all are there."""
    if shutil.which("npm") is None:
        sys.stderr.write("skip: real agents: npm is not installed\n")
        return 0
    for name in names:
        program = BACKENDS[name].program
        home = folder / name
        package = f"{program.package}@{program.tried}"
        stamp = home / "installed"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == package:
            continue
        home.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--loglevel=error")
        ended = subprocess.run(["npm", "install", "--prefix", home, *quiet, package], check=False)
        if ended.returncode != 0:
            return ended.returncode
        stamp.write_text(package, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
