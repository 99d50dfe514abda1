"""A suspect is heard: checked alone, and again, before its task is told that it is at fault."""

from parallel_orchestra.merge_queue.chain import Joint
from parallel_orchestra.merge_queue.integration import Integration
from parallel_orchestra.merge_queue.outcome import Candidate, Conflicted, Rejected, Verifier
from parallel_orchestra.merge_queue.search import Probe, Verdict, With, trial
from parallel_orchestra.plain import some_of

#: How many other tasks are named at most.
_NAMED = 5

_RED_BASE = (
    "so does the commit that the run began from: mend that first, or let only new failures block "
    "(`merge: {baseline: true}`)"
)
FLAKY = "the plan's `verify` failed on it and then passed twice on the same state: it is flaky"


class Hearing:
    """One candidate that failed once, merged with the tip as `joint`."""

    def __init__(
        self,
        trunk: Integration,
        verify: Verifier,
        tip: str,
        candidate: Candidate,
        joint: Joint,
        bases: dict[str, bool],
    ) -> None:
        """Takes which bases are known to be green; what is found out is added."""
        self._tip = tip
        self._bases = bases
        self._trunk = trunk
        self._verify = verify
        self._candidate = candidate
        self._joint = joint
        self._others = trunk.steps_since(candidate.commit, tip)
        self._said = Rejected("")

    def held(self) -> Rejected | str:
        """Returns why it is sent back; or, for one that is innocent, what is odd about its check."""
        procedure = trial(len(self._others))
        probe = next(procedure)
        while True:
            green = self._answer(probe)
            if self._said.cancelled:
                return self._said
            try:
                probe = procedure.send(green)
            except StopIteration as over:
                verdict: Verdict = over.value
                break
        if not verdict.guilty:
            return FLAKY
        return Rejected(self._said.output, blame=self._blame(verdict))

    def _answer(self, probe: Probe | With) -> bool | None:
        commit = self._commit(probe)
        if commit is None:
            return None
        log, base = self._candidate.log, self._trunk.taken_in()
        rejected = self._verify.check(commit, log, base)
        # With only some of the others it may fail in another way than with all of them.
        if rejected is not None and (rejected.cancelled or not isinstance(probe, With)):
            self._said = rejected
        return rejected is None

    def _base_is_green(self) -> bool:
        """Returns whether what the run began from passes, which nobody has checked yet."""
        tip, log = self._tip, self._candidate.log
        if tip not in self._bases:
            rejected = self._verify.check(tip, log, self._trunk.taken_in())
            if rejected is not None and rejected.cancelled:
                return True
            self._bases[tip] = rejected is None
        return self._bases[tip]

    def _commit(self, probe: Probe | With) -> str | None:
        if probe is Probe.ALONE:
            return self._candidate.commit
        if isinstance(probe, With):
            joint = self._trunk.join(self._others[probe.count - 1].commit, self._candidate)
            return None if isinstance(joint, Conflicted) else joint.commit
        return self._joint.commit

    def _blame(self, verdict: Verdict) -> str:
        if verdict.flaky:
            return "it passed once on the same state, so the check is flaky, but failed twice"
        if not verdict.together and self._tip == self._trunk.base and not self._base_is_green():
            return _RED_BASE
        if not verdict.together:
            return "it fails without what was merged meanwhile, too" if self._others else ""
        names = [step.words for step in self._others[verdict.first : verdict.last]]
        named = some_of(names, _NAMED)
        which = named if len(names) == 1 else f"one of {named}"
        return f"alone it passes, together with {which} it fails"
