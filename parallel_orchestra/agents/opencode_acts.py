"""What opencode does, as the events of `opencode run --format json` tell (1.18.33)."""

from collections.abc import Iterator

from parallel_orchestra.agents.acts import Act, Ended, Noted, Said, brief, note_of, use_of
from parallel_orchestra.agents.json_lines import Event, inside, whole, words_of


def acts_in(event: Event) -> Iterator[Act]:
    """Yields what an event tells of: of an act it tells when it is over."""
    kind, part = event.get("type"), event.get("part")
    if kind == "text":
        yield Said(words_of(inside(part, "text")))
    elif kind == "error":
        words = words_of(inside(event, "error", "data", "message"))
        yield Noted(f"failed: {words or brief(inside(event, 'error', 'name'))}")
    elif kind == "tool_use":
        yield _use(inside(part, "tool"), inside(part, "state"), inside(part, "callID"))


def _use(tool: object, state: object, id_: object) -> Act:
    given, code = inside(state, "input"), whole(inside(state, "metadata", "exit"))
    note = note_of(inside(state, "error")) or note_of(inside(state, "output"))
    ok = inside(state, "status") == "completed" and not code
    if tool == "invalid":
        # what a model called that there is not
        tool, note, ok = inside(given, "tool"), note_of(inside(given, "error")), False
    elif code:
        note = f"exit code {code}{f': {note}' if note else ''}"
    return Ended(words_of(id_), ok, note, use_of(tool, given))
