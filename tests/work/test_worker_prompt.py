"""The prompt of an attempt: the task's words, byte for byte, among what an agent should know."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parallel_orchestra.model import CPO, Evidence, Plan, Task
from parallel_orchestra.plan import parse
from parallel_orchestra.process.pressing import rendered
from parallel_orchestra.prompt import DEFAULT, Feedback, facts_of, known_names, library, trials_of
from parallel_orchestra.retry import Way
from parallel_orchestra.store import AttemptResult, Claim, Layout
from parallel_orchestra.store.feedback import write_feedback
from parallel_orchestra.store.names import TaskName
from parallel_orchestra.store.records import attempt_results, write_result
from parallel_orchestra.worker import prompt as prompt_room
from parallel_orchestra.worker.onward import Onward
from parallel_orchestra.worker.prompt import Source, Spoiled, judge, prompt_of, write_prompt

#: What any text is made of, and what a template, a shell or a terminal would make something of.
TEXT = st.lists(
    st.text(max_size=5)
    | st.sampled_from(
        [
            "{{",
            "{%",
            "{#",
            "#}",
            "%}",
            "}}",
            "{%raw%}",
            "{{task.prompt}}",
            "\r",
            "\r\n",
            "\x1b[31m",
            "\u2028",
            "�",
            "\x00",
            "$HOME",
            "`x`",
            "%s",
        ]
    ),
    max_size=12,
).map("".join)
PROMPTS = TEXT.filter(bool)


def source(task: Task, layout: Layout | None = None, *others: Task, **facts) -> Source:
    tasks = (task, *others)
    plan = Plan("0.2", "shop", Path("/p/plan.md"), Path("/p"), tasks, **facts)
    return Source(plan, {one.id: one for one in tasks}, layout)


def ended(layout: Layout, task: str, attempt: int = 1, **how) -> None:
    directory = layout.attempt(task, attempt, "me")
    directory.mkdir(parents=True)
    write_result(directory, AttemptResult(task, attempt, "me", 100.0, 2.0, **how))


@pytest.fixture
def layout(tmp_path) -> Layout:
    made = Layout(tmp_path / "_tasks")
    made.create()
    return made


WHOLE = """\
# Task `bill`

## Required skills

Use these skills:

- python-testing

## Context

Prices are in cents. {{ 7 * 7 }}

## Objective

The bill

## Contracts

Read these files first. What they fix holds for the other tasks too: keep to it, and leave them as
they are.

- `shop/types.py`

## What this builds on

These tasks are done. Their work lies in your files.

- `prices`: The price list (done)
  Prices are whole numbers.

## Files to modify

Create or change these, and no others. Patterns are those of a `.gitignore`.

- `shop/bill.py`

## Implementation requirements

Write `shop/bill.py`.
{% raw %}

## Acceptance criteria

These commands are run here when you have ended. Each must succeed:

    pytest -q

All of this must then be there:

- `shop/bill.py`, with the text `def bill`
- output of `python3 -m shop`, with the text `1.2`

These are run on your work together with that of the others. Each must succeed:

    ruff check

## Feedback

Round half up.

Attempt 1 at this task failed (verify): `pytest -q` exited with code 1.

## Execution instructions

- Do the work in the files of the current directory; do not only describe it.
- Read what is there before you change it, and try what you made.
- Commit or do not, as you like: what you leave behind is committed and merged for you.

## Important rules

- Nobody answers questions. Where something is left open, decide, and say so at the end.
- Other agents do other tasks at this moment. Stay in the current directory: no push, no other
  branches, nothing in other worktrees.
- Leave no process running when you end.

## Output format

End with a message of a few sentences: what you did, what you decided, what is still open. Tasks that
build on this one are shown its beginning.

## Completion signal

