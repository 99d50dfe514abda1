"""The OpenAI Responses API, as Codex asks it."""

import json
from typing import Any

from support.model_server.conversation import Asked, Turn, directory_in, words_in
from support.model_server.reply import Event, Refusal, Reply, new_id, waiting
from support.model_server.script import Failure, Step

_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded", 500: "server_error"}


class Responses:
    """`POST /v1/responses`."""

    def asked(self, path: str, body: dict[str, Any]) -> Asked:
        """Returns what a request asks for."""
        del path
        said = body.get("input", [])
        if isinstance(said, str):
            said = [{"role": "user", "content": said}]
        tools = body.get("tools", [])
        return Asked(
            model=body.get("model", ""),
            stream=bool(body.get("stream")),
            tools=frozenset(tool.get("name") or tool.get("type", "") for tool in tools),
            turns=tuple(turn for one in said for turn in _turns(one)),
            directory=directory_in(body.get("instructions"), said),
        )

    def reply(self, asked: Asked, step: Step) -> Reply:
        """Returns a response with one item: a message or the call of a function."""
        act = asked.act(step)
        if act is None:
            text = asked.fill(step.text or "")
            part = {"type": "output_text", "text": text, "annotations": []}
            item: dict[str, Any] = {
                "type": "message",
                "id": new_id("msg"),
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
        else:
            item = {
                "type": "function_call",
                "id": new_id("fc"),
                "call_id": new_id("call"),
                "name": act[0],
                "arguments": json.dumps(act[1]),
                "status": "completed",
            }
        response = {
            "id": new_id("resp"),
            "object": "response",
            "created_at": 0,
            "model": asked.model,
            "status": "completed",
            "output": [item],
            "usage": {
                "input_tokens": step.usage[0],
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": step.usage[1],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": sum(step.usage),
            },
        }
        return Reply(response, tuple(_events(response, item)))

    def aside(self, asked: Asked, body: dict[str, Any]) -> Step:
        """Returns an answer to a question without tools."""
        del asked, body
        return Step(text="A title", usage=(10, 5))

    def refuse(self, failure: Failure, now: float) -> Refusal:
        """Returns an error; a usage limit is one of a plan, and told in the body."""
        kind = failure.type or _CODES.get(failure.status)
        error = {"message": failure.message, "type": kind, "param": None, "code": kind}
        if failure.reset is not None:
            seconds = int(failure.reset)
            error |= {
                "type": "usage_limit_reached",
                "plan_type": "plus",
                "resets_at": int(now) + seconds,
                "resets_in_seconds": seconds,
            }
        failed = {
            "id": new_id("resp"),
            "object": "response",
            "status": "failed",
            "error": {"code": kind, "message": failure.message},
            "output": [],
        }
        event = ("response.failed", {"type": "response.failed", "response": failed})
        return Refusal(failure.body or {"error": error}, waiting(failure), event)


def _turns(one: dict[str, Any]) -> list[Turn]:
    if str(one.get("type", "")).endswith("_output"):
        # a command's output stands below what Codex says of its run
        output = "\n".join(words_in(one.get("output"))).rpartition("\nOutput:\n")[2]
        return [Turn(output, result=True)]
    if one.get("role") != "user":
        return []
    return [Turn(text) for text in words_in(one.get("content"))]


def _events(response: dict[str, Any], item: dict[str, Any]) -> list[Event]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    empty = {"arguments": ""} if item["type"] == "function_call" else {"content": []}
    added = {**item, "status": "in_progress", **empty}
    data: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": added},
    ]
    if item["type"] == "message":
        data.append({
            "type": "response.output_text.delta",
            "item_id": item["id"],
            "output_index": 0,
            "content_index": 0,
            "delta": item["content"][0]["text"],
        })  # fmt: skip
    data += [
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]
    return [(one["type"], one) for one in data]
