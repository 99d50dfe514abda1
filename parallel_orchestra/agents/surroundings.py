"""The environment that an agent gets, and which of its values must never be printed.

Pure: the user's environment is passed in.
"""

import json
import re
from collections.abc import Mapping

from parallel_orchestra.plan.variables import NESTED_SESSION, points_at_a_repository

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
#: Shorter values would mask ordinary words, `KEY=1` every digit one.
SHORTEST_SECRET = 8


def outer_session(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the variables that say that we run inside an agent's session, sorted."""
    return tuple(sorted(NESTED_SESSION & environ.keys()))


def surroundings(environ: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for an agent: the user's without traces of outer sessions, then `own`.

    Removed are the variables of an agent's session that we may run in, and the GIT_* ones that
    point at a repository.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name not in NESTED_SESSION and not points_at_a_repository(name)
    }
    return {**kept, **own}


def secrets_of(*environments: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the values of variables with a secret's name, the longest first.

    A value that looks different inside a JSON string is there in both spellings, because agents
    print JSON.
    """
    found: set[str] = set()
    for environment in environments:
        for name, value in environment.items():
            if len(value) >= SHORTEST_SECRET and _SECRET_NAME.search(name):
                found |= {value, json.dumps(value, ensure_ascii=False)[1:-1]}
    # the longest first: a secret that begins with another one must be masked whole
    return tuple(sorted(found, key=lambda value: (-len(value), value)))
