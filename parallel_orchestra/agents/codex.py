"""Codex, headless: `codex exec --json` with the prompt on stdin, an event a line.

It says what failed only in words; its cost it does not say at all. For how long it sleeps before it
asks again stands in its log.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from parallel_orchestra.agents.acts import Act, acts_by
from parallel_orchestra.agents.backend import AgentSettings, Call, Program, Sessions
from parallel_orchestra.agents.codex_acts import acts_in
from parallel_orchestra.agents.endings import cut_short, how_it_ended
from parallel_orchestra.agents.json_lines import (
    events,
    inside,
    parse_object,
    total,
    without_events,
    words_of,
)
from parallel_orchestra.agents.programs import missing, path_of
from parallel_orchestra.agents.safety import modes_told
from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.signs import Sign, class_of_words, wait_in_words
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.agents.words import clean, one_line
from parallel_orchestra.errors import Problem
from parallel_orchestra.model import Answer, FailureClass, Task, Usage
from parallel_orchestra.process import DeadEnd, Ending, Exit, LastWords

PROGRAM = Program("Codex", "codex", "@openai/codex", "0.169.0", "0.169.0")

_HEADLESS = ("exec", "--json", "--skip-git-repo-check")
_ANYTHING = ("--dangerously-bypass-approvals-and-sandbox",)
_FREE = (_ANYTHING, ("--sandbox", "danger-full-access"))
#: The kernel holds it: a command that looks runs, one that writes fails.
_READ_ONLY = ("--sandbox", "read-only")
#: Which events are kept, however much comes after them.
_KEPT = (b'"thread.started"', b'"turn.completed"')

#: A call of it is one turn.
_LAST_WORDS = LastWords(finals=((("type", "turn.completed"),), (("type", "turn.failed"),)))

#: Makes its log say, on stderr, when it asks again; errors it would tell anyway.
_LOG = ("RUST_LOG", "error,codex_core::responses_retry=warn")
_AGAIN = rb"^\S+ +WARN codex_core::responses_retry: [^(]*\(\d+/\d+ in "
#: It sleeps for as long as the service says, hours too, and waits for the network for ever: it says
#: so again and again, three times in about half a minute.
_DEAD_ENDS = (
    DeadEnd(_AGAIN + rb"(?:[3-9]\d|\d{3,})(?:\.\d+)?s\)"),
    DeadEnd(
        rb'^{"type":"error","message":"Reconnecting\.\.\. waiting for network',
        stdout=True,
        times=3,
        onward=b'{"type":"item.',
    ),
)
_SLEEP = re.compile(_AGAIN + rb"(\d+(?:\.\d+)?)s\).*?\bsampling_error=(.*)$", re.MULTILINE)

#: What 0.169.0 was heard to say. It gives the status of an answer, or else a sentence of its own.
SIGNS: tuple[Sign, ...] = (
    (r"hit your usage limit", FailureClass.USAGE_LIMIT),
    (r"quota exceeded|check your plan and billing", FailureClass.AUTH),
    (r"status:? 40[123]\b|missing environment variable|codex login", FailureClass.AUTH),
    (r"\b429\b|too many requests|rate limit", FailureClass.RATE_LIMITED),
    (r"ran out of room|context window", FailureClass.PERMANENT),
    (r"status:? 40[89]\b", FailureClass.TRANSIENT),
    (r"status:? 4\d\d\b|not inside a trusted directory", FailureClass.PERMANENT),
)
#: Wrong usage, as its library for options has it.
_USAGE = 2


class CodexBackend:
    """Runs Codex; a write task's agent without its sandbox, a read-only one's in it."""

    name = "codex"
    program = PROGRAM
    sessions = Sessions(("codex", "resume"), re.compile("no rollout found|thread/resume"))
    account = ("HOME", "CODEX_HOME", "CODEX_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL")
    start_gap = 0.25

    def check(self, settings: AgentSettings) -> Problem | None:
        """Returns a problem if the program is not there or not executable."""
        return missing(PROGRAM, settings)

    def mode(self, task: Task) -> tuple[str, ...]:
        """Returns its sandbox, or that there is none."""
        if task.read_only:
            return _READ_ONLY
        return ("--sandbox", task.permission_mode) if task.permission_mode else _ANYTHING

    def notices(self, settings: AgentSettings, tasks: Sequence[Task]) -> tuple[str, ...]:
        """Returns what the agents may do."""
        del settings
        return tuple(modes_told(PROGRAM.title, tasks, self.mode, _FREE))

    def call(self, task: Task, settings: AgentSettings, session: str = "") -> Call:
        """Returns Codex's command for this task; the prompt goes to its stdin."""
        env = surroundings(settings.environ, task.env)
        env.setdefault(*_LOG)
        return Call(
            argv=(
                path_of(PROGRAM, env, settings),
                *_HEADLESS,
                *self.mode(task),
                *(("--model", task.model) if task.model else ()),
                *(("resume", session) if session else ()),
                "-",
            ),
            env=env,
            secrets=secrets_of(settings.environ, task.env),
            keep=_KEPT,
            last_words=_LAST_WORDS,
            dead_ends=_DEAD_ENDS,
        )

    def acts(self, line: str) -> tuple[Act, ...] | None:
        """Returns what an event tells of acts."""
        return acts_by(acts_in, line)

    def answer(
        self, task: Task, settings: AgentSettings, ended: Exit, before: Usage | None = None
    ) -> Answer:
        """Returns its last message, or the sentence with which its turn failed."""
        used = _usage(ended)
        # what 0.169.0 counts is the whole session, since it began
        used = used.since(before) if before else used
        said = Answer(_last_message(ended.stdout_tail), usage=used)
        # events are for us: what Codex says to people stands on stderr
        plain = replace(ended, stdout_tail=without_events(ended.stdout_tail))
        if ended.ending is Ending.DEAD_END:
            return _given_up(said, ended)
        if (short := cut_short(task, plain, said.text, said.usage)) is not None:
            return short
        failed = _failure(ended.stdout_tail)
        if not failed and ended.code == 0:
            if _ended_its_turn(ended):
                return said
            reason = "ended with exit code 0 but its turn did not end"
            return replace(said, failure=FailureClass.TRANSIENT, reason=reason)
        words = _message_of(failed) if failed else how_it_ended(plain)
        return replace(
            said,
            failure=_class_of(failed or words, ended),
            reason=one_line(words) or how_it_ended(plain),
            retry_after=wait_in_words(words, settings.clock(), settings.environ),
        )


