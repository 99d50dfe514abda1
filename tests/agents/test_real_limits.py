"""Real agents at a usage limit: who was at work meets it, nobody else asks until it is over."""

import os
import re

import pytest

from support.model_server import ModelServer, Script
from support.real_agents import VARIABLE, let_retry, programs, surroundings
from support.scene import Scene
from support.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"no real agents: ${VARIABLE} not set"),
]
#: What makes them have such limits: of Claude only a subscription has.
SUBSCRIPTION = {
    "claude": {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-fake-000"},
    "codex": {},
    "gemini": {},
    "opencode": {},
}
PLAN = """---
po_plan_version: "0.2"
name: limits
max_workers: 2
usage_limit: {usage_limit}
defaults: {{backend: {backend}, timeout: 2m}}
tasks:
{tasks}
---
"""
ANSWERS = ("a", "b", "c", "d")


def script(*limits):
    """A model that writes the file that a task asks for, and whose limit is met at these requests,
    to end so many seconds later."""
    rules = [
        {
            "prompt": f"Write {name}.txt",
            "steps": [
                {"write": {"path": f"{name}.txt", "content": f"{name}\n"}},
                {"text": "Done."},
            ],
        }
        for name in ANSWERS
    ]
    words = "The usage limit has been reached"
    faults = [
        {"at": at, "error": {"status": 429, "reset": reset, "message": words}}
        for at, reset in limits
    ]
    return Script.of({"rules": rules, "faults": faults})


class Stage:
    """A project, a played model, and real agents that know no other."""

    def __init__(self, backend, tmp_path, monkeypatch, played):
        env = surroundings(backend, tmp_path / "agent", played.url)
        let_retry(tmp_path / "agent")
        env = {name: value for name, value in (env | SUBSCRIPTION[backend]).items() if value}
        for name in set(os.environ) - env.keys() - {"PYTEST_CURRENT_TEST"}:
            monkeypatch.delenv(name)
        self.backend, self.env = backend, env
        self.scene = Scene(tmp_path / "scene").repository({"README.md": "A project\n"})

    def plan(self, names, usage_limit="{}"):
        tasks = "\n".join(f"  - {{id: {name}, prompt: Write {name}.txt}}" for name in names)
        self.scene.plan(PLAN.format(backend=self.backend, tasks=tasks, usage_limit=usage_limit))
        return self

    def start(self):
        return self.scene.start("--yes", "--start-gap", "0", env=self.env)

    def run(self, *options, check=0):
        command = ("--yes", "--start-gap", "0", *options)
        return self.scene.run(*command, env=self.env, within=300, check=check)


def installed(backend):
    if programs(backend) is None:
        pytest.skip(f"{backend} is not installed")
    return backend


@pytest.fixture(params=list(SUBSCRIPTION))
def backend(request):
    return installed(request.param)


def test_two_agents_meet_one_limit_and_no_other_asks_before_it_is_over(tmp_path, monkeypatch):
    backend = installed("claude")
    with ModelServer(script(("1-2", 4))) as played:
        result = Stage(backend, tmp_path, monkeypatch, played).plan("abcd").run()
        asked = played.work

    met, after = asked[:2], asked[2:]
    assert [bool(one.fault) for one in asked] == [True, True] + [False] * len(after)
    assert {one.prompt for one in met} == {"Write a.txt", "Write b.txt"}
    # the service names a whole second
    assert after[0].at >= max(one.at for one in met) + 4 - 1
    # one asks alone until it is done
    probe = [one.at for one in after if one.prompt == after[0].prompt]
    others = [one.at for one in after if one.prompt != after[0].prompt]
    assert max(probe) < min(others)
    assert result.states() == dict.fromkeys("abcd", "done")
    assert result.files().keys() >= {f"{name}.txt" for name in "abcd"}
    assert "limit  no agent of `claude` starts until" in result.err
    assert "on  the usage limit of `claude` is over" in result.err


def test_a_limit_that_resets_twice_is_waited_for_twice(tmp_path, monkeypatch):
    backend = installed("claude")
    with ModelServer(script(("1", 2), ("2", 2))) as played:
        result = Stage(backend, tmp_path, monkeypatch, played).plan("a").run()
        asked = played.work

    assert [bool(one.fault) for one in asked] == [True, True, False, False]
    assert min(asked[1].at - asked[0].at, asked[2].at - asked[1].at) >= 1
    assert result.states() == {"a": "done"}


def test_an_agent_that_would_sleep_for_an_hour_is_ended_and_its_task_waits(tmp_path, monkeypatch):
    backend = installed("codex")
    sleep = {"error": {"status": 429, "retry_after": 3600}}
    with ModelServer(Script.of({"rules": [{"faults": [sleep]}]})) as played:
        stage = Stage(backend, tmp_path, monkeypatch, played).plan("a")
        with stage.start() as run:
            wait_until(lambda: "next attempt in" in run.err(), within=60)
            run.interrupt()
            ended = run.wait()

    assert "a  again" in ended.err
    assert "rate_limited: exceeded retry limit, last status: 429" in ended.err
    assert re.search(r"next attempt in (1 h 0\d|59) min", ended.err)
    assert ended.states() == {"a": "available"}


def test_a_run_that_is_to_stop_ends_and_goes_on_when_it_is_told_to(backend, tmp_path, monkeypatch):
    with ModelServer(script(("1-2", 3600))) as played:
        stage = Stage(backend, tmp_path, monkeypatch, played).plan("abc", "{mode: stop}")
        stopped = stage.run(check=4)
        left = [stopped.states(), stage.run("--resume", check=4).states()]
        met = len(played.work)
        (record,) = (stage.scene.project / "_tasks" / "limits").iterdir()
        record.unlink()
        done = stage.run("--resume")

    assert f"stopped: usage limit of `{backend}` until 20" in stopped.err
    assert "--resume`" in stopped.out
    assert left == [dict.fromkeys("abc", "available")] * 2
    assert met == 2
    assert done.states() == dict.fromkeys("abc", "done")
