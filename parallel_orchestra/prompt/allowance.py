"""What an attempt may use, and the words for it."""

from parallel_orchestra.frozen import frozen


@frozen
class Left:
    """What is left for one attempt: dollars, tokens, seconds, turns; None for what is not limited."""

    cost_usd: float | None = None
    tokens: int | None = None
    seconds: float | None = None
    turns: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is limited."""
        return not any((self.cost_usd, self.tokens, self.seconds, self.turns))

    @property
    def text(self) -> str:
        """All of it in a sentence or two; empty if nothing is limited."""
        parts = []
        if self.cost_usd:
            cost = f"{self.cost_usd:.2f}" if self.cost_usd >= 0.01 else f"{self.cost_usd:.4f}"
            parts.append(f"${cost}")
        if self.tokens:
            parts.append(f"{self.tokens:,} tokens, read and written")
        if self.seconds:
            parts.append(_span(self.seconds))
        if self.turns:
            parts.append(f"{self.turns} turns")
        if not parts:
            return ""
        *others, last = parts
        said = f"{', '.join(others)} and {last}" if others else last
        return (
            f"This is left for you: {said}. Who uses more is ended, and fails: do what matters most "
            "first, and end in time."
        )


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} minutes" if minutes > 1 else f"{int(seconds)} seconds"
