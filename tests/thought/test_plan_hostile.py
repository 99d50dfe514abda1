"""Files made to hurt: a clear refusal, soon and in little memory, never a traceback."""

import itertools
import subprocess
import sys

import pytest

from parallel_orchestra.plan import load
from support.effort import cases, rare
from support.machine import fair

HEAD = '---\npo_plan_version: "0.2"\nname: x\ntasks:\n  - id: a\n    prompt: p\n'

READ = """
import sys
import time
from pathlib import Path
from parallel_orchestra.errors import PlanError
from parallel_orchestra.plan import load
try:
    load(Path(sys.argv[1]))
except PlanError as error:
    print(error.problems[0].what)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
print(time.process_time())
"""


def bomb() -> str:
    levels = "abcdefghijklmnopqrstuvwxyz"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in itertools.pairwise(levels)
    ]
    return "---\n" + "\n".join(lines) + "\n---\n"


def ring(count: int) -> str:
    tasks = (
        f"  - {{id: t{i}, prompt: p, depends_on: [t{(i + 1) % count}]}}\n" for i in range(count)
    )
    return '---\npo_plan_version: "0.2"\nname: x\ntasks:\n' + "".join(tasks) + "---\n"


def strangers(count: int) -> str:
    tasks = (f"  - {{id: t{i}, prompt: p, depends_on: [u{i}]}}\n" for i in range(count))
    return '---\npo_plan_version: "0.2"\nname: x\ntasks:\n' + "".join(tasks) + "---\n"


FILES = {
    "nested brackets": (
        lambda: "---\n" + "[" * 10_000 + "]" * 10_000 + "\n---\n",
        "nested deeper than 64 levels",
    ),
    "nested mappings": (
        lambda: "---\n" + "{a: " * 100_000 + "}" * 100_000 + "\n---\n",
        "nested deeper than 64 levels",
    ),
    "nested list marks": (
        lambda: "---\n" + "- " * 100_000 + "\n---\n",
        "nested deeper than 64 levels",
    ),
    "aliases of aliases": (bomb, "aliases that stand for more than 600,000 values"),
    "an alias in itself": (lambda: "---\na: &a [*a]\n---\n", "`*a` contains itself"),
    "merged aliases": (
        lambda: (
            "---\nk0: &a0 {x: 1}\n"
            + "".join(f"k{i}: &a{i} {{<<: *a{i - 1}, x{i}: 1}}\n" for i in range(1, 3000))
            + "---\n"
        ),
        "aliases that stand for more than 600,000 values",
    ),
    "three million values": (
        lambda: "---\na: [" + "1," * 3_000_000 + "]\n---\n",
        "more than 2,000,000 values",
    ),
    "half a million wrong dependencies": (
        lambda: HEAD + "    depends_on: [" + "1," * 500_000 + "]\n---\n",
        "`depends_on` of task `a` must have at most 20,000 entries",
    ),
    "half a million wrong tasks": (
        lambda: '---\npo_plan_version: "0.2"\nname: x\ntasks: [' + "1," * 500_000 + "]\n---\n",
        "`tasks[0]` must be a mapping, not the number 1",
    ),
    "a quarter of a million unknown keys": (
        lambda: HEAD + "".join(f"    k{i}: 1\n" for i in range(250_000)) + "---\n",
        "unknown key `k0` in task `a`",
    ),
    "a number of a million digits": (
        lambda: HEAD + "    max_retries: " + "9" * 1_000_000 + "\n---\n",
        f"`max_retries` of task `a` must be a whole number, not `{'9' * 59}…`",
    ),
    "a number to the base of sixty": (
        lambda: HEAD + "    max_retries: 1" + ":1" * 1_000_000 + "\n---\n",
        f"`max_retries` of task `a` must be a whole number, not `{'1:' * 29}1…`",
    ),
    "a circle of ten thousand": (
        lambda: ring(10_000),
        (
            "these tasks wait for each other in a circle: t0 -> t1 -> t2 -> t3 -> t4 -> t5 -> … "
            "-> t9996 -> t9997 -> t9998 -> t9999 -> t0"
        ),
    ),
    "ten thousand unknown dependencies": (
        lambda: strangers(10_000),
        "task `t0` depends on `u0`, which the plan does not have",
    ),
    "an endless quote": (
        lambda: HEAD + '    title: "' + "x" * 10_000_000 + "\n---\n",
        "not valid YAML: found unexpected end of stream",
    ),
}


#: One of each kind of trouble; the others are much like them.
OFTEN = (
    "nested brackets",
    "aliases of aliases",
    "an alias in itself",
    "a quarter of a million unknown keys",
    "a circle of ten thousand",
    "ten thousand unknown dependencies",
    "an endless quote",
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", cases(FILES, OFTEN))
def test_a_hostile_file_is_refused_soon_and_in_little_memory(kind, tmp_path):
    make, what = FILES[kind]
    path = tmp_path / "plan.md"
    path.write_text(make())

    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False
    )

    told, megabytes, seconds = done.stdout.splitlines()
    assert (done.returncode, told, done.stderr) == (0, what, "")
    assert int(megabytes) < 200
    # Of its own: whoever else uses the machine does not count.
    assert float(seconds) < fair(4)


@rare
@pytest.mark.slow
def test_a_hundred_thousand_tasks_are_a_plan(tmp_path):
    tasks = "".join(
        f"  - {{id: t{i}, title: Task {i}, prompt: 'Write {i}.', writes: [out/{i}.txt]}}\n"
        for i in range(100_000)
    )
    path = tmp_path / "plan.md"
    path.write_text(f'---\npo_plan_version: "0.2"\nname: x\ntasks:\n{tasks}---\n')

    plan = load(path)

    assert (len(plan.tasks), plan.tasks[-1].id) == (100_000, "t99999")


@pytest.mark.slow
def test_ten_thousand_tasks_are_read_in_little_memory(tmp_path):
    tasks = "".join(
        f"  - id: t{i}\n    title: Task {i}\n    prompt: |\n      Write out/{i}.txt.\n      Then test it.\n"
        f"    depends_on: [{f't{i - 1}' if i % 10 else ''}]\n    writes: [out/{i}.txt]\n"
        f"    priority: {i % 7}\n    timeout: 10m\n    env: {{NUMBER: '{i}'}}\n"
        for i in range(10_000)
    )
    path = tmp_path / "plan.md"
    path.write_text(f'---\npo_plan_version: "0.2"\nname: x\ntasks:\n{tasks}---\n')

    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )

    assert int(done.stdout.splitlines()[0]) < 150
