"""The prompts of a folder's tasks: those of `prompts/`, else made from the task files.

A prompt has thirteen sections under `=== NAME ===`. One that was written is taken as it is; only
how to answer is added, if it does not say so, since the format leaves that to whoever runs it.
"""

from collections.abc import Sequence

from parallel_orchestra.frozen import frozen
from parallel_orchestra.plan.cpo.order import Member
from parallel_orchestra.plan.cpo.scope import Entry
from parallel_orchestra.plan.cpo.task_file import TaskFile

#: By this file an agent says that it is done; a prompt that names it asks for it.
MARKER = ".claude-task-complete"

SECTIONS = (
    "REQUIRED SKILLS",
    "CONTEXT",
    "OBJECTIVE",
    "CONTRACTS",
    "FILES TO CREATE",
    "FILES TO MODIFY",
    "DO NOT MODIFY",
    "IMPLEMENTATION REQUIREMENTS",
    "ACCEPTANCE CRITERIA",
    "EXECUTION INSTRUCTIONS",
    "IMPORTANT RULES",
    "OUTPUT FORMAT",
    "COMPLETION SIGNAL",
)
#: Those without which an agent does not know how to go about it; how to answer is ours to say.
_CRITICAL = ("EXECUTION INSTRUCTIONS", "IMPORTANT RULES", "COMPLETION SIGNAL")

_EXECUTION = """\
Write the code, do not only describe it:

1. Read the contracts, then the files that you are to change.
2. Write the code and its tests.
3. Run the tests. Mend what fails and run them again, until all pass.
4. Run the linters and type checkers that the project has.
5. Commit once everything passes, with a message in the project's manner."""

_RULES = """\
- Nobody answers questions: decide, and go on.
- Leave the files under DO NOT MODIFY as they are.
- Keep to the interfaces of the contracts. Contracts are designs: write their types anew in the
  project, and never import from the folder that they lie in.
- Commit nothing, and give no completion signal, while a test fails.
- If something keeps you from finishing, stop and say so in the output."""

OUTPUT_FORMAT = """\
=== OUTPUT FORMAT (REQUIRED) ===

End your answer with one JSON object and nothing after it, with these keys:

task_completed (true or false), validation_passed (true or false), files_created and files_modified
(lists of paths), tests_run, tests_passed and tests_failed (numbers), summary (two sentences at
most), full_log (what you did, step by step), error_message (text, or null if nothing went wrong)."""

_SIGNAL = f"""\
When all tests pass and your work is committed, and only then, run: touch {MARKER}"""


@frozen
class Surroundings:
    """What all generated prompts have in common: `contracts` is the folder from the project."""

    context: str
    contracts: str
    absolute: str


def missing_sections(prompt: str) -> tuple[str, ...]:
    """Returns the sections without which a written prompt can hardly go well, if it has others.

    A prompt that has none of them was not meant to have any.
    """
    if not any(f"=== {name}" in prompt for name in SECTIONS):
        return ()
    return tuple(name for name in _CRITICAL if f"=== {name}" not in prompt)


def completed(prompt: str) -> str:
    """Returns a written prompt, with how to answer at its end if it does not say so itself."""
    if "task_completed" in prompt:
        return prompt
    return f"{prompt.rstrip()}\n\n{OUTPUT_FORMAT}\n"


def generated(member: Member, file: TaskFile, around: Surroundings) -> str:
    """Returns the prompt that a task file means."""
    title = file.title or str(file.given.get("component", ""))
    agent = member.task.agent or str(file.given.get("agent", ""))
    head = [
        f"{member.id}: {title}",
        f"Agent: {agent}",
        f"Wave: {member.task.wave}",
        f"Dependencies: {', '.join(member.needs) or 'none'}",
    ]
    parts = {
        "REQUIRED SKILLS": _skills(file.names("skills")),
        "CONTEXT": around.context.strip(),
        "OBJECTIVE": title,
        "CONTRACTS": _contracts(file.names("contracts"), around),
        "FILES TO CREATE": _files(file.scope.creates),
        "FILES TO MODIFY": _files(file.scope.modifies),
        "DO NOT MODIFY": _files(file.scope.boundary),
        "IMPLEMENTATION REQUIREMENTS": file.requirements,
        "ACCEPTANCE CRITERIA": file.checklist,
        "EXECUTION INSTRUCTIONS": _EXECUTION,
        "IMPORTANT RULES": _RULES,
    }
    texts = [f"=== {name} ===\n\n{text}" for name, text in parts.items() if text]
    signal = f"=== COMPLETION SIGNAL ===\n\n{_SIGNAL}"
    return "\n\n".join(("\n".join(head), *texts, OUTPUT_FORMAT, signal)) + "\n"


def _skills(skills: Sequence[str]) -> str:
    if not skills:
        return ""
    listed = "\n".join(f"- {skill}" for skill in skills)
    return f"Load these skills before you begin:\n{listed}"


def _contracts(contracts: Sequence[str], around: Surroundings) -> str:
    if not contracts:
        return ""
    listed = "\n".join(f"- {around.contracts}/{contract}" for contract in contracts)
    return (
        f"Read these before you write anything:\n{listed}\n\n"
        f"Where they are not in your checkout, they are in {around.absolute}"
    )


def _files(entries: Sequence[Entry]) -> str:
    return "\n".join(f"- {entry.text}" for entry in entries)
