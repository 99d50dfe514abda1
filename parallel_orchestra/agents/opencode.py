"""opencode, headless: `opencode run --format json` with the prompt on stdin, an event a line.

It prints no result: cost and tokens are the sum over its steps. Of a failed request it tells
status and headers, but of one that it means to try again it tells only its log.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from parallel_orchestra.agents.accounts import HOMES, KEYS
from parallel_orchestra.agents.acts import Act, acts_by
from parallel_orchestra.agents.backend import AgentSettings, Call, Program, Sessions
from parallel_orchestra.agents.endings import cut_short, how_it_ended
from parallel_orchestra.agents.json_lines import (
    Event,
    events,
    inside,
    number,
    parse_object,
    total,
    without_events,
    words_of,
)
from parallel_orchestra.agents.opencode_acts import acts_in
from parallel_orchestra.agents.programs import missing, path_of
from parallel_orchestra.agents.safety import modes_told
from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.signs import Sign, class_of_status, class_of_words, wait_in_words
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.agents.words import clean, one_line
from parallel_orchestra.errors import Problem
from parallel_orchestra.model import Answer, FailureClass, Task, Usage
from parallel_orchestra.process import DeadEnd, Ending, Exit, LastWords

PROGRAM = Program("opencode", "opencode", "opencode-ai", "1.18.33", "1.18.33")

_HEADLESS = ("run", "--format", "json")
#: Of a service that refuses it, it tells nothing else while it waits.
_LOG = ("--print-logs", "--log-level", "ERROR")
_ANYTHING = ("--auto",)
#: The agent that it takes if none is named.
_DEFAULT_AGENT = "build"
#: Its plan agent lets the shell write files, and what a user's configuration allows an agent goes
#: before OPENCODE_PERMISSION. So that agent itself is denied the tools: it then has not got them.
_DENIED = {"edit": "deny", "bash": "deny", "task": "deny"}
_CONFIG = "OPENCODE_CONFIG_CONTENT"
_KEPT = (b'"type":"step_finish"',)

#: A step that calls no tool is the last one, but where the conversation was made shorter: then it
#: goes on, which shows only once the model answers.
_LAST_WORDS = LastWords(finals=((("type", "step_finish"), ("part.reason", "stop")),), grace=60.0)

#: What its log says of a request that failed, but for those by which it names a session: of those
#: nothing hangs.
_REFUSED = (
    rb'^timestamp=\S+ level=ERROR \S+ message="stream error" [^"\n]*\bsmall=false [^"\n]*%s'
    rb'error\.error="(?:AI_\w+: )?'
)
_ANY_REFUSED = _REFUSED % b""
#: Of what it has begun besides it tells nothing, so that its silence after it says nothing.
_MAIN_REFUSED = _REFUSED % rb"\bmode=primary "
#: It sleeps for as long as the service says, for hours too. By itself it waits for 2, 4, 8, 16 and
#: 30 s. A conversation that is too long it makes shorter and asks again, for ever if that does not
#: help.
_DEAD_ENDS = (
    DeadEnd(_ANY_REFUSED + rb'[^"\n]*(?i:usage limit)'),
    DeadEnd(
        _MAIN_REFUSED + rb'[^"\n]*(?i:prompt is too long|context (?:length|window))',
        times=3,
        onward=b'"type":"tool_use"',
    ),
    DeadEnd(_MAIN_REFUSED, patience=45.0),
)

#: What 1.18.33 was heard to say; they go before the status of the answer.
SIGNS: tuple[Sign, ...] = (
    (r"credit balance|billing|insufficient_quota|api.?key", FailureClass.AUTH),
    (r"prompt is too long|context (length|window)", FailureClass.PERMANENT),
    (r"usage limit", FailureClass.USAGE_LIMIT),
    (r"rate.?limit|too many requests", FailureClass.RATE_LIMITED),
    (r"model not found|unknown argument", FailureClass.PERMANENT),
)


class OpencodeBackend:
    """Runs opencode; a write task's agent may do what its configuration does not forbid."""

    name = "opencode"
    program = PROGRAM
    sessions = Sessions(
        ("opencode", "--session"), re.compile("session not found|invalid session", re.IGNORECASE)
    )
    #: It knows dozens of providers, each with a key of its own.
    account = (*HOMES, "OPENCODE_CONFIG", "OPENCODE_CONFIG_CONTENT", *KEYS)
    start_gap = 1.0

    def check(self, settings: AgentSettings) -> Problem | None:
        """Returns a problem if the program is not there or not executable."""
        return missing(PROGRAM, settings)

    def mode(self, task: Task) -> tuple[str, ...]:
        """Returns that nobody is asked; what a task allows or denies stands in the configuration."""
        return () if task.read_only else _ANYTHING

    def notices(self, settings: AgentSettings, tasks: Sequence[Task]) -> tuple[str, ...]:
        """Returns what the agents may do."""
        del settings
        return tuple(modes_told(PROGRAM.title, tasks, self.mode, (_ANYTHING,)))

    def call(self, task: Task, settings: AgentSettings, session: str = "") -> Call:
        """Returns opencode's command for this task; the prompt goes to its stdin."""
        env = surroundings(settings.environ, task.env)
        # many agents at once must not replace the program under each other
        env.setdefault("OPENCODE_DISABLE_AUTOUPDATE", "1")
        permissions = _permissions(task)
        agent = task.agent or (_DEFAULT_AGENT if permissions else "")
        if permissions:
            env[_CONFIG] = _configured(env.get(_CONFIG, ""), agent, permissions)
        return Call(
            argv=(
                path_of(PROGRAM, env, settings),
                *_HEADLESS,
                *_LOG,
                *self.mode(task),
                *(("--session", session) if session else ()),
                *(("--agent", agent) if agent else ()),
                *(("--model", task.model) if task.model else ()),
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
        """Returns its last words, or the error that ended its session."""
        del before  # a session that goes on tells its new steps only
        told = list(events(ended.stdout_tail))
        said = Answer(_last_words(told), usage=_usage(told, ended))
        # events are for us: what opencode says to people stands on stderr
        stdout, stderr = without_events(ended.stdout_tail), _without_log(ended.stderr_tail)
        plain = replace(ended, stdout_tail=stdout, stderr_tail=stderr)
        if ended.ending is Ending.DEAD_END:
            return _given_up(said, ended.stderr_tail, settings)
        if (short := cut_short(task, plain, said.text, said.usage)) is not None:
            return short
        failed = _last(told, "error")
        if failed is not None and (
            ended.code != 0 or _last(told, "error", "step_finish") is failed
        ):
            return _failed(said, failed, settings)
        if task.agent and f'agent "{task.agent}" not found'.encode() in ended.stderr_tail:
            # it goes on with another agent, and says so nowhere else
            reason = f"opencode has no agent `{task.agent}`"
            return replace(said, failure=FailureClass.PERMANENT, reason=reason)
        if ended.code != 0:
            words = how_it_ended(plain)
            return replace(said, failure=class_of_words(words, SIGNS), reason=words)
        if not said.usage.turns:
            reason = "ended with exit code 0 but no model was asked"
            return replace(said, failure=FailureClass.TRANSIENT, reason=reason)
        return said


def _last(told: list[Event], *kinds: str) -> Event | None:
    """Returns the last event of these kinds."""
    return next((event for event in reversed(told) if event.get("type") in kinds), None)


def _without_log(stderr: bytes) -> bytes:
    """Returns what it said to people; its log, if it said nothing else."""
    lines = stderr.split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(b"timestamp=")) or stderr


def _given_up(said: Answer, log: bytes, settings: AgentSettings) -> Answer:
    """Returns why it waited, by the last request that its log says was refused."""
    found = re.findall(_ANY_REFUSED + rb'((?:[^"\\\n]|\\.)*)"', log, re.MULTILINE)
    words = found[-1].decode("utf-8", "replace") if found else "its service refused it"
    wait = wait_in_words(words, settings.clock(), settings.environ)
    failure = class_of_words(words, SIGNS)
    return replace(said, failure=failure, reason=one_line(words), retry_after=wait)


def _failed(said: Answer, event: Event, settings: AgentSettings) -> Answer:
    data = inside(event, "error", "data")
    words = words_of(inside(data, "message")) or words_of(inside(event, "error", "name"))
    by_words = class_of_words(words, SIGNS)
    by_status = class_of_status(number(inside(data, "statusCode")))
    failure = by_words if by_words is not FailureClass.TRANSIENT else by_status or by_words
    wait = _wait_of(data, settings.clock())
    if wait is None:
        wait = wait_in_words(words, settings.clock(), settings.environ)
    reason = one_line(words) or "it printed an error without words"
    return replace(said, failure=failure, reason=reason, retry_after=wait)


def _wait_of(data: Any, now: float) -> float | None:
    """Returns the seconds that the service's headers ask us to wait, or None."""
    for name in ("retry-after", "anthropic-ratelimit-unified-reset"):
        header = words_of(inside(data, "responseHeaders", name))
        if header.isdecimal() and len(header) < 12:
            return max(0.0, float(header) - (now if name.endswith("reset") else 0.0))
    return None


def _permissions(task: Task) -> dict[str, str]:
    """Returns what the task allows and denies its agent; nothing, if it says nothing of it."""
    found = {"*": "deny"} if task.allowed_tools else {}
    found |= dict.fromkeys(task.allowed_tools, "allow")
    found |= dict.fromkeys(task.disallowed_tools, "deny")
    return {**found, **_DENIED} if task.read_only else found


def _configured(config: str, agent: str, permissions: dict[str, str]) -> str:
    """Returns a configuration in which the agent has these permissions too."""
    found = dict(parse_object(config) or {})
    agents = found.get("agent")
    agents = dict(agents) if isinstance(agents, dict) else {}
    own = agents.get(agent)
    own = dict(own) if isinstance(own, dict) else {}
    allowed = own.get("permission")
    own["permission"] = {**(allowed if isinstance(allowed, dict) else {}), **permissions}
    agents[agent] = own
    return json.dumps({**found, "agent": agents})


def _last_words(told: list[Event]) -> str:
    """Returns what was said in the last step that said anything."""
    texts = [
        words_of(inside(event, "part", "text")) for event in told if event.get("type") == "text"
    ]
    return clean(texts[-1]) if texts else ""


def _usage(told: list[Event], ended: Exit) -> Usage:
    steps = [
        event.get("part")
        for event in (events(ended.kept) if ended.kept else told)
        if event.get("type") == "step_finish"
    ]
    read = total(
        inside(step, "tokens", *keys)
        for step in steps
        for keys in (("input",), ("cache", "read"), ("cache", "write"))
    )
    written = total(
        inside(step, "tokens", key) for step in steps for key in ("output", "reasoning")
    )
    sessions = [words_of(event.get("sessionID")) for event in told]
    return Usage(
        cost_usd=total(inside(step, "cost") for step in steps),
        input_tokens=None if read is None else int(read),
        output_tokens=None if written is None else int(written),
        turns=len(steps),
        session=next(filter(None, sessions), ""),
    )
