"""QA: a second agent looks at a candidate in a worktree of its own, and says whether it may be merged.

An attempt is judged twice if an agent resolves a conflict of work that was approved: the merge is
another candidate. What a judge can't say, for whatever reason, never costs the work that it was to
judge: that is kept, and the next attempt goes on with the judgement alone.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import Backend, backend_of
from parallel_orchestra.agents.verdict import Opinion, find_opinion
from parallel_orchestra.agents.words import brief, one_line
from parallel_orchestra.errors import EnvironmentProblem, GitError
from parallel_orchestra.events import Judged
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Update
from parallel_orchestra.isolation import (
    SetUpFailed,
    Slot,
    Unusable,
    Workspace,
    keep_commit,
)
from parallel_orchestra.model import Answer, FailureClass, Phase, QaVerdict, Task, Usage
from parallel_orchestra.model.outcome import Number
from parallel_orchestra.process import Ending, Exit
from parallel_orchestra.process.pressing import rendered
from parallel_orchestra.prompt import qa_template
from parallel_orchestra.prompt.judging import AGAIN, DIFF_LIMIT, Submitted, judging_facts
from parallel_orchestra.retry import Way, judge_given_up
from parallel_orchestra.store import AttemptResult, LostClaim
from parallel_orchestra.store.records import attempt_results, write_candidate
from parallel_orchestra.worker.aside import Aside
from parallel_orchestra.worker.ended import DETAIL_BYTES, Ended, ForAPerson
from parallel_orchestra.worker.landing import Made
from parallel_orchestra.worker.onward import Onward, is_session

#: What means that an account can't be used at the moment. If it pays for the executor too, the run
#: has to know; else it is this attempt that waits.
_ACCOUNT = (FailureClass.RATE_LIMITED, FailureClass.USAGE_LIMIT, FailureClass.AUTH)
#: What no waiting mends.
_LASTING = (FailureClass.AUTH, FailureClass.PERMANENT)
#: Seconds until an account of QA's own is tried again that did not say when its limit ends.
_PAUSE = 900.0
_LOG = "qa.log"
_SETUP_LOG = "qa-setup.log"
_NOTHING_USED = Usage(0.0, 0, 0)
#: At most so many bytes of a letter of the diff: it is cut by characters later.
_BYTES = 4


@frozen
class Said:
    """What came of a judgement; `usage` is what all of its questions used."""

    opinion: Opinion | None
    answer: Answer
    usage: Usage


class Judging:
    """The judgement on one attempt's work; `verdict` and `usage` say what came of it."""

    def __init__(self, aside: Aside) -> None:
        """Takes where a judge works."""
        self.verdict = ""
        #: Why the judge gave no answer, as a `FailureClass`; empty if it gave one.
        self.failure = ""
        self._used: list[Usage] = []
        self._seconds = 0.0
        self._kept: list[tuple[str, str]] = []
        self._aside = aside
        self._shop = aside.shop
        self._claim = aside.claim
        self._landing = aside.landing
        self._allowance = aside.allowance
        self._task = aside.task

    @property
    def usage(self) -> Usage:
        """What all judgements used together; nothing is known of it if one of them did not say."""
        return joined(self._used)

    def judge(
        self,
        made: Made,
        base: str,
        answer: Answer,
        directory: str,
        *,
        again: bool = False,
        clashed: Sequence[str] = (),
    ) -> None:
        """Returns if the work may be merged, or if nobody judges it.

        `base` is what it builds upon, `answer` what its agent said, which worked in `directory`.
        It is asked `again` if an earlier attempt made the work. `clashed` are the files in
        which it was in conflict, until an agent resolved that.

        Raises:
            ForAPerson: QA can't judge it.
            Ended: QA rejected it, or could not be heard.
            LostClaim: the claim is not ours any more.
            GitError: git failed.
        """
        judge = self._shop.plan.judge_of(self._task)
        if judge is None:
            return
        if not self._shop.store.holds(self._claim):
            raise LostClaim(self._claim.task)
        # From here on the work is whole: whatever ends us, only the judgement is missing.
        self.verdict, self.failure = QaVerdict.UNHEARD.value, ""
        before = answer.usage + self.usage
        self._used.append(_NOTHING_USED)
        self._landing.enter(Phase.QA)
        mine = self._allowance.rest(judge, before)
        self._kept.append((self._note(made.commit, base, answer, directory), made.commit))
        begun = self._shop.clock.monotonic()
        reason = ""
        try:
            said = self._heard(mine, made.commit, self._prompt(made, base, answer, clashed))
            self._used[-1] = _counted(mine, said.usage)
            self._conclude(said, mine, made.commit, answer, again=again)
            reason = brief(said.opinion.words) if said.opinion and said.opinion.words else ""
        except Ended as ended:
            reason = ended.finished.reason
            raise
        except (GitError, OSError) as error:
            reason = f"QA could not be asked: {error}"
            raise Ended(FailureClass.ENVIRONMENT, reason) from error
        finally:
            self._seconds += self._shop.clock.monotonic() - begun
            self._tell(judge, reason)

    def close(self, onward: Onward) -> None:
        """Says that the work is merged, or kept as what was not merged is: its note is of no use more.

        Nor is that of an attempt that died while it was judged, if this one went `onward` from it.
        """
        gone, last = list(self._kept), onward.last
        if onward.way is Way.JUDGE and last is not None:
            named = self._shop.queue.refs.candidate(last.task, last.attempt, last.owner)
            gone += [(last.ref, "")] if last.ref.startswith(named) else []
        for ref, commit in gone:
            refs = self._shop.repo.refs
            # not worth the end of an attempt that may be merged: a busy repository keeps its note
            with contextlib.suppress(EnvironmentProblem), self._shop.repo.lock():
                if known := commit or refs.read(ref):
                    refs.transact([Update(ref, None, known)])

    def _conclude(
        self, said: Said, judge: Task, commit: str, executor: Answer, *, again: bool
    ) -> None:
        """Takes the verdict down; returns if it is that the work may be merged."""
        if said.answer.failure is not None:
            self.failure = said.answer.failure.value
            raise self._unheard(said.answer, judge, commit, executor, again=again)
        if said.opinion is None:
            self.verdict = QaVerdict.BLOCKED.value
            last = one_line(said.answer.text) or "nothing"
            reason = f"QA gave no verdict that can be read, twice; its last words: {last}"
            raise ForAPerson(commit, FailureClass.QA_BLOCKED, reason, log=_LOG)
        opinion = said.opinion
        self.verdict = opinion.verdict.value
        words = brief(opinion.words)
        if opinion.verdict is QaVerdict.REJECTED:
            raise Ended(FailureClass.QA_REJECTED, words, opinion.words, log=_LOG)
        if opinion.verdict is QaVerdict.BLOCKED:
            raise ForAPerson(commit, FailureClass.QA_BLOCKED, words, opinion.words, log=_LOG)

    def _heard(self, judge: Task, commit: str, prompt: str) -> Said:
        """Opens a worktree at the work and asks; asks once more if the answer has no verdict."""
        bench = self._aside.bench()
        workspace = self._open(bench, judge, commit)
        try:
            said, ended = self._ask(judge, workspace, self._aside.written("qa-prompt.md", prompt))
            opinion, usage = find_opinion(said.text), said.usage
            if said.failure is None and opinion is None:
                said, ended = self._ask_again(judge, workspace, prompt, said.usage)
                opinion, usage = find_opinion(said.text), usage + said.usage
            if (over := self._allowance.overtime(ended)) is not None:
                raise over
            return Said(opinion, said, usage)
        finally:
            self._discard(bench, workspace)

    def _ask_again(
        self, judge: Task, workspace: Workspace, prompt: str, used: Usage
    ) -> tuple[Answer, Exit]:
        backend = backend_of(judge.backend, self._shop.agents)
        session = used.session if backend.sessions is not None and is_session(used.session) else ""
        if session:
            told = self._aside.written("qa-prompt-2.md", AGAIN)
            said, ended = self._ask(judge, workspace, told, session, used)
            if not _lost(backend, said, ended, session):
                return said, ended
        return self._ask(
            judge, workspace, self._aside.written("qa-prompt-2.md", f"{prompt}\n{AGAIN}")
        )

    def _ask(
        self,
        judge: Task,
        workspace: Workspace,
        prompt: Path,
        session: str = "",
        before: Usage | None = None,
    ) -> tuple[Answer, Exit]:
        backend = backend_of(judge.backend, self._shop.agents)
        call = backend.call(judge, self._shop.agents, session)
        self._allowance.asked = True
        # Until it says what it used, nobody knows.
        self._used[-1] = Usage()
        left = self._allowance.seconds_left()
        ended = self._landing.run(call, workspace, prompt, _LOG, seconds=left, task=judge)
        return backend.answer(judge, self._shop.agents, ended, before), ended

    def _unheard(
        self, said: Answer, judge: Task, commit: str, executor: Answer, *, again: bool
    ) -> Ended:
        """Returns the end of an attempt whose judge failed: it is not the work's fault."""
        failure, reason = said.failure, f"QA (`{judge.backend}`): {said.reason}"
        if failure is FailureClass.CANCELLED:
            return Ended(FailureClass.CANCELLED, said.reason)
        if failure is FailureClass.BUDGET:
            qa = self._shop.plan.qa_of(self._task)
            own = qa is not None and qa.max_cost_usd == judge.max_cost_usd
            return self._allowance.spent(reason, final=own)
        if failure is FailureClass.MAX_TURNS:
            reason = f"{reason}; it came to no verdict"
            return ForAPerson(commit, FailureClass.QA_BLOCKED, reason, log=_LOG)
        results = attempt_results(self._shop.store.layout, self._task.id) if again else []
        if judge_given_up(_unheard_before(results), self.failure):
            return ForAPerson(commit, FailureClass.QA_BLOCKED, f"{reason}, twice", log=_LOG)
        ours = judge.backend == self._task.backend
        failure, wait, final = blamed_on(said, ours=ours)
        met = said.failure is FailureClass.USAGE_LIMIT and not ours
        if met and not self._shop.plan.usage_limit.waits(wait or 0.0):
            reason = f"{reason} (the plan's `usage_limit` does not wait for it)"
            return ForAPerson(commit, FailureClass.QA_BLOCKED, reason, log=_LOG)
        raised = Ended(failure, reason, said.text[-DETAIL_BYTES:], final=final, log=_LOG)
        waiting = replace(executor, retry_after=wait)
        raised.finished = replace(raised.finished, answer=waiting)
        return raised

    def _open(self, bench: Slot, judge: Task, commit: str) -> Workspace:
        try:
            return self._aside.opened(bench, commit, "qa", judge.backend)
        except SetUpFailed as failed:
            if failed.cancelled:
                raise Ended(FailureClass.CANCELLED, "the run was stopped") from failed
            raise Ended(
                FailureClass.ENVIRONMENT, f"for QA, {failed}", failed.detail, log=_SETUP_LOG
            ) from failed

    def _discard(self, bench: Slot, workspace: Workspace) -> None:
        """Throws away what the judge changed, after keeping it, and says so."""
        task = self._claim.task
        try:
            work = bench.take(workspace)
        except Unusable as refusal:
            where = f", see {refusal.ref}" if refusal.ref else ""
            self._shop.warn(task, f"QA changed its worktree: {refusal}; discarded{where}")
            return
        if work.changed:
            message = f"What QA changed of task `{task}`, attempt {self._claim.attempt}\n"
            ref = bench.keep(work, self._aside.ref("qa"), message)
            self._shop.warn(task, f"QA is read-only but changed files; discarded, see {ref}")
        bench.settled()

    def _prompt(self, made: Made, base: str, answer: Answer, clashed: Sequence[str]) -> str:
        objects, task = self._shop.repo.objects, self._task
        changes = [(one.status, one.path) for one in objects.changed(base, made.commit)]
        before = attempt_results(self._shop.store.layout, task.id)
        rejected = [one.detail for one in before if one.failure == FailureClass.QA_REJECTED.value]
        qa = self._shop.plan.qa_of(task)
        assert qa is not None  # noqa: S101  # there is a judge
        work = Submitted(
            base,
            made.commit,
            changes,
            objects.diff(base, made.commit, _BYTES * DIFF_LIMIT),
            answer.text,
            made.evidence,
            rejected[-1] if rejected else "",
            tuple(clashed),
        )
        return rendered(qa_template(), {}, judging_facts(self._shop.plan, task, qa, work))

    def _note(self, commit: str, base: str, answer: Answer, directory: str) -> str:
        """Keeps the work and says what it is, in case that we die; returns its ref."""
        shop, claim = self._shop, self._claim
        named = self._shop.queue.refs.candidate(claim.task, claim.attempt, claim.name.owner)
        ref = keep_commit(shop.repo, commit, named)
        folder = self._landing.directory
        files.make_directory(folder)
        write_candidate(
            folder,
            AttemptResult(
                task=claim.task,
                attempt=claim.attempt,
                owner=claim.name.owner,
                started=shop.clock.now(),
                seconds=0.0,
                failure=FailureClass.ENVIRONMENT.value,
                reason="its worker died while QA was at work",
                text=shop.hide(claim.task, answer.text),
                ref=ref,
                session=answer.usage.session,
                directory=directory,
                base=base,
                definition=shop.run.fingerprints.get(claim.task, ""),
                qa=QaVerdict.UNHEARD.value,
            ),
        )
        return ref

    def _tell(self, judge: Task, reason: str) -> None:
        shop, used = self._shop, self.usage
        shop.journal.write(
            Judged(
                shop.clock.now(),
                self._claim.task,
                self._claim.attempt,
                self.verdict,
                shop.hide(self._claim.task, one_line(reason)),
                judge.backend,
                judge.model,
                self._seconds,
                used.cost_usd,
                used.input_tokens,
                used.output_tokens,
                used.session,
            )
        )


