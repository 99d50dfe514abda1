"""An attempt that a full disk explains is nobody's failure; every other one is whose it was."""

import pytest

from parallel_orchestra.errors import Problem
from parallel_orchestra.model import FailureClass
from parallel_orchestra.store import AttemptResult
from parallel_orchestra.worker.blame import blamed, hopeless
from parallel_orchestra.worker.ended import Finished

LACK = Problem("the disk of the worktrees has too little room: 0 MiB are free", "/disk")

BLAMABLE = [kind for kind in FailureClass if kind.counted and not kind.final]
OTHERS = [kind for kind in FailureClass if kind not in BLAMABLE]


@pytest.mark.parametrize("kind", BLAMABLE)
def test_a_failure_beside_a_full_disk_is_the_disk_s(kind):
    finished = Finished(kind, "exit code 1", "some output", files=("a",))

    assert blamed(finished, LACK) == Finished(
        FailureClass.ENVIRONMENT, f"exit code 1; {LACK.what}", "some output", files=("a",)
    )


@pytest.mark.parametrize(
    "said", ["No space left on device", "Disk quota exceeded", "Read-only file system"]
)
@pytest.mark.parametrize("where", ["reason", "detail"])
def test_a_failure_that_says_that_a_disk_took_nothing_is_the_disk_s(said, where):
    words = {"reason": "exit code 1", "detail": "", where: f"cc: error: out.o: {said}"}
    finished = Finished(FailureClass.TRANSIENT, **words)

    assert blamed(finished, None) == Finished(FailureClass.ENVIRONMENT, **words)


@pytest.mark.parametrize("kind", OTHERS)
def test_what_counts_for_nobody_or_is_final_stays_what_it_is(kind):
    finished = Finished(kind, "No space left on device")

    assert blamed(finished, LACK) is finished


@pytest.mark.parametrize("kind", BLAMABLE)
def test_a_failure_on_a_disk_with_room_is_the_agent_s(kind):
    finished = Finished(kind, "exit code 1", "error: no such thing")

    assert blamed(finished, None) is finished


def test_a_success_is_a_success():
    finished = Finished(commit="0" * 40)

    assert blamed(finished, LACK) is finished


def failed_before(*reasons: str) -> list[AttemptResult]:
    return [
        AttemptResult("a", number, "host-1-00000001", 0.0, 1.0, "environment", reason)
        for number, reason in enumerate(reasons, 1)
    ]


@pytest.mark.parametrize(
    ("before", "said", "lack", "expected"),
    [
        (("x", "x"), "", None, True),
        (("y", "x", "x"), "", None, True),
        (("x",), "", None, False),
        (("x", "y"), "", None, False),
        (("x", "x", "y"), "", None, False),
        (("x", "x"), "npm: No space left on device", None, False),
        (("x", "x"), "", LACK, False),
    ],
    ids=["thrice", "at last", "twice", "another", "another between", "full by its words", "full"],
)
def test_a_set_up_that_fails_alike_three_times_is_given_up_unless_a_disk_is_full(
    before, said, lack, expected
):
    assert hopeless("x", said, failed_before(*before), lack) is expected
