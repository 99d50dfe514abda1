"""Finds out what a path means, a plan's file or a `cpo` folder, and has it read.

The only place of the room that touches the disk.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parallel_orchestra.errors import PlanError, Problem
from parallel_orchestra.garbage import undisturbed
from parallel_orchestra.model import CPO_MANIFEST, Plan, Task
from parallel_orchestra.plan.abilities import ABILITIES
from parallel_orchestra.plan.borders import Disk
from parallel_orchestra.plan.templating import Judge, Known

if TYPE_CHECKING:
    from parallel_orchestra.plan.cpo import Folder

#: The largest file that is read, 10,000 tasks of 3 KiB each: it is in memory five times over.
MAX_BYTES = 32 * 1024 * 1024

#: The JSON Schema of plans, for editors; `docs/generate.py` writes it by `plan.schema`.
SCHEMA_FILE = Path(__file__).with_name("plan.schema.json")

#: The backends a plan may name, if the caller does not say otherwise.
BACKENDS = tuple(ABILITIES)


def _accepted(_: str, __: Iterable[Mapping[str, Any]], ___: Known) -> Sequence[tuple[int, str]]:
    """Stands in for a judge of templates that nobody gave."""
    return ()


def load(
    path: Path,
    backends: Collection[str] = BACKENDS,
    read: Callable[[Path], bytes] | None = None,
    judge: Judge = _accepted,
) -> Plan:
    """Returns the plan in a file, or in a folder of the `cpo` format.

    Its `source` is absolute with the links of its folder resolved: `cwd` counts from there.
    `read` gives the bytes of a file in place of `contents`. `judge` returns line and words of all
    that is wrong with a template.

    Raises:
        PlanError: the file can't be read, or with everything that is wrong with the plan.
    """
    reading = read or contents
    if is_folder(path):
        return _load_folder(path, reading)
    try:
        source = path.parent.resolve() / path.name
        data = reading(path)
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a NUL in the name
        reason = getattr(error, "strerror", None) or "not a usable path"
        what = f"can't read the plan: {reason[:1].lower()}{reason[1:]}"
        raise PlanError(Problem(what, str(path), _nearby(path))) from error
    return parse(
        data,
        source,
        reading,
        is_directory=Path.is_dir,
        disk=Disk(os.path.lexists, os.path.islink, lambda path: Path(os.path.realpath(path))),
        shown=str(path),
        backends=backends,
        judge=judge,
    )


def is_folder(path: Path) -> bool:
    """Returns whether a path means a folder of the `cpo` format: the folder, or its manifest."""
    if path.name == CPO_MANIFEST:
        return True
    names = _names(path)
    return CPO_MANIFEST in names or {"tasks", "context.md"} <= names


def source_and_project(path: Path) -> tuple[Path, Path]:
    """Returns the absolute file of a plan and its project; a `cpo` folder need not be in order.

    Raises:
        PlanError: it is a file that can't be read as a plan.
    """
    if not is_folder(path):
        plan = load(path)
        return plan.source, plan.cwd
    from parallel_orchestra.plan.cpo import Disk, project_of  # noqa: PLC0415  # see `read_cpo`

    folder = (path.parent if path.name == CPO_MANIFEST else path).resolve()
    return folder / CPO_MANIFEST, project_of(folder, Disk(contents, _names))


def read_cpo(path: Path, read: Callable[[Path], bytes] | None = None) -> "Folder":
    """Returns the folder of the `cpo` format at this path; `read` is as in `load`.

    Raises:
        PlanError: with everything that is wrong in all of its files.
    """
    # the library that checks fields, and what reads task files: who loads run.json needs neither
    from parallel_orchestra.plan.cpo import Disk, read_folder  # noqa: PLC0415

    folder = path.parent if path.name == CPO_MANIFEST else path
    try:
        return read_folder(folder.resolve(), str(folder), Disk(read or contents, _names))
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        what = f"can't read the folder's manifest: {reason[:1].lower()}{reason[1:]}"
        hint = "a folder of this format has a `manifest.json`; `init --cpo` writes one"
        raise PlanError(Problem(what, str(folder / CPO_MANIFEST), hint)) from error


def _load_folder(path: Path, read: Callable[[Path], bytes]) -> Plan:
    from parallel_orchestra.plan.auto_context import read_auto_context  # noqa: PLC0415  # as above
    from parallel_orchestra.plan.cpo import plan_of  # noqa: PLC0415  # as above

    folder = read_cpo(path, read)
    auto = read_auto_context(folder.project, read)
    return auto.applied(plan_of(folder, auto.task_defaults.get("max_retries")))


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in folder.iterdir())
    except (OSError, ValueError):
        return frozenset()


@undisturbed()
def parse(
    data: bytes,
    source: Path,
    read: Callable[[Path], bytes],
    *,
    is_directory: Callable[[Path], bool] = lambda _: True,
    disk: Disk | None = None,
    shown: str = "",
    backends: Collection[str] = BACKENDS,
    judge: Judge = _accepted,
) -> Plan:
    """Returns the plan in these bytes.

    `source` is the absolute path of its file; one that ends in .yaml or .yml has no body.
    `read` returns the bytes of a prompt file or raises OSError, `is_directory` whether `cwd` is
    one; `disk` answers for the project's files, if they are to be looked for. `shown` is the
    file's name for messages, the source if left out. `judge` as in `load`.

    Raises:
        PlanError: with everything that is wrong, in the order of the file, each problem with
            line, column, key path and remedy.
    """
    # pydantic, PyYAML and python-frontmatter take 140 ms, which who loads run.json need not pay
    from parallel_orchestra.plan.reading import Origin, read_plan  # noqa: PLC0415

    return read_plan(
        data, Origin(source, shown or str(source), read, is_directory, backends, judge, disk)
    )


def read_joining(
    data: bytes,
    name: str,
    plan: Plan,
    *,
    shown: str,
    read: Callable[[Path], bytes],
    backends: Collection[str] = BACKENDS,
) -> Task:
    """Returns the task in a file of its own, as it joins a run of the plan; see `joining`.

    Raises:
        PlanError: with everything that is wrong with it.
    """
    from parallel_orchestra.plan import joining  # noqa: PLC0415  # as in `parse`

    return joining.read_joining(data, name, plan, shown=shown, read=read, backends=backends)


def joining_id(data: bytes, otherwise: str, shown: str) -> str:
    """Returns the id that a task's file says it has, or else that of its name.

    `shown` is the file's name for messages.

    Raises:
        PlanError: the file can't be read as one.
    """
    from parallel_orchestra.plan import joining  # noqa: PLC0415  # as in `parse`

    return joining.id_in(data, otherwise, shown)


def contents(path: Path) -> bytes:
    """Returns a plan's or a prompt's bytes.

    Raises:
        OSError: it can't be read, is too large, or is no file.
    """
    # a named pipe without a writer would hold us for ever
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "is a directory", str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(22, "not a regular file", str(path))
        if status.st_size > MAX_BYTES:
            raise OSError(27, f"larger than {MAX_BYTES // 2**20} MiB", str(path))
        return file.read(MAX_BYTES)


def _nearby(path: Path) -> str:
    """Returns a hint at a file that may be meant instead."""
    try:
        folder = path if path.is_dir() else path.parent
        names = sorted(entry.name for entry in folder.iterdir())[:1000]
    except (OSError, ValueError):
        return "give the path of a plan, such as plan.md"
    plans = [name for name in names if name.endswith((".md", ".yaml", ".yml"))]
    if folder == path:
        close = [name for name in plans if name.startswith("plan.")]
    else:
        close = get_close_matches(path.name, [name for name in plans if name != path.name], n=1)
    return (
        f"did you mean `{folder / close[0]}`?"
        if close
        else "give the path of a plan, such as plan.md"
    )
