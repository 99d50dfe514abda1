"""The prompt of an attempt: the task's own words among what an agent should know beside them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from parallel_orchestra import files
from parallel_orchestra.errors import EnvironmentProblem, GitError, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.objects import Objects
from parallel_orchestra.merge_queue.history import MergeFact, state_before
from parallel_orchestra.model import FailureClass, Plan, Task
from parallel_orchestra.process.press import Spoiled, examine, press
from parallel_orchestra.process.pressing import rendered
from parallel_orchestra.prompt import (
    DEFAULT,
    Feedback,
    Left,
    Need,
    again,
    facts_of,
    library,
)
from parallel_orchestra.prompt.feedback import with_feedback
from parallel_orchestra.spending import Grant
from parallel_orchestra.store import AttemptResult, Claim, Layout
from parallel_orchestra.store.feedback import feedback_for
from parallel_orchestra.store.records import attempt_results, last_result
from parallel_orchestra.worker.onward import NOTHING, Onward

__all__ = ["Source", "Spoiled", "judge", "prompt_of", "write_prompt"]

#: How many made-up attempts a template is tried with at most: what it does differs by few fields.
_MOST_TRIALS = 2000
_TRIED_CHARS = 8 << 20
#: How much of what an attempt had changed its successor is shown.
_PATCH_BYTES = 16 << 10


@frozen
class Source:
    """Where the facts of a prompt come from; `tasks` are those of the plan, by id.

    `layout` None means that nothing has run yet. `merge_of` returns a task's merge, None if it has
    none; `objects` is where its commit lies. `granted` is what the attempt may use.
    """

    plan: Plan
    tasks: Mapping[str, Task]
    layout: Layout | None = None
    objects: Objects | None = None
    merge_of: Callable[[str], MergeFact | None] = lambda _: None
    granted: Grant | None = None


def write_prompt(
    source: Source, layout: Layout, claim: Claim, onward: Onward = NOTHING
) -> Path | None:
    """Writes what an attempt is told into its directory; returns the file, None for no prompt.

    `onward` is how it goes on after the one before it.

    Raises:
        Spoiled: the plan's template is wrong, which no look beforehand has shown.
        OSError: the disk is full, or no process could be started for the template.
        GitError: git can't say what a dependency changed.
    """
    text = prompt_of(source, source.tasks[claim.task], claim.attempt, onward)
    if not text:
        return None
    directory = layout.attempt(claim.task, claim.attempt, claim.name.owner)
    files.make_directory(directory)
    path = directory / "prompt.md"
    files.write(path, text.encode("utf-8", "replace"))
    return path


def prompt_of(source: Source, task: Task, attempt: int, onward: Onward = NOTHING) -> str:
    """Returns what that attempt at a task is told; empty for a program without a prompt.

    Who goes on in its session is told what there is to say since; it remembers the rest.

    In plans of version 0.1 it is the prompt as it stands, and what a person says; they are not
    told of failures. The prompts of a `cpo` folder have all their sections already.

    Raises:
        Spoiled, OSError, GitError: as `write_prompt`.
    """
    feedback = _feedback(source, task, attempt, onward)
    if onward.session and source.plan.cpo:
        return with_feedback("", feedback)
    if source.plan.published or source.plan.cpo or not task.prompt:
        return with_feedback(task.prompt, feedback)
    left = _left(source.granted, task)
    facts = facts_of(source.plan, task, attempt, feedback, _needs(source, task), left)
    if onward.session:
        return rendered(again(), library(), facts)
    template = source.plan.prompt_template
    if template:
        return press(template, library(), facts)
    return rendered(library()[DEFAULT], {}, facts)


def judge(
    template: str,
    trials: Iterable[Mapping[str, Any]],
    known: Mapping[str, Sequence[str] | None],
) -> Sequence[tuple[int, str]]:
    """Returns the line (0: unknown) and the words of all that is wrong with a template.

    Raises:
        EnvironmentProblem: no process could be started for it.
    """
    tried: list[Mapping[str, Any]] = []
    room = _TRIED_CHARS
    for facts in islice(trials, _MOST_TRIALS):
        # each holds the plan's whole context
        room -= len(json.dumps(facts))
        if room < 0 and tried:
            break
        tried.append(facts)
    try:
        found = examine(template, library(), known, tried)
    except OSError as error:
        what = f"can't try a template: {error.strerror or error}"
        raise EnvironmentProblem(Problem(what, "", "free some memory, then try again")) from error
    return [(fault.line, fault.words) for fault in found]


def _feedback(source: Source, task: Task, attempt: int, onward: Onward) -> Feedback:
    if source.layout is None:
        return Feedback()
    told = feedback_for(source.layout, task.id, attempt)
    later = attempt > 1 and not source.plan.published
    last = last_result(source.layout, task.id) if later else None
    if last is None or not last.failure:
        return Feedback(told)
    if last.failure == "cancelled" and onward.last is None:
        # Nothing was wrong with it, and nothing of it is there to go on from.
        return Feedback(told)
    clash = last.failure == FailureClass.CONFLICT.value
    return Feedback(
        told,
        last.attempt,
        last.failure,
        last.reason,
        last.detail,
        last.ref,
        onward.way.value,
        onward.moved,
        onward.refused or (tuple(last.files) if clash else ()),
        _patch(source, last) if clash else "",
        onward.put_back,
        onward.to_put_back,
    )


def _patch(source: Source, last: AttemptResult) -> str:
    """Returns what an attempt had changed, as far as it is not too much to tell."""
    if source.objects is None or not (last.base and last.ref):
        return ""
    try:
        said = source.objects.patch(last.base, last.ref)
    except GitError:
        # Somebody cleaned up meanwhile.
        return ""
    text = said[:_PATCH_BYTES].decode("utf-8", "replace")
    whole = f"git diff {last.base} {last.ref}"
    return text if len(said) <= _PATCH_BYTES else f"{text}\n... cut off; all of it: {whole}"


def _left(granted: Grant | None, task: Task) -> Left:
    amounts = granted.amounts if granted is not None else {}
    tokens = amounts.get("max_tokens")
    return Left(
        amounts.get("max_cost_usd"),
        None if tokens is None else int(tokens),
        granted.seconds if granted is not None else None,
        task.max_turns,
    )


def _needs(source: Source, task: Task) -> list[Need]:
    return [_need(source, id_, source.tasks[id_].title) for id_ in task.depends_on]


def _need(source: Source, id_: str, title: str) -> Need:
    if source.layout is None:
        return Need(id_, title)
    good = [one for one in attempt_results(source.layout, id_) if not one.failure]
    text = good[-1].text if good else ""
    merge = source.merge_of(id_)
    if merge is None or source.objects is None:
        return Need(id_, title, text=text)
    before = state_before(source.objects, merge.commit)
    changed = source.objects.changed(before, merge.commit)
    return Need(id_, title, merge.commit, tuple(one.path for one in changed), text)
