"""How a person goes on with an agent's session."""


def by_hand(backend: str, session: str) -> tuple[str, ...]:
    """Returns the words that open a session of a backend's for a person; none if it has none."""
    if not session:
        return ()
    # who tells of a run without sessions loads no backend
    from parallel_orchestra.agents.registry import BACKENDS  # noqa: PLC0415

    found = BACKENDS.get(backend)
    sessions = found.sessions if found is not None else None
    return (*sessions.by_hand, session) if sessions is not None else ()
