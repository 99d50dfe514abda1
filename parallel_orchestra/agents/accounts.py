"""Who pays for a task's agent, as far as its environment tells: one usage limit is one account's.

An account is named by a hash, so that no key ever stands in a file.
"""

import hashlib
import json
from collections.abc import Mapping

from parallel_orchestra.agents.backend import AgentSettings, Backend
from parallel_orchestra.agents.surroundings import surroundings
from parallel_orchestra.model import Task
from parallel_orchestra.schedule.usage_limits import Account

#: Where a login lies if no variable says otherwise.
HOMES = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
#: How variables end that hold keys, for backends whose keys nobody knows.
KEYS = ("*_KEY", "*_TOKEN")
_DIGITS = 10


def account_of(task: Task, backend: Backend, settings: AgentSettings) -> Account:
    """Returns the account that pays for a task's agent.

    The provider counts too where a model is named with one (`provider/model`).
    """
    env = surroundings(settings.environ, task.env)
    key = _hash([task.backend, *_facts(env, task, backend)])
    return Account(task.backend, key, own_part(task, backend))


def own_part(task: Task, backend: Backend) -> str:
    """Returns what the plan itself says of who pays for a task; empty if it says nothing."""
    facts = _facts(task.env, task, backend)
    return _hash(facts) if facts else ""


def _facts(env: Mapping[str, str], task: Task, backend: Backend) -> list[tuple[str, str]]:
    exact = {name for name in backend.account if not name.startswith("*")}
    ends = tuple(name[1:] for name in backend.account if name.startswith("*"))
    provider, slash, _ = task.model.partition("/")
    found = sorted(
        (name, value)
        for name, value in env.items()
        if value and (name in exact or name.endswith(ends))
    )
    return [*found, ("", provider)] if slash else found


def _hash(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts).encode("utf-8", "replace")).hexdigest()[:_DIGITS]
