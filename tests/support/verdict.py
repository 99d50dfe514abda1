"""What must be true after a tempest, judged by git, the task files, and what the processes noted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.tempest import Tempest


@dataclass(frozen=True)
class Transaction:
    """One ref transaction as its process saw it: when, of which refs, and how it ended."""

    begins: float
    ends: float
    sets: dict[str, str]
    demands: dict[str, str]
    refused: str
    unknown: bool


def transactions(path: Path) -> list[Transaction]:
    """Returns what the workers noted; one that died meanwhile never said how it ended."""
    open_: dict[str, list[str]] = {}
    found = []
    for words in (line.split(" ") for line in path.read_text(encoding="utf-8").splitlines()):
        if words[1] == "begins":
            open_[words[0]] = words
        elif words[0] in open_:
            found.append(_transaction(open_.pop(words[0]), words))
    return [*found, *(_transaction(words, None) for words in open_.values())]


def _transaction(begin: list[str], end: list[str] | None) -> Transaction:
    facts = begin[3:]
    return Transaction(
        float(begin[2]),
        float(end[2]) if end else float("inf"),
        dict(fact.split("=", 1) for fact in facts if "=" in fact),
        dict(fact.split("?", 1) for fact in facts if "?" in fact),
        end[1].removeprefix("refused:") if end and end[1] != "holds" else "",
        unknown=end is None,
    )


def _fence(ref: str) -> bool:
    return "/claim/" in ref


def verdict(tempest: Tempest) -> Iterator[str]:
    """Yields every promise that was broken, in words; see `tests/whole/test_tempest.py`."""
    storm, scene = tempest.storm, tempest.storm.scene
    writers = {step.id for step in storm.steps if not step.looks_only}
    merges, files, states = scene.merges("main"), scene.files("main"), scene.states()
    for step in storm.steps:
        if states.get(step.id) != "done":
            yield f"{step.id} lies in {states.get(step.id)}"
    for task in sorted(writers):
        times = merges.get(task, 0)
        if times > 1 or (times == 0 and task not in tempest.by_hand):
            yield f"{task} was merged {times} times"
        if (files.get(f"{task}.txt") == f"{task}\n") != (times == 1):
            yield f"{task}.txt holds {files.get(f'{task}.txt')!r} after {times} merges"
    parts = Counter(files.get("part.txt", "").split())
    wanted = {step.id for step in storm.steps if "part.txt" in step.does} & merges.keys()
    if parts != dict.fromkeys(wanted, 1):
        yield f"part.txt holds {parts} instead of {sorted(wanted)}"
    for name in sorted(tempest.user.files()):
        if files.get(name) != "mine\n":
            yield f"the user's {name} is gone"
    yield from _superseded(transactions(tempest.transactions))
    yield from (words for words, zombie in _begun_again(tempest) if not zombie)


def refused(noted: list[Transaction]) -> int:
    """Returns how many merges of a superseded attempt were tried and refused."""
    return sum(bool(one.refused) and _too_late(one, _moves(noted)) != "" for one in noted)


def _superseded(noted: list[Transaction]) -> Iterator[str]:
    """Yields merges whose fence had surely been moved by another before they began."""
    for merge in noted:
        if not merge.refused and not merge.unknown and (ref := _too_late(merge, _moves(noted))):
            yield f"a superseded attempt was merged: {ref}"


def _moves(noted: list[Transaction]) -> list[tuple[str, str, Transaction]]:
    """Returns how the fences moved: which, to what, in which transaction."""
    return [
        (ref, token, one)
        for one in noted
        if not one.refused and not one.unknown
        for ref, token in one.sets.items()
        if _fence(ref)
    ]


def _too_late(merge: Transaction, moves: list[tuple[str, str, Transaction]]) -> str:
    """Returns the fence that was moved on from the token of a merge before that began, or ""."""
    for ref, token in merge.demands.items():
        own = [one for name, set_, one in moves if (name, set_) == (ref, token)]
        for name, other, one in moves:
            later = own and one.begins > own[0].ends and one.ends < merge.begins
            if name == ref and other != token and later:
                return ref
    return ""


def begun_by_zombies(tempest: Tempest) -> int:
    """Returns how many agents were begun by attempts that had slept and were superseded."""
    return sum(zombie for _, zombie in _begun_again(tempest))


def _begun_again(tempest: Tempest) -> Iterator[tuple[str, bool]]:
    """Yields agents that began after their task was merged or lay in `done/`; and if a zombie did.

    A worker that was stopped between its last look and the start of its agent starts it when it
    wakes up; no lease can exclude that. Whether it merged is what `_superseded` tells.
    """
    merged = {
        ref.rpartition("/")[2]: one.ends
        for one in transactions(tempest.transactions)
        if not one.refused and not one.unknown
        for ref in one.demands
        if _fence(ref)
    }
    winners = _winners(tempest)
    # what /proc/uptime tells is a hundredth of a second old at most
    for word, task, attempt, _, *more in tempest.storm.lines():
        if word != "start" or len(more) < 2:
            continue
        began, owner = float(more[0]), more[1]
        number, winner = winners.get(task, (0, ""))
        # A person who strips a name has the attempts counted from the beginning.
        older = int(attempt) < number or (task in tempest.touched and owner != winner)
        zombie = owner in tempest.sleepers and older
        if began > merged.get(task, began) + 0.02:
            yield f"{task} was begun again (attempt {attempt}) after its merge", zombie
        elif task not in tempest.touched and began > tempest.seen_done.get(task, began) + 0.02:
            yield f"{task} was begun again (attempt {attempt}) after it was done", zombie


def _winners(tempest: Tempest) -> dict[str, tuple[int, str]]:
    """Returns whose attempt counts: that which was merged; of tasks that only look, that in `done/`."""
    scene = tempest.storm.scene
    found = {}
    for file in (scene.tasks_dir / "done").glob("*.a*.*.md"):
        task, counters, owner, _ = file.name.split(".")
        found[task] = (int(counters[1:].partition("f")[0]), owner)
    keys = ("Task", "Attempt", "Worker")
    facts = " ".join(f"%(trailers:key=Orchestra-{key},valueonly,separator=)" for key in keys)
    for line in scene.git("log", f"--format={facts}", "main").splitlines():
        words = line.split()
        if len(words) == len(keys):
            found[words[0].rpartition("/")[2]] = (int(words[1]), words[2])
    return found
