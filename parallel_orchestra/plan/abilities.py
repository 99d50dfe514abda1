"""What each backend can be told of a task: data only, the programs are called in `agents`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: The fields of a task that are for its agent, and that not every agent understands.
AGENT_FIELDS = (
    "agent",
    "model",
    "permission_mode",
    "allowed_tools",
    "disallowed_tools",
    "max_turns",
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which of `AGENT_FIELDS` a backend understands, and the permission modes that it has."""

    fields: frozenset[str] = frozenset()
    modes: tuple[str, ...] = ()


#: Every backend that there is. As the programs say of themselves, and as they were tried.
ABILITIES: Mapping[str, Abilities] = MappingProxyType(
    {
        "claude": Abilities(
            frozenset(AGENT_FIELDS),
            ("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan"),
        ),
        "codex": Abilities(
            frozenset({"model", "permission_mode"}),
            ("danger-full-access", "read-only", "workspace-write"),
        ),
        "command": Abilities(),
        "gemini": Abilities(
            frozenset({"model", "permission_mode", "allowed_tools"}),
            ("auto_edit", "default", "plan", "yolo"),
        ),
        "opencode": Abilities(frozenset({"agent", "model", "allowed_tools", "disallowed_tools"})),
    }
)


def who_knows(field: str) -> tuple[str, ...]:
    """Returns the backends that understand a field, sorted."""
    return tuple(sorted(name for name, one in ABILITIES.items() if field in one.fields))
