"""What a run may use in all."""

from parallel_orchestra.frozen import frozen


@frozen
class Budget:
    """What all attempts together may use: dollars, tokens, seconds; None for no limit."""

    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_duration: float | None = None


#: For a run that may use what it needs.
NO_BUDGET = Budget()
