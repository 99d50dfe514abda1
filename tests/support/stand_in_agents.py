#!/usr/bin/env python3
"""A stand-in for Codex, Gemini CLI or opencode, whichever its name says; see `stand_in_claude`.

It speaks the language of its namesake, and carries out the lines of the prompt as the stand-in for
Claude Code does. Like the real ones it refuses options that it does not know, and writes nothing
where it is told to only read.
"""

import json
import os
import sys
from pathlib import Path

from stand_in_claude import Session, carry_out, linger, refuse, say

#: Flags, and options with a value, of each.
KNOWN = {
    "codex": (  # `resume` is a command with a value
        {"exec", "--json", "--skip-git-repo-check", "-"}
        | {"--dangerously-bypass-approvals-and-sandbox"},
        {"--sandbox", "--model", "resume"},
    ),
    "gemini": (
        {"--skip-trust"},
        {"--output-format", "--approval-mode", "--model", "--allowed-tools", "--resume"},
    ),
    "opencode": (
        {"run", "--auto", "--print-logs"},
        {"--format", "--agent", "--model", "--session", "--log-level"},
    ),
}


def main(argv):
    name = Path(argv[0]).name
    options = read_options(argv[1:], *KNOWN[name])
    may_write = {
        "codex": options.get("--sandbox") != "read-only",
        "gemini": options.get("--approval-mode") != "plan",
        "opencode": '"bash": "deny"' not in os.environ.get("OPENCODE_CONFIG_CONTENT", ""),
    }
    session = Session(next(filter(None, map(options.get, ("resume", "--resume", "--session"))), ""))
    if session.lost:
        refuse(GONE[name])
    prompt = sys.stdin.read()
    told = session.with_prompt(prompt)
    said, _, error = carry_out(told, may_write=may_write[name])
    code = LANGUAGES[name](session, "\n".join(said) or "done", error)
    linger(prompt)
    return code


def read_options(words, flags, values):
    found = {}
    rest = iter(words)
    for word in rest:
        if word in values:
            found[word] = next(rest, "")
        elif word not in flags:
            refuse(f"error: unknown option '{word}'")
    return found


def codex(session, text, error):
    say({"type": "thread.started", "thread_id": session.id})
    if error:
        say({"type": "turn.failed", "error": {"message": error}})
        return 1
    say({"type": "item.completed", "item": {"type": "agent_message", "text": text}})
    used = {"input_tokens": 1000 * session.asked, "output_tokens": 50 * session.asked}
    say({"type": "turn.completed", "usage": used})
    return 0


def gemini(session, text, error):
    say({"type": "init", "session_id": session.id})
    stats = {"input_tokens": 1000, "output_tokens": 50}
    if error:
        failed = {"type": "unknown", "message": f"[API Error: {error}]"}
        say({"type": "result", "status": "error", "error": failed, "stats": stats})
        return 1
    say({"type": "message", "role": "assistant", "content": text, "delta": True})
    say({"type": "result", "status": "success", "stats": stats})
    return 0


def opencode(session, text, error):
    if error:
        failed = {"name": "UnknownError", "data": {"message": error}}
        sys.stdout.write(
            json.dumps({"type": "error", "sessionID": session.id, "error": failed}) + "\n"
        )
        return 1
    tokens = {"input": 1000, "output": 50}
    print_lean(session, "text", {"text": text})
    print_lean(session, "step_finish", {"reason": "stop", "tokens": tokens, "cost": 0.01})
    return 0


def print_lean(session, kind, part):
    """Prints an event as opencode does: without blanks."""
    event = {"type": kind, "sessionID": session.id, "part": part}
    sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


GONE = {
    "codex": "Error: thread/resume failed: no rollout found for thread id",
    "gemini": "Error resuming session: Invalid session identifier",
    "opencode": "Error: Session not found",
}
LANGUAGES = {"codex": codex, "gemini": gemini, "opencode": opencode}

if __name__ == "__main__":
    sys.exit(main(sys.argv))
