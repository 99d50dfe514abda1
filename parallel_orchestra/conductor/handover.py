"""What was merged is handed over as the plan says: into the user's branch, by a pull request, or not."""

import shlex
import time
from collections.abc import Mapping
from dataclasses import replace

from parallel_orchestra import github
from parallel_orchestra.conductor.picture import report_of
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.events import Delivered, Event, Undelivered
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Pushed, Remote, Repo, Update, push, remote_of
from parallel_orchestra.merge_queue import MergeQueue, deliver
from parallel_orchestra.model import Deliver
from parallel_orchestra.plan import merge_from_json
from parallel_orchestra.progress import Delivery
from parallel_orchestra.report import markdown
from parallel_orchestra.store import Layout, RunRecord


@frozen
class Handover:
    """Whose work it is; `environ` is what `gh` and the transports of git inherit."""

    repo: Repo
    queue: MergeQueue
    record: RunRecord
    layout: Layout
    environ: Mapping[str, str]

    @property
    def way(self) -> Deliver:
        """How the run's plan, or its command line, wants it."""
        return merge_from_json(self.record.plan).deliver

    def command(self, *more: str) -> str:
        """Returns the command by which a person delivers, or does so again."""
        words = ["parallel-orchestra", "deliver", *more]
        if str(self.layout.root) != f"{self.record.plan.get('cwd', '')}/_tasks":
            words += ["--tasks-dir", str(self.layout.root)]
        return shlex.join(words)

    def hand(self, way: Deliver, delivered: str = "") -> Delivery:
        """Delivers in that way and says how it went; safe to call again.

        What was `delivered` before is not brought back to a branch that has it no more.

        Raises:
            WaitsForPerson: the integration branch was changed from outside.
        """
        if way is Deliver.NEVER:
            return self._left()
        if way is Deliver.PR:
            return self._proposed()
        return deliver(self.repo, self.queue, self.record.base_branch, self.command(), delivered)

    def held(self, reason: str) -> Delivery:
        """Returns how it went with what the plan does not let through; a person may, by `deliver`."""
        why = f"`after_merge` is required and failed: {reason}"
        return Delivery(self.record.base_branch, reason=why, command=self.command())

    def _left(self) -> Delivery:
        self.queue.check()
        if self._nothing_new(tip := self.queue.tip()):
            return Delivery(self.record.base_branch, tip, tip, done=True)
        return Delivery(self.record.base_branch, command=self.command())

    def _nothing_new(self, tip: str) -> bool:
        head = self.repo.refs.read(f"refs/heads/{self.record.base_branch}")
        return tip == self.record.base_commit or (
            head is not None and self.repo.is_ancestor(tip, head)
        )

    def _proposed(self) -> Delivery:
        """Pushes the integration branch, and has its pull request say what the report says."""
        self.queue.check()
        tip, base = self.queue.tip(), self.record.base_branch
        if self._nothing_new(tip):
            return Delivery(base, tip, tip, done=True)
        remote = remote_of(self.repo, base)
        if remote is None:
            return Delivery(
                base,
                reason=f"`{base}` has no upstream, and there is no remote `origin` to push to",
                command=f"git remote add origin URL && {self._again}",
            )
        branch = self.queue.refs.branch
        pushed = push(self.repo, remote, tip, branch, self.environ)
        if not pushed.done:
            return self._refused(remote, pushed)
        return self._asked(tip, remote, pushed)

    @property
    def _again(self) -> str:
        return self.command(*(() if self.way is Deliver.PR else ("--pr",)))

    def _refused(self, remote: Remote, pushed: Pushed) -> Delivery:
        base, branch = self.record.base_branch, self.queue.refs.branch
        reason = f"`{remote.name}` did not take `{branch}`: {pushed.reason}"
        where = shlex.quote(remote.name)
        if not pushed.behind:
            command = f"git push {where} {shlex.quote(branch)} && {self._again}"
            return Delivery(base, reason=reason, command=command)
        # It has commits there that nobody here knows, and they are not ours to throw away.
        other = f"{branch}-{self.record.run.rpartition('-')[2]}"
        asked = replace(self._proposal(remote), head=other)
        command = f"git push {where} {shlex.quote(f'{branch}:refs/heads/{other}')}"
        return Delivery(base, reason=reason, command=f"{command} && {shlex.join(asked.command)}")

    def _asked(self, tip: str, remote: Remote, pushed: Pushed) -> Delivery:
        base, branch = self.record.base_branch, self.queue.refs.branch
        before = self.repo.refs.read(self.queue.refs.proposed)
        proposal = self._proposal(remote)
        there = f"`{branch}` is pushed to `{remote.name}`"
        gh = github.find(self.environ)
        if gh is None:
            self._note(tip, before)
            page = pushed.link or github.page(proposal)
            reason = f"{there}, but there is no `gh` here to open the pull request"
            reason += f": open it at {page}" if page else ""
            return Delivery(base, reason=reason, command=shlex.join(proposal.command))
        try:
            url = github.propose(gh, self._with_body(proposal, tip), self.repo.top, self.environ)
        except EnvironmentProblem as error:
            said = "; ".join(f"{one.what} {one.hint}".strip() for one in error.problems)
            return Delivery(base, reason=f"{there}, but {said}", command=self._again)
        self._note(tip, before)
        return Delivery(base, before or self.record.base_commit, tip, done=True, url=url)

    def _proposal(self, remote: Remote) -> github.Proposal:
        title = str(self.record.plan.get("name", self.record.run))
        return github.Proposal(remote.url, remote.branch, self.queue.refs.branch, title, "")

    def _with_body(self, proposal: github.Proposal, tip: str) -> github.Proposal:
        """Returns it with the report, as it reads once the pull request is there."""
        now = time.time()
        report = report_of(self.layout, self.repo, now)
        base = self.record.base_branch
        there = Delivery(base, self.record.base_commit, tip, done=True, url="this one")
        report = replace(report, delivery=there, ended=report.ended or now)
        return replace(proposal, body=github.cut(markdown.render(report)))

    def _note(self, tip: str, before: str | None) -> None:
        if before != tip:
            with self.repo.lock():
                self.repo.refs.transact([Update(self.queue.refs.proposed, tip, before)])


def event_of(delivery: Delivery, now: float) -> Event:
    """Returns what the journal is told of a delivery."""
    if delivery.done:
        return Delivered(now, delivery.branch, delivery.before, delivery.after, delivery.url)
    return Undelivered(now, delivery.branch, delivery.reason, delivery.command)
