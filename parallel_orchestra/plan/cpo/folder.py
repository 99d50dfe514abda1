"""A whole folder of the `cpo` format, read and checked: manifest, task files, prompts, contracts."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import CPO_MANIFEST
from parallel_orchestra.plan.cpo import prompts
from parallel_orchestra.plan.cpo.book import Book
from parallel_orchestra.plan.cpo.manifest import Manifest, read_manifest
from parallel_orchestra.plan.cpo.order import Member, joined
from parallel_orchestra.plan.cpo.ownership import check_ownership
from parallel_orchestra.plan.cpo.task_file import TaskFile, read_task_file
from parallel_orchestra.plan.findings import Finding, Findings, brief


@frozen
class Disk:
    """How files are asked for; all paths are absolute.

    `read` returns a file's bytes or raises OSError; `names` returns what lies in a directory, and
    nothing if there is none.
    """

    read: Callable[[Path], bytes]
    names: Callable[[Path], Collection[str]]


@frozen
class Folder:
    """A folder in order: `project` is the directory that its paths count from.

    `prompts` are the whole prompts by task id, `remarks` what is only odd, a sentence each.
    """

    path: Path
    project: Path
    manifest: Manifest
    members: tuple[Member, ...]
    prompts: Mapping[str, str]
    remarks: tuple[str, ...] = ()


def project_of(folder: Path, disk: Disk) -> Path:
    """Returns the project of a folder: above `parallel/`, else the repository that it lies in."""
    if folder.parent.name == "parallel":
        return folder.parent.parent
    inside = (place for place in folder.parents if ".git" in disk.names(place))
    return next(inside, folder.parent)


def read_folder(path: Path, shown: str, disk: Disk) -> Folder:
    """Returns the folder at an absolute path; `shown` is its name for messages.

    Raises:
        PlanError: with everything that is wrong in all of its files, each with file and line.
    """
    return _Reading(path, shown.rstrip("/") or shown, disk).folder()


class _Reading:
    def __init__(self, path: Path, shown: str, disk: Disk) -> None:
        self._path = path
        self._shown = shown
        self._disk = disk
        self._book = Book()
        self._project = project_of(path, disk)

    def folder(self) -> Folder:
        name = f"{self._shown}/{CPO_MANIFEST}"
        manifest = read_manifest(self._disk.read(self._path / CPO_MANIFEST), name, self._book)
        files = [file for file in map(self._task_file, self._names("tasks", ".md")) if file]
        members: tuple[Member, ...] = ()
        texts: dict[str, str] = {}
        if manifest is not None:
            members = joined(manifest, files, f"{self._shown}/tasks")
            check_ownership(members)
            for file in files:
                self._check_contracts(file)
            texts = self._prompts(manifest, members)
        remarks = self._book.close()
        assert manifest is not None  # noqa: S101  # else the book does not close in peace
        return Folder(self._path, self._project, manifest, members, texts, remarks)

    def _names(self, folder: str, suffix: str) -> list[str]:
        found = self._disk.names(self._path / folder)
        return sorted(f"{folder}/{name}" for name in found if name.endswith(suffix))

    def _task_file(self, name: str) -> TaskFile | None:
        shown = f"{self._shown}/{name}"
        try:
            data = self._disk.read(self._path / name)
        except OSError as error:
            why = error.strerror or "no reason given"
            what = f"the task file can't be read: {why[:1].lower()}{why[1:]}"
            self._book.open(shown).problem(Finding(what, "mend it, or move it out of `tasks/`"))
            return None
        return read_task_file(data, self._path / name, shown, self._book)

    def _check_contracts(self, file: TaskFile) -> None:
        for position, contract in enumerate(file.names("contracts")):
            place = self._path / contract
            if place.name not in self._disk.names(place.parent):
                what = f"the contract `{brief(contract)}` of task `{file.id}` is not there"
                hint = f"its path counts from {self._shown}"
                file.findings.warning(Finding(what, hint, ("contracts", position)))

    def _prompts(self, manifest: Manifest, members: Collection[Member]) -> dict[str, str]:
        around = prompts.Surroundings(self._context(), self._inside(), str(self._path))
        lie_there = self._names("prompts", ".txt")
        texts = {}
        for member in members:
            name = self._prompt_name(member, lie_there, manifest.findings)
            text = self._written(member, name, manifest.findings) if name else ""
            if not text and not name and member.file is not None:
                self._check_complete(member, member.file)
                text = prompts.generated(member, member.file, around)
            texts[member.id] = text
        return texts

    def _context(self) -> str:
        shown = f"{self._shown}/context.md"
        try:
            return self._disk.read(self._path / "context.md").decode("utf-8-sig")
        except OSError:
            self._remark(shown, "the folder has no `context.md`", "write what all tasks must know")
        except ValueError:
            self._book.open(shown).problem(Finding("the file is not UTF-8", "save it as UTF-8"))
        return ""

    def _inside(self) -> str:
        try:
            return self._path.relative_to(self._project).as_posix()
        except ValueError:
            return str(self._path)

    def _prompt_name(self, member: Member, lie_there: list[str], findings: Findings) -> str:
        """Returns which file has the prompt of a task, counted from the folder; "" for none."""
        task = member.task
        if task.prompt_file:
            if self._is_there(task.prompt_file):
                return task.prompt_file
            at = (*task.path, "prompt_file")
            what = f"the prompt file `{brief(task.prompt_file)}` of task `{task.id}` is not there"
            if lie_there:
                hint = "write it, or remove `prompt_file` to have it made from the task file"
                findings.problem(Finding(what, hint, at))
            else:
                findings.warning(Finding(what, "the prompt is made from the task file", at))
            return ""
        short = "-".join(task.id.split("-")[:2])
        names = (f"prompts/{name}.txt" for name in (task.id, getattr(member.file, "id", ""), short))
        return next((name for name in names if name in lie_there), "")

    def _is_there(self, name: str) -> bool:
        place = self._path / name
        return place.name in self._disk.names(place.parent)

    def _written(self, member: Member, name: str, findings: Findings) -> str:
        at = (*member.task.path, "prompt_file" if member.task.prompt_file else "id")
        try:
            text = self._disk.read(self._path / name).decode("utf-8-sig")
            reason = "" if text.strip() and "\0" not in text else "is empty, or no text"
        except OSError as error:
            text, reason = "", error.strerror or "can't be read"
        except ValueError:
            text, reason = "", "is not UTF-8"
        if reason:
            what = f"the prompt file `{brief(name)}` of task `{member.id}` can't be used: {reason}"
            findings.problem(Finding(what, "write it anew, or remove it", at))
            return ""
        missing = prompts.missing_sections(text)
        if missing:
            what = f"the prompt of task `{member.id}` lacks {', '.join(missing)}"
            self._remark(f"{self._shown}/{name}", what, "see the reference of `cpo` folders")
        return prompts.completed(text)

    def _check_complete(self, member: Member, file: TaskFile) -> None:
        """Notes what a generated prompt has to have from the task file and does not get."""
        if not file.requirements:
            what = f"task `{member.id}` has no section `## Requirements`, and no prompt of its own"
            file.findings.problem(Finding(what, "write what the agent is to do", mark=(1, 1)))
        if not file.checklist:
            what = f"task `{member.id}` has no section `## Checklist`"
            file.findings.warning(Finding(what, "write by what it is judged", mark=(1, 1)))

    def _remark(self, shown: str, what: str, hint: str) -> None:
        self._book.open(shown).warning(Finding(what, hint, mark=(1, 1)))
