"""A git on PATH that is killed at a chosen system call, or whose call fails, once; by strace(1)."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

#: System calls by which git changes the disk.
CALLS = ("openat", "write", "rename", "link", "unlink", "mkdir", "rmdir", "fsync", "ftruncate")

_SCRIPT = """\
#!/bin/sh
# Only the wanted verb, only once; `tool` dies with its git.
case " $* " in
    *" {verb} "*) ;;
    *) exec "{git}" "$@" ;;
esac
test ! -e "{done}" || exec "{git}" "$@"
"{strace}" -qq -o "{done}.calls" -e trace={call} -e inject={call}:{what}:when={at} "{git}" "$@"
code=$?
test ! -s "{done}.calls" || ! grep -q "{sign}" "{done}.calls" || {{ : > "{done}"; {then} }}
exit $code
"""


@dataclass(frozen=True)
class FatalGit:
    """Where that git lies; `environment` puts it first on PATH."""

    folder: Path

    def aim(
        self, verb: str, call: str, at: int, *, error: str = "", with_tool: bool = False
    ) -> dict[str, str]:
        """Returns the environment in which the verb's git dies at its so manieth call of that kind.

        With an `error` the call fails, and git says so and goes on or ends.
        """
        killed = ("kill -9 $PPID; " if with_tool else "") + "kill -9 $$;"
        self.folder.mkdir(exist_ok=True)
        self.mark.unlink(missing_ok=True)
        script = self.folder / "git"
        script.write_text(
            _SCRIPT.format(
                verb=verb,
                call=call,
                at=at,
                git=shutil.which("git"),
                strace=shutil.which("strace"),
                done=self.mark,
                what=f"error={error}" if error else "signal=SIGKILL",
                sign="INJECTED" if error else "killed by SIGKILL",
                then="" if error else killed,
            ),
            encoding="utf-8",
        )
        script.chmod(0o755)
        return {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    @property
    def mark(self) -> Path:
        """There once a git was killed, or met the error."""
        return self.folder / "killed"
