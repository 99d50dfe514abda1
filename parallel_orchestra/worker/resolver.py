"""A conflict that an agent resolves: in a worktree where the merge is begun, with both sides' tasks told.

What it makes is no more believed than any work: it has to leave no marker and no half merge, to touch
only what both sides touched, and to pass the task's `verify` and the queue. Else the conflict stays
what it was, and the work is kept for a person.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import backend_of, speaks_claude
from parallel_orchestra.agents.words import brief
from parallel_orchestra.errors import GitError
from parallel_orchestra.git import Conflicted, MergedTree
from parallel_orchestra.isolation import (
    Label,
    Seat,
    SetUpFailed,
    Slot,
    Unusable,
    Work,
    Workspace,
    keep_commit,
    prepared,
)
from parallel_orchestra.model import Answer, FailureClass, OnConflict, Phase, Task, Usage
from parallel_orchestra.process import Supervisor
from parallel_orchestra.process.pressing import rendered
from parallel_orchestra.prompt import resolve_template
from parallel_orchestra.prompt.resolving import Clash, clash_facts
from parallel_orchestra.store import Claim, LostClaim
from parallel_orchestra.worker.allowance import Allowance
from parallel_orchestra.worker.borders import breach
from parallel_orchestra.worker.ended import Ended, Finished
from parallel_orchestra.worker.landing import Contradicted, Landing
from parallel_orchestra.worker.markers import marked
from parallel_orchestra.worker.shop import Shop

#: How often it is tried for one piece of work: others may merge meanwhile.
_ROUNDS = 3
_LOG = "resolve.log"
#: How many files a sentence names.
_NAMED = 5


class _Unresolved(Exception):  # a fact about what an agent made, not a fault
    """The agent did not resolve it; why, as a sentence's end."""


