"""With a plan-level `verify` the branch is green at every first parent, whoever breaks what with whom."""

import json
import random
import re
import time

import pytest

from support.effort import by_effort, seeds
from support.figures import tell
from support.scene import Scene
from support.storm import Step, Storm, check_tidy, kill
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Both take the first port that is free; whoever is told of the clash takes another one.
PORTS = """---
po_plan_version: "0.2"
name: ports
verify: 'if sort *.port | uniq -d | grep .; then echo "a port is taken twice"; exit 1; fi'
defaults: {backend: command, command: ["sh", "AGENT"], max_retries: 1}
tasks:
  - {id: web, prompt: Serve the pages.}
  - {id: api, prompt: Serve the data.}
---
"""
AGENT = """\
: > "$FLAGS/$PO_TASK_ID"
until test -e "$FLAGS/web" && test -e "$FLAGS/api"; do sleep 0.02; done
if grep -q 'alone it passes, together with' "$PO_PROMPT_FILE"; then port=8001; else port=8000; fi
echo $port > "$PO_TASK_ID.port"
"""


def first_parents(scene, ref="main"):
    """Returns the files at each first parent since the beginning, the oldest first."""
    commits = scene.git("rev-list", "--first-parent", "--reverse", ref).split()[1:]
    return [scene.files(commit) for commit in commits]


def told(scene):
    return {one["id"]: one for one in json.loads(scene.call("status", "--json").out)["tasks"]}


def test_two_that_merge_cleanly_but_break_together_are_told_apart_and_mended(tmp_path):
    agent, flags = tmp_path / "agent.sh", tmp_path / "flags"
    agent.write_text(AGENT)
    flags.mkdir()
    scene = Scene(tmp_path).repository(3).plan(PORTS.replace("AGENT", str(agent)))

    result = scene.run("--yes", "-j", "2", env={"FLAGS": str(flags)}, check=0)

    ports = {name: text for name, text in scene.files().items() if name.endswith(".port")}
    assert sorted(ports.values()) == ["8000\n", "8001\n"]
    assert scene.merges() == {"web": 1, "api": 1}
    first, second = sorted(ports, key=lambda name: ports[name])
    kept, sent_back = first.removesuffix(".port"), second.removesuffix(".port")
    assert len(scene.attempts(kept)) == 1
    failed, mended = scene.attempts(sent_back)
    reason = json.loads((failed / "result.json").read_text())["reason"]
    assert reason == (
        "the plan's `verify` fails on the merged result: "
        f"alone it passes, together with `{kept}` it fails"
    )
    prompt = (mended / "prompt.md").read_text()
    assert f"together with `{kept}` it fails" in prompt
    assert "\n8000\na port is taken twice\n" in prompt
    for files in first_parents(scene):
        taken = [text for name, text in files.items() if name.endswith(".port")]
        assert len(set(taken)) == len(taken)
    check_tidy(result)


FLAKY = """---
po_plan_version: "0.2"
name: flaky
verify: 'test -e "$FLAGS/seen" || { : > "$FLAGS/seen"; exit 1; }'
defaults: {backend: command}
tasks: [{id: one, command: "echo 1 > one.txt"}]
---
"""


def test_a_flaky_check_costs_no_attempt_and_the_report_names_the_task(tmp_path):
    (tmp_path / "flags").mkdir()
    scene = Scene(tmp_path).repository(3).plan(FLAKY)

    scene.run("--yes", env={"FLAGS": str(tmp_path / "flags")}, check=0)

    assert scene.merges() == {"one": 1}
    assert len(scene.attempts("one")) == 1
    assert any("it is flaky" in warning for warning in told(scene)["one"]["warnings"])


# a storm

#: Who is red: each `bad` alone, each pair together.
VERIFY = (
    "verify: 'for one in bad*.txt; do test ! -e $one || exit 1; done; "
    "for pair in 1 2; do test ! -e p${pair}a.txt || test ! -e p${pair}b.txt || exit 2; done; sleep 0.1'"
)
SEEDS = seeds(1, 3, 20)
GOOD, BAD, PAIRS = by_effort(5, 12, 24), by_effort(1, 2, 3), by_effort(1, 2, 2)
KILLS = by_effort(2, 4, 8)


def red(files):
    pairs = [{f"p{pair}a.txt", f"p{pair}b.txt"} for pair in (1, 2)]
    return any(name.startswith("bad") for name in files) or any(one <= set(files) for one in pairs)


@pytest.mark.storm
@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_of_culprits_pairs_and_kills_leaves_every_first_parent_green(tmp_path, seed):
    dice = random.Random(seed)
    good = [f"g{number}" for number in range(GOOD)]
    bad = [f"bad{number}" for number in range(BAD)]
    pairs = [(f"p{number}a", f"p{number}b") for number in range(1, PAIRS + 1)]
    tasks = [*good, *bad, *(one for pair in pairs for one in pair)]
    dice.shuffle(tasks)
    steps = tuple(Step(one, facts=("max_retries: 0",)) for one in tasks)
    options = ("--yes", "--resume", "-j", "6")
    storm = Storm(Scene(tmp_path).repository(3), steps, VERIFY, options)

    for _ in range(KILLS):
        before = len(storm.lines())
        with storm.start(NAP="0.05") as running:
            wanted = before + dice.randint(1, len(tasks))
            wait_until(lambda: len(storm.lines()) >= wanted or running.child.poll() is not None)  # noqa: B023
            time.sleep(dice.uniform(0, 0.4))  # any moment will do: nothing is waited for
            kill(running, dice.choice(("alone", "group", "everything")))
            running.wait()
        storm.remember()
    result = storm.scene.run(*options, check=1)

    states, found = storm.scene.states(), told(storm.scene)
    assert {one: states[one] for one in (*good, *bad)} == {
        **dict.fromkeys(good, "done"),
        **dict.fromkeys(bad, "failed"),
    }
    for pair in pairs:
        assert sorted(states[one] for one in pair) == ["done", "failed"], result
    done = [one for one in tasks if states[one] == "done"]
    assert storm.scene.merges() == dict.fromkeys(done, 1)
    states_seen = first_parents(storm.scene)
    assert not any(red(files) for files in states_seen)
    for one in tasks:
        if states[one] == "failed":
            assert [one["failure"] for one in found[one]["attempts"]][-1] == "verify", found[one]
            others = {*pairs[int(one[1]) - 1]} - {one} if one.startswith("p") else set()
            # After a kill it may have begun anew, with the other's work before its eyes.
            seen = storm.scene.names(found[one]["kept"][-1])
            others = {other for other in others if f"{other}.txt" not in seen}
            _check_blame(found[one]["reason"], others)
    storm.check_done_stays_done()
    check_tidy(storm.scene)
    tell("a storm in the merge queue", merges=len(done), commits=len(states_seen))


def _check_blame(reason, others):
    """Checks that a culprit is said to be red alone, or in company of the right one."""
    together = re.search(r"together with (.*) it fails", reason)
    assert bool(together) == bool(others), reason
    if together:
        assert {f"`{one}`" for one in others} <= set(re.findall(r"`[^`]*`", together[1])), reason
