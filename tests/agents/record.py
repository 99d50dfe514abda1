"""Records how real agents fail: `python tests/agents/record.py BACKEND [CASE ...]`, with $REAL_AGENTS.

Each is called as a run calls it, by its backend and under a supervisor; what came of it is written
to `tests/trades/recorded_agents/`. With `--acts` for the cases, it is what an agent prints of its
acts, which goes to `tests/trades/recorded_acts/`. Start it by `support/loopback.py`.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from parallel_orchestra.agents import BACKENDS, AgentSettings  # noqa: E402
from parallel_orchestra.model import Task  # noqa: E402
from parallel_orchestra.process import Child, Exit, Supervisor  # noqa: E402
from support.model_server import ModelServer, Script  # noqa: E402
from support.real_agents import VARIABLE, let_retry, surroundings  # noqa: E402

RECORDED = HERE.parent / "trades" / "recorded_agents"
ACTS = HERE.parent / "trades" / "recorded_acts"
APIS = {"claude": "anthropic", "codex": "openai", "gemini": "gemini", "opencode": "anthropic"}
STEPS = [{"write": {"path": "hello.txt", "content": "hello\n"}}, {"text": "I wrote hello.txt."}]
PROMPT = "Write hello to hello.txt.\n"
#: Nobody listens there (RFC 863, discard).
NOBODY = "http://127.0.0.1:9"
#: Seconds; opencode tries five times before it gives up.
LIMIT = 240.0
#: Lines that are worth keeping of an agent that does the same again and again.
MOST_LINES = 40
#: Bytes of standard error that are worth keeping: some print where in themselves they failed.
MOST_ERR = 3000


def main(backend: str, only: list[str]) -> None:
    """Records all cases of a backend, or some."""
    cases = yaml.safe_load((HERE / "failures.yaml").read_text(encoding="utf-8"))
    for name, case in cases.items():
        if backend not in case.get("only", APIS) or (only and str(name) not in only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            record = recorded(backend, case, Path(folder))
        path = RECORDED / backend / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        said = f"{record['ending']} {record['code']}"
        print(backend, name, said, f"{record['seconds']} s", flush=True)  # noqa: T201 - its log


def main_acts(backend: str) -> None:
    """Records what a backend's agent prints while it acts, a line each."""
    text = (HERE / "acts.yaml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        rules = yaml.safe_load(text.replace("WORK", str(work)))[backend]
        with ModelServer(Script.of({"rules": rules})) as server:
            env = surroundings(backend, Path(folder) / "agent", server.url)
            task = Task(id="a", prompt=PROMPT, backend=backend)
            ended = run(task, env, Path(folder), LIMIT)
        said = scrubbed(ended.stdout_tail, Path(folder))
    ACTS.mkdir(exist_ok=True)
    (ACTS / f"{backend}.jsonl").write_text(said, encoding="utf-8")
    lines = said.count("\n")
    print(backend, ended.ending.value, ended.code, f"{lines} lines", flush=True)  # noqa: T201 - its log


def recorded(backend: str, case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Returns what came of one case."""
    faults = case.get("faults", [])
    if isinstance(faults, dict):
        faults = faults[APIS[backend]]
    rules = [{"steps": case.get("steps", STEPS), "faults": faults}]
    begun = time.time()
    with ModelServer(Script.of({"rules": rules})) as server:
        url = NOBODY if case.get("refused") else server.url
        env = surroundings(backend, folder / "agent", url)
        if case.get("retries"):
            let_retry(folder / "agent")
        changes = case.get("env", {}).get(backend, {})
        env = {name: value for name, value in {**env, **changes}.items() if value}
        task = Task(id="a", prompt=PROMPT, backend=backend, **case.get("task", {}))
        ended = run(task, env, folder, case.get("limit", LIMIT))
        requests = len(server.work)
    program = BACKENDS[backend].program
    assert program is not None
    return {
        "version": program.tried,
        "recorded_at": int(begun),
        "requests": requests,
        "seconds": round(ended.seconds, 1),
        "ending": ended.ending.value,
        "code": ended.code,
        "stdout": scrubbed(ended.stdout_tail, folder).splitlines()[-MOST_LINES:],
        "stderr": scrubbed(ended.stderr_tail, folder)[-MOST_ERR:].splitlines(),
        "kept": scrubbed(ended.kept, folder).splitlines()[:MOST_LINES],
    }


def run(task: Task, env: dict[str, str], folder: Path, limit: float) -> Exit:
    """Runs the task's agent in a repository of its own."""
    work = folder / "work"
    subprocess.run(["git", "init", "-q", work], check=True)
    settings = AgentSettings(environ=env, cwd=work, as_root=True)
    call = BACKENDS[task.backend].call(task, settings)
    prompt = folder / "prompt.md"
    prompt.write_text(task.prompt, encoding="utf-8")
    with Supervisor() as supervisor:
        return supervisor.run(
            Child(
                argv=call.argv,
                cwd=work,
                env=call.env,
                log=folder / "agent.log",
                stdin=prompt,
                timeout=limit,
                secrets=call.secrets,
                keep=call.keep,
                graces=(3.0, 1.0),
                dead_ends=call.dead_ends,
            )
        )


def scrubbed(output: bytes, folder: Path) -> str:
    """Returns an output without what is different each time and in each place."""
    text = output.decode("utf-8", "replace").replace(str(folder), "/recorded")
    text = re.sub(r"file://\S*/node_modules/", "file:///agents/node_modules/", text)
    text = re.sub(r"[\w./-]*/node_modules/", "/agents/node_modules/", text)
    return re.sub(r"127\.0\.0\.1:\d{2,}", "127.0.0.1:1", text)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"usage: {VARIABLE}=FOLDER python {sys.argv[0]} BACKEND [--acts | CASE ...]")
    if sys.argv[2:] == ["--acts"]:
        main_acts(sys.argv[1])
    else:
        main(sys.argv[1], sys.argv[2:])
