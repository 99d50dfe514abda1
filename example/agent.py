"""Stands in for a coding agent: reads its prompt from standard input and does what it asks for.

    python3 agent.py            write the files that lie for this task under recipes/
    python3 agent.py review     change nothing, and say how the package is doing

A real agent would think; this one takes a moment and looks the answer up. Like a real one it does
not always succeed at once: where a task has a first draft, that is what it hands in, until the
prompt tells it what was wrong with it.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

RECIPES = Path(__file__).parent / "recipes"


def write(task, prompt):
    """Copies the task's files into the working tree and names them."""
    recipe = RECIPES / task
    drafts = recipe / "first-draft"
    for source in sorted(recipe.rglob("*.py")):
        if drafts in source.parents:
            continue
        target = source.relative_to(recipe)
        first = drafts / target
        if first.exists() and "## Feedback" not in prompt:
            source = first
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        print("wrote", target)


def review():
    """Prints how many modules and lines there are, and what the tests and the program say."""
    modules = sorted(Path("calc").glob("*.py"))
    lines = sum(len(module.read_text(encoding="utf-8").splitlines()) for module in modules)
    print(f"{len(modules)} modules, {lines} lines")
    for question in (["unittest", "-q"], ["calc", "2 + 3 * 4", "sqrt(2) ** 2"]):
        answer = subprocess.run(
            [sys.executable, "-B", "-m", *question],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
        )
        print(answer.stdout.strip())


if __name__ == "__main__":
    prompt = sys.stdin.read()
    print("asked to:", prompt.strip().splitlines()[0] if prompt.strip() else "(nothing)")
    time.sleep(float(os.environ.get("AGENT_SECONDS", "1")))  # thinking
    if sys.argv[1:] == ["review"]:
        review()
    else:
        write(os.environ["PO_TASK_ID"], prompt)
