#!/usr/bin/env python3
# ruff: noqa: T201 (its answer goes to stdout, as in the real one)
"""A stand-in for Claude Code: same options, same JSON, but it does what the prompt's lines say.

Give its path as `--claude-exe`. It reads the prompt on stdin and carries out, in its working
directory and in their order, the lines that begin with one of these words (all others are
ignored, so the lines may stand anywhere in a longer prompt):

    WRITE path text     writes the file (folders are made); a `\\n` in the text is a line's end
    APPEND path text    the same, at the file's end, plus a line's end
    PRINT text          adds a line to the answer
    SLEEP seconds       as long as it takes
    EXIT code           ends at once, without a result, like a crash
    FAIL message        ends with an error result
    FAIL_BEFORE n text  the same, but only as long as PO_ATTEMPT is less than n
    LINGER seconds      does not end for so long after its result
    FORGET              its session is gone afterwards

A session that goes on (`--resume`) does what all of its prompts say, the first one first, in the
directory that it was begun in; it lies in HOME.

Like the real one it refuses unknown options, `stream-json` without `--verbose`, and skipped
permissions for root without IS_SANDBOX=1; and it may not write in any other permission mode
than the skipped one: the refusals are listed in the result, the exit code stays 0.
"""

import json
import os
import sys
import time
import uuid
from pathlib import Path

MODEL = "stand-in-model"
#: Options with a value; all others are flags.
VALUES = {
    "--output-format": "text",
    "--permission-mode": "default",
    "--agent": "",
    "--model": "",
    "--resume": "",
}
FLAGS = {"-p", "--print", "--verbose", "--dangerously-skip-permissions"}


def main(argv):
    options = read_options(argv)
    if options["--output-format"] == "stream-json" and "--verbose" not in options:
        refuse("Error: When using --print, --output-format=stream-json requires --verbose")
    skips = "--dangerously-skip-permissions" in options
    if skips and os.geteuid() == 0 and os.environ.get("IS_SANDBOX") != "1":
        refuse(
            "--dangerously-skip-permissions cannot be used with root/sudo privileges"
            " for security reasons"
        )
    prompt = sys.stdin.read()
    if not prompt.strip():
        refuse("Error: Input must be provided either through stdin or as a prompt argument")
    session = Session(options["--resume"])
    if session.lost:
        refuse(f"No conversation found with session ID: {session.id}")
    mode = "bypassPermissions" if skips else options["--permission-mode"]
    if options["--output-format"] == "stream-json":
        say({"type": "system", "subtype": "init", "permissionMode": mode, "session_id": session.id})
    said, denied, error = carry_out(session.with_prompt(prompt), may_write=skips)
    code = finish(options, session, said, denied, error)
    linger(prompt)
    return code


class Session:
    """What an agent remembers: its prompts, its directory, and how often it was asked."""

    def __init__(self, known):
        self.id = known or str(uuid.uuid4())
        folder = Path(os.environ.get("HOME", "/nowhere")) / ".stand-in"
        self._file = folder / f"{self.id}.json"
        self.lost = bool(known) and not self._file.exists()
        before = json.loads(self._file.read_text()) if known and not self.lost else {}
        self.prompts = before.get("prompts", [])
        self.place = before.get("place", str(Path.cwd()))
        #: What it has used before counts in what it tells: so do Claude Code and Codex.
        self.asked = len(self.prompts) + 1

    def with_prompt(self, prompt):
        """Returns all it was ever told; it works where it began, as Claude Code does."""
        told = [*self.prompts, prompt]
        if "FORGET" not in prompt.split() and self._file.parent.parent.is_dir():
            self._file.parent.mkdir(exist_ok=True)
            self._file.write_text(json.dumps({"prompts": told, "place": self.place}))
        os.chdir(self.place)
        return "\n".join(told)


def read_options(argv):
    options = dict(VALUES)
    rest = iter(argv)
    for word in rest:
        if word in VALUES:
            options[word] = next(rest, "")
        elif word in FLAGS:
            options[word] = True
        else:
            refuse(f"error: unknown option '{word}'")
    return options


def carry_out(prompt, *, may_write):
    """Returns the answer's lines, the refused tools and the error's message."""
    said, denied = [], []
    for line in prompt.splitlines():
        word, _, rest = line.strip().partition(" ")
        first, _, text = rest.partition(" ")
        if word in ("WRITE", "APPEND") and not may_write:
            denied.append({"tool_name": "Write", "tool_input": {"file_path": first}})
        elif word == "WRITE":
            write(first, text.replace("\\n", "\n"), "w")
        elif word == "APPEND":
            write(first, text.replace("\\n", "\n") + "\n", "a")
        elif word == "PRINT":
            said.append(rest)
        elif word == "SLEEP":
            time.sleep(float(rest))
        elif word == "EXIT":
            sys.exit(int(rest))
        elif word == "FAIL":
            return said, denied, rest
        elif word == "FAIL_BEFORE" and int(os.environ.get("PO_ATTEMPT", "1")) < int(first):
            return said, denied, text
    return said, denied, ""


def write(path, text, how):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open(how, encoding="utf-8") as file:
        file.write(text)


def finish(options, session, said, denied, error):
    text = error or "\n".join(said) or "done"
    if options["--output-format"] == "text":
        print(text)
    else:
        say({
            "type": "result", "subtype": "success", "is_error": bool(error),
            "result": text, "session_id": session.id, "num_turns": 1,
            "total_cost_usd": 0.01 * session.asked,
            "usage": {"input_tokens": 1000, "output_tokens": 50},
            "modelUsage": {
                MODEL: {
                    "inputTokens": 1000 * session.asked,
                    "outputTokens": 50 * session.asked,
                    "costUSD": 0.01 * session.asked,
                }
            },
            "permission_denials": denied,
        })  # fmt: skip
    return 1 if error else 0


def linger(prompt):
    sys.stdout.flush()
    for line in prompt.splitlines():
        if line.startswith("LINGER "):
            time.sleep(float(line.removeprefix("LINGER ")))


def say(event):
    print(json.dumps(event), flush=True)


def refuse(message):
    print(message, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
