"""What a task's commit on the branch says: the plan's template, and who had a hand in it."""

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Commit
from parallel_orchestra.merge_queue.trailers import cleaned
from parallel_orchestra.model import Answer, Task
from parallel_orchestra.plan.abilities import abilities_of
from parallel_orchestra.process.press import Spoiled, press
from parallel_orchestra.prompt import Done, message_facts
from parallel_orchestra.worker.shop import Shop

#: Characters of a message that are kept: more is no message.
_MOST = 1 << 16


@frozen
class Words:
    """A message without trailers, empty where ours is to stand; and the trailers of people."""

    text: str = ""
    credits: tuple[str, ...] = ()


def worded(shop: Shop, task: Task, done: Done, *, by_agent: bool) -> Words:
    """Returns what the commit of a task's work is to say; a template that fails is told and left out.

    Secrets, and lines that look like ours, are in none of it.
    """
    return Words(_text(shop, task, done), tuple(_credits(shop, task, by_agent=by_agent)))


def done_of(
    attempt: int,
    seconds: float,
    files: tuple[str, ...],
    commits: tuple[Commit, ...],
    answer: Answer | None,
) -> Done:
    """Returns what an attempt came to; without an answer a person did it. The newest commit first."""
    subjects = tuple(one.message.partition("\n")[0] for one in reversed(commits))
    if answer is None:
        return Done(attempt, files=files, commits=subjects)
    return Done(attempt, seconds, answer.usage, files, subjects, answer.text)


def _text(shop: Shop, task: Task, done: Done) -> str:
    template = shop.plan.merge.message
    if not template:
        return ""
    facts = message_facts(shop.plan, task, shop.run.run, done)
    try:
        made = press(template, {}, facts)
    except (Spoiled, OSError) as error:
        # The work is good, whatever is said of it.
        shop.warn(task.id, f"`merge.message` can't be used for it, ours stands there: {error}")
        return ""
    made = cleaned(shop.hide(task.id, made).replace("\r", "\n"))
    return made[:_MOST].strip()


def _credits(shop: Shop, task: Task, *, by_agent: bool) -> list[str]:
    rules, known = shop.plan.merge, abilities_of(task.backend, shop.plan.backends)
    named = rules.co_author
    if named is True:
        named = known.author if known is not None and by_agent else ""
    found = [f"Co-authored-by: {named}"] if named else []
    return [*found, f"Signed-off-by: {shop.repo.committer()}"] if rules.sign_off else found
