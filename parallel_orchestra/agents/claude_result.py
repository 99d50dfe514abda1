"""Finds the result in what Claude Code printed, and what it says about cost and tokens.

Three forms are known: a stream of JSON lines whose last `result` line counts (a background task
that wakes the agent up makes it print several), one JSON object (`--output-format json`), and
an array of all events (the same with `--verbose`). Every field is optional and of any type:
versions differ (2.1.197 and 2.1.329 were looked at), and so do programs that speak the same.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from parallel_orchestra.agents.json_lines import Event, number, parse_object, words_of
from parallel_orchestra.agents.words import clean
from parallel_orchestra.model import Usage


def find_result(stdout: bytes) -> Event | None:
    """Returns the last result in the output, or None."""
    for event in _events_backwards(stdout, b'"result"'):
        if event.get("type") == "result":
            return event
    return _result_in_document(stdout)


def find_session(stdout: bytes) -> str:
    """Returns the session of an output, which all of its events name; empty if none does."""
    for event in _events_backwards(stdout, b'"session_id"'):
        if session := words_of(event.get("session_id")):
            return session
    return ""


def find_reset(stdout: bytes) -> float | None:
    """Returns when the usage limit that stopped the agent ends (epoch seconds), if it said so."""
    for event in _events_backwards(stdout, b'"rate_limit_event"'):
        limits = event.get("rate_limit_info")
        if isinstance(limits, Mapping) and limits.get("status") == "rejected":
            return number(limits.get("resetsAt"))
    return None


def without_events(stdout: bytes) -> bytes:
    """Returns what of the output is meant for people: the lines that are no events.

    A last line that was cut off in the middle counts as an event too.
    """
    return b"\n".join(line for line in stdout.split(b"\n") if not _is_event(line.strip()))


def usage_of(result: Event) -> Usage:
    """Returns cost, tokens, turns and session of a result.

    Tokens are summed over `modelUsage`: `usage` leaves out sub-agents and all but the last of
    several results. Input tokens include those read from and written to the cache.
    """
    session = result.get("session_id")
    turns = number(result.get("num_turns"))
    by_model = result.get("modelUsage")
    models = list(by_model.values()) if isinstance(by_model, Mapping) else []
    if models:
        read = _total(models, "inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
        written = _total(models, "outputTokens")
    else:
        last = [result.get("usage")]
        read = _total(
            last, "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"
        )
        written = _total(last, "output_tokens")
    return Usage(
        cost_usd=number(result.get("total_cost_usd")),
        input_tokens=read,
        output_tokens=written,
        turns=None if turns is None else int(turns),
        session=session if isinstance(session, str) else "",
    )


def usage_since(result: Event, told: Usage, before: Usage) -> Usage:
    """Returns what was used since a session was gone on with, of what its result `told`.

    2.1.329 tells cost and tokens of the whole session, 2.1.197 of the run: it is the session's if
    what it had used `before` and what `usage` says of this run fit into it. Where that can't be
    told, it is taken for the run's: rather too much than too little.
    """
    last = [result.get("usage")]
    read = _total(last, "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    written = _total(last, "output_tokens")
    for all_of_it, earlier, now in (
        (told.cost_usd, before.cost_usd, 0.0),
        (told.input_tokens, before.input_tokens, read),
        (told.output_tokens, before.output_tokens, written),
    ):
        if all_of_it is None or earlier is None or now is None:
            return told
        # money is a sum of fractions
        if all_of_it < earlier + now - 1e-9:
            return told
    return told.since(before)


def is_error(result: Event) -> bool:
    """Returns whether a result tells of a failure.

    Either sign is enough: an API error has the subtype `success`, and an interrupted run may
    have no `is_error`.
    """
    return result.get("is_error") is True or result.get("subtype", "success") != "success"


def words_of_result(result: Event) -> str:
    """Returns the agent's answer, made safe to show; empty if it has none."""
    return clean(words_of(result.get("result")))


def words_of_error(result: Event) -> str:
    """Returns what a result without an answer says of the failure; empty if it says nothing."""
    errors = result.get("errors")
    said = "; ".join(filter(None, map(words_of, errors))) if isinstance(errors, list) else ""
    return said or words_of(result.get("terminal_reason"))


def _events_backwards(stdout: bytes, marker: bytes) -> Iterator[Event]:
    """Yields the JSON lines that hold the marker, the last one first; lines are not copied."""
    end = len(stdout)
    while (found := stdout.rfind(marker, 0, end)) >= 0:
        start = stdout.rfind(b"\n", 0, found) + 1
        stop = stdout.find(b"\n", found)
        line = stdout[start : stop if stop >= 0 else len(stdout)].strip()
        if line.startswith(b"{") and (event := parse_object(line)) is not None:
            yield event
        end = start


def _is_event(line: bytes) -> bool:
    if line.startswith(b'{"type":'):
        return True
    # the order of keys differs between versions
    event = parse_object(line) if line.startswith(b"{") and b'"type"' in line else None
    return event is not None and "type" in event


def _result_in_document(stdout: bytes) -> Event | None:
    """Returns the result of an output that is one JSON value, on one line or on many."""
    text = stdout.decode(errors="replace")
    # warnings may stand before it: the value begins with the first line that opens one
    starts = (at for at in (_line_that_opens(text, "{"), _line_that_opens(text, "[")) if at >= 0)
    for start in sorted(starts):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        events = value if isinstance(value, list) else [value]
        for event in reversed(events):
            if isinstance(event, dict) and event.get("type") == "result":
                return event
    return None


def _line_that_opens(text: str, bracket: str) -> int:
    if text.startswith(bracket):
        return 0
    found = text.find("\n" + bracket)
    return found + 1 if found >= 0 else -1


def _total(counts: list[Any], *fields: str) -> int | None:
    """Returns the sum of these fields over all counts; None if not one of them is there."""
    found = [
        value
        for count in counts
        if isinstance(count, Mapping)
        for field in fields
        if (value := number(count.get(field))) is not None
    ]
    return int(sum(found)) if found else None
