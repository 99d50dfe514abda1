"""A folder in order -> a plan: waves become barriers, their validations tasks of their own.

A validation waits for all tasks of its wave and belongs to it, so the next wave waits for both. What
is to be installed is a wave before the first, with one task that commits.
"""

from parallel_orchestra.model import CPO, CPO_MANIFEST, DEFAULT_MAX_RETRIES, Plan, Setup, Task
from parallel_orchestra.plan.cpo import prompts, validation
from parallel_orchestra.plan.cpo.folder import Folder
from parallel_orchestra.plan.cpo.manifest import Wave
from parallel_orchestra.plan.cpo.order import Member
from parallel_orchestra.plan.cpo.pins import install_script
from parallel_orchestra.plan.cpo.scope import Scope, texts_of

_FILES_OF_UV = ("pyproject.toml", "uv.lock")


def plan_of(folder: Folder, max_retries: int | None = None) -> Plan:
    """Returns the plan that a folder means; `max_retries` None is the default of plans."""
    manifest = folder.manifest
    tasks: list[Task] = []
    if manifest.pins.any:
        tasks.append(_installing(folder, _free("dependencies", folder)))
    retries = DEFAULT_MAX_RETRIES if max_retries is None else max_retries
    members = {member.id: member for member in folder.members}
    gates = {wave.number: name for name, wave in gates_of(folder).items()}
    for wave in manifest.waves:
        here = [members[task.id] for task in wave.tasks if task.id in members]
        tasks += [_task(member, folder, retries) for member in here]
        if wave.validation:
            tasks.append(_gate(wave, gates[wave.number], tuple(member.id for member in here)))
    return Plan(
        version=CPO,
        name=manifest.name or folder.path.name,
        source=folder.path / CPO_MANIFEST,
        cwd=folder.project,
        tasks=tuple(tasks),
        programs=("uv",) if manifest.pins.any else (),
        setup=Setup(include=True),
        warnings=folder.remarks,
    )


def gates_of(folder: Folder) -> dict[str, Wave]:
    """Returns the waves that are validated, by the id of the task that does it."""
    return {
        _free(f"wave-{wave.number}-validation", folder): wave
        for wave in folder.manifest.waves
        if wave.validation
    }


def _free(name: str, folder: Folder) -> str:
    """Returns the name, or a longer one that no task of the folder has."""
    taken = {member.id.casefold() for member in folder.members}
    while name.casefold() in taken:
        name += "-x"
    return name


def _task(member: Member, folder: Folder, retries: int) -> Task:
    file = member.file
    prompt = folder.prompts[member.id]
    given = file.given if file is not None else {}
    scope = file.scope if file is not None else Scope()
    signals = prompts.MARKER in prompt
    return Task(
        id=member.id,
        title=(file.title if file is not None else "") or str(given.get("component", "")),
        prompt=prompt,
        agent=member.task.agent or str(given.get("agent", "")),
        depends_on=member.needs,
        creates=texts_of(scope.creates),
        modifies=texts_of(scope.modifies),
        boundary=texts_of(scope.boundary),
        wave=member.task.wave,
        max_retries=retries,
        # the format believes its signal: who says that it is done may have had nothing to change
        allow_empty=signals or not (scope.creates or scope.modifies),
        completion_signal=signals,
    )


def _installing(folder: Folder, name: str) -> Task:
    manifest = folder.manifest
    return Task(
        id=name,
        title="Install the pinned dependencies",
        backend="command",
        command=install_script(
            manifest.pins, manifest.name or folder.path.name, manifest.python_version
        ),
        writes=_FILES_OF_UV,
        wave=0,
        # they may all be there already
        allow_empty=True,
    )


def _gate(wave: Wave, name: str, checked: tuple[str, ...]) -> Task:
    return Task(
        id=name,
        title=f"Validation of wave {wave.number}",
        backend="command",
        command=validation.command_of(wave.validation),
        read_only=True,
        depends_on=checked,
        # of the same wave, so that the next one waits for it
        wave=wave.number,
        max_retries=0,
        # what Python leaves beside its sources is no change of the project
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
