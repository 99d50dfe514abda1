"""What Codex does, as the events of `codex exec --json` tell (0.169.0)."""

from collections.abc import Iterator, Mapping

from parallel_orchestra.agents.acts import (
    Act,
    Begun,
    Ended,
    Noted,
    Said,
    brief,
    command_of,
    note_of,
    plan_of,
    use_of,
)
from parallel_orchestra.agents.json_lines import Event, inside, whole, words_of

_KINDS = {"add": "write", "delete": "delete", "update": "edit"}


def acts_in(event: Event) -> Iterator[Act]:
    """Yields what an event tells of; what is done at once has no event for its beginning."""
    kind, item = event.get("type"), event.get("item")
    if kind == "thread.started":
        yield Noted(f"session {brief(event.get('thread_id'))}")
    elif kind == "turn.failed":
        yield Noted(f"failed: {words_of(inside(event, 'error', 'message'))}")
    elif kind == "error":
        yield Noted(words_of(event.get("message")))
    elif kind == "turn.completed":
        yield Noted("ended")
    elif isinstance(item, Mapping):
        yield from _of_item(item, words_of(kind))


def _of_item(item: Event, kind: str) -> Iterator[Act]:
    of, id_ = item.get("type"), words_of(item.get("id"))
    if of == "todo_list":
        if kind != "item.completed":  # said once more at the end of the turn
            yield Noted(f"plan {plan_of(item.get('items'))}".rstrip())
    elif kind == "item.started" and (what := _use_of(item)):
        yield Begun(id_, what)
    elif kind != "item.completed":
        return
    elif of == "agent_message":
        yield Said(words_of(item.get("text")))
    elif of == "error":
        yield Noted(words_of(item.get("message")))
    elif what := _use_of(item):
        code, failed = whole(item.get("exit_code")), inside(item, "error", "message")
        note = note_of(failed) or note_of(item.get("aggregated_output"))
        if code:
            note = f"exit code {code}{f': {note}' if note else ''}"
        ok = item.get("status", "completed") == "completed" and not (code or failed)
        yield Ended(id_, ok, note, what)


def _use_of(item: Event) -> str:
    """Returns in a few words what an item does; nothing for what is no act."""
    of = item.get("type")
    if of == "command_execution":
        return f"run {brief(command_of(item.get('command')))}"
    if of == "mcp_tool_call":
        name = f"{words_of(item.get('server'))}.{words_of(item.get('tool'))}"
        return use_of(name, item.get("arguments"))
    if of == "web_search":
        return use_of("web_search", item)
    return _change_of(item.get("changes")) if of == "file_change" else ""


def _change_of(changes: object) -> str:
    found = (
        [one for one in changes if isinstance(one, Mapping)] if isinstance(changes, list) else []
    )
    kinds = {words_of(one.get("kind")) for one in found}
    verb = _KINDS.get(kinds.pop(), "edit") if len(kinds) == 1 else "edit"
    return f"{verb} {brief(', '.join(words_of(one.get('path')) for one in found))}".rstrip()
