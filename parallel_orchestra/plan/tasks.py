"""The entries of `tasks` -> Tasks: types, then what only shows when fields are seen together."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import (
    DEFAULT_BACKEND,
    NO_BUDGET,
    Budget,
    Isolation,
    Qa,
    Task,
    Template,
)
from parallel_orchestra.plan import fields, judging, manifest
from parallel_orchestra.plan.abilities import (
    AGENT_FIELDS,
    UNITS,
    Abilities,
    abilities_of,
    who_knows,
)
from parallel_orchestra.plan.borders import check_own
from parallel_orchestra.plan.budgets import limit_of, untold, way_out
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, brief, did_you_mean
from parallel_orchestra.plan.parts import check_backend, check_parts, check_path_variable
from parallel_orchestra.plan.sections import Sections
from parallel_orchestra.plan.values import is_task_id
from parallel_orchestra.plan.wording import check_keys, validated
from parallel_orchestra.plan.yaml_tree import kind_of

_TASK_KEYS = frozenset(fields.TaskFields.model_fields)
_MANIFEST_KEYS = frozenset(manifest.ManifestTask.model_fields)

#: The fields by which a task says what it writes.
_WRITING = ("writes", "creates", "modifies")


@frozen
class Surroundings:
    """What a task's entry is judged by: the rest of the plan.

    `groups` is None if the plan's limits can't be read; `broken_defaults` are wrong. `read` returns a file's bytes.
    """

    findings: Findings
    folder: Path
    cwd: Path
    read: Callable[[Path], bytes]
    defaults: Mapping[str, Any]
    broken_defaults: Collection[str]
    groups: Collection[str] | None
    backends: Collection[str]
    sections: Sections
    templates: Mapping[str, Template] = field(default_factory=dict)
    budget: Budget = NO_BUDGET
    qa: Qa | None = None

    @property
    def known(self) -> judging.Known:
        """What a `qa` is judged by."""
        return judging.Known(self.findings, self.backends, self.templates, self.budget)

    def exists(self, name: str) -> bool:
        """Returns whether the project has a file or folder of that name."""
        try:
            self.read(self.cwd / name)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # a folder, or too large: it is there
            pass
        return True


def read_tasks(raw: Sequence[Any], around: Surroundings) -> list[Task]:
    """Returns the tasks of a 0.2 plan that are in order; notes what is wrong with the others."""
    return _read_each(raw, around, _read_task)


def read_alone(entry: dict[str, Any], owner: str, around: Surroundings) -> Task | None:
    """Returns the task of an entry that is a file of its own; notes what is wrong with it."""
    return _read_task(entry, owner, (), around)


def read_manifest_tasks(raw: Sequence[Any], around: Surroundings) -> list[Task]:
    """Returns the tasks of a 0.1 manifest that are in order; notes what is wrong with the rest."""
    return _read_each(raw, around, _read_manifest_task)


def _read_each(
    raw: Sequence[Any],
    around: Surroundings,
    read_one: Callable[[dict[str, Any], str, KeyPath, Surroundings], Task | None],
) -> list[Task]:
    tasks: list[Task] = []
    for i, entry in enumerate(raw):
        if around.findings.full:
            break
        path = ("tasks", i)
        if not isinstance(entry, dict):
            what = f"`tasks[{i}]` must be a mapping, not {kind_of(entry)}"
            around.findings.problem(Finding(what, "write `- id: a-name` and so on", path))
            continue
        name = entry.get("id")
        owner = f"task `{name}`" if is_task_id(name) else f"tasks[{i}]"
        task = read_one(entry, owner, path, around)
        if task is not None:
            tasks.append(task)
    return tasks


def _read_task(
    entry: dict[str, Any], owner: str, path: KeyPath, around: Surroundings
) -> Task | None:
    others = fields.ELSEWHERE_THAN_TASK
    check_keys(entry, _TASK_KEYS, owner, path, around.findings, strict=True, elsewhere=others)
    check_parts(entry, owner, path, around.findings, strict=True)
    check_path_variable(entry, owner, path, around.findings)
    given = validated(fields.TaskFields, entry, owner, path, around.findings)
    whole = {**around.defaults, **given}
    if "env" in given:
        whole["env"] = {**around.defaults.get("env", {}), **given["env"]}
    check = _Check(entry, given, whole, _wrong(entry, given, around), owner, path, around)
    check.backend_and_command()
    check.agent_fields()
    check.budget()
    check.qa()
    check.isolation()
    check.group()
    check.contracts()
    check_own(given, whole, owner, path, around.findings)
    whole["prompt"] = check.prompt()
    whole.pop("prompt_file", None)
    return None if around.findings.wrong else _task(whole)


def _read_manifest_task(
    entry: dict[str, Any], owner: str, path: KeyPath, around: Surroundings
) -> Task | None:
    findings = around.findings
    for key in manifest.REFUSED_KEYS.intersection(entry):
        what = f"`{key}` of {owner} is not allowed in a plan of version 0.1"
        findings.problem(Finding(what, "remove the line", (*path, key), key=True))
    known = _MANIFEST_KEYS | manifest.REFUSED_KEYS
    check_keys(entry, known, owner, path, findings, strict=False)
    filled = {
        key: value
        for key, value in entry.items()
        if value is not None or key not in manifest.NULLABLE_KEYS
    }
    given = validated(manifest.ManifestTask, filled, owner, path, findings)
    wrong = _wrong(filled, given, around)
    _Check(filled, given, given, wrong, owner, path, around).group()
    if findings.wrong:
        return None
    whole = manifest.completed({**around.defaults, **given})
    whole["depends_on"] = tuple(dict.fromkeys(whole.get("depends_on", ())))
    whole["writes"] = manifest.writes_below(whole.get("writes", ()), around.folder, around.cwd)
    return _task(whole)


def _task(whole: dict[str, Any]) -> Task:
    if whole.get("env"):
        whole["env"] = MappingProxyType(whole["env"])
    return Task(**whole)


def _wrong(
    entry: Mapping[str, Any], given: Mapping[str, Any], around: Surroundings
) -> frozenset[str]:
    """Returns the fields of a task that are wrong in themselves, or in the defaults it takes."""
    return frozenset({*entry, *around.broken_defaults}.difference(given))


@frozen
class _Check:
    """The rules that look at several fields of one task.

    `entry` is what was written, `given` what of it is in order, `whole` that with the defaults.
    Who judges by a field that is `wrong` in itself would only add noise: see `_sound`.
    """

    entry: Mapping[str, Any]
    given: Mapping[str, Any]
    whole: dict[str, Any]
    wrong: frozenset[str]
    owner: str
    path: KeyPath
    around: Surroundings

    def backend_and_command(self) -> None:
        if not self._sound("backend", "command"):
            return
        backend = self.whole.get("backend", DEFAULT_BACKEND)
        if "backend" in self.given:
            check_backend(
                backend, self.owner, self.path, self.around.backends, self.around.findings
            )
        if backend == "command":
            if "command" not in self.whole:
                what = f"{self.owner} has the backend `command`, but no `command`"
                self._note(what, "add `command: [program, argument]`, or a shell line", "backend")
        elif "command" in self.given:
            what = f"{self.owner} has a `command`, but its backend is `{brief(backend)}`"
            self._note(what, "add `backend: command`, or remove the command", "command")
        else:
            self.whole.pop("command", None)  # the defaults', for tasks of the other backend

    def agent_fields(self) -> None:
        """Notes what the task wants of its agent that its backend can't be told."""
        backend = self.whole.get("backend", DEFAULT_BACKEND)
        sound = self._sound("backend")
        known = abilities_of(backend, self.around.templates) if sound else None
        if known is None:
            return
        for key in AGENT_FIELDS:
            if key in known.fields or not self.whole.get(key):
                continue
            if key in self.given:
                what = (
                    f"{self.owner} has `{key}`, which its backend `{backend}` does not understand"
                )
                self._note(what, self._way_out(key, backend), key)
            else:
                self.whole.pop(key)  # the defaults', for tasks of other backends
        self._permission_mode(backend, known)

    def budget(self) -> None:
        """Notes a budget that can't be kept, because the agent does not tell what it uses."""
        backend = self.whole.get("backend", DEFAULT_BACKEND)
        sound = self._sound("backend", *UNITS)
        known = abilities_of(backend, self.around.templates) if sound else None
        if known is None:
            return
        for unit in UNITS:
            nothing, own = self.whole.get(unit) == 0, unit in self.given
            if unit in known.tells and nothing and own:
                what = f"`{unit}` of {self.owner} is 0, but its agent, `{backend}`, asks a model"
                self._note(what, "write more, or remove the line", unit)
            elif unit not in known.tells and not nothing and self._limited(unit):
                limit = f"its `{unit}`" if own else f"the plan's `budget.{unit}`"
                what = f"{limit} can't be kept: {untold(unit, self.owner, backend)}"
                hint = way_out(unit, backend, self.around.templates)
                self._note(what, hint, unit if own else "backend")
            elif (unit in known.tells) == nothing and not own:
                self.whole.pop(unit, None)  # the defaults', for tasks of other backends

    def qa(self) -> None:
        """Notes what is wrong with how its work is judged."""
        around = self.around
        if around.qa is None and "qa" not in self.whole and "qa" not in self.entry:
            return  # nobody judges it
        if not self._sound("qa"):
            whose = f"`qa` of {self.owner}"
            judging.check_named(self.entry.get("qa"), whose, (*self.path, "qa"), around.known)
        elif self._sound("backend", "read_only", *UNITS):
            judging.check_own(
                self.given, self.whole, around.qa, self.owner, self.path, around.known
            )

    def _limited(self, unit: str) -> bool:
        return unit in self.given or limit_of(self.around.budget, unit) is not None

    def _way_out(self, key: str, backend: str) -> str:
        if backend in self.around.templates:
            return f"write `{{{key}}}` into its command, or remove the line"
        others = " or ".join(f"`{name}`" for name in who_knows(key))
        return f"remove the line; {others} understands it"

    def _permission_mode(self, backend: str, known: Abilities) -> None:
        mode = self.whole.get("permission_mode")
        if mode is None or not self._sound("permission_mode", "read_only"):
            return
        if self.whole.get("read_only"):
            if "permission_mode" in self.given:
                what = f"{self.owner} is `read_only`, which decides its `permission_mode`"
                self._note(what, "keep one of them", "permission_mode")
            self.whole.pop("permission_mode")
        elif known.modes and mode not in known.modes:
            *others, last = (f"`{name}`" for name in known.modes)
            names = f"{', '.join(others)} or {last}"
            what = f"`permission_mode` of {self.owner} must be {names}, not `{brief(mode)}`"
            guess = self.around.findings.guess(mode, known.modes)
            hint = did_you_mean(guess, f"these are the modes of `{backend}`")
            self._note(what, hint, "permission_mode")

    def isolation(self) -> None:
        free = self.whole.get("isolation") is Isolation.NONE
        if free and self._sound("read_only") and not self.whole.get("read_only", False):
            what = f"{self.owner} has `isolation: none`, but is not `read_only`"
            self._note(what, "add `read_only: true`, or let it work in a worktree", "isolation")
        if self.whole.get("isolation") is Isolation.SHARED:
            self._shared()

    def _shared(self) -> None:
        """Notes why a task can't share a worktree: its files must be told from those of others."""
        writes = [(key, text) for key in _WRITING for text in self.whole.get(key, ())]
        shared = f"{self.owner} has `isolation: shared`"
        if self.whole.get("read_only", False) and self._sound("read_only"):
            hint = "let it look at a worktree of its own: remove `isolation`"
            self._note(f"{shared}, but is `read_only`", hint, "isolation")
        elif not writes and self._sound(*_WRITING):
            hint = "add `writes`: only these files are taken out of the shared worktree"
            self._note(f"{shared}, but does not say what it writes", hint, "isolation")
        for key, text in writes:
            if "::" in text:
                hint = "two tasks can't write one file there at the same time: name the file"
                self._note(f"{shared}, but writes a part of a file: `{brief(text)}`", hint, key)
        if "setup" in self.given:
            hint = "put it into the plan's `setup`: the worktree is set up once, for all"
            self._note(f"{shared}, but a `setup` of its own", hint, "setup")

    def group(self) -> None:
        group = self.whole.get("concurrency_group", "")
        groups = self.around.groups
        if group and groups is not None and group not in groups:
            shown = brief(group)
            what = f"{self.owner} is in the group `{shown}`, which `concurrency_limits` lacks"
            guess = self.around.findings.guess(group, groups)
            hint = did_you_mean(guess, f"add `concurrency_limits: {{{shown}: 1}}` to the plan")
            self._note(what, hint, "concurrency_group")

    def contracts(self) -> None:
        """Remarks on a contract that is not there, if no task before this one can write it."""
        for i, name in enumerate(self.whole.get("contracts", ())):
            if not self.whole.get("depends_on") and not self.around.exists(name):
                what = f"the contract `{brief(name)}` is not there"
                hint = "it counts from `cwd`; no task that comes before could write it"
                holder = self.path if "contracts" in self.given else ("defaults",)
                path = (*holder, "contracts", i)
                self.around.findings.warning(Finding(what, hint, path))

    def prompt(self) -> str:
        """Returns the prompt from the one place that has it; "" if there is none."""
        sections = self.around.sections.of.get(self.given.get("id", ""), [])
        places = [f"`{key}`" for key in ("prompt", "prompt_file") if key in self.entry]
        places += [f"the section on line {section.line}" for section in sections]
        if len(places) > 1:
            key = next((key for key in ("prompt", "prompt_file") if key in self.entry), "id")
            what = f"{self.owner} has more than one prompt: {', '.join(places[:5])}"
            self._note(what, "keep one of them", key)
        elif "prompt_file" in self.given:
            return self._from_file(self.given["prompt_file"])
        elif sections:
            if not sections[0].text:
                what, mark = f"the section of {self.owner} is empty", (sections[0].line, 1)
                self._note(what, "write the prompt below the heading", "prompt", mark)
            return sections[0].text
        elif not places and self._needs_prompt():
            self._note(f"{self.owner} has no prompt", self._prompt_hint(), "prompt")
        return str(self.given.get("prompt", ""))

    def _needs_prompt(self) -> bool:
        backend = self.whole.get("backend", DEFAULT_BACKEND)
        return self._sound("backend") and backend != "command"

    def _prompt_hint(self) -> str:
        task_id = str(self.given.get("id", "its-id"))
        for title in self.around.sections.titles:
            if title.casefold() == task_id.casefold():
                return f"rename the heading `{brief(title)}` to `{task_id}`"
        return f"add `prompt`, or `prompt_file`, or a section under the heading `## {task_id}`"

    def _from_file(self, name: str) -> str:
        try:
            text = self.around.read(self.around.folder / name).decode("utf-8-sig")
        except OSError as error:
            reason = error.strerror or "can't be read"
        except ValueError:  # not UTF-8, or a path that no system has
            reason = "not UTF-8 text"
        else:
            if text.strip() and "\0" not in text:
                return text
            reason = "contains a NUL character" if text.strip() else "is empty"
        what = f"the prompt file `{brief(name)}` of {self.owner} can't be used: {reason}"
        self._note(what, "its path counts from the plan's folder", "prompt_file")
        return ""

    def _sound(self, *keys: str) -> bool:
        return self.wrong.isdisjoint(keys)

    def _note(self, what: str, hint: str, key: str, mark: tuple[int, int] | None = None) -> None:
        path = (*self.path, key) if key in self.entry or mark else self.path
        self.around.findings.problem(Finding(what, hint, path, mark=mark))