def blamed_on(said: Answer, *, ours: bool) -> tuple[FailureClass, float | None, bool]:
    """Returns what a judge's failure is to its task, when it may be tried again, whether it is final.

    `ours` if its account may be that of the task's own agent.
    """
    failure, wait = said.failure, said.retry_after
    if failure in _ACCOUNT and failure is not None and ours:
        return failure, wait, failure is FailureClass.AUTH
    if failure is FailureClass.USAGE_LIMIT and wait is None:
        wait = _PAUSE
    return FailureClass.ENVIRONMENT, wait, failure in _LASTING


def _unheard_before(results: Sequence[AttemptResult]) -> tuple[str, ...]:
    """Returns why a judge gave no answer in the attempts up to now that were about the same work."""
    found = []
    for one in reversed(results):
        if one.qa != QaVerdict.UNHEARD.value or one.failure == FailureClass.QA_BLOCKED.value:
            break
        found.append(one.qa_failure)
        if one.way != Way.JUDGE.value:
            break
    return tuple(found)


def joined(used: Sequence[Usage]) -> Usage:
    """Returns what several judgements used together: None of what one of them did not say."""
    if not used:
        return Usage()
    return Usage(
        _sum([one.cost_usd for one in used]),
        _sum([one.input_tokens for one in used]),
        _sum([one.output_tokens for one in used]),
        session=used[-1].session,
    )


def _sum(amounts: Sequence[Number | None]) -> Number | None:
    known = [one for one in amounts if one is not None]
    return sum(known[1:], start=known[0]) if len(known) == len(amounts) else None


def _counted(judge: Task, used: Usage) -> Usage:
    """Returns what a judge used; of what it uses none by the plan's word, nothing."""
    if judge.max_cost_usd == 0:
        used = replace(used, cost_usd=0.0)
    return replace(used, input_tokens=0, output_tokens=0) if judge.max_tokens == 0 else used


def _lost(backend: Backend, said: Answer, ended: Exit, session: str) -> bool:
    """Returns whether the judge did not have its session any more."""
    if backend.sessions is None or ended.ending is not Ending.EXITED:
        return False
    return backend.sessions.lost(ended, session, said.usage.session)
