"""Pictures of a plan's graph: whole texts, since people and programs read them whole."""

import json
import re
from pathlib import Path

import pytest

from parallel_orchestra.model import Plan, Task
from parallel_orchestra.report.drawing import DRAWINGS, dot, mermaid, tree


def plan(*tasks):
    made = (Task(name, title=title, depends_on=needs) for name, needs, title in tasks)
    return Plan("0.2", 'the "plan"', Path("/p/plan.md"), Path("/p"), tuple(made))


DIAMOND = plan(
    ("end", (), 'say "hi" & <go> #1'),
    ("left", ("end",), ""),
    ("right", ("end",), "it's"),
    ("join", ("left", "right"), ""),
    ("last", ("join",), ""),
    ("lone", (), ""),
)


def test_a_tree_has_chains_on_a_line_and_names_the_other_needs():
    assert tree(DIAMOND) == (
        "end\n├─ left\n│  └─ join -> last (also after: right)\n└─ right\nlone\n"
    )


def test_a_tree_names_each_task_once_however_deep_it_is():
    names = [f"{side}{number}" for number in range(100) for side in "ab"]
    # two ways down, crossing at each step, so that nothing is a chain
    rungs = plan(
        *((one, tuple(names[max(0, i - 3) : max(0, i - 1)]), "") for i, one in enumerate(names))
    )

    drawn = tree(rungs)

    assert max(map(len, drawn.splitlines())) < 200
    assert "deeper than 40 levels" in drawn


def test_mermaid_reads_the_text_as_text():
    assert mermaid(DIAMOND) == (
        "flowchart LR\n"
        '    t0["end<br/>say #quot;hi#quot; #amp; #lt;go#gt; #35;1"]:::critical\n'
        '    t1["left"]:::critical\n'
        '    t2["right<br/>it\'s"]\n'
        '    t3["join"]:::critical\n'
        '    t4["last"]:::critical\n'
        '    t5["lone"]\n'
        "    t0 --> t1\n"
        "    t0 --> t2\n"
        "    t1 --> t3\n"
        "    t2 --> t3\n"
        "    t3 --> t4\n"
        "    classDef critical stroke:#d33,stroke-width:3px\n"
    )


def test_graphviz_reads_the_text_as_text_and_sees_the_critical_path():
    lines = dot(DIAMOND).splitlines()

    assert lines[0] == 'digraph "the \\"plan\\"" {'
    assert '    "end" [label="end\\nsay \\"hi\\" & <go> #1", color=red, penwidth=2];' in lines
    assert '    "end" -> "left" [color=red, penwidth=2];' in lines
    assert '    "end" -> "right";' in lines
    assert lines[-1] == "}"


def test_programs_get_what_each_task_needs_and_the_critical_path():
    told = json.loads(DRAWINGS["json"](DIAMOND))

    tasks = {one["id"]: one for one in told["tasks"]}
    assert tasks["join"]["depends_on"] == ["left", "right"]
    assert tasks["end"]["dependents"] == ["left", "right"]
    assert told["critical_path"] == ["end", "left", "join", "last"]


@pytest.mark.parametrize("style", DRAWINGS)
def test_a_chain_of_ten_thousand_tasks_is_drawn(style):
    names = [f"t{number}" for number in range(10_000)]
    chain = plan(*((name, tuple(names[max(0, i - 1) : i]), "") for i, name in enumerate(names)))

    drawn = DRAWINGS[style](chain)

    assert set(names) <= set(re.findall(r"t\d+", drawn))
