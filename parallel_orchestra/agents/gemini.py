"""Gemini CLI, headless: its prompt on stdin, an event a line, and at last a result.

Its exit code is the status of the failed request, modulo 256; its cost it does not say.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from parallel_orchestra.agents.acts import Act, event_of
from parallel_orchestra.agents.backend import AgentSettings, Call, Program, Sessions
from parallel_orchestra.agents.endings import cut_short, how_it_ended
from parallel_orchestra.agents.gemini_acts import acts_in
from parallel_orchestra.agents.json_lines import (
    Event,
    events,
    inside,
    number,
    parse_object,
    whole,
    without_events,
    words_of,
)
from parallel_orchestra.agents.programs import missing, path_of
from parallel_orchestra.agents.safety import modes_told
from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.signs import Sign, class_of_status, class_of_words, wait_in_words
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.agents.words import clean, one_line
from parallel_orchestra.errors import Problem
from parallel_orchestra.model import Answer, FailureClass, Task, Usage
from parallel_orchestra.process import Exit, LastWords

PROGRAM = Program("Gemini CLI", "gemini", "@google/gemini-cli", "0.61.0", "0.61.0")

#: Our worktrees are in nobody's list of trusted folders.
_HEADLESS = ("--output-format", "stream-json", "--skip-trust")
_ANYTHING = ("--approval-mode", "yolo")
_ONLY_ALLOWED = ("--approval-mode", "default")
#: It has no shell there, and writes nothing but plans, to a folder of its own.
_READ_ONLY = ("--approval-mode", "plan")
_KEPT = (b'"type":"init"',)

_LAST_WORDS = LastWords(finals=((("type", "result"),),))

#: How it speaks of a quota that it will not wait for, of which only a busy model is none.
_USED_UP = r"exhausted your \w+ quota|quota will reset after"
_TERMINAL, _BUSY = b"TerminalQuotaError", r"capacity"

#: What 0.61.0 was heard to say, where it does not pass on the service's own answer.
SIGNS: tuple[Sign, ...] = (
    (_USED_UP, FailureClass.USAGE_LIMIT),
    (r"quota|rate limit|too many requests", FailureClass.RATE_LIMITED),
    (r"auth method|api.?key|must specify the", FailureClass.AUTH),
    (r"max session turns", FailureClass.MAX_TURNS),
    (r"unknown argument|invalid values", FailureClass.PERMANENT),
)
#: Its own exit codes, and the statuses of requests, modulo 256.
_BY_CODE = {
    41: FailureClass.AUTH,
    42: FailureClass.PERMANENT,
    53: FailureClass.MAX_TURNS,
    55: FailureClass.PERMANENT,
    **{status % 256: class_of_status(status) for status in (400, 401, 402, 403, 404, 429)},
}
#: How a failure that is shown to people on stderr ends: some have their status nowhere else.
_STATUS = re.compile(rb"^  code: (\d{3}),?\n(?:  .*\n)*\}\s*\Z", re.MULTILINE)
#: What it says to everybody, on stderr.
_CHATTER = re.compile(
    rb"^(?:Warning: |YOLO mode|Ripgrep is not|\[STARTUP\]|Update your environment).*\n?",
    re.MULTILINE,
)
#: In it stands a sentence, or the service's answer; what follows is advice for people at a terminal.
_API_ERROR = re.compile(r"\[API Error: (.*?)\](?:\n|$)", re.DOTALL)


class GeminiBackend:
    """Runs Gemini CLI; a write task's agent may do everything, a read-only one's plans only."""

    name = "gemini"
    program = PROGRAM
    sessions = Sessions(("gemini", "--resume"), re.compile("Error resuming session"))
    account = (
        "HOME", "GEMINI_CLI_HOME", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GEMINI_BASE_URL",
    )  # fmt: skip
    start_gap = 0.5

    def check(self, settings: AgentSettings) -> Problem | None:
        """Returns a problem if the program is not there or not executable."""
        return missing(PROGRAM, settings)

    def mode(self, task: Task) -> tuple[str, ...]:
        """Returns its approval mode."""
        if task.read_only:
            return _READ_ONLY
        if task.permission_mode:
            return ("--approval-mode", task.permission_mode)
        # in its most permissive mode, every tool would be allowed whatever the list says
        return _ONLY_ALLOWED if task.allowed_tools else _ANYTHING

    def notices(self, settings: AgentSettings, tasks: Sequence[Task]) -> tuple[str, ...]:
        """Returns what the agents may do."""
        del settings
        return tuple(modes_told(PROGRAM.title, tasks, self.mode, (_ANYTHING,)))

    def call(self, task: Task, settings: AgentSettings, session: str = "") -> Call:
        """Returns Gemini CLI's command for this task; the prompt goes to its stdin."""
        env = surroundings(settings.environ, task.env)
        # else a second process does the work, and signals do not reach it
        env.setdefault("GEMINI_CLI_NO_RELAUNCH", "true")
        return Call(
            argv=(
                path_of(PROGRAM, env, settings),
                *_HEADLESS,
                *self.mode(task),
                *(("--resume", session) if session else ()),
                *(("--model", task.model) if task.model else ()),
                *(("--allowed-tools", ",".join(task.allowed_tools)) if task.allowed_tools else ()),
            ),
            env=env,
            secrets=secrets_of(settings.environ, task.env),
            keep=_KEPT,
            last_words=_LAST_WORDS,
        )

    def acts(self, line: str) -> tuple[Act, ...] | None:
        """Returns what an event tells of acts; what it says to everybody on stderr is none."""
        event = event_of(line)
        if event is not None:
            return tuple(acts_in(event))
        return () if _CHATTER.match(line.encode("utf-8", "replace")) else None

    def answer(
        self, task: Task, settings: AgentSettings, ended: Exit, before: Usage | None = None
    ) -> Answer:
        """Returns what it said after its last act, or why its result is an error."""
        del before  # a session that goes on counts from nothing
        told = list(events(ended.stdout_tail))
        result = next((event for event in reversed(told) if event.get("type") == "result"), None)
        said = Answer(_last_words(told), usage=_usage(result, ended))
        # events are for us: what Gemini CLI says to people stands on stderr
        plain = replace(
            ended,
            stdout_tail=without_events(ended.stdout_tail),
            stderr_tail=_CHATTER.sub(b"", ended.stderr_tail),
        )
        if (short := cut_short(task, plain, said.text, said.usage)) is not None:
            return short
        if result is not None and result.get("status") == "success" and ended.code == 0:
            return said
        if result is None and ended.code == 0:
            reason = "ended with exit code 0 but printed no result"
            return replace(said, failure=FailureClass.TRANSIENT, reason=reason)
        words = words_of(inside(result, "error", "message")) or how_it_ended(plain)
        found = _API_ERROR.match(words)
        words = found[1] if found else words
        answered = inside(parse_object(words), "error")
        sentence = words_of(inside(answered, "message")) or words
        status = number(inside(answered, "code"))
        if status is None and (shown := _STATUS.search(ended.stderr_tail)):
            status = float(shown[1])
        return replace(
            said,
            failure=_class_of(sentence, status, ended),
            reason=one_line(sentence) or how_it_ended(plain),
            retry_after=wait_in_words(sentence, settings.clock(), settings.environ),
        )


