"""The environment that an agent gets.

Pure: the user's environment is passed in.
"""

from collections.abc import Mapping
from functools import lru_cache

from parallel_orchestra.plan.variables import NESTED_SESSION, points_at_a_repository


def outer_session(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the variables that say that we run inside an agent's session, sorted."""
    return tuple(sorted(NESTED_SESSION & environ.keys()))


def surroundings(environ: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for an agent: the user's without traces of outer sessions, then `own`.

    Removed are the variables of an agent's session that we may run in, and the GIT_* ones that
    point at a repository.
    """
    kept = {name: value for name, value in environ.items() if _is_kept(name)}
    return {**kept, **own}


@lru_cache(maxsize=4096)
def _is_kept(name: str) -> bool:
    return name not in NESTED_SESSION and not points_at_a_repository(name)
