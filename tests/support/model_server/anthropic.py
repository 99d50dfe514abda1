"""The Anthropic Messages API, as Claude Code and opencode ask it."""

import json
from typing import Any

from support.model_server.conversation import Asked, Turn, directory_in, words_in
from support.model_server.reply import Event, Refusal, Reply, new_id, waiting
from support.model_server.script import Failure, Step

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class Messages:
    """`POST /v1/messages`."""

    def asked(self, path: str, body: dict[str, Any]) -> Asked:
        """Returns what a request asks for."""
        del path
        messages = body.get("messages", [])
        turns = [
            turn
            for message in messages
            if message.get("role") == "user"
            for turn in _turns(message.get("content"))
        ]
        return Asked(
            model=body.get("model", ""),
            stream=bool(body.get("stream")),
            tools=frozenset(tool.get("name", "") for tool in body.get("tools", [])),
            turns=tuple(turns),
            directory=directory_in(body.get("system"), messages),
        )

    def reply(self, asked: Asked, step: Step) -> Reply:
        """Returns a message with a text or the use of a tool, and before it what the model thinks."""
        act = asked.act(step)
        if act is None:
            block: dict[str, Any] = {"type": "text", "text": asked.fill(step.text or "")}
        else:
            block = {"type": "tool_use", "id": new_id("toolu"), "name": act[0], "input": act[1]}
        thought = {"type": "thinking", "thinking": step.think, "signature": "c2lnbmF0dXJl"}
        blocks = [thought, block] if step.think else [block]
        message = {
            "id": new_id("msg"),
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "content": blocks,
            "stop_reason": step.stop or ("tool_use" if act else "end_turn"),
            "stop_sequence": None,
            "usage": {
                "input_tokens": step.usage[0],
                "output_tokens": step.usage[1],
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
            },
        }
        return Reply(message, tuple(_events(message, blocks)))

    def aside(self, asked: Asked, body: dict[str, Any]) -> Step:
        """Returns an answer to a question without tools: a title, mostly."""
        del asked, body
        return Step(text="A title", usage=(10, 5))

    def refuse(self, failure: Failure, now: float) -> Refusal:
        """Returns an error; a usage limit is one of a subscription, and told in headers."""
        kind = failure.type or _TYPES.get(failure.status, "api_error")
        body = {
            "type": "error",
            "error": {"type": kind, "message": failure.message},
            "request_id": new_id("req"),
        }
        headers = waiting(failure)
        if failure.reset is not None:
            until = str(int(now + failure.reset))
            headers |= {
                "anthropic-ratelimit-unified-status": "rejected",
                "anthropic-ratelimit-unified-reset": until,
                "anthropic-ratelimit-unified-representative-claim": "five_hour",
                "anthropic-ratelimit-unified-overage-status": "rejected",
                "anthropic-ratelimit-unified-5h-utilization": "1.0",
                "anthropic-ratelimit-unified-5h-reset": until,
            }
        return Refusal(failure.body or body, headers, ("error", body))


def _turns(content: Any) -> list[Turn]:
    if isinstance(content, str):
        return [Turn(content)]
    return [
        Turn("\n".join(words_in(part.get("content"))), result=True)
        if part.get("type") == "tool_result"
        else Turn(part.get("text", ""))
        for part in content or []
    ]


def _events(message: dict[str, Any], blocks: list[dict[str, Any]]) -> list[Event]:
    usage = message["usage"]
    start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    data: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "ping"},
        *(one for index, block in enumerate(blocks) for one in _told(index, block)),
        {"type": "message_delta", "delta": end, "usage": usage},
        {"type": "message_stop"},
    ]
    return [(str(one["type"]), one) for one in data]


def _told(index: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the events of one block."""
    if block["type"] == "text":
        empty, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": block["text"]}]
    elif block["type"] == "thinking":
        empty = {**block, "thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    else:
        empty = {**block, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]
