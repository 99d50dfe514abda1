"""How a worktree was set up last, noted in its git directory for people to read.

Nothing rests on it: agents can write there.
"""

import json
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Setup, as_typed

_NOTE = "orchestra-set-up.json"


@frozen
class SetUpNote:
    """The commands as one would type them, and the paths and patterns, of a set-up."""

    run: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    symlink: tuple[str, ...] = ()

    def __str__(self) -> str:
        facts = (
            ("ran", [f"`{command}`" for command in self.run]),
            ("keeps", self.keep),
            ("copied", self.copy),
            ("linked", self.symlink),
        )
        return ", ".join(f"{word} {', '.join(names)}" for word, names in facts if names)


def note_set_up(git_dir: Path, setup: Setup) -> None:
    """Notes how a worktree is set up; nothing is noted if there was nothing to do."""
    # Never through a link that an agent put there.
    forget_set_up(git_dir)
    if not (setup.run or setup.keep or setup.copy or setup.symlink):
        return
    facts = {
        "run": [as_typed(command) for command in setup.run],
        "keep": setup.keep,
        "copy": setup.copy,
        "symlink": setup.symlink,
    }
    files.write(git_dir / _NOTE, json.dumps(facts).encode())


def forget_set_up(git_dir: Path) -> None:
    """Takes the note away."""
    (git_dir / _NOTE).unlink(missing_ok=True)


def set_up_note(git_dir: Path) -> SetUpNote:
    """Returns what was noted; nothing if there is no note, or none that can be read."""
    try:
        facts = json.loads(files.read_text(git_dir / _NOTE) or "{}")
        lists = {name: tuple(str(one) for one in value) for name, value in facts.items()}
        return SetUpNote(**lists)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return SetUpNote()
