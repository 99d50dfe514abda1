"""The bounds that are explored, each completely: what `make test` does, what CI, what `make storm`."""

from model.rules import Bounds

SMALL = Bounds(kills=1, suspicions=1, moves=1)
LARGE = Bounds(recoverers=2, kills=1, suspicions=1, moves=1)

SAMPLE = (
    Bounds(kills=1, moves=1),
    Bounds(kills=1, suspicions=1, faults=1),
    Bounds(workers=3, kills=1, suspicions=1),
    Bounds(read_only=True, kills=1, suspicions=1, moves=1),
)
SHORT = (
    *SAMPLE,
    SMALL,
    Bounds(recoverers=2, kills=1, suspicions=1),
    Bounds(kills=1, suspicions=1, commits=1, failures=1),
    Bounds(kills=1, moves=1, faults=1),
    Bounds(kills=1, suspicions=1, failures=2, takings=1),
)
FULL = (
    *SHORT,
    Bounds(kills=1, moves=1, failures=2, requeues=1),
    Bounds(moves=1, faults=1, failures=2, releases=1, requeues=1),
    Bounds(kills=2, suspicions=1, reuses=1, failures=2, releases=1),
    Bounds(read_only=True, kills=2, suspicions=1, moves=1, failures=1, faults=1),
    LARGE,
)
