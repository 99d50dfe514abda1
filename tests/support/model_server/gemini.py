"""The Gemini API, as Gemini CLI asks it."""

import json
import re
from typing import Any

from support.model_server.conversation import Asked, Turn, directory_in, words_in
from support.model_server.reply import Refusal, Reply, new_id, waiting
from support.model_server.script import Failure, Step

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_RPC = "type.googleapis.com/google.rpc."
_OUTPUT = re.compile(r"Output: (.*?)\n(?:Process Group PGID|</untrusted_context>)", re.DOTALL)
#: What the CLI asks a small model before each prompt: which of its models is to answer.
_ROUTE = {
    "complexity_reasoning": "as scripted",
    "complexity_score": 1,
    "reasoning": "as scripted",
    "model_choice": "flash",
}


class Generate:
    """`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`."""

    def asked(self, path: str, body: dict[str, Any]) -> Asked:
        """Returns what a request asks for."""
        said = body.get("contents", [])
        functions = [
            function
            for tool in body.get("tools", [])
            for function in tool.get("functionDeclarations", [])
        ]
        return Asked(
            model=path.rpartition("/")[2].partition(":")[0],
            stream=":stream" in path,
            tools=frozenset(function.get("name", "") for function in functions),
            turns=tuple(
                _turn(part)
                for one in said
                if one.get("role") == "user"
                for part in one.get("parts", [])
            ),
            directory=directory_in(body.get("systemInstruction"), said),
        )

    def reply(self, asked: Asked, step: Step) -> Reply:
        """Returns a candidate with one part: a text or the call of a function."""
        act = asked.act(step)
        if act is None:
            part: dict[str, Any] = {"text": asked.fill(step.text or "")}
        else:
            part = {"functionCall": {"name": act[0], "args": act[1]}}
        candidate = {
            "content": {"role": "model", "parts": [part]},
            "finishReason": step.stop or "STOP",
            "index": 0,
        }
        whole = {
            "candidates": [candidate],
            "usageMetadata": {
                "promptTokenCount": step.usage[0],
                "candidatesTokenCount": step.usage[1],
                "totalTokenCount": sum(step.usage),
            },
            "modelVersion": asked.model,
            "responseId": new_id("r"),
        }
        # a stream says at its end why it ended, and what it cost
        begun = {**whole, "candidates": [{"content": candidate["content"], "index": 0}]}
        nothing = {"role": "model", "parts": [{"text": ""}]}
        ended = {**whole, "candidates": [{**candidate, "content": nothing}]}
        return Reply(whole, (("", begun), ("", ended)))

    def aside(self, asked: Asked, body: dict[str, Any]) -> Step:
        """Returns an answer to a question without tools: which model is to answer, mostly."""
        del asked
        wants_json = "json" in str(body.get("generationConfig", {}).get("responseMimeType"))
        return Step(text=json.dumps(_ROUTE) if wants_json else "A title", usage=(10, 5))

    def refuse(self, failure: Failure, now: float) -> Refusal:
        """Returns an error; a usage limit is the quota of a day."""
        del now
        details: list[dict[str, Any]] = []
        seconds = failure.retry_after if failure.reset is None else failure.reset
        if failure.reset is not None:
            quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
            details.append({"@type": _RPC + "QuotaFailure", "violations": [quota]})
        if seconds is not None:
            details.append({"@type": _RPC + "RetryInfo", "retryDelay": f"{seconds:g}s"})
        error: dict[str, Any] = {
            "code": failure.status,
            "message": failure.message,
            "status": failure.type or _STATUS.get(failure.status, "UNKNOWN"),
        }
        if details:
            error["details"] = details
        headers = waiting(failure)
        return Refusal(failure.body or {"error": error}, headers, ("", {"error": error}))


def _turn(part: dict[str, Any]) -> Turn:
    if "functionResponse" in part:
        answer = "\n".join(words_in(part["functionResponse"].get("response")))
        # a command's output stands between what Gemini CLI says of its run
        output = _OUTPUT.search(answer)
        return Turn(output[1] if output else answer, result=True)
    return Turn(part.get("text", ""))
