"""What came together, looked at as a whole: at the end of a run, and by hand whenever one wants."""

import json

import pytest

from support.repository import worktrees_of
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

HEAD = """---
po_plan_version: "0.2"
name: shop
defaults: {backend: command, max_retries: 0}
"""
#: `bill` changes what both agreed on, and `sign` what is in its boundary.
BROKEN = f"""{HEAD}boundaries: warn
checks:
  tests: "test -f bill.py && test -f prices.py"
  types: ["sh", "-c", "echo 'bill.py:3: wrong'; touch seen; exit 1"]
  lint: "test ! -e seen; sleep 60"
  timeout: 2s
tasks:
  - {{id: prices, command: "echo 1 > prices.py", writes: [prices.py], contracts: [types.py]}}
  - id: bill
    depends_on: [prices]
    contracts: [types.py]
    command: "echo 2 > bill.py; echo more >> types.py"
  - {{id: sign, depends_on: [bill], command: "echo 3 > a.txt", boundary: [a.txt]}}
---
"""
GOOD = f"""{HEAD}checks: {{tests: 'test "$(cat a.txt)" = new'}}
tasks:
  - {{id: one, command: "echo new > a.txt"}}
---
"""
FILES = {"types.py": "PRICE = int\nNAME = str\n", "a.txt": "old\n"}


def scene_of(tmp_path, plan):
    return Scene(tmp_path).repository(FILES).plan(plan)


def results(found):
    return {check["name"]: check["result"] for check in found["checks"]}


def test_what_breaks_a_check_a_contract_or_a_boundary_must_be_fixed(tmp_path):
    scene = scene_of(tmp_path, BROKEN)

    ran = scene.run("--yes", "--report", str(tmp_path / "r.md"), check=0)
    again = scene.call("integrate", "--json", check=1)

    assert "integration: 4 to fix\n" in ran.out
    found = json.loads(again.out)
    assert results(found) == {
        "branch": "good",
        "contracts": "bad",
        "boundaries": "bad",
        "tests": "good",
        "types": "bad",
        "lint": "bad",
    }
    assert found["must_fix"][0] == (
        "the contract `types.py:3` was changed by `bill`, which is to keep to it"
    )
    assert found["must_fix"][1] == "task `sign`: `a.txt` changed, though it is in its `boundary`"
    assert "bill.py:3: wrong" in found["must_fix"][2]
    assert "took longer than 2." in found["must_fix"][3]
    page = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "| tests | good | `test -f bill.py && test -f prices.py`, " in page
    assert "- task `sign`: `a.txt` changed, though it is in its `boundary`\n" in page
    log = scene.tasks_dir / "integration/2/types.log"
    assert "bill.py:3: wrong\n" in log.read_text()
    assert worktrees_of(scene.project) == []
    assert scene.git("status", "--porcelain") == ""


def test_it_is_made_of_what_stands_on_the_branch_and_not_shown_for_another_state(tmp_path):
    scene = scene_of(tmp_path, GOOD)
    scene.run("--yes", check=0)
    (scene.project / "a.txt").write_text("mine, not committed\n")

    good = scene.call("integrate", check=0)
    scene.git("checkout", "--quiet", "--", "a.txt")
    scene.call("undo", "one", check=0)
    status = json.loads(scene.call("status", "--json").out)
    after = json.loads(scene.call("integrate", "--json", check=1).out)

    assert good.out.startswith("integration at ")
    assert ": all good\n" in good.out
    assert status["integration_report"] is None
    assert results(after)["tests"] == "bad"
    assert any(line.startswith("task `one` failed: ") for line in after["must_fix"])


def test_ctrl_c_ends_the_checks_and_not_what_was_delivered(tmp_path):
    begun = tmp_path / "begun"
    plan = GOOD.replace('test "$(cat a.txt)" = new', f"touch {begun}; sleep 60")
    scene = scene_of(tmp_path, plan)

    with scene.start("--yes") as run:
        wait_until(begun.exists, within=30)
        run.interrupt()
        result = run.wait()

    assert result.exit_code == 130
    assert "no integration report: cancelled; `parallel-orchestra integrate`" in result.err
    assert scene.files()["a.txt"] == "new\n"
    assert scene.processes() == []
    assert json.loads(scene.call("status", "--json").out)["integration_report"] is None
