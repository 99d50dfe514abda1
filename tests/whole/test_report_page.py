"""The page of a real run: what its attempts left and what its merges changed, whatever agents print."""

import json

import html5lib
import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

LOUD = r"""python3 -c "print('<img src=x onerror=alert(1)>' * 400_000); print('\x1b[31m</script>\u202eWHY IT FAILED')"; exit 7"""
PLAN = f"""---
po_plan_version: "0.2"
name: "</title><script>alert(1)</script>"
defaults: {{backend: command, max_retries: 0}}
tasks:
  - id: good
    title: "<b>bold</b>"
    command: "seq 3 > good.txt; echo it is written"
    verify: "echo 14 passed"
  - id: loud
    command: {json.dumps(LOUD)}
  - {{id: after, command: "true", depends_on: [loud]}}
---
"""


def test_the_page_shows_why_a_task_failed_and_obeys_nothing_that_it_printed(tmp_path):
    scene = Scene(tmp_path).repository(3)
    (scene.plan_path()).write_text(PLAN.replace("---\n", f"---\ncwd: {scene.project.name}\n", 1))

    scene.run("--report", "r.html", check=1)
    later = scene.call("report", str(scene.plan_path()), "--format", "html", check=0)

    page = (scene.project / "r.html").read_text(encoding="utf-8")
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    tags = {one.tag for one in tree.iter()}
    failed = next(one for one in tree.iter("article"))
    merges = next(one for one in tree.iter("section") if one.get("id") == "merges")
    assert "WHY IT FAILED" in " ".join(failed.itertext())
    assert "parallel-orchestra retry loud" in " ".join(failed.itertext())
    assert " ".join(" ".join(merges.itertext()).split()).endswith("The task good.txt +3")
    assert "14 passed" in page
    assert not tags & {"img", "b"}
    assert len(list(tree.iter("script"))) == 1
    assert len(page) < 150_000
    assert later.out == page
