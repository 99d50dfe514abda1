"""Which tasks of a plan never run at once, because they write the same files, in words. Pure."""

from collections.abc import Iterator

from parallel_orchestra.graph import Clash, Rivals, clash
from parallel_orchestra.model import Plan
from parallel_orchestra.ownership import Tree

_LISTED = 20


def sharing(plan: Plan, contenders: Rivals, tree: Tree) -> Iterator[str]:
    """Yields a sentence for each pair that is kept apart, and one on those that do not say."""
    tasks = {task.id: task for task in plan.tasks}
    listed = 0
    for name in contenders:
        for other in contenders.later(name):
            listed += 1
            if listed > _LISTED:
                break
            found = clash(tasks[name], tasks[other], tree)
            yield f"never at once: {name} and {other}" + (
                f": {words_of_clash(found)}" if found else ""
            )
        if listed > _LISTED:
            more = contenders.pairs() - _LISTED
            yield f"and {more} more pair{'s' if more > 1 else ''} that write the same files"
            break
    silent = sum(not task.read_only and not task.may_write for task in plan.tasks)
    if silent and len(plan.tasks) > 1:
        who = "1 task does" if silent == 1 else f"{silent} tasks do"
        yield (f"{who} not say what is written: overlaps are not seen, only conflicts when merging")


def words_of_clash(found: Clash) -> str:
    """Returns which patterns of two tasks meet, and where."""
    if found.one == found.other:
        return f"both write `{found.one}`"
    return f"`{found.one}` and `{found.other}` both cover `{found.path}`"