You are done when the objective is met and every acceptance criterion holds.
To change no file counts as a failure.
Then run `touch .claude-task-complete`, and end. Without that file you have not succeeded.
If it cannot be done, do not pretend: let your last line be the word TASK_BLOCKED, a colon, and why.
"""


def test_each_section_has_its_place_and_the_context_stands_once(layout):
    bill = Task(
        "bill",
        title="The bill",
        prompt="Write `shop/bill.py`.\n{% raw %}\n",
        skills=("python-testing",),
        contracts=("shop/types.py",),
        depends_on=("prices",),
        writes=("shop/bill.py",),
        verify=("pytest -q",),
        expect=(
            Evidence("shop/bill.py", contains="def bill"),
            Evidence(command=("python3", "-m", "shop"), contains="1.2"),
        ),
        completion_signal=True,
    )
    prices = Task("prices", title="The price list")
    ended(layout, "prices", text="Prices are\nwhole numbers.")
    ended(layout, "bill", failure="verify", reason="`pytest -q` exited with code 1")
    write_feedback(layout, "bill", 1, "Round half up.\n")
    context = "Prices are in cents. {{ 7 * 7 }}"
    made = source(bill, layout, prices, context=context, verify=("ruff check",))

    assert prompt_of(made, bill, 2) == WHOLE


def test_a_section_without_a_source_is_left_out():
    task = Task("look", prompt="Is it good?\n", read_only=True)

    text = prompt_of(source(task), task, 1)

    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert text.startswith("# Task `look`\n\n## Objective\n\nIs it good?\n\n## Execution")
    assert titles == [
        "# Task `look`",
        "## Objective",
        "## Execution instructions",
        "## Important rules",
        "## Output format",
        "## Completion signal",
    ]


def test_files_to_create_to_modify_and_to_leave_alone_have_sections_of_their_own():
    task = Task("a", prompt="Do it.", writes=("src/", "new.py"))
    facts = facts_of(source(task).plan, task, 1, Feedback(), ())
    facts["task"] |= {"creates": ["new.py"], "modifies": ["old.py"], "boundary": ["api/**"]}

    text = rendered(library()[DEFAULT], {}, facts)

    _, _, sections = text.partition("Do it.\n\n")
    assert sections.partition("## Execution")[0] == (
        "## Files to create\n\n- `new.py`\n\n"
        "## Files to modify\n\nBeside the files to create, change these, and no others. "
        "Patterns are those of a `.gitignore`.\n\n- `src/`\n- `old.py`\n\n"
        "## Do not modify\n\n- `api/**`\n\n"
    )


def test_a_dependency_has_two_lines_whatever_its_agent_said(layout):
    ended(layout, "a", text="word\n\n" * 500)
    task = Task("b", prompt="Do it.", depends_on=("a",))

    text = prompt_of(source(task, layout, Task("a")), task, 1)

    _, _, section = text.partition("in your files.\n\n")
    first, second, empty = section.splitlines()[:3]
    assert first == "- `a` (done)"
    assert second.startswith("  word word")
    assert second.endswith(" ...")
    assert len(second) <= 302
    assert not empty


def test_the_answer_of_a_failed_attempt_is_no_result(layout):
    ended(layout, "a", text="good")
    ended(layout, "a", 2, failure="verify", text="bad")
    task = Task("b", prompt="Do it.", depends_on=("a",))

    text = prompt_of(source(task, layout, Task("a")), task, 1)

    assert "  good\n" in text
    assert "bad" not in text


@pytest.mark.parametrize("failure", ["", "cancelled"], ids=["success", "cancelled"])
def test_what_did_not_fail_is_no_feedback(layout, failure):
    ended(layout, "a", failure=failure, reason="x")
    task = Task("a", prompt="Do it.")

    assert "## Feedback" not in prompt_of(source(task, layout), task, 2)


def test_a_program_without_a_prompt_is_told_nothing_but_feedback(layout):
    task = Task("a", backend="command", command="true")
    made = source(task, layout, context="x", prompt_template="{{ task.id }}")

    first = prompt_of(made, task, 1)
    ended(layout, "a", failure="verify", reason="x")

    assert first == ""
    assert prompt_of(made, task, 2).startswith("## Feedback\n\nAttempt 1 at")


def test_a_published_manifest_sends_its_prompt_alone(layout):
    task = Task("a", prompt="/agent-a", depends_on=("b",))
    made = source(task, layout, Task("b"))
    made = replace(made, plan=replace(made.plan, version="0.1"))
    ended(layout, "a", failure="verify", reason="x")

    assert prompt_of(made, task, 2) == "/agent-a"


def test_the_prompt_of_a_folder_gets_no_sections_but_the_feedback(layout):
    task = Task("a", prompt="=== CONTEXT ===\nx", depends_on=("b",))
    made = source(task, layout, Task("b"))
    made = replace(made, plan=replace(made.plan, version=CPO))

    first = prompt_of(made, task, 1)
    ended(layout, "a", failure="verify", reason="x")

    assert first == "=== CONTEXT ===\nx"
    assert prompt_of(made, task, 2).startswith("=== CONTEXT ===\nx\n\n## Feedback\n\nAttempt 1")


def test_secrets_of_the_task_and_the_way_to_the_checkout_are_in_no_prompt():
    task = Task("a", prompt="Do it.", env={"API_KEY": "very-secret"})
    made = source(task, prompt_template="{{ plan }} {{ task }} {{ attempt }} {{ feedback }}")

    text = prompt_of(made, task, 1)

    assert "very-secret" not in text
    assert "/p" not in text


@given(PROMPTS, TEXT)
def test_prompt_and_context_arrive_byte_for_byte(prompt, context):
    task = Task("a", prompt=prompt)

    text = prompt_of(source(task, context=context), task, 1)

    assert f"## Objective\n\n{prompt}" in text
    assert (f"## Context\n\n{context}" in text) == bool(context)


@pytest.mark.slow
@settings(max_examples=15)
@given(PROMPTS.filter(str.strip))
def test_a_template_of_the_plan_gets_the_prompt_byte_for_byte(prompt):
    task = Task("a", prompt=prompt)

    text = prompt_of(source(task, prompt_template="<{{ task.prompt }}>"), task, 1)

    assert text == f"<{prompt}>"


@given(PROMPTS.filter(lambda text: text.strip() and "\x00" not in text and text[0] != "\ufeff"))
def test_a_prompt_file_is_in_the_prompt_byte_for_byte(prompt):
    data = prompt.encode("utf-8", "replace")
    text = '---\npo_plan_version: "0.2"\nname: n\ntasks: [{id: a, prompt_file: p}]\n---\n'

    def read(path):
        if path != Path("/p/p"):
            raise FileNotFoundError(path)
        return data

    plan = parse(text.encode(), Path("/p/plan.md"), read)

    made = Source(plan, {"a": plan.tasks[0]})
    assert data in prompt_of(made, plan.tasks[0], 1).encode()


@pytest.mark.slow
def test_a_template_that_fails_only_in_the_run_says_where(layout):
    task = Task("b", prompt="Do it.", depends_on=("a",))
    template = "{{ task.prompt }}\n{% if dependencies[0].text == 'bad' %}{{ 1 // 0 }}{% endif %}"
    made = source(task, layout, Task("a"), prompt_template=template)
    ended(layout, "a", text="bad")

    with pytest.raises(Spoiled, match="line 2: integer division or modulo by zero"):
        write_prompt(made, layout, Claim(TaskName("b", 1, 0, "me"), "x"))
    assert not layout.attempt("b", 1, "me").exists()


@pytest.mark.slow
def test_a_template_may_extend_ours(layout):
    task = Task("a", prompt="Do it.")
    template = '{% extends "prompt.md.j2" %}{% block rules %}{{ super() }}- Sing.\n{% endblock %}'

    text = prompt_of(source(task, prompt_template=template), task, 1)

    assert text.startswith("# Task `a`\n\n## Objective\n\nDo it.\n")
    assert "- Sing.\n## Output format" in text
    assert judge(template, (), known_names()) == []


@pytest.mark.slow
def test_a_large_context_is_not_tried_a_thousand_times(monkeypatch):
    tried = []
    monkeypatch.setattr(prompt_room, "examine", lambda *asked: tried.extend(asked[3]) or ())
    tasks = tuple(Task(f"t{number}", prompt="Do it.") for number in range(100))
    plan = Plan("0.2", "n", Path("/p/plan.md"), Path("/p"), tasks, context="x" * (1 << 20))

    judge("{{ task.prompt }}", trials_of(plan), known_names())

    assert 2 <= len(tried) < 10


AGAIN = """\
# Task `bill`, attempt 2

