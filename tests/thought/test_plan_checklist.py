"""Checklists: which boxes become tasks, what their prompts are, and what follows what."""

import pytest

from parallel_orchestra.plan.checklist import Order, is_checklist, read_checklist

LIST = """# Shop

- [ ] Write the **prices** in `prices.py`
  - with tests
    ```
    - [ ] no box
    ```
  - [x] and a note
- [x] Draw the sign
* [ ] Write the bill (depends on write-the-prices-in-prices-py)

Some words.

    - [ ] code, not a box of ours
"""


def test_each_open_box_is_a_task_with_what_stands_below_it():
    found = read_checklist(LIST)

    assert [task.id for task in found.tasks] == ["write-the-prices-in-prices-py", "write-the-bill"]
    assert found.tasks[0].title == "Write the prices in prices.py"
    assert found.tasks[0].prompt == (
        "Write the **prices** in `prices.py`\n"
        "- with tests\n"
        "  ```\n"
        "  - [ ] no box\n"
        "  ```\n"
        "- [x] and a note\n"
        "\n"
        "It belongs to: Shop\n"
    )
    assert found.tasks[1].depends_on == ("write-the-prices-in-prices-py",)
    assert (found.ticked, found.order) == (1, Order.NONE)


def waves(text):
    found = read_checklist(text)
    return found.order, [(task.id, task.wave) for task in found.tasks]


@pytest.mark.parametrize(
    ("text", "order", "placed"),
    [
        (
            "- [ ] T1 a\n- [ ] T2 [P] b\n- [ ] T3 [P] c\n- [ ] T4 d\n",
            Order.MARKS,
            [("T1", 1), ("T2", 2), ("T3", 2), ("T4", 3)],
        ),
        (
            "## Phase 1\n- [ ] T1 a\n- [ ] T2 b\n## Phase 2: more\n- [ ] T3 c\n",
            Order.STAGES,
            [("T1", 1), ("T2", 1), ("T3", 2)],
        ),
        ("1. [ ] a\n2. [x] b\n3. [ ] c\n", Order.NUMBERS, [("a", 1), ("c", 2)]),
        ("## Shop\n- [ ] a\n## Till\n- [ ] b\n", Order.NONE, [("a", None), ("b", None)]),
    ],
    ids=["marks", "stages", "numbers", "nothing"],
)
def test_what_follows_what_is_taken_from_the_way_it_is_written(text, order, placed):
    assert waves(text) == (order, placed)


def test_ids_are_unique_without_regard_to_case():
    ids = [task.id for task in read_checklist("- [ ] Do it\n- [ ] do it!\n- [ ] ***\n").tasks]

    assert ids == ["do-it", "do-it-2", "task"]


@pytest.mark.parametrize("text", ["", "no list", "- item\n- [link](x)\n", "[ ] no sign\n"])
def test_a_text_without_boxes_is_no_checklist(text):
    assert not is_checklist(text)
    assert read_checklist(text).tasks == ()
