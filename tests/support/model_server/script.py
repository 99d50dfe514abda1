"""Scripts of the played model: on this prompt these acts, then this text; or this fault.

rules:                            # the first one that fits answers
  - prompt: Write a.txt           # these words in what the user says; left out: whatever they say
    steps:                        # one for each answer; after the last one the text `done`
      - write: {path: a.txt, content: "hello\\n"}
      - run: echo $((6 * 7))
      - read: a.txt
      - tool: {name: Glob, input: {pattern: "*"}}
      - text: "I saw {last}"      # `{last}` is what the last act came back with
    faults:                       # of this rule's requests, counted from 1
      - {at: 1-2, error: {status: 429, retry_after: 2}}
faults:                           # the same, of all requests whatever they ask for
  - {at: 3-, hang: 60}

A step may have `usage: [in, out]` tokens, `delay` in seconds before the first byte, `pace` in
seconds between events, `stop`, the reason for which it stops, in the words of the API, and `think`,
what the model thinks before, where the API tells of thoughts.
A fault has `at` (`2`, `2-4`, `2-`; left out: every one) and one of
  error: {status, message, type, retry_after, reset, body}    `reset`: a usage limit, in seconds
  hang: SECONDS              takes the request, says nothing, then cuts the connection
  drop: N                    cuts it after N events; 0: before the head
  stall: {after: N, for: SECONDS}     says nothing more after N events, then cuts it
  broken: {after: N, error: {...}}    an error as an event, after N of them

The place in a script is the number of tool results since the words that the rule fits to: a server
knows nothing of its clients, so any number of agents may ask at once, and sessions may go on.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ACTS = ("write", "run", "read", "tool")
KINDS = ("error", "hang", "drop", "stall", "broken")


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is an error; each API has words of its own for it. Times are in seconds."""

    status: int
    message: str = "something went wrong"
    type: str = ""
    retry_after: float | None = None
    reset: float | None = None
    body: dict[str, Any] | str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to requests instead of, or in the middle of, an answer: one of `KINDS`."""

    at: str | int = "1-"
    error: Failure | None = None
    hang: float | None = None
    drop: int | None = None
    stall: dict[str, float] | None = None
    broken: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        found = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(found) != 1:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}, not {found or 'nothing'}")
        first, last = self._span
        if not 1 <= first <= last:
            raise ValueError(f"not requests that there are: at: {self.at}")

    @property
    def _span(self) -> tuple[int, float]:
        first, dash, last = str(self.at).partition("-")
        return int(first), float(last or "inf") if dash else int(first)

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    def meets(self, number: int) -> bool:
        """Returns whether it happens to the request of that number, from 1."""
        first, last = self._span
        return first <= number <= last

    @classmethod
    def of(cls, entry: dict[str, Any]) -> "Fault":
        """Returns the fault that an entry of a script means."""
        facts = dict(entry)
        if "error" in facts:
            facts["error"] = Failure(**facts["error"])
        if "broken" in facts:
            broken = facts["broken"]
            facts["broken"] = {"after": broken["after"], "error": Failure(**broken["error"])}
        return cls(**facts)


@dataclass(frozen=True, slots=True)
class Step:
    """One answer: an act or a text."""

    write: dict[str, str] | None = None
    run: str | None = None
    read: str | None = None
    tool: dict[str, Any] | None = None
    text: str | None = None
    usage: tuple[int, int] = (1000, 50)
    delay: float = 0.0
    pace: float = 0.0
    stop: str = ""
    think: str = ""

    def __post_init__(self) -> None:
        found = [name for name in (*ACTS, "text") if getattr(self, name) is not None]
        if len(found) != 1:
            raise ValueError(f"a step is one of {', '.join(ACTS)} or text, not {found}")

    @classmethod
    def of(cls, entry: dict[str, Any]) -> "Step":
        """Returns the step that an entry of a script means."""
        facts = dict(entry)
        if "usage" in facts:
            facts["usage"] = tuple(facts["usage"])
        return cls(**facts)


DONE = Step(text="done")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is answered to whoever says `prompt`."""

    prompt: str = ""
    steps: tuple[Step, ...] = ()
    faults: tuple[Fault, ...] = ()

    def step(self, number: int) -> Step:
        """Returns the answer after so many acts."""
        return self.steps[number] if number < len(self.steps) else DONE

    @classmethod
    def of(cls, entry: dict[str, Any]) -> "Rule":
        """Returns the rule that an entry of a script means."""
        unknown = entry.keys() - {"prompt", "steps", "faults"}
        if unknown:
            raise ValueError(f"not known in a rule: {sorted(unknown)}")
        return cls(
            entry.get("prompt", ""),
            tuple(map(Step.of, entry.get("steps", ()))),
            tuple(map(Fault.of, entry.get("faults", ()))),
        )


@dataclass(frozen=True, slots=True)
class Script:
    """All rules, and the faults that happen to whatever request it is."""

    rules: tuple[Rule, ...] = ()
    faults: tuple[Fault, ...] = ()
    otherwise: Rule = field(default_factory=Rule)

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Script":
        """Returns the script that a YAML document means.

        Raises:
            ValueError, TypeError: it has something that no script has.
        """
        unknown = document.keys() - {"rules", "faults"}
        if unknown:
            raise ValueError(f"not known in a script: {sorted(unknown)}")
        return cls(
            tuple(map(Rule.of, document.get("rules", ()))),
            tuple(map(Fault.of, document.get("faults", ()))),
        )

    @classmethod
    def read(cls, path: Path) -> "Script":
        """Returns the script in a YAML file."""
        return cls.of(yaml.safe_load(path.read_text(encoding="utf-8")))
