"""Whose files are whose: the patterns of a plan, what they cover, and where they meet. Pure.

`pattern` takes a text apart, `overlap` says whether two meet, `meetings` which of many do;
`judging` says what of an attempt's changes was not its task's to make, `outline` which symbols
they changed. Knows nothing of git or of tasks that run: what exists comes in as a `Tree`.
"""

from parallel_orchestra.ownership.judging import Judgement, Symbols, forbids, judge
from parallel_orchestra.ownership.meetings import Meetings, covered, meetings
from parallel_orchestra.ownership.outline import (
    Outline,
    Span,
    changed_symbols,
    outline,
    python_outline,
)
from parallel_orchestra.ownership.overlap import NOTHING, Reach, Tree, common, existing, reach
from parallel_orchestra.ownership.pattern import (
    Pattern,
    Unreadable,
    is_plain,
    patterns_of,
    read_patterns,
    same_or_within,
)

__all__ = [
    "NOTHING",
    "Judgement",
    "Meetings",
    "Outline",
    "Pattern",
    "Reach",
    "Span",
    "Symbols",
    "Tree",
    "Unreadable",
    "changed_symbols",
    "common",
    "covered",
    "existing",
    "forbids",
    "is_plain",
    "judge",
    "meetings",
    "outline",
    "patterns_of",
    "python_outline",
    "reach",
    "read_patterns",
    "same_or_within",
]