def _class_of(words: str, status: float | None, ended: Exit) -> FailureClass:
    """Returns what the status means, or the words, or where they say nothing the exit code."""
    terminal = _TERMINAL in ended.stderr_tail and not re.search(_BUSY, words, re.IGNORECASE)
    if terminal or re.search(_USED_UP, words, re.IGNORECASE):
        return FailureClass.USAGE_LIMIT
    found = class_of_status(status) or class_of_words(words, SIGNS)
    by_code = _BY_CODE.get(ended.code or 0)
    return by_code if found is FailureClass.TRANSIENT and status is None and by_code else found


def _last_words(told: list[Event]) -> str:
    """Returns what was said to the user since the last act."""
    pieces: list[str] = []
    for event in told:
        if event.get("type") in ("tool_use", "tool_result"):
            pieces.clear()
        elif event.get("type") == "message" and event.get("role") == "assistant":
            pieces.append(words_of(event.get("content")))
    return clean("".join(pieces))


def _usage(result: Event | None, ended: Exit) -> Usage:
    sessions = [
        words_of(event.get("session_id"))
        for event in events(ended.kept or ended.stdout_tail)
        if event.get("type") == "init"
    ]
    return Usage(
        input_tokens=whole(inside(result, "stats", "input_tokens")),
        output_tokens=whole(inside(result, "stats", "output_tokens")),
        session=next(filter(None, sessions), ""),
    )
