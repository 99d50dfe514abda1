"""The health of what a run has in git: its branch, its fences, lock files, delivery."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from parallel_orchestra.conductor.checkup.directory import lies_wrong
from parallel_orchestra.conductor.checkup.finding import Finding, Level, problems_as_findings
from parallel_orchestra.conductor.picture import NOBODY, ledger_at, resume_command, undos_under_way
from parallel_orchestra.errors import WaitsForPerson
from parallel_orchestra.git import OWN_REFS, Repo
from parallel_orchestra.merge_queue import RunRefs
from parallel_orchestra.merge_queue.history import History, Ledger
from parallel_orchestra.store import Layout, Listing, RunRecord, TaskStore

#: Seconds after which a lock file of git's is one that its git has left behind.
_LEFT = 10.0


def integration(
    repo: Repo, record: RunRecord, layout: Layout, listing: Listing
) -> Iterator[Finding]:
    """Yields whether the branch is there, continues, and agrees with where the tasks lie."""
    refs = RunRefs(record.run, record.integration)
    tip = repo.refs.read(record.integration)
    remembered = repo.refs.list(f"{refs.prefix}merged")
    if tip is None:
        level = Level.PROBLEM if remembered else Level.NOTE
        said = f"the integration branch `{refs.branch}` is gone"
        last = f"`git branch {refs.branch} COMMIT` with its last commit (`git log --all`)"
        yield Finding(level, said, str(repo.top), last if remembered else "", waits=True)
        return
    history = History(repo.objects, record.run, record.base_commit, refs.branch)
    try:
        history.look(tip)
    except WaitsForPerson as tampered:
        yield from problems_as_findings(tampered.problems, waits=True)
        return
    yield Finding(Level.OK, f"the integration branch `{refs.branch}` is as we wrote it", tip)
    for ref, commit in remembered.items():
        if not repo.is_ancestor(commit, tip):
            task = ref.rpartition("/")[2]
            said = f"the merge of task `{task}` is not on `{refs.branch}` any more"
            mend = f"`parallel-orchestra retry {task}` does it again"
            yield Finding(Level.PROBLEM, said, commit, mend, waits=True)
    yield from _moves_to_come(repo, record, layout, listing, ledger_at(repo, record, tip))


def fences(repo: Repo, record: RunRecord) -> Iterator[Finding]:
    """Yields claim refs that point to nothing: a power cut may leave them."""
    refs = RunRefs(record.run, record.integration)
    for ref, value in repo.refs.list(f"{refs.prefix}claim").items():
        if not repo.objects.has(value):
            said = "the fence of a task points to an object that is not there"
            yield Finding(Level.WARNING, said, ref, f"`git update-ref -d {ref}`")


def lock_files(repo: Repo, now: float) -> Iterator[Finding]:
    """Yields lock files that a git seems to have left behind, ours and the user's."""
    common = repo.common_dir
    candidates = [*repo.git_dir.glob("*.lock"), *common.glob("*.lock")]
    candidates += (common / "refs").rglob("*.lock")
    for path in sorted(set(candidates)):
        if path == repo.mutex.path or (age := _age(path, now)) < _LEFT:
            continue
        below = path.relative_to(common) if path.is_relative_to(common) else path
        ours = str(below).startswith(OWN_REFS)
        busy = _git_in(repo)
        who = f"process {busy[0]} is a git at work here" if busy else "no git is at work here"
        said = f"`{below}` is {age:.0f} s old, and {who}"
        if ours:
            yield Finding(Level.NOTE, f"{said}; the next merge removes it", str(path))
        else:
            yield Finding(Level.WARNING, f"{said}; git refuses to work", str(path), f"`rm {path}`")


def delivery(repo: Repo, record: RunRecord, *, busy: bool) -> Iterator[Finding]:
    """Yields whether the user's branch has what was merged; while a run is at work, never mind."""
    tip = repo.refs.read(record.integration)
    branch = record.base_branch
    user = repo.refs.read(f"refs/heads/{branch}")
    refs = RunRefs(record.run, record.integration)
    if tip is None or busy:
        return
    if user is None:
        said = f"the branch `{branch}`, to be delivered to, does not exist any more"
        yield Finding(
            Level.PROBLEM, said, str(repo.top), f"`git branch {branch} {refs.branch}`", waits=True
        )
    elif not repo.is_ancestor(tip, user) and repo.refs.read(refs.proposed) == tip:
        yield Finding(Level.OK, f"merged work on `{refs.branch}` was pushed for a pull request")
    elif not repo.is_ancestor(tip, user):
        said = f"merged work on `{refs.branch}` has not reached `{branch}`"
        yield Finding(Level.WARNING, said, tip, "`parallel-orchestra deliver`")


def _moves_to_come(
    repo: Repo, record: RunRecord, layout: Layout, listing: Listing, ledger: Ledger
) -> Iterator[Finding]:
    store = TaskStore(layout, NOBODY)
    half = undos_under_way(repo, record, ledger)
    for task in sorted(half):
        said = f"task `{task}` was undone, but its file was not moved yet"
        yield Finding(Level.WARNING, said, str(layout.root), f"`{resume_command(record, layout)}`")
    for task, fact in sorted(ledger.merges.items()):
        entry = listing.entries.get(task)
        if entry is None or not lies_wrong(entry):
            continue
        generation = store.generation(entry.state, entry.name)
        if fact.generation >= generation:
            said = f"task `{task}` is merged, but lies in `{entry.state.value}/`"
            yield Finding(
                Level.WARNING, said, str(layout.root), f"`{resume_command(record, layout)}`"
            )


def _age(path: Path, now: float) -> float:
    try:
        return max(0.0, now - path.lstat().st_mtime)
    except OSError:
        return 0.0


def _git_in(repo: Repo) -> list[int]:
    """Returns the git processes that work in the repository, those of this process aside."""
    mine = {one.pid for one in psutil.Process().children(recursive=True)}
    found = []
    for one in psutil.process_iter(["name", "cwd"]):
        name, place = one.info["name"] or "", Path(one.info["cwd"] or "/")
        inside = any(place.is_relative_to(top) for top in (repo.top, repo.common_dir))
        if inside and name.startswith("git") and one.pid not in mine:
            found.append(one.pid)
    return sorted(found)
