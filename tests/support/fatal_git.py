"""A git on PATH that is killed at a chosen system call, once; by strace(1), where there is one."""

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
"{strace}" -qq -o /dev/null -e trace={call} -e inject={call}:signal=SIGKILL:when={at} "{git}" "$@"
code=$?
test $code -lt 128 || {{ : > "{done}"; {then} kill -9 $$; }}
exit $code
"""


@dataclass(frozen=True)
class FatalGit:
    """Where that git lies; `environment` puts it first on PATH."""

    folder: Path

    def aim(self, verb: str, call: str, at: int, *, with_tool: bool = False) -> dict[str, str]:
        """Returns the environment in which the verb's git dies at its so manieth call of that kind."""
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
                then="kill -9 $PPID;" if with_tool else "",
            ),
            encoding="utf-8",
        )
        script.chmod(0o755)
        return {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    @property
    def mark(self) -> Path:
        """There once a git was killed."""
        return self.folder / "killed"
