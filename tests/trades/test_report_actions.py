"""What GitHub Actions is told: within its limits, and nothing that an agent said is a command."""

from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.progress import Check, Exhibit, IntegrationReport, Mark, Outcome
from parallel_orchestra.report.actions import annotations, command
from support import runs


def failed(number):
    return [
        runs.task(f"t{n}", Outcome.FAILED, failure="verify", reason="50% of\nit")
        for n in range(number)
    ]


def test_a_failed_task_is_an_error_at_the_plan_and_a_remark_a_warning():
    report = runs.run(*failed(1), warnings=("odd",))

    error, warning = annotations(report, "plans/a,b.md")

    assert error.startswith(
        "::error file=plans/a%2Cb.md,title=task t0::verify: 50%25 of%0Ait%0Anext: "
    )
    assert warning == "::warning file=plans/a%2Cb.md,title=run::odd"


def test_an_annotation_has_the_end_of_what_failed_and_the_way_on_however_long_the_reason_is():
    log = f"attempts/t/1.{runs.OWNER}/verify.log"
    last = runs.attempt(
        failure="verify", told_in=log, exhibits=(Exhibit(log, "1\n\nE  50% != 1\n::error::x"),)
    )
    facts = {"failure": "verify", "attempts": (last,)}

    [told] = annotations(runs.run(runs.task("t", Outcome.FAILED, reason="x" * 9000, **facts)))

    assert "%0A| 1%0A| E  50%25 != 1%0A| ::error::x%0Anext: " in told
    assert told.endswith("`parallel-orchestra retry t`")


def test_of_many_ten_are_told_and_the_last_says_how_many_more():
    told = list(annotations(runs.run(*failed(25))))

    assert len(told) == 10
    assert told[-1] == "::error title=run::... and 16 more errors: see the step's summary"


@given(st.text(), st.text())
def test_a_command_is_one_line_whatever_it_says(title, words):
    line = command("error", {"title": title}, words)

    head, title_said, words_said = line.split("::", 2)[0], *line.split("::", 2)[1:]
    assert (head, len(line.splitlines())) == ("", 1)
    assert title_said.startswith("error title=")
    assert "," not in title_said
    assert "\n" not in words_said


def test_what_must_be_fixed_is_an_error_once_all_tasks_are_done():
    found = IntegrationReport(
        runs.START, "c", 1, 1, (Check("tests", Mark.BAD, "1 failed"),), must=("tests: 1 failed",)
    )
    report = runs.run(runs.task(), integration_report=found)

    told = list(annotations(report))

    assert told == ["::error title=integration report::tests: 1 failed"]
