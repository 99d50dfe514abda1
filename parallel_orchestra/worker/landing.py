"""The way of a task's work from its workspace onto the branch: one for agents and for people.

Each step may end the attempt by raising `Ended`. What is not merged is the caller's to keep or
to leave where it lies.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import Call
from parallel_orchestra.agents.backend import PROMPT_FILE
from parallel_orchestra.errors import GitError
from parallel_orchestra.events import Entered, Kept, Merged
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import EMPTY_TREES, Commit
from parallel_orchestra.isolation import Isolation, Seat, Work, Workspace
from parallel_orchestra.merge_queue import (
    Candidate,
    Conflicted,
    Opponent,
    Rejected,
    named,
    opponents,
)
from parallel_orchestra.merge_queue.regenerating import suggestion
from parallel_orchestra.merge_queue.trailers import cleaned
from parallel_orchestra.model import (
    Answer,
    FailureClass,
    Phase,
    Strategy,
    Task,
)
from parallel_orchestra.process import Child, Exit, Supervisor
from parallel_orchestra.prompt.judging import Checked
from parallel_orchestra.store import Claim
from parallel_orchestra.store.life import LIFE
from parallel_orchestra.worker.borders import breach
from parallel_orchestra.worker.checking import checked
from parallel_orchestra.worker.clash import LOG as CLASH
from parallel_orchestra.worker.clash import clash
from parallel_orchestra.worker.ended import DETAIL_BYTES, Ended, Finished, ForAPerson
from parallel_orchestra.worker.message import Words, done_of, worded
from parallel_orchestra.worker.shop import Shop


class Contradicted(ForAPerson):
    """The work contradicts what was merged meanwhile, in `finished.files`.

    `against` are those who merged that.
    """

    def __init__(
        self, commit: str, conflict: Conflicted, against: tuple[Opponent, ...] = ()
    ) -> None:
        count = len(conflict.files)
        reason = f"conflict in {count} file{'s' if count > 1 else ''} {named(against)}".rstrip()
        detail = conflict.said[:DETAIL_BYTES]
        super().__init__(commit, FailureClass.CONFLICT, reason, detail)
        self.against = against
        self.finished = replace(self.finished, files=conflict.files)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks among those who merged it."""
        return tuple(dict.fromkeys(one.task for one in self.against if one.task))


@frozen
class Made:
    """Work that passed all of its task's own gates, as a commit, and how it was checked."""

    commit: str
    evidence: tuple[Checked, ...]


