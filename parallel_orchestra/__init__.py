"""parallel-orchestra: one Markdown plan, many coding agents, one green branch."""

__version__ = "0.2.0"
