"""One attempt at one task, straight down: isolate, ask, verify, commit, merge.

Each step may end the attempt by raising `Ended`; what the agent wrote is then kept under a
ref before anything else happens to the worktree.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import BACKENDS, Call
from parallel_orchestra.agents.surroundings import secrets_of, surroundings
from parallel_orchestra.events import Kept, Merged
from parallel_orchestra.git import EMPTY_TREES
from parallel_orchestra.isolation import (
    Isolation,
    Label,
    Unusable,
    Work,
    Workspace,
    keep_commit,
)
from parallel_orchestra.merge_queue import Candidate, Conflicted, Rejected
from parallel_orchestra.merge_queue.trailers import cleaned
from parallel_orchestra.model import Answer, FailureClass, argv_of, as_typed
from parallel_orchestra.model import Isolation as IsolationKind
from parallel_orchestra.process import Child, Ending, Exit, Supervisor
from parallel_orchestra.retry import MAX_LOST
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim
from parallel_orchestra.store.records import attempt_results, last_result
from parallel_orchestra.worker.prompt import with_feedback
from parallel_orchestra.worker.shop import Shop

#: How much of a command's output goes into a result and the next prompt, in bytes.
_DETAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Finished:
    """How an attempt ended: `failure` None for a success, `commit` its merge if it was merged.

    `detail` is output that explains the failure.
    """

    failure: FailureClass | None = None
    reason: str = ""
    detail: str = ""
    answer: Answer = field(default_factory=Answer)
    commit: str = ""
    ref: str = ""
    files: tuple[str, ...] = ()


class Ended(Exception):  # the regular way out of an attempt that failed
    """The attempt failed in one of its steps."""

    def __init__(self, failure: FailureClass, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.finished = Finished(failure, reason, detail)


class Attempt:
    """One claim being worked on, with the supervisor and the place of its worker."""

    def __init__(
        self, shop: Shop, claim: Claim, supervisor: Supervisor, place: Isolation, number: int
    ) -> None:
        self._shop = shop
        self._claim = claim
        self._task = shop.tasks[claim.task]
        self._supervisor = supervisor
        self._place = place
        self._number = number
        self._directory = shop.store.layout.attempt(claim.task, claim.attempt, claim.name.owner)

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
        if self._task.isolation is IsolationKind.NONE:
            return self._look_only(self._shop.run.base_commit)
        base = self._shop.queue.tip()
        return self._look_only(base) if self._task.read_only else self._change(base)

    def _lost_workers(self) -> int:
        """Returns how many attempts began and never ended; 0 if the last one did end."""
        begun = self._claim.attempt - 1 - self._claim.name.failures
        if begun <= MAX_LOST:
            return 0
        results = attempt_results(self._shop.store.layout, self._task.id)
        if results and results[-1].attempt == self._claim.attempt - 1:
            return 0
        return self._claim.attempt - 1 - len(results)

    def _look_only(self, base: str) -> Finished:
        workspace = self._open(base)
        try:
            answer = self._ask(workspace)
            self._check(workspace)
            finished = Finished(answer=answer)
        except Ended as ended:
            finished = ended.finished
        try:
            work = self._place.take(workspace)
        except Unusable as refusal:
            # What it left is discarded anyway.
            self._shop.warn(self._task.id, f"{refusal}; discarded, see {refusal.ref}")
            return finished
        if work.changed:
            ref = self._keep(work)
            self._shop.warn(self._task.id, f"is read-only but changed files; discarded, see {ref}")
        self._place.settled()
        return finished

    def _change(self, base: str) -> Finished:
        generation = self._shop.store.generation(TaskState.LOCKED, self._claim.name)
        known = self._shop.queue.merge_of(self._task.id)
        if known is not None and known.generation >= generation:
            return Finished(commit=known.commit)
        token = self._shop.queue.fence(self._claim)
        workspace = self._open(base)
        try:
            finished = Finished(answer=self._ask(workspace))
        except Ended as ended:
            finished = ended.finished
        try:
            work = self._place.take(workspace)
        except Unusable as refusal:
            return self._refused(refusal, finished)
        if finished.failure is not None:
            return self._kept(work, finished)
        try:
            self._demand_changes(work)
            self._check(workspace)
            commit = self._commit(workspace, work)
            merged = self._merge(commit, token, generation)
        except Ended as ended:
            return self._kept(work, replace(ended.finished, answer=finished.answer))
        self._place.settled()
        return replace(merged, answer=finished.answer)

    def _refused(self, refusal: Unusable, finished: Finished) -> Finished:
        if refusal.ref:
            self._note_kept(refusal.ref, ())
        if finished.failure is not None:
            return replace(finished, ref=refusal.ref)
        return Finished(FailureClass.TRANSIENT, str(refusal), ref=refusal.ref)

    def _demand_changes(self, work: Work) -> None:
        if not work.changed and not self._task.allow_empty:
            raise Ended(FailureClass.NO_CHANGES, "ended well but changed no file")
        if work.changed and work.tree in EMPTY_TREES:
            # `rm -rf` of its own directory, most likely: merged, it would empty the project.
            raise Ended(FailureClass.TAMPERING, "removed every file of its worktree")

    def _open(self, base: str) -> Workspace:
        claim = self._claim
        ref = self._shop.queue.refs.salvage(claim.task, claim.attempt, claim.name.owner)
        label = Label(self._shop.run.run, claim.task, claim.attempt, claim.name.owner, ref)
        carry = self._task.backend == "claude"
        workspace = self._place.open(base, label, carry_claude=carry)
        if self._shop.keep_worktrees and self._task.isolation is not IsolationKind.NONE:
            self._shop.warn(claim.task, f"attempt {claim.attempt} works in {workspace.path}: kept")
        return workspace

    def _ask(self, workspace: Workspace) -> Answer:
        backend = BACKENDS[self._task.backend]
        call = backend.call(self._task, self._shop.agents)
        prompt = self._prompt()
        ended = self._run(call.argv, workspace, call, prompt, "agent.log")
        answer = backend.answer(self._task, self._shop.agents, ended)
        if answer.failure is not None:
            tail = (ended.stderr_tail or ended.stdout_tail)[-_DETAIL_BYTES:]
            detail = tail.decode("utf-8", "replace")
            raised = Ended(answer.failure, answer.reason, detail)
            raised.finished = replace(raised.finished, answer=answer)
            raise raised
        return answer

    def _prompt(self) -> Path | None:
        text = self._task.prompt
        if self._claim.attempt > 1 and not self._shop.agents.published:
            last = last_result(self._shop.store.layout, self._task.id)
            text = with_feedback(text, last) if last is not None else text
        if not text:
            return None
        files.make_directory(self._directory)
        path = self._directory / "prompt.md"
        files.write(path, text.encode("utf-8", "replace"))
        return path

    def _check(self, workspace: Workspace) -> None:
        for command in self._task.verify:
            environ = self._shop.environ
            call = Call(
                argv_of(command),
                surroundings(environ, {}),
                secrets_of(environ, self._task.env),
                stdin_prompt=False,
            )
            ended = self._run(call.argv, workspace, call, None, "verify.log")
            if ended.ending is Ending.CANCELLED:
                raise Ended(FailureClass.CANCELLED, "the run was stopped")
            if ended.ending is not Ending.EXITED or ended.code != 0:
                said = (ended.stdout_tail + ended.stderr_tail)[-_DETAIL_BYTES:]
                words = said.decode("utf-8", "replace")
                how = ended.reason or f"{ended.ending.value} with code {ended.code}"
                raise Ended(FailureClass.VERIFY, f"`{as_typed(command)}` {how}", words)

    def _commit(self, workspace: Workspace, work: Work) -> str:
        """Returns the agent's work as a commit; its own commits are kept if they build on the base."""
        objects = self._shop.repo.objects
        title = self._task.title or f"Task `{self._task.id}`"
        if work.head == workspace.base:
            return objects.commit(work.tree, (workspace.base,), f"{title}\n")
        builds_on = self._shop.repo.is_ancestor(workspace.base, work.head)
        own = objects.first_parents(work.head, workspace.base) if builds_on else ()
        if builds_on and all(cleaned(one.message) == one.message for one in own):
            if objects.tree_of(work.head) == work.tree:
                return work.head
            return objects.commit(work.tree, (work.head,), f"{title}\n")
        # Rewritten history, another branch, or lines that look like ours: one clean commit,
        # with what the agent committed kept beside it.
        self._keep(work)
        body = "\n\n".join(cleaned(one.message).strip() for one in reversed(own))
        return objects.commit(work.tree, (workspace.base,), f"{title}\n\n{body}".strip() + "\n")

    def _merge(self, commit: str, token: str, generation: int) -> Finished:
        task, claim, shop = self._task, self._claim, self._shop
        fingerprint = shop.run.fingerprints.get(task.id, "")
        log = self._directory / "merge-verify.log"
        outcome = shop.queue.merge(
            Candidate(claim, commit, token, generation, fingerprint, task.title, log)
        )
        if isinstance(outcome, Rejected):
            if outcome.cancelled:
                raise Ended(FailureClass.CANCELLED, "the run was stopped")
            reason = "the plan's `verify` fails on the merged result"
            raise Ended(FailureClass.VERIFY, reason, outcome.output)
        if isinstance(outcome, Conflicted):
            ref = keep_commit(shop.repo, commit, shop.queue.refs.kept(task.id, claim.attempt))
            count = len(outcome.files)
            reason = f"conflict in {count} file{'s' if count > 1 else ''}"
            self._place.settled()
            self._note_kept(ref, outcome.files)
            return Finished(FailureClass.CONFLICT, reason, ref=ref, files=outcome.files)
        if not outcome.already:
            shop.journal.write(Merged(shop.clock.now(), task.id, claim.attempt, outcome.commit))
        return Finished(commit=outcome.commit)

    def _kept(self, work: Work, finished: Finished) -> Finished:
        ref = self._keep(work) if work.changed else ""
        self._place.settled()
        return replace(finished, ref=ref)

    def _keep(self, work: Work) -> str:
        claim = self._claim
        ref = self._shop.queue.refs.salvage(claim.task, claim.attempt, claim.name.owner)
        message = f"Unmerged work of task `{claim.task}`, attempt {claim.attempt}\n"
        kept = self._place.keep(work, ref, message)
        self._note_kept(kept, ())
        return kept

    def _note_kept(self, ref: str, names: tuple[str, ...]) -> None:
        shop, claim = self._shop, self._claim
        shop.journal.write(Kept(shop.clock.now(), claim.task, claim.attempt, ref, names))

    def _run(
        self,
        argv: tuple[str, ...],
        workspace: Workspace,
        call: Call,
        prompt: Path | None,
        log: str,
    ) -> Exit:
        env = {**call.env, **self._task.env, **self._variables(prompt)}
        copies = self._copies() if log == "agent.log" else (None, None)
        child = Child(
            argv=argv,
            cwd=workspace.path,
            env=env,
            stdin=prompt if call.stdin_prompt else None,
            log=self._directory / log,
            stdout_log=copies[0],
            stderr_log=copies[1],
            timeout=self._task.timeout,
            secrets=call.secrets,
        )
        return self._supervisor.run(child)

    def _variables(self, prompt: Path | None) -> dict[str, str]:
        return {
            "PO_TASK_ID": self._task.id,
            "PO_ATTEMPT": str(self._claim.attempt),
            "PO_SLOT": str(self._number),
            "PO_TASKS_DIR": str(self._shop.store.layout.root),
            "PO_PROMPT_FILE": str(prompt or "/dev/null"),
            "PO_RUN": self._shop.run.run,
            "PO_OWNER": self._claim.name.owner,
            "PO_CLAIM": self._claim.name.file,
        }

    def _copies(self) -> tuple[Path | None, Path | None]:
        folder = self._shop.log_dir
        if folder is None:
            return None, None
        copies = tuple(folder / f"{self._task.id}-{stream}.log" for stream in ("stdout", "stderr"))
        for copy in copies:
            if self._claim.attempt == 1:
                copy.unlink(missing_ok=True)
                # There for every task, also for one that says nothing.
                files.append(copy, b"")
            else:
                heading = f"\n===== retry attempt {self._claim.attempt - 1} =====\n"
                files.append(copy, heading.encode())
        return copies[0], copies[1]
