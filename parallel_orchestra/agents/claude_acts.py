"""What Claude Code does, as its events tell (2.1.329; those of 2.1.197 are the same)."""

import re
from collections.abc import Iterator, Mapping

from parallel_orchestra.agents.acts import Act, Begun, Ended, Noted, Said, brief, note_of, use_of
from parallel_orchestra.agents.json_lines import Event, inside, number, whole, words_of

_TAGS = re.compile(r"</?tool_use_error>")
#: Characters of what a tool came back with that are looked at.
_MOST = 4096


def acts_in(event: Event) -> Iterator[Act]:
    """Yields what an event tells of; thoughts are for the model, not for people."""
    kind = event.get("type")
    if kind in ("assistant", "user"):
        content = inside(event, "message", "content")
        inner = bool(event.get("parent_tool_use_id"))
        for block in content if isinstance(content, list) else ():
            if isinstance(block, Mapping):
                yield from _of_block(block, inner=inner, its_own=kind == "assistant")
    elif kind == "system":
        yield from _of_system(event)
    elif kind == "rate_limit_event":
        status = brief(inside(event, "rate_limit_info", "status"))
        if status not in ("", "allowed"):
            yield Noted(f"usage limit: {status.replace('_', ' ')}")
    elif kind == "result":
        yield Noted(_end(event))


def _of_block(block: Event, *, inner: bool, its_own: bool) -> Iterator[Act]:
    kind = block.get("type")
    if kind == "tool_use":
        what = use_of(block.get("name"), block.get("input"))
        yield Begun(words_of(block.get("id")), what, inner)
    elif kind == "tool_result":
        content = block.get("content")
        note = note_of(_TAGS.sub("", content[:_MOST]) if isinstance(content, str) else content)
        ok = block.get("is_error") is not True
        yield Ended(words_of(block.get("tool_use_id")), ok, note, inner=inner)
    elif kind == "text" and its_own:
        yield Said(words_of(block.get("text")), inner=inner)


def _of_system(event: Event) -> Iterator[Act]:
    kind = event.get("subtype")
    if kind == "init":
        yield Noted(f"session {brief(event.get('session_id'))}, model {brief(event.get('model'))}")
    elif kind == "api_retry":
        why = whole(event.get("error_status")) or brief(event.get("error"))
        tries = f"{whole(event.get('attempt'))} of {whole(event.get('max_retries'))}"
        yield Noted(f"the service did not answer ({why}): asks again, {tries}")
    elif kind == "compact_boundary":
        yield Noted("its conversation was made shorter")


def _end(event: Event) -> str:
    turns, cost = whole(event.get("num_turns")), number(event.get("total_cost_usd"))
    parts = [f"{turns} turn{'' if turns == 1 else 's'}"] if turns is not None else []
    parts += [f"{cost:.2f} USD"] if cost is not None else []
    how = f" after {', '.join(parts)}" if parts else ""
    if event.get("is_error") is True or event.get("subtype", "success") != "success":
        why = brief(event.get("result")) or brief(event.get("subtype")).replace("_", " ")
        return f"failed{how}: {why}"
    return f"ended{how}"
