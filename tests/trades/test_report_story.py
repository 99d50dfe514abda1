"""The story of a task, attempt by attempt."""

from parallel_orchestra.progress import Attempt, Judgement, Outcome, TaskReport
from parallel_orchestra.report.story import story

FOLDER = "attempts/build/1.host"
REJECTED = Judgement("rejected", "a.py is wrong", "codex", "", 4.0, 0.25, log=f"{FOLDER}/qa.log")


def told(*attempts):
    return story(
        TaskReport("build", "", "", "claude", False, (), Outcome.SUCCEEDED, attempts=attempts)
    )


def test_each_attempt_is_told_with_its_gate_its_log_and_what_the_next_one_knew():
    lines = told(
        Attempt(1, "host", 1, 0.0, 3.0, "verify", "`make` failed", log="l", told_in="verify.log"),
        Attempt(2, "host", 1, 5.0, 9.0, "qa_rejected", "a.py is wrong", way="session", log="l",
                told_in=REJECTED.log, qa=REJECTED),
        Attempt(3, "host", 1, 20.0, 2.0, way="tree", log="l"),
    )  # fmt: skip

    again = "told why it failed (`parallel-orchestra show-prompt build --attempt"
    rejected = (
        "`qa_rejected` after 9.0 s: a.py is wrong; QA (`codex`) rejected it after 4.0 s, $0.25"
    )
    done = "succeeded after 2.0 s"
    assert lines == (
        "Attempt 1: `verify` after 3.0 s: `make` failed; see `verify.log`",
        f"Attempt 2, in the same session, {again} 2`): {rejected}; see `{REJECTED.log}`",
        f"Attempt 3, in a fresh session, on the files of the one before, {again} 3`): {done}",
    )


def test_an_attempt_that_was_only_judged_says_so_and_one_that_runs_says_nothing_yet():
    lines = told(
        Attempt(1, "host", 1, 0.0, 3.0, "environment", "QA (`codex`): exit code 1", log="a"),
        Attempt(2, "host", 1, 5.0, 2.0, way="judge", log="b"),
        Attempt(3, "host", 1, 9.0, log="c"),
    )

    assert lines == (
        "Attempt 1: `environment` after 3.0 s: QA (`codex`): exit code 1; see `a`",
        "Attempt 2, only to be judged: succeeded after 2.0 s",
    )