class Landing:
    """One claim's work on its way, with the supervisor and the place of whoever did it."""

    def __init__(
        self, shop: Shop, claim: Claim, supervisor: Supervisor, place: Isolation, seat: Seat
    ) -> None:
        """Takes the seat of the worker, or of a person."""
        self.directory = shop.store.layout.attempt(claim.task, claim.attempt, claim.name.owner)
        #: What the agent said, once it did; for the words of the merge.
        self.answer: Answer | None = None
        self._begun = shop.clock.monotonic()
        self._words = Words()
        self._shop = shop
        self._claim = claim
        self._task = shop.tasks[claim.task]
        self._supervisor = supervisor
        self._place = place
        self._seat = seat

    def land(
        self,
        workspace: Workspace,
        work: Work,
        token: str,
        generation: int,
        message: str = "",
        *,
        accepted: bool = False,
        may_be_empty: bool = False,
    ) -> Finished:
        """Verifies the work, makes it one commit and merges it; returns the merge.

        `message` is for what is not committed yet; empty means the task's title. If a person has
        `accepted` the work, what the task was not to touch only warns. It `may_be_empty` if the
        branch may have all of it already.

        Raises:
            Contradicted: it conflicts with what was merged meanwhile.
            Ended: there is nothing to merge, the task was not to change that, or a `verify` fails.
            LostClaim: the claim or its fence is not ours any more; nothing was merged.
            GitError: git failed; nothing was merged.
        """
        made = self.gated(
            workspace,
            work,
            message,
            again=generation > 1,
            accepted=accepted,
            may_be_empty=may_be_empty,
        )
        return self.merged(made.commit, token, generation)

    def gated(
        self,
        workspace: Workspace,
        work: Work,
        message: str = "",
        *,
        again: bool = False,
        accepted: bool = False,
        may_be_empty: bool = False,
    ) -> Made:
        """Returns the work as one commit, if it passes the gates of its task.

        It is done `again` if the task was done before; for the rest see `land`.

        Raises:
            Ended: it does not pass one of them.
            GitError: git failed.
        """
        if work.changed or not may_be_empty:
            self._demand_changes(work)
        beyond = breach(self._shop, self._task, workspace.base, work, again=again)
        if beyond is not None and accepted:
            self._shop.warn(self._task.id, f"was merged by hand, although it {beyond.reason}")
        elif beyond is not None:
            raise Ended(FailureClass.BOUNDARY, beyond.reason, beyond.detail[:DETAIL_BYTES])
        evidence = self.check(workspace)
        return Made(self._commit(workspace.base, work, message), evidence)

    def check(self, workspace: Workspace) -> tuple[Checked, ...]:
        """Looks for what the task is to `expect`, then runs its `verify`; returns how that went.

        Raises:
            Ended: a command failed, or was cancelled, or something expected is not there.
        """
        if self._task.verify or self._task.expect:
            self.enter(Phase.VERIFY)
        return checked(self._shop, self._task, workspace, self._command)

    def enter(self, phase: Phase) -> None:
        """Writes into the journal what the attempt comes to."""
        shop, claim = self._shop, self._claim
        shop.journal.write(Entered(shop.clock.now(), claim.task, claim.attempt, phase.value))

    def keep(self, work: Work) -> str:
        """Makes work that is not merged reachable; returns the ref."""
        claim = self._claim
        ref = self._shop.queue.refs.salvage(claim.task, claim.attempt, claim.name.owner)
        message = f"Unmerged work of task `{claim.task}`, attempt {claim.attempt}\n"
        kept = self._place.keep(work, ref, message)
        self.note_kept(kept)
        return kept

    def note_kept(self, ref: str, conflict: Contradicted | None = None) -> None:
        """Writes into the journal where work is kept, and with whom it is in conflict, if it is."""
        shop, claim = self._shop, self._claim
        files = conflict.finished.files if conflict is not None else ()
        against = conflict.tasks if conflict is not None else ()
        shop.journal.write(Kept(shop.clock.now(), claim.task, claim.attempt, ref, files, against))

    def run(
        self,
        call: Call,
        workspace: Workspace,
        prompt: Path | None,
        log: str,
        copies: tuple[Path | None, Path | None] = (None, None),
        seconds: float | None = None,
        task: Task | None = None,
    ) -> Exit:
        """Runs an agent or a command of the task in the workspace, and returns how it went.

        `copies` are files that get its two streams besides. `seconds` are a limit beside the
        task's `timeout`. `task` is for who is not the task's own agent.
        """
        task = task or self._task
        told = str(prompt or "/dev/null")
        return self._supervisor.run(
            Child(
                argv=tuple(one.replace(PROMPT_FILE, told) for one in call.argv),
                cwd=workspace.path,
                env={**call.env, **task.env, **self._variables(prompt)},
                stdin=prompt if call.stdin_prompt else None,
                log=self.directory / log,
                stdout_log=copies[0],
                stderr_log=copies[1],
                timeout=min(task.timeout, seconds or task.timeout),
                secrets=call.secrets,
                keep=call.keep,
                last_words=call.last_words,
                dead_ends=call.dead_ends,
                idle_timeout=task.idle_timeout,
                life=self.directory / LIFE,
            )
        )

    def _command(self, call: Call, workspace: Workspace, log: str, seconds: float | None) -> Exit:
        own = self._task if seconds is None else replace(self._task, timeout=seconds)
        return self.run(call, workspace, None, log, task=own)

    def _demand_changes(self, work: Work) -> None:
        if not work.changed and not self._task.allow_empty:
            raise Ended(FailureClass.NO_CHANGES, "ended well but changed no file")
        if work.changed and work.tree in EMPTY_TREES:
            # `rm -rf` of its own directory, most likely: merged, it would empty the project.
            raise Ended(FailureClass.TAMPERING, "removed every file of its worktree")

    def _commit(self, base: str, work: Work, message: str) -> str:
        """Returns the work as a commit; commits of its author are kept if they build on the base."""
        objects = self._shop.repo.objects
        builds_on = work.head == base or self._shop.repo.is_ancestor(base, work.head)
        own = objects.first_parents(work.head, base) if builds_on and work.head != base else ()
        self._words = self._worded(base, work, own)
        said = self._shop.hide(self._task.id, cleaned(message).strip())
        if self._shop.plan.merge.strategy is Strategy.REBASE:
            said = said or self._words.text
        title = said or self._task.title or f"Task `{self._task.id}`"
        ends = "\n" + "".join(f"\n{line}" for line in self._words.credits)
        if work.head == base:
            return objects.commit(work.tree, (base,), f"{title}\n{ends}")
        if builds_on and work.pure and all(cleaned(one.message) == one.message for one in own):
            if objects.tree_of(work.head) == work.tree:
                return work.head
            return objects.commit(work.tree, (work.head,), f"{title}\n{ends}")
        # Rewritten history, another branch, lines that look like ours, or a commit of what was
        # only given to it: one clean commit, with what the agent committed kept beside it.
        self.keep(work)
        body = "\n\n".join(cleaned(one.message).strip() for one in reversed(own))
        body = self._shop.hide(self._task.id, body)
        return objects.commit(work.tree, (base,), f"{title}\n\n{body}".strip() + f"\n{ends}")

    def _worded(self, base: str, work: Work, own: tuple[Commit, ...]) -> Words:
        """Returns what the merge is to say, besides our trailers."""
        template, objects = self._shop.plan.merge.message, self._shop.repo.objects
        changed = objects.changed(base, work.tree) if template else ()
        files = tuple(one.path for one in changed)
        seconds = self._shop.clock.monotonic() - self._begun
        done = done_of(self._claim.attempt, seconds, files, own, self.answer)
        return worded(self._shop, self._task, done, by_agent=self.answer is not None)

    def merged(self, commit: str, token: str, generation: int) -> Finished:
        """Merges a commit; returns the merge. Raises as `land`."""
        task, claim, shop = self._task, self._claim, self._shop
        self.enter(Phase.MERGE)
        fingerprint = shop.run.fingerprints.get(task.id, "")
        log = self.directory / "merge-verify.log"
        candidate = Candidate(claim, commit, token, generation, fingerprint, task.title, log)
        words = self._words
        outcome = shop.queue.merge(replace(candidate, text=words.text, credits=words.credits))
        if isinstance(outcome, Rejected):
            if outcome.cancelled:
                raise Ended(FailureClass.CANCELLED, outcome.blame or "the run was stopped")
            blame = f": {outcome.blame}" if outcome.blame else ""
            reason = f"the plan's `verify` fails on the merged result{blame}"
            raise Ended(FailureClass.VERIFY, reason, outcome.output, log=log.name)
        if isinstance(outcome, Conflicted):
            if said := suggestion(outcome.files, shop.plan.merge.regenerate, shop.pool.inside):
                shop.warn(task.id, said)
            against = opponents(shop.queue, commit, outcome.files)
            raise self._shown(Contradicted(commit, outcome, against))
        if outcome.remark:
            shop.warn(task.id, outcome.remark)
        if not outcome.already:
            shop.journal.write(Merged(shop.clock.now(), task.id, claim.attempt, outcome.commit))
        return Finished(commit=outcome.commit)

    def _shown(self, conflict: Contradicted) -> Contradicted:
        """Returns the conflict with a log of what both sides say; nothing rests on that."""
        names = (" and ".join(conflict.tasks[:2]) or "the branch", self._task.id)
        with suppress(OSError, GitError):
            said = clash(self._shop.repo.objects, self._shop.queue.tip(), conflict.commit, names)
            if said:
                # who printed nothing has none yet
                files.make_directory(self.directory)
                hidden = self._shop.hide(self._task.id, said)
                files.write(self.directory / CLASH, hidden.encode())
                conflict.finished = replace(conflict.finished, log=CLASH)
        return conflict

    def _variables(self, prompt: Path | None) -> dict[str, str]:
        return {
            "PO_TASK_ID": self._task.id,
            "PO_ATTEMPT": str(self._claim.attempt),
            "PO_SLOT": str(self._seat.number),
            "PO_PORT_BASE": str(self._seat.port_base),
            "PO_TASKS_DIR": str(self._shop.store.layout.root),
            "PO_PROMPT_FILE": str(prompt or "/dev/null"),
            "PO_RUN": self._shop.run.run,
            "PO_OWNER": self._claim.name.owner,
            "PO_CLAIM": self._claim.name.file,
        }
