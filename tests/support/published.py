"""Manifests of the published tool, and a stand-in for `claude` as its users write them.

The stand-in prints plain text, takes any option, and runs its prompt as a shell script (one that
begins with `/agent-` it only prints). What it was called with lies below `$CALLS`, by task.
"""

import json
from dataclasses import dataclass
from pathlib import Path

_STAND_IN = """\
#!/bin/sh
mine=$CALLS/$PO_TASK_ID
printf '%s\\n' "$*" > "$mine.args"
pwd > "$mine.cwd"
ls -A > "$mine.files"
echo "$PO_WORKTREE_GUARD" > "$mine.guard"
[ -d .claude ] && (cd .claude && find . -type f | sort) > "$mine.claude"
cat > "$mine.prompt"
case $(head -c 7 "$mine.prompt") in /agent-*) cat "$mine.prompt"; exit 0;; esac
. "$mine.prompt"
"""


@dataclass(frozen=True, slots=True)
class Claude:
    """The stand-in's program, and what it was called with."""

    program: Path
    calls: Path

    def env(self, **more: str) -> dict[str, str]:
        """Returns the variables that the stand-in needs."""
        return {"CALLS": str(self.calls), **more}

    def said(self, task: str, what: str) -> str:
        """Returns what a task's last call came with: `args cwd files guard claude prompt`."""
        return (self.calls / f"{task}.{what}").read_text()

    def called(self) -> set[str]:
        """Returns the tasks that it was called for."""
        return {path.stem for path in self.calls.glob("*.args")}


def make_claude(folder: Path) -> Claude:
    """Writes the stand-in below the folder."""
    calls = folder / "calls"
    calls.mkdir()
    program = folder / "claude"
    program.write_text(_STAND_IN)
    program.chmod(0o755)
    return Claude(program, calls)


def write_task(id_: str, prompt: str, **facts: object) -> dict[str, object]:
    """Returns a task of a manifest that writes."""
    return {"id": id_, "agent": "dev", "read_only": False, "prompt": prompt, **facts}


def read_task(id_: str, prompt: str, **facts: object) -> dict[str, object]:
    """Returns a task of a manifest that only reads."""
    return {"id": id_, "agent": "dev", "read_only": True, "prompt": prompt, **facts}


def manifest(*tasks: dict[str, object], cwd: str = "project", **top: object) -> str:
    """Returns the text of a manifest: YAML takes JSON as it is."""
    facts = {"po_plan_version": "0.1", "name": "m", "cwd": cwd, **top, "tasks": tasks}
    lines = (f"{key}: {json.dumps(value)}\n" for key, value in facts.items())
    return f"---\n{''.join(lines)}---\n\n# Notes for people\n"
