"""Agents that a plan describes: their command with what the task says filled in."""

import re
from collections.abc import Sequence
from dataclasses import replace

from parallel_orchestra.agents.accounts import HOMES, KEYS
from parallel_orchestra.agents.acts import Act
from parallel_orchestra.agents.backend import PROMPT_FILE, AgentSettings, Backend, Call, Sessions
from parallel_orchestra.agents.claude import ClaudeBackend
from parallel_orchestra.agents.codex import CodexBackend
from parallel_orchestra.agents.command import CommandBackend
from parallel_orchestra.agents.gemini import GeminiBackend
from parallel_orchestra.agents.opencode import OpencodeBackend
from parallel_orchestra.agents.secrets import secrets_of
from parallel_orchestra.agents.signs import wait_in_words
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.agents.words import last_lines
from parallel_orchestra.errors import Problem
from parallel_orchestra.model import Answer, FailureClass, Task, Template, Usage
from parallel_orchestra.plan.abilities import PLACE, places_in
from parallel_orchestra.process import Ending, Exit, find_program

#: Who reads an answer, by the language that it is in.
_READERS: dict[str, Backend] = {
    "claude": ClaudeBackend(),
    "codex": CodexBackend(),
    "gemini": GeminiBackend(),
    "opencode": OpencodeBackend(),
    "text": CommandBackend(),
}


#: Endings that the agent decided, so that its words say why it failed.
_BY_ITSELF = (Ending.EXITED, Ending.ANSWERED, Ending.DEAD_END)


class DescribedBackend:
    """Runs the agent of a template; its answer is read as the template says."""

    program = None
    account = (*HOMES, *KEYS)
    start_gap = 0.0

    def __init__(self, name: str, template: Template) -> None:
        self.name = name
        self._template = template
        self._reader = _READERS[template.result]

    @property
    def sessions(self) -> Sessions | None:
        """Returns those of the language that it answers in, if its command has a place for one.

        The words that a person types are not known: the plan says only how the agent is called.
        """
        spoken = self._reader.sessions
        if spoken is None or "session" not in _places(self._template):
            return None
        return replace(spoken, by_hand=())

    def check(self, settings: AgentSettings) -> Problem | None:
        """Returns a problem if the template's program is not there or not executable."""
        program = str(self._template.command[0])
        if find_program(program, settings.environ, settings.cwd) is not None:
            return None
        return Problem(
            what=f"the agent program `{program}` is not there or not executable",
            where=f"PATH={settings.environ.get('PATH', '')}",
            hint=f"install it, or mend `backends.{self.name}.command` in the plan",
        )

    def mode(self, task: Task) -> tuple[str, ...]:
        """Returns nothing: it stands in the plan."""
        del task
        return ()

    def notices(self, settings: AgentSettings, tasks: Sequence[Task]) -> tuple[str, ...]:
        """Returns nothing: what such an agent may do stands in the plan."""
        del settings, tasks
        return ()

    def call(self, task: Task, settings: AgentSettings, session: str = "") -> Call:
        """Returns the template's command, filled in; what the task does not say is left out."""
        env = surroundings(settings.environ, task.env)
        spoken = self._reader.call(replace(task, command=("true",)), settings)
        said = {**_said(task), "session": session}
        argv: list[str] = []
        for part in self._template.command:
            words = (part,) if isinstance(part, str) else part
            if all(said[place] for word in words for place in places_in(word)):
                argv += (_filled(word, said) for word in words)
        argv[0] = find_program(argv[0], env, settings.cwd) or argv[0]
        return Call(
            argv=tuple(argv),
            env=env,
            secrets=secrets_of(settings.environ, task.env),
            stdin_prompt=self._template.stdin,
            keep=spoken.keep,
            last_words=spoken.last_words,
            dead_ends=spoken.dead_ends,
        )

    def acts(self, line: str) -> tuple[Act, ...] | None:
        """Returns what a line tells of acts, in the language that the template names."""
        return self._reader.acts(line)

    def answer(
        self, task: Task, settings: AgentSettings, ended: Exit, before: Usage | None = None
    ) -> Answer:
        """Returns the answer; of a failure, the first pattern that fits decides the class."""
        answer = self._reader.answer(task, settings, ended, before)
        if answer.failure is None or ended.ending not in _BY_ITSELF:
            return answer
        words = "\n".join(
            (answer.reason, last_lines(ended.stderr_tail), last_lines(ended.stdout_tail))
        )
        for name, pattern in self._template.classify:
            if re.search(pattern, words, re.IGNORECASE):
                wait = answer.retry_after
                if wait is None:
                    wait = wait_in_words(words, settings.clock(), settings.environ)
                return replace(answer, failure=FailureClass(name), retry_after=wait)
        return answer


def _places(template: Template) -> set[str]:
    parts = ((part,) if isinstance(part, str) else part for part in template.command)
    return {place for words in parts for word in words for place in places_in(word)}


def _said(task: Task) -> dict[str, str]:
    """Returns what can be filled in, as far as the task says it."""
    return {
        "agent": task.agent,
        "model": task.model,
        "permission_mode": task.permission_mode,
        "allowed_tools": ",".join(task.allowed_tools),
        "disallowed_tools": ",".join(task.disallowed_tools),
        "max_turns": str(task.max_turns or ""),
        "max_cost_usd": f"{task.max_cost_usd:.6f}" if task.max_cost_usd else "",
        "max_tokens": str(task.max_tokens or ""),
        "prompt_file": PROMPT_FILE,
    }


def _filled(word: str, said: dict[str, str]) -> str:
    """Returns a word with what is said; what was filled in is not looked at again."""
    return PLACE.sub(lambda found: said[found[1]], word)