def _given_up(said: Answer, ended: Exit) -> Answer:
    """Returns what it waited for, and for how long it would have."""
    sleeps = _SLEEP.findall(ended.stderr_tail)
    if not sleeps:
        troubles = [words_of(one.get("message")) for one in events(ended.stdout_tail)]
        words = next(filter(None, reversed(troubles)), "its service can't be reached")
        return replace(said, failure=FailureClass.TRANSIENT, reason=one_line(words))
    seconds, words = sleeps[-1][0], sleeps[-1][1].decode("utf-8", "replace")
    return replace(
        said,
        failure=class_of_words(words, SIGNS),
        reason=one_line(words),
        retry_after=float(seconds),
    )


def _class_of(words: str, ended: Exit) -> FailureClass:
    # a request that the service called wrong: its answer, which is JSON, is passed on as it is
    if parse_object(words) is not None or ended.code == _USAGE:
        return FailureClass.PERMANENT
    return class_of_words(words, SIGNS)


def _message_of(failed: str) -> str:
    """Returns the words in a message that may be the whole body of an answer."""
    body = parse_object(failed)
    return words_of(inside(body, "error", "message")) or failed


def _last_message(output: bytes) -> str:
    """Returns what the agent said last; if it said nothing, the last trouble that it had."""
    messages, troubles = [""], [""]
    for event in events(output):
        if inside(event, "item", "type") == "agent_message":
            messages.append(words_of(inside(event, "item", "text")))
        elif event.get("type") == "error":
            troubles.append(words_of(event.get("message")))
    return clean(messages[-1] or troubles[-1])


def _failure(output: bytes) -> str:
    """Returns the words of the failure that ended the turn; empty if none did."""
    failed = ""
    for event in events(output):
        kind = event.get("type")
        if kind == "turn.failed":
            failed = words_of(inside(event, "error", "message")) or "its turn failed"
        elif kind == "turn.completed":
            failed = ""
    return failed


def _ended_its_turn(ended: Exit) -> bool:
    output = ended.kept or ended.stdout_tail
    return any(event.get("type") == "turn.completed" for event in events(output))


def _usage(ended: Exit) -> Usage:
    """Returns the tokens of all turns, and the thread, by which the session can be resumed."""
    told = list(events(ended.kept or ended.stdout_tail))
    turns = [event.get("usage") for event in told if event.get("type") == "turn.completed"]
    read = total(inside(turn, "input_tokens") for turn in turns)
    written = total(inside(turn, "output_tokens") for turn in turns)
    threads = [words_of(event.get("thread_id")) for event in told]
    return Usage(
        input_tokens=None if read is None else int(read),
        output_tokens=None if written is None else int(written),
        session=next(filter(None, threads), ""),
    )
