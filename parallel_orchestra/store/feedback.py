"""What a person wants the next attempt at a task to know: one file per word, kept like all else.

`attempts/<task>/<n>.feedback.md` was said after attempt n (0: before the first one). It holds for
the attempts that follow, until one of them succeeds or somebody says something else.
"""

from parallel_orchestra import files
from parallel_orchestra.store.layout import Layout
from parallel_orchestra.store.records import attempt_results

_ENDING = ".feedback.md"


def write_feedback(layout: Layout, task: str, after: int, text: str) -> None:
    """Writes what was said after that many attempts; on the disk before this returns.

    Raises:
        OSError: the disk is full or read-only; what was said before still holds.
    """
    directory = layout.attempts / task
    files.make_directory(directory)
    via = layout.tmp / f"{task}.{after}{_ENDING}"
    files.replace(directory / f"{after}{_ENDING}", text.encode("utf-8", "replace"), via=via)
    files.sync_directory(directory)
    files.sync_directory(layout.attempts)


def feedback_for(layout: Layout, task: str, attempt: int) -> str:
    """Returns what a person has to say to that attempt; empty if nothing, or if it was heeded."""
    said = [number for number in _numbers(layout, task) if number < attempt]
    if not said:
        return ""
    after = max(said)
    results = attempt_results(layout, task)
    if any(after < one.attempt < attempt and not one.failure for one in results):
        return ""
    return files.read_text(layout.attempts / task / f"{after}{_ENDING}") or ""


def said_after(layout: Layout, task: str, attempt: int) -> bool:
    """Returns whether a person has said something since that attempt began."""
    return any(number >= attempt for number in _numbers(layout, task))


def _numbers(layout: Layout, task: str) -> list[int]:
    heads = (
        name.removesuffix(_ENDING)
        for name in files.names(layout.attempts / task)
        if name.endswith(_ENDING)
    )
    return [int(head) for head in heads if head.isdecimal()]
