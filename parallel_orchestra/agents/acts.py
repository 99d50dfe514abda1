"""What an agent does, as its backend reads it in a line that the agent printed.

Pure. An agent tells of an act when it begins and when it ends, on two lines; `story` joins them. What
an agent says of itself is not true because it says so: it is shown, and decides nothing.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping

from parallel_orchestra.agents.json_lines import Event, inside, parse_object, words_of
from parallel_orchestra.frozen import frozen
from parallel_orchestra.plain import cut, one_line

#: Characters of what an act is about, and of what came of it.
_ABOUT = 160
_NOTE = 200


@frozen
class Begun:
    """It began to use a tool: `what` is a verb and its object; `id` is that of the end.

    `inner` are acts of a sub-agent.
    """

    id: str
    what: str
    inner: bool = False


@frozen
class Ended:
    """It is done with a tool; `note` says why it went wrong. `what` is empty if `Begun` has it."""

    id: str
    ok: bool
    note: str = ""
    what: str = ""
    inner: bool = False


@frozen
class Said:
    """The agent's own words; `goes_on` if they may end in the middle of a word."""

    text: str
    goes_on: bool = False
    inner: bool = False


@frozen
class Noted:
    """Something that happened to it: a session began, a service did not answer."""

    text: str


Act = Begun | Ended | Said | Noted

#: What the tools of all agents are, in words that are the same for all.
_VERBS = {
    "run": ("bash", "shell", "shell_command", "exec_command", "run_shell_command"),
    "read": ("read", "read_file", "read_many_files", "view"),
    "write": ("write", "write_file"),
    "edit": ("edit", "multiedit", "notebookedit", "replace", "patch", "apply_patch"),
    "search": ("grep", "glob", "ls", "list", "list_directory", "search_file_content", "codesearch"),
    "fetch": ("webfetch", "web_fetch", "websearch", "web_search", "google_web_search"),
    "ask a sub-agent:": ("task", "agent"),
    "plan": ("todowrite", "write_todos", "update_plan", "todolist"),
}
_VERB_OF = {tool: verb for verb, tools in _VERBS.items() for tool in tools}
#: Where tools have what they are about, the most telling first.
_OBJECTS = (
    "command",
    "cmd",
    "file_path",
    "filePath",
    "absolute_path",
    "notebook_path",
    "pattern",
    "query",
    "url",
    "description",
    "prompt",
    "path",
    "dir_path",
    "skill",
    "name",
)
#: How items of a plan are marked that are done, and the one that is being worked on.
_DONE = ("completed", "done", True)
_DOING = ("in_progress",)


def event_of(line: str) -> Event | None:
    """Returns the event that a line is; an empty one if it is broken, None if it is for people."""
    text = line.strip()
    return (parse_object(text) or {}) if text.startswith("{") else None


def acts_by(acts_in: Callable[[Event], Iterable[Act]], line: str) -> tuple[Act, ...] | None:
    """Returns the acts that a reader of events finds in a line; None if it is no event."""
    event = event_of(line)
    return None if event is None else tuple(acts_in(event))


def use_of(tool: object, given: object) -> str:
    """Returns in a few words what a tool does with what it is given."""
    name = words_of(tool) or "a tool without a name"
    verb = _VERB_OF.get(name.lower(), name)
    if verb == "plan":
        return f"plan {plan_of(inside(given, 'todos') or inside(given, 'plan'))}".rstrip()
    return f"{brief(verb)} {_object(given)}".rstrip()


def plan_of(items: object) -> str:
    """Returns how far a plan is, and what is being done: `1 of 3 done: count them`."""
    entries = [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else []
    if not entries:
        return ""
    done = sum(one.get("status", one.get("completed")) in _DONE for one in entries)
    doing = next((one for one in entries if one.get("status") in _DOING), None)
    rest = [one for one in entries if one.get("status", one.get("completed")) not in _DONE]
    at = doing or (rest[0] if rest else {})
    words = next(
        (w for key in ("content", "step", "description", "text") if (w := at.get(key))), ""
    )
    return brief(f"{done} of {len(entries)} done: {words_of(words)}".removesuffix(": "))


def brief(text: object, most: int = _ABOUT) -> str:
    """Returns the beginning of a text on one line; nothing for what is no text."""
    # nobody reads ten megabytes on one line, and cleaning them takes its time
    return cut(one_line(words_of(text)[: 8 * most]), most)


def note_of(output: object) -> str:
    """Returns the beginning of what a tool came back with."""
    if isinstance(output, list):
        output = "\n".join(words_of(inside(part, "text")) for part in output)
    return brief(output, _NOTE)


def command_of(command: object) -> str:
    """Returns what a shell was told: `bash -lc 'npm test'` is `npm test`."""
    words = words_of(command)
    if isinstance(command, list):
        parts = [words_of(part) for part in command]
    else:
        try:
            parts = shlex.split(words[: 8 * _ABOUT])
        except ValueError:
            parts = []
    return parts[2] if len(parts) == 3 and parts[1] in ("-lc", "-c") else words or " ".join(parts)


def _object(given: object) -> str:
    if not isinstance(given, Mapping):
        return ""
    found = next((given[key] for key in _OBJECTS if given.get(key)), "")
    return brief(found if isinstance(found, str) else command_of(found))
