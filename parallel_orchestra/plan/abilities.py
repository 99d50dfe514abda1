"""What each backend can be told of a task: data only, the programs are called in `agents`."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import FailureClass, Template

#: The fields of a task that are for its agent, and that not every agent understands.
AGENT_FIELDS = (
    "agent",
    "model",
    "permission_mode",
    "allowed_tools",
    "disallowed_tools",
    "max_turns",
)


#: The limits of use that an agent must tell about, or they could not be kept.
UNITS = ("max_cost_usd", "max_tokens")


@frozen
class Abilities:
    """Which of `AGENT_FIELDS` a backend understands, and the permission modes that it has.

    Of which `UNITS` its agents tell what they used, and which of them they keep to when told.
    `author` is whom its agents name as co-author of their own commits, `Name <address>`.
    """

    fields: frozenset[str] = frozenset()
    modes: tuple[str, ...] = ()
    tells: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    author: str = ""


#: Every backend that there is. As the programs say of themselves, and as they were tried.
ABILITIES: Mapping[str, Abilities] = MappingProxyType(
    {
        "claude": Abilities(
            frozenset(AGENT_FIELDS),
            ("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan"),
            tells=frozenset(UNITS),
            keeps=frozenset({"max_cost_usd"}),
            author="Claude <noreply@anthropic.com>",
        ),
        "codex": Abilities(
            frozenset({"model", "permission_mode"}),
            ("danger-full-access", "read-only", "workspace-write"),
            tells=frozenset({"max_tokens"}),
            author="Codex <noreply@openai.com>",
        ),
        "command": Abilities(),
        "gemini": Abilities(
            frozenset({"model", "permission_mode", "allowed_tools"}),
            ("auto_edit", "default", "plan", "yolo"),
            tells=frozenset({"max_tokens"}),
        ),
        "opencode": Abilities(
            frozenset({"agent", "model", "allowed_tools", "disallowed_tools"}),
            tells=frozenset(UNITS),
        ),
    }
)


#: What of a task can be filled in where a plan describes an agent, beside the file of its prompt
#: and the session that it is to go on with.
PLACES = (*AGENT_FIELDS, *UNITS, "prompt_file", "session")
PLACE = re.compile(r"\{([a-z_]+)\}")
#: In whose language such an agent may answer, and which classes its failures may be given.
LANGUAGES = ("text", "claude", "codex", "gemini", "opencode")
CLASSES = tuple(
    one.value
    for one in (
        FailureClass.TRANSIENT,
        FailureClass.RATE_LIMITED,
        FailureClass.USAGE_LIMIT,
        FailureClass.AUTH,
        FailureClass.PERMANENT,
    )
)


def places_in(word: str) -> list[str]:
    """Returns what of a task is to be filled into a word of a command."""
    return PLACE.findall(word)


def abilities_of(name: str, templates: Mapping[str, Template]) -> Abilities | None:
    """Returns what a backend can be told; None for one that nobody knows."""
    template = templates.get(name)
    if template is None:
        return ABILITIES.get(name)
    words = (
        word for part in template.command for word in ((part,) if isinstance(part, str) else part)
    )
    places = frozenset(place for word in words for place in places_in(word))
    reader = ABILITIES.get(template.result, Abilities())
    keeps = places & frozenset(UNITS)
    return Abilities(places, tells=reader.tells, keeps=keeps, author=reader.author)


def who_knows(field: str) -> tuple[str, ...]:
    """Returns the backends that understand a field, sorted."""
    return tuple(sorted(name for name, one in ABILITIES.items() if field in one.fields))
