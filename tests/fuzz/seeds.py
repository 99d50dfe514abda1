"""What the fuzzers begin with: valid input of every target, from the example, the docs and the code."""

import json
import re
from pathlib import Path

from parallel_orchestra import events
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.plan import parse, plan_to_json
from parallel_orchestra.progress import Check, Contract, IntegrationReport, Mark, Violation
from parallel_orchestra.progress.integration import facts_of
from parallel_orchestra.store.task_file import task_file

_ROOT = Path(__file__).parents[2]
_OWNER = "host-1-00000001"

_FOUND = IntegrationReport(
    *(1_800_000_000.0, "c" * 40, 1, 2),
    checks=(Check("tests", Mark.BAD, "1 failed", "integration/1/tests.log", 2.5),),
    contracts=(Contract("a.py", Mark.GOOD, "is kept by a task"),),
    violations=(Violation("a", "b.py", "changed", grave=True),),
    must=("tests: 1 failed",),
)

_MANIFEST = """\
---
po_plan_version: "0.1"
name: "older"
cwd: "."
defaults: {max_retries: 2}
concurrency_limits: {db: 1}
on_complete: {webhook_url: "https://example.org/hook"}
tasks:
  - id: a
    agent: coder
    read_only: false
    env: {KEY: value}
    writes: ["src/a.py", "docs/**"]
    concurrency_group: db
  - id: b
    agent: coder
    read_only: true
    depends_on: [a]
    prompt: "look at `a`"
---
"""


def seeds_of(target: str) -> list[bytes]:
    """Returns some valid inputs of a target; more of its kind are made by changing them."""
    made = {
        "plan": _plans,
        "plan-yaml": lambda: [_front(plan) for plan in _plans()],
        "file-name": _names,
        "odd-name": lambda: [*_names(), b".hidden", b"a.md~", b"a.a01f0.md", "\u00e4.md".encode()],
        "task-file": lambda: [task_file(task, "run1", 2, "f" * 64) for task in _tasks()],
        "worker": lambda: [_json(_WORKER), _json({**_WORKER, "lease": 60})],
        "result": lambda: [_json(_RESULT), _json({**_RESULT, "failure": "", "cost_usd": 0.5})],
        "run": lambda: [_json({**_RUN, "plan": plan}) for plan in map(_as_json, _plans()) if plan],
        "journal": _lines,
        "label": lambda: [_json(_LABEL)],
        "integration": lambda: [_json(facts_of(_FOUND))],
        "message": lambda: [
            _MERGE,
            _MERGE.replace(b"Task", b"Undo"),
            b"Merge 2 tasks\n\nOrchestra-Batch: run1/2\n"
            + b"".join(
                b"Orchestra-Merge: run1/%s %s 1 2\n" % (one, one * 40) for one in (b"a", b"b")
            ),
            b"work\n\nOrchestra-Base: r/m\n",
        ],
        "junit": lambda: [
            b"<testsuite name='s'><testcase classname='c' name='n'><failure/></testcase></testsuite>",
            b"<testsuites><testsuite><testcase name='m'><error/></testcase></testsuite></testsuites>",
            b"<?xml version='1.0' encoding='utf-16'?><testsuite/>",
        ],
    }[target]
    return made()


#: Words that the formats are made of, for who mixes inputs.
WORDS: tuple[bytes, ...] = tuple(
    word.encode()
    for word in (
        *(
            "---",
            "po_plan_version",
            '"0.1"',
            '"0.2"',
            "tasks:",
            "- id: ",
            "depends_on: [",
            "prompt:",
        ),
        *(
            "null",
            "true",
            "-1",
            "1e999",
            "NaN",
            "Infinity",
            "{}",
            "[]",
            '""',
            "[[[[",
            "{{",
            "&a *a",
        ),
        *(
            "!!python/object:os.system",
            "<<: *a",
            "|\n",
            ">-\n",
            "? ",
            "%TAG",
            "\t",
            "\ufeff",
            "\u2028",
        ),
        *(".md", ".a1f0", ".a999999f999999", f".{_OWNER}", "generation: ", "fingerprint: "),
        *("Orchestra-Task: ", "Orchestra-Generation: ", "\n\n", "\ud7ff", "9" * 400, "[" * 400),
        *(
            f'"{name}":'
            for name in ("plan", "tasks", "cwd", "time", "attempt", "kind", "id", "ref")
        ),
        *(f'"kind":"{kind}"' for kind in events.KINDS),
    )
)


def _plans() -> list[bytes]:
    example = (_ROOT / "example" / "plan.md").read_bytes()
    pages = "\n".join(page.read_text() for page in sorted((_ROOT / "docs").rglob("*.md")))
    shown = re.findall(
        r"^```(?:markdown|yaml)[^\n]*\n(---\n.*?)^```", pages, re.DOTALL | re.MULTILINE
    )
    return [example, _MANIFEST.encode(), *(text.encode() for text in shown)]


def _front(plan: bytes) -> bytes:
    return plan.removeprefix(b"---\n").partition(b"\n---")[0] + b"\n"


def _as_json(plan: bytes) -> object:
    try:
        return plan_to_json(parse(plan, Path("/nowhere/plan.md"), lambda _: b"prompt"))
    except Exception:  # noqa: BLE001  # a page may show a plan that is wrong on purpose
        return None


def _tasks() -> list[Task]:
    plan: Plan = parse(_plans()[0], Path("/nowhere/plan.md"), lambda _: b"prompt")
    return list(plan.tasks)


def _names() -> list[bytes]:
    return [b"a.md", b"build.a2f1.md", f"b.a1f0.{_OWNER}.md".encode(), f"c.{_OWNER}.md".encode()]


def _lines() -> list[bytes]:
    usual = {"time": 1.8e9, "task": "a", "attempt": 1, "seconds": 2.5}
    kinds: dict[object, object] = {str: "x", list: ["x.py"], bool: True}
    lines = []
    for name, forms in events._FIELDS.items():
        facts = {one: usual.get(one, kinds.get(types[0], 1)) for one, types in forms}
        lines.append(_json({"kind": name.__name__, **facts}))
    assert all(events.from_line(line.decode()) for line in lines)
    return [*lines, b"\n".join(lines) + b"\n"]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


_WORKER = {
    "owner": _OWNER,
    "kind": "worker",
    "host": "host",
    "boot": "b",
    "pid_namespace": "pid:[1]",
    "pid": 1,
    "start": "1",
    "run": "run1",
    "version": "0",
    "lease": 60.0,
    "machine": "m",
}
_RESULT = {
    "task": "a",
    "attempt": 1,
    "owner": _OWNER,
    "started": 1.8e9,
    "seconds": 2.0,
    "failure": "verify",
    "reason": "1 failed",
    "files": ["x"],
    "not_before": 1.8e9,
    "turns": 3,
}
_RUN = {
    "run": "run1",
    "plan": {},
    "fingerprints": {"a": "f"},
    "base_branch": "main",
    "base_commit": "b" * 40,
    "integration": "refs/heads/orchestra/x",
    "created": 1.8e9,
    "repository": "/nowhere",
    "schema": 1,
}
_LABEL = {"task": "a", "attempt": 1, "owner": _OWNER, "ref": "refs/orchestra/x", "base": "b" * 40}
_MERGE = (
    b"Merge task `a`\n\nOrchestra-Task: run1/a\nOrchestra-Generation: 1\n"
    b"Orchestra-Attempt: 1\nOrchestra-Worker: w\nOrchestra-Plan: f\n"
)
