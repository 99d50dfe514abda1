"""A conflict that an agent resolves: in a worktree where the merge is begun, with both sides' tasks told.

What it makes is no more believed than any work: it has to leave no marker and no half merge, to touch
only what both sides touched, and to pass the task's `verify`, its QA and the queue. Else the conflict
stays what it was, and the work is kept for a person. QA that can't judge it costs nothing: the next
attempt has it judged.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.agents import backend_of
from parallel_orchestra.agents.words import brief
from parallel_orchestra.errors import GitError
from parallel_orchestra.git import Conflicted, MergedTree
from parallel_orchestra.isolation import (
    SetUpFailed,
    Slot,
    Unusable,
    Work,
    Workspace,
    keep_commit,
)
from parallel_orchestra.model import Answer, FailureClass, OnConflict, Phase, Task, Usage
from parallel_orchestra.plain import some_of
from parallel_orchestra.process.pressing import rendered
from parallel_orchestra.prompt import resolve_template
from parallel_orchestra.prompt.judging import Checked
from parallel_orchestra.prompt.resolving import Clash, clash_facts
from parallel_orchestra.store import LostClaim
from parallel_orchestra.worker.aside import Aside
from parallel_orchestra.worker.borders import breach
from parallel_orchestra.worker.ended import Ended, Finished, ForAPerson
from parallel_orchestra.worker.judging import Judging
from parallel_orchestra.worker.landing import Contradicted, Made
from parallel_orchestra.worker.markers import marked

#: How often it is tried for one piece of work: others may merge meanwhile.
_ROUNDS = 3
_LOG = "resolve.log"
#: How many files a sentence names.
_NAMED = 5


class _Unresolved(Exception):  # a fact about what an agent made, not a fault
    """The agent did not resolve it; why, as a sentence's end, and in which log that stands."""

    def __init__(self, why: str, detail: str = "", log: str = _LOG) -> None:
        super().__init__(why)
        self.detail = detail
        self.log = log


class Resolver:
    """The merge of one attempt's work; `usage` is what resolving its conflicts used."""

    def __init__(self, aside: Aside, judging: Judging) -> None:
        """Takes where it is resolved, and who judges that."""
        self.usage = Usage()
        self._judging = judging
        #: The ref that keeps what an agent made of the conflict.
        self._left = ""
        self._aside = aside
        self._shop = aside.shop
        self._claim = aside.claim
        self._landing = aside.landing
        self._allowance = aside.allowance
        self._task = aside.task

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
                    own = (self._landing.directory / why.log).is_file()
                    said = why.log if own else conflict.finished.log
                    detail = why.detail or conflict.finished.detail
                    conflict.finished = replace(
                        conflict.finished, reason=reason, detail=detail, log=said
                    )
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
            Ended: the run was stopped, or QA can't judge it.
            LostClaim: the claim is not ours any more.
        """
        repo, commit = self._shop.repo, conflict.commit
        # Whatever becomes of us, what the task's agent made is there.
        keep_commit(repo, commit, self._aside.ref("work"))
        tip = self._shop.queue.tip()
        trees = repo.objects.merge_trees(tip, commit)
        if isinstance(trees, MergedTree):
            return commit
        bench = self._aside.bench()
        try:
            workspace = self._open(bench, tip)
            bench.begin_merge(workspace, commit, trees)
            self._ask(workspace, conflict, trees, answer)
            work = self._taken(bench, workspace)
            evidence = self._checked(workspace, work, tip, commit, trees, again=again)
        except (GitError, OSError) as error:
            raise _Unresolved(str(error)) from error
        finally:
            bench.settled()
        with_whom = "".join(f" with `{task}`" for task in conflict.tasks[:_NAMED])
        subject = f"Resolve the conflict of task `{self._task.id}`{with_whom}\n"
        made = Made(repo.objects.commit(work.tree, (tip, commit), subject), evidence)
        self._demand_approval(made, tip, answer, trees.files)
        count = len(trees.files)
        what = f"{count} file{'s' if count > 1 else ''}"
        self._shop.warn(self._task.id, f"a conflict in {what} was resolved by an agent, see {_LOG}")
        return made.commit

    def _demand_approval(
        self, made: Made, tip: str, answer: Answer, clashed: Sequence[str]
    ) -> None:
        """Returns if QA approves of the merge, of which it saw only one side, or if nobody judges."""
        try:
            self._judging.judge(made, tip, self.paid(answer), "", clashed=clashed)
        except Ended as ended:
            how = ended.finished
            if how.failure is FailureClass.QA_REJECTED:
                raise _Unresolved(f"QA rejected it: {how.reason}", how.detail, how.log) from ended
            # Whoever goes on goes on from the merge: the work alone would conflict once more.
            ended.finished = replace(how, ref=self._left, base=tip)
            if not isinstance(ended, ForAPerson):
                self._landing.note_kept(self._left)
            raise

    def _open(self, bench: Slot, tip: str) -> Workspace:
        try:
            return self._aside.opened(bench, tip, "resolve", self._task.backend)
        except SetUpFailed as failed:
            raise self._stopped(str(failed), cancelled=failed.cancelled) from failed

    def _ask(
        self, workspace: Workspace, conflict: Contradicted, trees: Conflicted, answer: Answer
    ) -> None:
        """Has the task's agent resolve it, in a session of its own."""
        if not self._shop.store.holds(self._claim):
            raise LostClaim(self._task.id)
        self._landing.enter(Phase.AGENT)
        task = self._allowed(self.paid(answer).usage + self._judging.usage)
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
        self._left = bench.keep(work, self._aside.ref("resolve"), message)
        return work

    def _checked(
        self,
        workspace: Workspace,
        work: Work,
        tip: str,
        commit: str,
        trees: Conflicted,
        *,
        again: bool,
    ) -> tuple[Checked, ...]:
        """Returns how it was checked; raises if it is no merge of both sides, and only that."""
        objects = self._shop.repo.objects
        if left := marked(objects, work.tree, trees.files, (tip, commit)):
            raise _Unresolved(f"conflict markers are left in {some_of(left, _NAMED)}")
        if work.tree == objects.tree_of(tip):
            raise _Unresolved("nothing of the task's work is left")
        base = self._shop.repo.merge_base(tip, commit) or tip
        sides = {one.path for side in (tip, commit) for one in objects.changed(base, side)}
        touched = {one.path for one in objects.changed(trees.tree, work.tree)}
        if beyond := sorted(touched - sides):
            raise _Unresolved(
                f"it changed what neither side had changed: {some_of(beyond, _NAMED)}"
            )
        if (found := breach(self._shop, self._task, tip, work, again=again)) is not None:
            raise _Unresolved(found.reason)
        try:
            return self._landing.check(workspace)
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
        text = rendered(resolve_template(), {}, clash_facts(clash))
        return self._aside.written("resolve-prompt.md", text)

    @staticmethod
    def _stopped(reason: str, *, cancelled: bool) -> Exception:
        if cancelled:
            return Ended(FailureClass.CANCELLED, "the run was stopped")
        return _Unresolved(reason)
