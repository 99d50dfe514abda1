"""What Gemini CLI does, as the events of `--output-format stream-json` tell (0.61.0)."""

from collections.abc import Iterator

from parallel_orchestra.agents.acts import Act, Begun, Ended, Noted, Said, brief, note_of, use_of
from parallel_orchestra.agents.json_lines import Event, inside, words_of


def acts_in(event: Event) -> Iterator[Act]:
    """Yields what an event tells of; for Gemini CLI, a command that failed was done well."""
    kind, id_ = event.get("type"), words_of(event.get("tool_id"))
    if kind == "init":
        yield Noted(f"session {brief(event.get('session_id'))}, model {brief(event.get('model'))}")
    elif kind == "tool_use":
        yield Begun(id_, use_of(event.get("tool_name"), event.get("parameters")))
    elif kind == "tool_result":
        note = note_of(inside(event, "error", "message")) or note_of(event.get("output"))
        yield Ended(id_, event.get("status") == "success", note)
    elif kind == "message" and event.get("role") == "assistant":
        yield Said(words_of(event.get("content")), goes_on=event.get("delta") is True)
    elif kind == "error":
        yield Noted(words_of(event.get("message")))
    elif kind == "result":
        words = words_of(inside(event, "error", "message"))
        yield Noted("ended" if event.get("status") == "success" else f"failed: {words}")
