"""Which of two files of one task is right: after a copy by hand, a backup or a power cut."""

from collections.abc import Callable, Sequence

from parallel_orchestra.states import TaskState
from parallel_orchestra.store.listing import Entry


def winner(
    entries: Sequence[Entry],
    *,
    merged: bool,
    live: Callable[[Entry], bool],
    undone: bool = False,
) -> Entry:
    """Returns the entry that counts; the others belong into the attic.

    A task that is done or merged is done (if merged but in no `done/`, any entry will do: it
    rolls forward). Else the lock of a live owner, else the higher attempt, then the higher
    failures; a tie goes to failed, where nothing happens until a person looks. A file in `done/`
    of a task that was undone proves nothing.
    """
    done = [entry for entry in entries if entry.state is TaskState.DONE and not undone]
    if done:
        return max(done, key=_counters)
    if not merged:
        held = [entry for entry in entries if entry.state is TaskState.LOCKED and live(entry)]
        if held:
            return max(held, key=_counters)
    return max(entries, key=lambda entry: (*_counters(entry), entry.state is TaskState.FAILED))


def _counters(entry: Entry) -> tuple[int, int]:
    return entry.name.attempts, entry.name.failures