The task is the one that you were given in this session, and all that was said there holds.

## Feedback

Attempt 1 at this task failed (verify): `pytest` exited with code 1.

The end of the output:

```
1 failed
```

You go on in the same session. Your files are as you left them, with what was merged of other tasks meanwhile.

## Completion signal

You are done when the objective is met and every acceptance criterion holds.
To change no file counts as a failure.
Then end.
If it cannot be done, do not pretend: let your last line be the word TASK_BLOCKED, a colon, and why.
"""


def test_who_goes_on_in_its_session_is_told_what_there_is_to_say_since(layout):
    task = Task(id="bill", title="The bill", prompt="Write it.", verify=("pytest",))
    how = {"failure": "verify", "reason": "`pytest` exited with code 1", "detail": "1 failed\n"}
    ended(layout, "bill", session="0588a84e-19aa", ref="refs/orchestra/x", **how)
    last = attempt_results(layout, "bill")[-1]
    template = "My own: {{ task.prompt }}"
    plan = source(task, layout, context="Prices.", prompt_template=template)

    told = prompt_of(plan, task, 2, Onward(Way.SESSION, last, moved=True))
    fresh = prompt_of(plan, task, 2, Onward(Way.TREE, last))

    assert told == AGAIN
    assert fresh == "My own: Write it."


def test_in_a_cpo_folder_who_goes_on_is_told_the_feedback(layout):
    task = Task(id="bill", prompt="Write it.")
    ended(layout, "bill", session="0588a84e-19aa", failure="timeout", reason="too slow")
    last = attempt_results(layout, "bill")[-1]
    plan = replace(source(task, layout).plan, version=CPO)

    told = prompt_of(Source(plan, {"bill": task}, layout), task, 2, Onward(Way.SESSION, last))

    assert told.startswith("## Feedback\n\nAttempt 1 at this task failed (timeout): too slow.")
    assert "Write it." not in told
