"""Claude Code, headless: `claude -p` with the prompt on stdin and its result as JSON.

Never on its command line: the prompt (one argument is limited to 128 KiB, one that starts with
`-` is taken for an option) and `--read-only`, which it does not know.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from parallel_orchestra.agents.acts import Act, acts_by
from parallel_orchestra.agents.backend import AgentSettings, Call, Program, Sessions
from parallel_orchestra.agents.claude_acts import acts_in
from parallel_orchestra.agents.claude_failures import (
    class_of_result,
    class_of_text,
    is_usage_limit,
    reset_in_text,
)
from parallel_orchestra.agents.claude_result import (
    find_reset,
    find_result,
    find_session,
    is_error,
    usage_of,
    usage_since,
    without_events,
    words_of_error,
    words_of_result,
)
from parallel_orchestra.agents.endings import (
    NOT_EXECUTABLE,
    NOT_FOUND,
    cut_short,
    how_it_ended,
)
from parallel_orchestra.agents.json_lines import Event, parse_object, words_of
from parallel_orchestra.agents.programs import missing, path_of
from parallel_orchestra.agents.safety import modes_told
from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.agents.words import last_lines, one_line
from parallel_orchestra.errors import Problem
from parallel_orchestra.model import Answer, FailureClass, Task, Usage
from parallel_orchestra.process import Exit, LastWords

PROGRAM = Program(
    "Claude Code",
    "claude",
    "@anthropic-ai/claude-code",
    "2.1.197",
    "2.1.329",
    otherwise=", or name the program with `--claude-exe PATH`",
)

#: `stream-json` shows life while the agent works, and it demands `--verbose`.
_HEADLESS = ("-p", "--output-format", "stream-json", "--verbose")
_ANYTHING = ("--dangerously-skip-permissions",)
_FREE = (_ANYTHING, ("--permission-mode", "bypassPermissions"))
_ONLY_ALLOWED = ("--permission-mode", "dontAsk")
#: Of the modes that let an agent read and answer, `plan` is the one that holds: where a user's
#: settings allow Write and Bash, `dontAsk` let Bash write files (tried with 2.1.197 and 2.1.329).
#: `plan` refused both; only 2.1.197 let the explicitly allowed Bash through. Commands that only
#: look, such as `git log` and `git diff`, are allowed in it.
_READ_ONLY = ("--permission-mode", "plan")

#: It prints a result and goes on as soon as something ends that it has started in the background.
_LAST_WORDS = LastWords(
    finals=((("type", "result"),),),
    pending=(("type", "system"), ("subtype", "background_tasks_changed")),
    pending_key="tasks",
)

#: What the published format says of an exit code beside 126 and 127: wrong usage.
_PUBLISHED_USAGE = 2


class ClaudeBackend:
    """Runs Claude Code, or any executable that speaks the same (`AgentSettings.claude_exe`).

    A write task's agent may do everything (its worktree is thrown away or merged, never the
    user's own); a read-only task's agent runs in plan mode, where nothing may be written.
    An agent succeeded if it exits with 0 AND its result says so AND a model was asked. In a plan
    of the published format, whose agents may print plain text, a missing result is no failure,
    and a last line like `{"status": "FAILED"}` is one.
    """

    name = "claude"
    program = PROGRAM
    sessions = Sessions(
        ("claude", "--resume"),
        re.compile("no conversation found|requires a valid session", re.IGNORECASE),
    )
    account = (
        "HOME", "CLAUDE_CONFIG_DIR", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK",
        "ANTHROPIC_VERTEX_PROJECT_ID",
    )  # fmt: skip
    #: All of them renew one login and rewrite one settings file when they start.
    start_gap = 0.5

    def check(self, settings: AgentSettings) -> Problem | None:
        """Returns a problem if the program is not there or not executable."""
        return missing(PROGRAM, settings)

    def mode(self, task: Task) -> tuple[str, ...]:
        """Returns its permission mode, or that no permission is needed."""
        if task.read_only:
            return _READ_ONLY
        if task.permission_mode:
            return ("--permission-mode", task.permission_mode)
        # with skipped permissions, every tool would be allowed whatever the list says
        return _ONLY_ALLOWED if task.allowed_tools else _ANYTHING

    def notices(self, settings: AgentSettings, tasks: Sequence[Task]) -> tuple[str, ...]:
        """Returns what the agents may do, and what we set for it."""
        said = modes_told(PROGRAM.title, tasks, self.mode, _FREE)
        if settings.as_root and said:
            said.append("you are root: `IS_SANDBOX=1` is set, Claude Code would refuse otherwise")
        if settings.environ.get("ANTHROPIC_API_KEY"):
            said.append(
                "`ANTHROPIC_API_KEY` is set: agents are billed to it, not to a subscription"
            )
        return tuple(said)

    def call(self, task: Task, settings: AgentSettings, session: str = "") -> Call:
        """Returns Claude Code's command for this task; the prompt goes to its stdin."""
        env = surroundings(settings.environ, task.env)
        # many agents at once must not replace the program under each other
        env.setdefault("DISABLE_AUTOUPDATER", "1")
        if not task.read_only:
            if settings.as_root:
                env["IS_SANDBOX"] = "1"
            if settings.published:
                env["PO_WORKTREE_GUARD"] = "1"
        return Call(
            argv=(
                path_of(PROGRAM, env, settings),
                *_HEADLESS,
                *self.mode(task),
                *(("--resume", session) if session else ()),
                *(("--agent", task.agent) if task.agent else ()),
                *(("--model", task.model) if task.model else ()),
                *(("--max-turns", str(task.max_turns)) if task.max_turns else ()),
                *_ceiling(task),
                *(("--allowedTools", *task.allowed_tools) if task.allowed_tools else ()),
                *(("--disallowedTools", *task.disallowed_tools) if task.disallowed_tools else ()),
            ),
            env=env,
            secrets=secrets_of(settings.environ, task.env),
            last_words=_LAST_WORDS,
        )

    def acts(self, line: str) -> tuple[Act, ...] | None:
        """Returns what an event tells of acts."""
        return acts_by(acts_in, line)

    def answer(
        self, task: Task, settings: AgentSettings, ended: Exit, before: Usage | None = None
    ) -> Answer:
        """Returns what the result says; an agent that was stopped still tells its cost."""
        result = find_result(ended.stdout_tail)
        # events are for us: what an agent says to people are the other lines, and its stderr
        stdout = b"" if result else without_events(ended.stdout_tail)
        plain = replace(ended, stdout_tail=stdout)
        said = _said(result, ended.stdout_tail)
        if result and before:
            said = replace(said, usage=usage_since(result, said.usage, before))
        if (short := cut_short(task, plain, said.text, said.usage)) is not None:
            return short
        if result is not None:
            answer = _told(result, said, plain)
            answer = _with_wait(answer, result, settings, ended)
        else:
            answer = _plain(plain) if settings.prints_text else _untold(plain)
            answer = replace(answer, usage=said.usage)
        return _by_published_word(answer) if settings.published else answer


