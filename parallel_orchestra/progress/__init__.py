"""Events and a listing become the picture of a run: what every report and status shows.

Pure: no clock, no disk. Where the journal and the listing disagree (a crash between the two)
the listing wins, since the directory is the truth.
"""

from parallel_orchestra.progress.aftermath import Aftermath
from parallel_orchestra.progress.exhibits import Exhibit, FileChange, Landed
from parallel_orchestra.progress.fold import UNDONE, RunFacts, fold
from parallel_orchestra.progress.integration import (
    Check,
    Contract,
    IntegrationReport,
    Mark,
    Violation,
)
from parallel_orchestra.progress.picture import (
    Attempt,
    Delivery,
    Judgement,
    Outcome,
    Purse,
    RunReport,
    Silence,
    Stretch,
    TaskReport,
    Wait,
)
from parallel_orchestra.progress.purses import purses
from parallel_orchestra.progress.story import Place

__all__ = [
    "UNDONE",
    "Aftermath",
    "Attempt",
    "Check",
    "Contract",
    "Delivery",
    "Exhibit",
    "FileChange",
    "IntegrationReport",
    "Judgement",
    "Landed",
    "Mark",
    "Outcome",
    "Place",
    "Purse",
    "RunFacts",
    "RunReport",
    "Silence",
    "Stretch",
    "TaskReport",
    "Violation",
    "Wait",
    "fold",
    "purses",
]
