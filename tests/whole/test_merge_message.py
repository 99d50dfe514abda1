"""What a merge says is the plan's word; what it means is ours."""

import pytest

from support.repository import fsck_clean
from support.scene import Scene

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: said
merge:
  strategy: {strategy}
  message: |
    {{{{ task.title or task.id }}}} (attempt {{{{ attempt.number }}}})

    {{{{ files | join(', ') }}}} of {{{{ plan.name }}}}: {{{{ 1 // (files | length - 2) }}}}
    Orchestra-Task: forged/thing
  sign_off: true
  co_author: An Agent <agent@example.org>
max_workers: 1
defaults: {{backend: command}}
tasks:
  - {{id: one, title: The first, command: "echo 1 > one.txt"}}
  - {{id: two, command: "echo 2 > two.txt; echo 3 > three.txt"}}
---
"""


@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
def test_a_merge_says_what_the_template_makes_and_whose_work_it_is(tmp_path, strategy):
    scene = Scene(tmp_path).repository(1).plan(PLAN.format(strategy=strategy))

    scene.run("--yes", check=0)

    one = scene.git("log", "--first-parent", "--format=%B", "-1", "HEAD^")
    assert one.splitlines()[:3] == ["The first (attempt 1)", "", "one.txt of said: -1"]
    assert "forged" not in scene.git("log", "--format=%B")
    shown = "--format=%(trailers:key=Co-authored-by,key=Signed-off-by,unfold)"
    told = scene.git("log", "--first-parent", "-1", shown).split("\n")[:2]
    assert told[0] == "Co-authored-by: An Agent <agent@example.org>"
    assert told[1].startswith("Signed-off-by: ")
    assert scene.merges() == {"one": 1, "two": 1}
    assert fsck_clean(scene.project)
    # With two files the template fails: the work is merged, in words of ours.
    assert "ask `two`" in scene.git("log", "--first-parent", "--format=%s", "-1")
    said = "`merge.message` can't be used for it, ours stands there"
    assert said in scene.call("report", "--format", "json").out