def _ceiling(task: Task) -> tuple[str, ...]:
    if not task.max_cost_usd:
        return ()
    return ("--max-budget-usd", f"{task.max_cost_usd:.6f}")


def _said(result: Event | None, stdout: bytes) -> Answer:
    """Returns the words of the result and what was used, as far as they were told.

    One that was killed told of its session only: what it used it tells in its result.
    """
    if result is None:
        return Answer(usage=Usage(session=find_session(stdout)))
    return Answer(words_of_result(result), usage=usage_of(result))


def _told(result: Event, said: Answer, ended: Exit) -> Answer:
    """Returns the answer of an agent that printed a result, from what it `said` there."""
    if is_error(result):
        words = said.text or words_of_error(result) or how_it_ended(ended)
        return replace(said, failure=class_of_result(result, words), reason=one_line(words))
    if said.usage.turns == 0:
        # e.g. a prompt that begins with `/clear`: success, and nothing was done
        reason = "no model was asked: the prompt begins with a slash command"
        return replace(said, failure=FailureClass.PERMANENT, reason=reason)
    if ended.code != 0:
        return replace(said, failure=FailureClass.TRANSIENT, reason=how_it_ended(ended))
    return said


def _with_wait(answer: Answer, result: Event, settings: AgentSettings, ended: Exit) -> Answer:
    """Returns the answer with the seconds until the usage limit ends, if that is what it met."""
    if not (answer.failure and is_usage_limit(result, answer.reason)):
        return answer
    now = settings.clock()
    reset = find_reset(ended.stdout_tail) or reset_in_text(answer.reason, now)
    return answer if reset is None else replace(answer, retry_after=max(0.0, reset - now))


def _untold(ended: Exit) -> Answer:
    """Returns the answer of an agent that printed no result: always a failure."""
    text = last_lines(ended.stdout_tail)
    if ended.code == 0:
        reason = "ended with exit code 0 but printed no result"
        return Answer(text, FailureClass.TRANSIENT, reason)
    return Answer(text, _class_of_end(ended), how_it_ended(ended))


def _plain(ended: Exit) -> Answer:
    """Returns the answer of an agent that prints plain text: its exit code decides."""
    text = last_lines(ended.stdout_tail)
    if ended.code == 0:
        return Answer(text)
    failure = FailureClass.PERMANENT if ended.code == _PUBLISHED_USAGE else _class_of_end(ended)
    return Answer(text, failure, how_it_ended(ended))


def _class_of_end(ended: Exit) -> FailureClass:
    if ended.code in (NOT_EXECUTABLE, NOT_FOUND):
        return FailureClass.PERMANENT
    return class_of_text(last_lines(ended.stderr_tail) or last_lines(ended.stdout_tail))


def _by_published_word(answer: Answer) -> Answer:
    """Returns the answer as a failure if its last line is JSON with the status FAILED."""
    last = answer.text.rsplit("\n", 1)[-1]
    said = parse_object(last) if answer.failure is None else None
    if said is None or words_of(said.get("status")).upper() != "FAILED":
        return answer
    reason = one_line(words_of(said.get("reason"))) or "the agent's last line says FAILED"
    return Answer(answer.text, FailureClass.TRANSIENT, reason, answer.usage)
