"""What an agent asks for, whatever API it speaks: its conversation so far, and its tools."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.model_server.script import Rule, Script, Step

#: Where agents tell the model their working directory, the surest first.
_PLACES = tuple(
    re.compile(words + r"[^/\n]{0,20}(/[^\s<`'\"]+)")
    for words in (
        r"Workspace Directories:\*\*\n  -",
        r"Primary working directory",
        r"[Ww]orking directory",
        r"<cwd>",
    )
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said to the model: words of the user, or what an act came back with."""

    words: str
    result: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `tools` are the names of what the model may call; none: a question aside."""

    model: str
    stream: bool
    tools: frozenset[str]
    turns: tuple[Turn, ...]
    directory: Path | None

    def place(self, script: Script) -> tuple[Rule, int]:
        """Returns the rule that answers, and after how many acts.

        The latest words that a rule fits to decide; of several rules, the first one.
        """
        for at in range(len(self.turns) - 1, -1, -1):
            for rule in script.rules:
                if (
                    rule.prompt
                    and not self.turns[at].result
                    and rule.prompt in self.turns[at].words
                ):
                    return rule, sum(turn.result for turn in self.turns[at:])
        free = next((rule for rule in script.rules if not rule.prompt), script.otherwise)
        return free, sum(turn.result for turn in self.turns)

    def heard(self, script: Script) -> tuple[str, ...]:
        """Returns the prompts of the rules that fit to anything that the user has said."""
        said = "\n".join(turn.words for turn in self.turns if not turn.result)
        return tuple(rule.prompt for rule in script.rules if rule.prompt and rule.prompt in said)

    @property
    def last_result(self) -> str:
        """What the last act came back with."""
        return next((turn.words for turn in reversed(self.turns) if turn.result), "").strip()

    def fill(self, text: str) -> str:
        """Returns a text of a script with what the last act came back with."""
        return text.replace("{last}", self.last_result)

    def act(self, step: Step) -> tuple[str, dict[str, Any]] | None:
        """Returns the call of one of this agent's own tools that the step means; None for a text."""
        if step.tool is not None:
            return step.tool["name"], step.tool["input"]
        if step.run is not None:
            return self._run(step.run)
        if step.read is not None:
            return self._read(step.read)
        if step.write is not None:
            return self._write(step.write["path"], self.fill(step.write["content"]))
        return None

    def _run(self, command: str) -> tuple[str, dict[str, Any]]:
        described = {"command": command, "description": "as scripted"}
        known: dict[str, dict[str, Any]] = {
            "Bash": described,
            "run_shell_command": described,
            "bash": described,
            "exec_command": {"cmd": command},
            "shell_command": {"command": command},
            "shell": {"command": ["bash", "-lc", command]},
        }
        return self._one_of(known)

    def _read(self, path: str) -> tuple[str, dict[str, Any]]:
        whole = self._whole(path)
        known = {
            "Read": {"file_path": whole},
            "read_file": {"file_path": whole},
            "read": {"filePath": whole},
        }
        if not self.tools & known.keys() or whole is None:
            return self._run(f"cat '{path}'")
        return self._one_of(known)

    def _write(self, path: str, content: str) -> tuple[str, dict[str, Any]]:
        whole = self._whole(path)
        known = {
            "Write": {"file_path": whole, "content": content},
            "write_file": {"file_path": whole, "content": content},
            "write": {"filePath": whole, "content": content},
        }
        if not self.tools & known.keys() or whole is None:
            folder = str(Path(path).parent)
            return self._run(
                f"mkdir -p '{folder}' && cat > '{path}' <<'END_OF_SCRIPT'\n"
                + content.rstrip("\n")
                + "\nEND_OF_SCRIPT"
            )
        return self._one_of(known)

    def _one_of(self, known: dict[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        # an agent without such a tool is told to use it all the same: it says that it has none
        name = next((name for name in known if name in self.tools), next(iter(known)))
        return name, known[name]

    def _whole(self, path: str) -> str | None:
        """Returns the path as agents' file tools want it: absolute."""
        if Path(path).is_absolute():
            return path
        return None if self.directory is None else str(self.directory / path)


def words_in(value: Any) -> Iterator[str]:
    """Yields every text of a JSON value, in order; the types of its parts are no text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sequence):
        for each in value:
            yield from words_in(each)
    elif isinstance(value, dict):
        yield from words_in([one for key, one in value.items() if key != "type"])


def directory_in(*values: Any) -> Path | None:
    """Returns the working directory that an agent tells of; it exists, or it is none."""
    texts = list(words_in(list(values)))
    for place in _PLACES:
        for found in _all_in(place, texts):
            path = Path(found.rstrip(".,)/"))
            if path.is_dir():
                return path
    return None


def _all_in(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (match[1] for match in pattern.finditer(text))
