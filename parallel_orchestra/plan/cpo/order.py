"""Who waits for whom in a folder: ids, waves and dependencies, and the task files to the manifest."""

from collections.abc import Collection, Iterable, Mapping

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import find_cycle
from parallel_orchestra.plan.cpo.manifest import Manifest, WaveTask
from parallel_orchestra.plan.cpo.task_file import TaskFile
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, brief, did_you_mean

_MOST_CYCLES = 20


@frozen
class Member:
    """A task of the folder: as the manifest has it, with its file, and what it must wait for."""

    task: WaveTask
    file: TaskFile | None
    needs: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its id in the manifest."""
        return self.task.id


def joined(manifest: Manifest, files: Iterable[TaskFile], folder: str) -> tuple[Member, ...]:
    """Returns the manifest's tasks with their files; what does not fit together is noted.

    A file belongs to the task of its `id`, else of its name; `task-001` and `task-001-users` are
    the same, if no other task could be meant. `folder` is the name of `tasks/` for messages.
    """
    findings = manifest.findings
    tasks = _each_once(manifest.tasks, findings)
    left = _by_id(files)
    ids = {task.id for task in manifest.tasks}
    members = []
    for task in tasks:
        file = left.get(task.id) or _alike(task, left, ids)
        if file is None:
            what = f"task `{task.id}` has no file in `{folder}`"
            hint = f"write `{folder}/{task.id}.md`, with `id: {task.id}`"
            guess = findings.guess(task.id, left.keys() - ids)
            hint = f"`{left[guess].shown}` is the file of `{guess}`" if guess else hint
            findings.problem(Finding(what, hint, (*task.path, "id")))
        else:
            left.pop(file.id, None)
            _check_pair(task, file)
        members.append(Member(task, file))
    for file in left.values():
        what = f"task `{file.id}` is not in the manifest: it is not run"
        file.findings.warning(Finding(what, "add it to a wave", ("id",)))
    return _with_needs(members, findings)


def _each_once(tasks: Iterable[WaveTask], findings: Findings) -> Collection[WaveTask]:
    """Returns the first task of each id; those of the same id are noted."""
    first: dict[str, WaveTask] = {}
    for task in tasks:
        other = first.setdefault(task.id.casefold(), task)
        if other is not task:
            what = f"the task id `{task.id}` is used twice"
            if other.id != task.id:
                what = f"the task ids `{other.id}` and `{task.id}` differ only in case"
            see = (*other.path, "id")
            findings.problem(Finding(what, "choose another id", (*task.path, "id"), see=see))
    return first.values()


def _by_id(files: Iterable[TaskFile]) -> dict[str, TaskFile]:
    found: dict[str, TaskFile] = {}
    for file in files:
        if not file.id:
            continue
        other = found.setdefault(file.id, file)
        if other is not file:
            what = f"the task id `{file.id}` is used twice"
            hint = f"choose another id: `{other.shown}` has it already"
            file.findings.problem(Finding(what, hint, ("id",)))
    return found


def _alike(task: WaveTask, files: Mapping[str, TaskFile], ids: Collection[str]) -> TaskFile | None:
    """Returns the one file that is called like the task, or has a longer or shorter id; or None."""
    free = [file for file in files.values() if file.id not in ids]
    named = [file for file in free if file.stem == task.id]
    alike = [file for file in free if _longer(file.id, task.id)]
    found = named or alike
    return found[0] if len(found) == 1 else None


def _longer(one: str, other: str) -> bool:
    return one.startswith(f"{other}-") or other.startswith(f"{one}-")


def _check_pair(task: WaveTask, file: TaskFile) -> None:
    if "wave" in file.given and file.wave != task.wave:
        what = f"`wave` of task `{task.id}` is {file.wave}, but the manifest has it in {task.wave}"
        file.findings.problem(Finding(what, f"write `wave: {task.wave}`, or move it", ("wave",)))
    agent = file.given.get("agent", "")
    if task.agent and agent and agent != task.agent:
        what = f"`agent` of task `{task.id}` is `{agent}`, but `{task.agent}` in the manifest"
        file.findings.warning(Finding(what, "the manifest's is used", ("agent",)))


def _with_needs(members: list[Member], findings: Findings) -> tuple[Member, ...]:
    """Returns the members with what they wait for, from `deps` and from `blocks` of others.

    `findings` has the guesses that all files of the folder may cost together.
    """
    known = {member.id: member for member in members}
    names = {**{name: name for name in known}, **_short_names(members)}
    needs: dict[str, dict[str, tuple[TaskFile, KeyPath]]] = {name: {} for name in known}
    for member in members:
        file = member.file
        if file is None:
            continue
        for key in ("deps", "blocks"):
            for position, written in enumerate(file.names(key)):
                path: KeyPath = (key, position)
                other = names.get(written, "")
                if _refused(member, written, other, path, file, names, findings):
                    continue
                waits, for_ = (member.id, other) if key == "deps" else (other, member.id)
                _check_waves(known[waits], known[for_], path, file)
                needs[waits].setdefault(for_, (file, path))
    _check_cycles(needs)
    return tuple(Member(member.task, member.file, tuple(needs[member.id])) for member in members)


def _short_names(members: Iterable[Member]) -> dict[str, str]:
    """Returns the ids of task files that differ from those of the manifest, with the latter."""
    return {
        member.file.id: member.id
        for member in members
        if member.file is not None and member.file.id != member.id
    }


def _refused(
    member: Member,
    written: str,
    other: str,
    path: KeyPath,
    file: TaskFile,
    names: Mapping[str, str],
    findings: Findings,
) -> bool:
    key, position = path
    if not other:
        what = f"`{key}` of task `{member.id}` names `{brief(written)}`, which no wave has"
        taken = {member.id, *(names.get(one) for one in file.names(str(key)))}
        others = (name for name, task in names.items() if task not in taken)
        hint = did_you_mean(findings.guess(written, others), "name a task by its `id`")
    elif other == member.id:
        what, hint = f"task `{member.id}` names itself in `{key}`", "remove this entry"
    elif names.get(written) in [names.get(one) for one in file.names(str(key))[: int(position)]]:
        what = f"`{key}` of task `{member.id}` names `{brief(written)}` twice"
        hint = "remove one of them"
    else:
        return False
    file.findings.problem(Finding(what, hint, path))
    return True


def _check_waves(waits: Member, needed: Member, path: KeyPath, file: TaskFile) -> None:
    late, early = waits.task.wave, needed.task.wave
    if early < late:
        return
    what = f"task `{waits.id}` of wave {late} can't wait for `{needed.id}` of wave {early}"
    if late == 1:
        what += ": tasks of the first wave wait for nothing"
    hint = f"move `{waits.id}` to wave {early + 1} or later, or remove this entry"
    file.findings.problem(Finding(what, hint, path))


def _check_cycles(needs: Mapping[str, Mapping[str, tuple[TaskFile, KeyPath]]]) -> None:
    edges = {name: list(others) for name, others in needs.items()}
    for _ in range(_MOST_CYCLES):
        cycle = find_cycle(edges)
        if cycle is None:
            return
        file, path = needs[cycle[0]][cycle[1]]
        what = f"these tasks wait for each other in a circle: {' -> '.join(cycle)}"
        file.findings.problem(Finding(what, "remove one of these dependencies", path))
        for name in cycle:
            edges.pop(name, None)
