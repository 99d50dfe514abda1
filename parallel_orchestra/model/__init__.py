"""The nouns of a plan, frozen.

Knows nothing of files, YAML or git: `plan` makes these values, everything else reads them.
"""

from parallel_orchestra.model.budget import NO_BUDGET, Budget
from parallel_orchestra.model.outcome import Answer, FailureClass, Usage
from parallel_orchestra.model.plan import (
    CPO,
    CPO_MANIFEST,
    NO_DEFAULTS,
    Boundaries,
    Halt,
    HaltWhen,
    MergeRules,
    Plan,
    Template,
    Webhooks,
)
from parallel_orchestra.model.task import (
    DEFAULT_BACKEND,
    DEFAULT_IDLE_TIMEOUT,
    DEFAULT_MAX_RETRIES,
    DEFAULT_MAX_WORKERS,
    DEFAULT_SETUP_TIMEOUT,
    DEFAULT_TIMEOUT,
    DEFAULT_TIMEOUT_V01,
    NO_ENV,
    NO_SETUP,
    Command,
    Evidence,
    Isolation,
    Setup,
    Task,
    argv_of,
    as_typed,
)

__all__ = [
    "CPO",
    "CPO_MANIFEST",
    "DEFAULT_BACKEND",
    "DEFAULT_IDLE_TIMEOUT",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_MAX_WORKERS",
    "DEFAULT_SETUP_TIMEOUT",
    "DEFAULT_TIMEOUT",
    "DEFAULT_TIMEOUT_V01",
    "NO_BUDGET",
    "NO_DEFAULTS",
    "NO_ENV",
    "NO_SETUP",
    "Answer",
    "Boundaries",
    "Budget",
    "Command",
    "Evidence",
    "FailureClass",
    "Halt",
    "HaltWhen",
    "Isolation",
    "MergeRules",
    "Plan",
    "Setup",
    "Task",
    "Template",
    "Usage",
    "Webhooks",
    "argv_of",
    "as_typed",
]
