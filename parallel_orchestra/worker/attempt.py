"""One attempt at one task, straight down: isolate, ask, verify, commit, judge, merge.

Each step may end the attempt by raising `Ended`; what the agent wrote is then kept under a
ref before anything else happens to the worktree.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from parallel_orchestra.agents import Backend, backend_of, speaks_claude
from parallel_orchestra.agents.closing import closed
from parallel_orchestra.agents.story import retold
from parallel_orchestra.errors import GitError
from parallel_orchestra.isolation import (
    Isolation,
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
from parallel_orchestra.merge_queue import under_way
from parallel_orchestra.model import Answer, FailureClass, OnConflict, Phase, Usage
from parallel_orchestra.model import Isolation as IsolationKind
from parallel_orchestra.plain import some_of
from parallel_orchestra.process import Ending, Exit, Supervisor
from parallel_orchestra.retry import MAX_LOST, Way
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, LostClaim
from parallel_orchestra.store.records import attempt_results
from parallel_orchestra.worker.allowance import Allowance
from parallel_orchestra.worker.aside import Aside
from parallel_orchestra.worker.blame import hopeless
from parallel_orchestra.worker.borders import barred
from parallel_orchestra.worker.copies import copies_of
from parallel_orchestra.worker.ended import DETAIL_BYTES, Ended, Finished, ForAPerson
from parallel_orchestra.worker.judging import Judging
from parallel_orchestra.worker.landing import Contradicted, Landing
from parallel_orchestra.worker.marker import Marker
from parallel_orchestra.worker.onward import (
    NOTHING,
    Onward,
    due,
    stand,
    used_before,
    without_session,
)
from parallel_orchestra.worker.prompt import Source, Spoiled, write_prompt
from parallel_orchestra.worker.resolver import Resolver
from parallel_orchestra.worker.shop import Shop


class Attempt:
    """One claim being worked on, with the supervisor and the place of its worker."""

    def __init__(
        self,
        shop: Shop,
        claim: Claim,
        supervisor: Supervisor,
        place: Isolation,
        seat: Seat,
        bench: Callable[[], Slot],
    ) -> None:
        """Takes where the agent works, and where others look at its work, made when needed."""
        self._shop = shop
        self._claim = claim
        self._task = shop.tasks[claim.task]
        self._place = place
        self._landing = Landing(shop, claim, supervisor, place, seat)
        self._supervisor = supervisor
        self._seat = seat
        self._allowance = Allowance(self._task, shop.board.granted(claim), shop.clock.monotonic)
        aside = Aside(shop, claim, self._landing, supervisor, seat, bench, self._allowance)
        self._judging = Judging(aside)
        self._resolver = Resolver(aside, self._judging)
        self._onward: Onward = NOTHING
        self._directory = ""

    def run(self) -> Finished:
        """Carries out the attempt and returns how it ended.

        Raises:
            LostClaim: the task is not ours any more; what was written is still in the
                worktree, and saved before its next use.
            OrchestraError, OSError: something around us failed, not the agent.
        """
        lost = self._lost_workers()
        if lost > MAX_LOST:
            return Finished(FailureClass.PERMANENT, f"was begun {lost} times and never ended")
        try:
            finished = self._carried_out()
        except Ended as ended:
            finished = ended.finished
        self._judging.close(self._onward)
        way = self._onward.way.value if self._claim.attempt > 1 else ""
        return replace(
            finished,
            way=way,
            directory=self._directory,
            qa=self._judging.verdict,
            qa_failure=self._judging.failure,
            qa_usage=self._judging.usage,
        )

    @property
    def asked(self) -> bool:
        """Whether its agent was started."""
        return self._allowance.asked

    def _carried_out(self) -> Finished:
        if self._task.isolation is IsolationKind.NONE:
            return self._look_only(self._shop.run.base_commit)
        base = self._shop.queue.tip()
        undone = self._undone_need()
        if undone:
            reason = f"`{undone}`, which it needs, was undone"
            return Finished(FailureClass.ENVIRONMENT, reason)
        return self._look_only(base) if self._task.read_only else self._change()

    def _lost_workers(self) -> int:
        """Returns how many attempts began and never ended; 0 if the last one did end."""
        begun = self._claim.attempt - 1 - self._claim.name.failures
        if begun <= MAX_LOST:
            return 0
        results = attempt_results(self._shop.store.layout, self._task.id)
        if results and results[-1].attempt == self._claim.attempt - 1:
            return 0
        return self._claim.attempt - 1 - len(results)

    def _undone_need(self) -> str:
        """Returns a task that this one needs, and that was undone since the board last looked."""
        queue, store = self._shop.queue, self._shop.store
        undone = queue.undone_tasks().intersection(self._task.depends_on)
        if not undone:
            return ""
        entries = store.settled_listing(undone).entries
        for task in sorted(undone):
            entry = entries.get(task)
            # In `done/` it lies if a person did it instead, or if its move is still to come.
            done = entry is not None and entry.state is TaskState.DONE
            if not done or under_way(queue, task):
                return task
        return ""

    def _look_only(self, base: str) -> Finished:
        workspace = self._begin(base)
        try:
            answer = self._ask(workspace)
            self._landing.check(workspace)
            finished = Finished(answer=answer)
        except Ended as ended:
            finished = self._to_go_on_from(ended.finished, workspace)
        try:
            work = self._place.take(workspace)
        except Unusable as refusal:
            # What it left is discarded anyway.
            self._shop.warn(self._task.id, f"{refusal}; discarded, see {refusal.ref}")
            return finished
        if work.changed:
            ref = self._landing.keep(work)
            self._shop.warn(self._task.id, f"is read-only but changed files; discarded, see {ref}")
        self._place.settled()
        return finished

    def _change(self) -> Finished:
        # The fence before the look: until it moves, whoever had the task before may merge it.
        token = self._shop.queue.fence(self._claim)
        base = self._shop.queue.tip()
        generation = self._shop.store.generation(TaskState.LOCKED, self._claim.name)
        known = self._shop.queue.merge_of(self._task.id)
        if known is not None and known.generation >= generation:
            return Finished(commit=known.commit)
        workspace = self._begin(base)
        try:
            finished = Finished(answer=self._made(workspace))
        except Ended as ended:
            finished = ended.finished
        try:
            work = self._place.take(workspace)
        except Unusable as refusal:
            return self._refused(refusal, finished)
        self._tell_outside(work)
        if finished.failure is not None:
            return self._kept(work, finished, workspace)
        self._landing.answer = finished.answer
        try:
            made = self._landing.gated(workspace, work, again=generation > 1)
            again, where = self._onward.way is Way.JUDGE, str(workspace.path)
            self._judging.judge(made, workspace.base, finished.answer, where, again=again)
            merged = self._resolver.merged(made.commit, finished.answer, token, generation)
        except ForAPerson as whole:
            paid = self._resolver.paid(finished.answer)
            return replace(self._kept_apart(whole, workspace), answer=paid)
        except Ended as ended:
            wait = ended.finished.answer.retry_after
            paid = self._resolver.paid(finished.answer)
            failed = replace(ended.finished, answer=replace(paid, retry_after=wait))
            return self._kept(work, failed, workspace)
        self._place.settled()
        return replace(merged, answer=self._resolver.paid(finished.answer))

    def _made(self, workspace: Workspace) -> Answer:
        """Returns what the agent said, once it has done its work; asks it unless that is done."""
        last = self._onward.last
        if self._onward.way is not Way.JUDGE or last is None:
            return self._ask(workspace)
        # What it used stands in its own attempt.
        session = last.session if last.directory == str(workspace.path) else ""
        return Answer(last.text, usage=Usage(session=session))

    def _tell_outside(self, work: Work) -> None:
        if work.outside:
            names = some_of([f"`{path}`" for path in work.outside], 5)
            self._shop.warn(
                self._task.id,
                f"files in the shared worktree were changed that no task there writes: "
                f"{names}; they are left out, see {work.ref}",
            )

    def _refused(self, refusal: Unusable, finished: Finished) -> Finished:
        if refusal.ref:
            self._landing.note_kept(refusal.ref)
        if finished.failure is not None:
            return replace(finished, ref=refusal.ref)
        return Finished(FailureClass.UNUSABLE, str(refusal), ref=refusal.ref)

    def _kept_apart(self, whole: ForAPerson, workspace: Workspace) -> Finished:
        """Keeps work that conflicts, or can't be judged: on a branch, where somebody can go on.

        If the task is to begin anew by itself, a ref is enough.
        """
        claim, refs = self._claim, self._shop.queue.refs
        ref = refs.kept(claim.task, claim.attempt)
        conflict = whole if isinstance(whole, Contradicted) else None
        anew = conflict and self._shop.plan.merge.on_conflict is OnConflict.RETRY
        if anew and claim.name.failures < self._task.max_retries:
            ref = refs.salvage(claim.task, claim.attempt, claim.name.owner)
        ref = keep_commit(self._shop.repo, whole.commit, ref)
        self._place.settled()
        self._landing.note_kept(ref, conflict)
        return self._to_go_on_from(replace(whole.finished, ref=ref), workspace)

    def _kept(self, work: Work, finished: Finished, workspace: Workspace) -> Finished:
        ref = self._landing.keep(work) if work.changed else ""
        self._place.settled()
        return self._to_go_on_from(replace(finished, ref=finished.ref or ref), workspace)

    def _to_go_on_from(self, finished: Finished, workspace: Workspace) -> Finished:
        """Returns the end of an attempt with what it built upon: the next one can go on from there."""
        return replace(finished, base=finished.base or workspace.base)

    def _begin(self, base: str) -> Workspace:
        """Opens the place, with the files of the attempt before this one if it goes on from there.

        Raises:
            Ended: the set-up failed, which is not the agent's fault.
        """
        shop, claim = self._shop, self._claim
        workspace = self._open(base)
        onward = NOTHING
        # Work that was merged, and maybe undone since, is nothing to go on from.
        if shop.queue.merged_attempt(claim.task) != claim.attempt - 1:
            definition = shop.run.fingerprints.get(claim.task, "")
            onward = due(shop.store.layout, shop.plan, self._task, claim.attempt, definition)
        try:
            rules = partial(barred, shop, self._task)
            self._onward = stand(shop.repo, self._place, workspace, onward, rules)
        except GitError as error:
            # Half of them may be there; what they are is kept under a ref.
            self._onward = Onward(last=onward.last, why=str(error))
            workspace = self._open(base)
        self._tell_onward()
        self._directory = str(workspace.path)
        return workspace

    def _tell_onward(self) -> None:
        if self._onward.why:
            how = {Way.FRESH: "begins anew", Way.TREE: "goes on in a fresh session"}
            attempt = f"attempt {self._claim.attempt} {how[self._onward.way]}"
            self._shop.warn(self._task.id, f"{attempt}: {self._onward.why}")

    def _open(self, base: str) -> Workspace:
        """Opens the place and sets it up.

        Raises:
            Ended: the set-up failed, which is not the agent's fault.
        """
        claim = self._claim
        ref = self._shop.queue.refs.salvage(claim.task, claim.attempt, claim.name.owner)
        label = Label(self._shop.run.run, claim.task, claim.attempt, claim.name.owner, ref)
        carry = speaks_claude(self._task.backend, self._shop.agents)
        setup, log = self._shop.plan.setup_of(self._task), self._landing.directory / "setup.log"
        means = self._shop.means(self._supervisor, self._seat)
        begun = self._shop.clock.monotonic()
        try:
            workspace = prepared(self._place, base, label, setup, means, log, carry_claude=carry)
        except SetUpFailed as failed:
            if failed.cancelled:
                raise Ended(FailureClass.CANCELLED, "the run was stopped") from failed
            reason, detail = str(failed), failed.detail
            before = attempt_results(self._shop.store.layout, claim.task)
            final = hopeless(
                self._shop.hide(claim.task, reason), detail, before, self._shop.board.lack(begun)
            )
            raise Ended(
                FailureClass.ENVIRONMENT, reason, detail, final=final, log=log.name
            ) from failed
        if self._shop.keep_worktrees and self._task.isolation is not IsolationKind.NONE:
            self._shop.warn(claim.task, f"attempt {claim.attempt} works in {workspace.path}: kept")
        return workspace

    def _ask(self, workspace: Workspace) -> Answer:
        backend = backend_of(self._task.backend, self._shop.agents)
        if self._onward.session and backend.sessions is None:
            self._onward = without_session(self._onward)
        copies = copies_of(self._shop, self._claim)
        marker = Marker(workspace.path)
        begun = self._shop.clock.monotonic()
        answer, ended = self._heard(backend, workspace, copies)
        if self._is_lost(backend, answer, ended):
            self._onward = without_session(self._onward)
            self._tell_onward()
            used = answer.usage
            answer, ended = self._heard(backend, workspace, copies)
            answer = replace(answer, usage=used + answer.usage)
        marked = marker.taken()
        if ended.ending is Ending.ANSWERED:
            self._shop.warn(self._task.id, "its agent did not end after its result, and was ended")
        if not self._shop.agents.published:
            answer = closed(answer, self._task, ended.stdout_tail, marked=marked)
        beyond = self._allowance.beyond(answer, ended)
        if beyond is not None:
            raise beyond
        if answer.failure is not None:
            raised = Ended(
                answer.failure, answer.reason, self._last_seen(backend, workspace, ended)
            )
            raised.finished = replace(raised.finished, answer=answer)
            raise raised
        if (lack := self._shop.board.lack(begun)) is not None:
            # Many a program does not notice that its files were cut short.
            raise Ended(FailureClass.ENVIRONMENT, f"ended well, but {lack.what}")
        return answer

    @staticmethod
    def _last_seen(backend: Backend, workspace: Workspace, ended: Exit) -> str:
        """Returns what a failed agent did or printed last, for who does its task after it."""
        said = ended.stderr_tail.decode("utf-8", "replace")
        printed = ended.stdout_tail.decode("utf-8", "replace")
        did = retold(printed, backend.acts, lambda text: text.replace(f"{workspace.path}/", ""))
        if did != printed:
            said = f"{did}\n{said}"
        return (said or did)[-DETAIL_BYTES:]

    def _heard(
        self, backend: Backend, workspace: Workspace, copies: tuple[Path | None, Path | None]
    ) -> tuple[Answer, Exit]:
        """Runs the agent once, in its session or a fresh one; returns what came of it."""
        task, session = self._task, self._onward.session
        allowance = self._allowance
        call = allowance.told(backend.call(allowance.task, self._shop.agents, session))
        prompt = self._prompt()
        if not self._shop.store.holds(self._claim):
            # Whoever slept since its last look has nothing to pay an agent for.
            raise LostClaim(self._claim.task)
        before = used_before(self._shop.store.layout, task.id, session) if session else None
        allowance.asked = True
        self._landing.enter(Phase.AGENT)
        left = allowance.seconds_left()
        ended = self._landing.run(call, workspace, prompt, "agent.log", copies, left)
        return backend.answer(task, self._shop.agents, ended, before), ended

    def _is_lost(self, backend: Backend, answer: Answer, ended: Exit) -> bool:
        session = self._onward.session
        if not session or backend.sessions is None or ended.ending is not Ending.EXITED:
            return False
        return backend.sessions.lost(ended, session, answer.usage.session)

    def _prompt(self) -> Path | None:
        shop = self._shop
        layout = shop.store.layout
        granted = shop.board.granted(self._claim)
        source = Source(
            shop.plan, shop.tasks, layout, shop.repo.objects, shop.queue.merge_of, granted
        )
        try:
            return write_prompt(source, layout, self._claim, self._onward)
        except Spoiled as spoiled:
            reason = f"the plan's `prompt_template` can't be used: {spoiled}"
            raise Ended(FailureClass.PERMANENT, reason) from spoiled
