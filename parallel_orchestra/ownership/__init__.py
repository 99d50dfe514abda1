"""Whose files are whose: the patterns of a plan, what they cover, and where they meet. Pure.

`pattern` takes a text apart, `overlap` says whether two meet, `meetings` which of many do.
Knows nothing of git or of tasks that run: what exists comes in as a `Tree`.
"""

from parallel_orchestra.ownership.meetings import Meetings, covered, meetings
from parallel_orchestra.ownership.overlap import NOTHING, Reach, Tree, common, existing, reach
from parallel_orchestra.ownership.pattern import (
    Pattern,
    Unreadable,
    patterns_of,
    read_patterns,
    same_or_within,
)

__all__ = [
    "NOTHING",
    "Meetings",
    "Pattern",
    "Reach",
    "Tree",
    "Unreadable",
    "common",
    "covered",
    "existing",
    "meetings",
    "patterns_of",
    "reach",
    "read_patterns",
    "same_or_within",
]