class Resolver:
    """The merge of one attempt's work; `usage` is what resolving its conflicts used."""

    def __init__(
        self,
        shop: Shop,
        claim: Claim,
        landing: Landing,
        supervisor: Supervisor,
        seat: Seat,
        bench: Callable[[], Slot],
        allowance: Allowance,
    ) -> None:
        """Takes where it is resolved, which is made when it is needed."""
        self.usage = Usage()
        #: The ref that keeps what an agent made of the conflict.
        self._left = ""
        self._shop = shop
        self._claim = claim
        self._landing = landing
        self._supervisor = supervisor
        self._seat = seat
        self._bench = bench
        self._allowance = allowance
        self._task = shop.tasks[claim.task]

    def merged(self, commit: str, answer: Answer, token: str, generation: int) -> Finished:
        """Merges a commit, what conflicts resolved if the plan wants that; returns the merge.

        Raises:
            Contradicted: it conflicts, and nobody resolved that.
            Ended, LostClaim, GitError: as `Landing.merged`.
        """
        for left in reversed(range(_ROUNDS)):
            try:
                return self._landing.merged(commit, token, generation)
            except Contradicted as conflict:
                if conflict.commit != commit or not (self._wanted and left):
                    raise
                try:
                    commit = self._resolved(conflict, answer, again=generation > 1)
                except _Unresolved as why:
                    if self._left:
                        self._landing.note_kept(self._left)
                    reason = f"{conflict.finished.reason}; an agent did not resolve it: {why}"
                    said = _LOG if (self._landing.directory / _LOG).exists() else ""
                    conflict.finished = replace(conflict.finished, reason=reason, log=said)
                    raise conflict from why
        raise AssertionError

    def paid(self, answer: Answer) -> Answer:
        """Returns the answer of the task's agent, with what resolving used besides."""
        used = replace(answer.usage + self.usage, session=answer.usage.session)
        return replace(answer, usage=used)

    @property
    def _wanted(self) -> bool:
        wanted = self._shop.plan.merge.on_conflict is OnConflict.AGENT
        return wanted and self._task.backend != "command"

    def _resolved(self, conflict: Contradicted, answer: Answer, *, again: bool) -> str:
        """Returns a commit on top of the branch with both sides' work.

        Raises:
            _Unresolved: there is none.
            Ended: the run was stopped.
            LostClaim: the claim is not ours any more.
        """
        repo, commit = self._shop.repo, conflict.commit
        # Whatever becomes of us, what the task's agent made is there.
        keep_commit(repo, commit, self._ref("work"))
        tip = self._shop.queue.tip()
        trees = repo.objects.merge_trees(tip, commit)
        if isinstance(trees, MergedTree):
            return commit
        bench = self._bench()
        try:
            workspace = self._open(bench, tip)
            bench.begin_merge(workspace, commit, trees)
            self._ask(workspace, conflict, trees, answer)
            work = self._taken(bench, workspace)
            self._judge(workspace, work, tip, commit, trees, again=again)
        except (GitError, OSError) as error:
            raise _Unresolved(str(error)) from error
        finally:
            bench.settled()
        with_whom = "".join(f" with `{task}`" for task in conflict.tasks[:_NAMED])
        subject = f"Resolve the conflict of task `{self._task.id}`{with_whom}\n"
        count = len(trees.files)
        what = f"{count} file{'s' if count > 1 else ''}"
        self._shop.warn(self._task.id, f"a conflict in {what} was resolved by an agent, see {_LOG}")
        return repo.objects.commit(work.tree, (tip, commit), subject)

    def _open(self, bench: Slot, tip: str) -> Workspace:
        shop, claim = self._shop, self._claim
        label = Label(
            shop.run.run, claim.task, claim.attempt, claim.name.owner, self._ref("resolve")
        )
        try:
            return prepared(
                bench,
                tip,
                label,
                shop.plan.setup_of(self._task),
                shop.means(self._supervisor, self._seat),
                self._landing.directory / "resolve-setup.log",
                carry_claude=speaks_claude(self._task.backend, shop.agents),
            )
        except SetUpFailed as failed:
            raise self._stopped(str(failed), cancelled=failed.cancelled) from failed

    def _ask(
        self, workspace: Workspace, conflict: Contradicted, trees: Conflicted, answer: Answer
    ) -> None:
        """Has the task's agent resolve it, in a session of its own."""
        if not self._shop.store.holds(self._claim):
            raise LostClaim(self._task.id)
        self._landing.enter(Phase.AGENT)
        task = self._allowed(self.paid(answer).usage)
        backend = backend_of(task.backend, self._shop.agents)
        call = backend.call(task, self._shop.agents, "")
        left = self._allowance.seconds_left()
        prompt = self._prompt(conflict, trees)
        ended = self._landing.run(call, workspace, prompt, _LOG, seconds=left, task=task)
        said = backend.answer(task, self._shop.agents, ended, None)
        self.usage += said.usage
        if said.failure is not None:
            cancelled = said.failure is FailureClass.CANCELLED
            why = f"{said.failure.value}: {brief(said.reason)}"
            raise self._stopped(why, cancelled=cancelled)

    def _allowed(self, used: Usage) -> Task:
        try:
            return self._allowance.rest(self._task, used)
        except Ended as spent:
            raise _Unresolved("nothing is left of its budget for that") from spent

    def _taken(self, bench: Slot, workspace: Workspace) -> Work:
        try:
            work = bench.take(workspace)
        except Unusable as refusal:
            raise _Unresolved(str(refusal)) from refusal
        message = f"What an agent made of a conflict of task `{self._task.id}`\n"
        # It may pass all that is looked at here, and not the plan's `verify`.
        self._left = bench.keep(work, self._ref("resolve"), message)
        return work

    def _judge(
        self,
        workspace: Workspace,
        work: Work,
        tip: str,
        commit: str,
        trees: Conflicted,
        *,
        again: bool,
    ) -> None:
        """Raises if what the agent left is no merge of both sides, and only that."""
        objects = self._shop.repo.objects
        if left := marked(objects, work.tree, trees.files, (tip, commit)):
            raise _Unresolved(f"conflict markers are left in {_listed(left)}")
        if work.tree == objects.tree_of(tip):
            raise _Unresolved("nothing of the task's work is left")
        base = self._shop.repo.merge_base(tip, commit) or tip
        sides = {one.path for side in (tip, commit) for one in objects.changed(base, side)}
        touched = {one.path for one in objects.changed(trees.tree, work.tree)}
        if beyond := sorted(touched - sides):
            raise _Unresolved(f"it changed what neither side had changed: {_listed(beyond)}")
        if (found := breach(self._shop, self._task, tip, work, again=again)) is not None:
            raise _Unresolved(found.reason)
        try:
            self._landing.check(workspace)
        except Ended as ended:
            how = ended.finished
            raise self._stopped(
                how.reason, cancelled=how.failure is FailureClass.CANCELLED
            ) from ended

    def _prompt(self, conflict: Contradicted, trees: Conflicted) -> Path:
        shop = self._shop
        others = [shop.tasks[task] for task in conflict.tasks if task in shop.tasks]
        rules = shop.plan.merge.regenerate
        clash = Clash(self._task, others, trees.files, trees.messages, rules)
        path = self._landing.directory / "resolve-prompt.md"
        files.make_directory(path.parent)
        text = rendered(resolve_template(), {}, clash_facts(clash))
        files.write(path, text.encode("utf-8", "replace"))
        return path

    def _ref(self, what: str) -> str:
        claim = self._claim
        named = self._shop.queue.refs.salvage(claim.task, claim.attempt, claim.name.owner)
        return f"{named}.{what}"

    @staticmethod
    def _stopped(reason: str, *, cancelled: bool) -> Exception:
        if cancelled:
            return Ended(FailureClass.CANCELLED, "the run was stopped")
        return _Unresolved(reason)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
