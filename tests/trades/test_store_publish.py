import os
import stat

import frontmatter
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.model import Isolation, Qa, Task, Timed
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import TaskName
from parallel_orchestra.store.task_file import fingerprint_in, generation_in, task_file
from support.tasks_dir import files_in, places, publish, put, store_of, tasks_dir

AVAILABLE = TaskState.AVAILABLE


def test_published_tasks_lie_in_available_private_and_nothing_is_left_in_tmp(tmp_path):
    layout = tasks_dir(tmp_path)

    publish(store_of(layout), "a", "b")

    assert places(layout) == {"available": ["a.md", "b.md"]}
    assert os.listdir(layout.tmp) == []
    for path in layout.state(AVAILABLE).iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_publishing_again_adds_what_is_missing_and_replaces_nothing(tmp_path):
    layout = tasks_dir(tmp_path)
    store = store_of(layout)
    publish(store, "a")
    first = (layout.state(AVAILABLE) / "a.md").stat().st_ino

    new = store.publish([Task(id="a", prompt="x"), Task(id="b")], "run1", {"a": "2", "b": "2"})

    assert new == 1
    assert files_in(layout, AVAILABLE) == ["a.md", "b.md"]
    assert (layout.state(AVAILABLE) / "a.md").stat().st_ino == first
    assert store.fingerprint(AVAILABLE, TaskName("a")) == "print"


def test_a_publication_that_broke_off_is_completed_by_the_next(tmp_path, monkeypatch):
    layout = tasks_dir(tmp_path)
    store, real = store_of(layout), os.link
    publish(store, "z")

    def full_after_three(source, target):
        if len(files_in(layout, AVAILABLE)) == 4:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "link", full_after_three)
    with pytest.raises(OSError, match="No space"):
        publish(store, *"abcdef")
    monkeypatch.undo()

    publish(store, *"abcdef")

    assert files_in(layout, AVAILABLE) == [f"{name}.md" for name in "abcdefz"]
    assert os.listdir(layout.tmp) == []


def test_into_an_empty_directory_all_tasks_come_at_once_or_none(tmp_path, monkeypatch):
    layout = tasks_dir(tmp_path)
    store, real, seen = store_of(layout), os.rename, []

    def looking(source, target):
        seen.append(files_in(layout, AVAILABLE))
        real(source, target)
        seen.append(files_in(layout, AVAILABLE))

    monkeypatch.setattr(os, "rename", looking)
    publish(store, *"abc")

    assert seen == [[], ["a.md", "b.md", "c.md"]]
    assert os.listdir(layout.tmp) == []


def test_a_file_that_comes_while_all_are_published_at_once_is_not_replaced(tmp_path, monkeypatch):
    layout = tasks_dir(tmp_path)
    store, real = store_of(layout), os.rename

    def somebody_is_quicker(source, target):
        put(layout, AVAILABLE, "b.md", "by hand")
        real(source, target)

    monkeypatch.setattr(os, "rename", somebody_is_quicker)
    publish(store, *"abc")

    assert files_in(layout, AVAILABLE) == ["a.md", "b.md", "c.md"]
    assert (layout.state(AVAILABLE) / "b.md").read_text(encoding="utf-8") == "by hand"
    assert os.listdir(layout.tmp) == []


def test_what_a_killed_process_left_in_tmp_does_no_harm(tmp_path):
    layout = tasks_dir(tmp_path)
    store = store_of(layout)
    (layout.tmp / f"a.{store.owner}").write_text("half a ta", encoding="utf-8")

    publish(store, "a")

    text = (layout.state(AVAILABLE) / "a.md").read_text(encoding="utf-8")
    assert frontmatter.loads(text)["id"] == "a"


def test_the_file_says_what_the_task_is(tmp_path):
    task = Task(
        id="build",
        title='says "yes": no #comment',
        prompt="Do it.",
        backend="command",
        command=("sh", "-c", "echo 'a: b'"),
        depends_on=("a", "b"),
        writes=("src/**", "*.md"),
        estimate=60.0,
        isolation=Isolation.NONE,
        read_only=True,
    )

    post = frontmatter.loads(task_file(task, "run1", 3, "abc").decode())

    assert post.content == "Do it."
    assert post.metadata == {
        "id": "build",
        "run": "run1",
        "generation": 3,
        "fingerprint": "abc",
        "title": 'says "yes": no #comment',
        "backend": "command",
        "command": ["sh", "-c", "echo 'a: b'"],
        "read_only": True,
        "depends_on": ["a", "b"],
        "writes": ["src/**", "*.md"],
        "estimate": 60.0,
        "isolation": "none",
    }


@pytest.mark.parametrize(
    "prompt",
    [
        "---\nid: other\n---\nbody",
        "one\n---\ntwo\n---\nthree",
        "generation: 7\nfingerprint: x",
        "{{ template }} {% raw %}",
        "Grüße 你好 👋 \u2028 \x85 \ufeff",
        "tabs\tand \x7f\x01 odd characters",
        "x" * 3_000_000,
    ],
    ids=lambda prompt: ascii(prompt[:20]),
)
def test_any_prompt_is_read_back_by_python_frontmatter(prompt):
    text = task_file(Task(id="a", prompt=prompt), "run1", 2, "abc")

    post = frontmatter.loads(text.decode())

    assert post.content == prompt
    assert post["generation"] == 2
    assert generation_in(text.decode()) == 2
    assert fingerprint_in(text.decode()) == "abc"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_title_is_read_back_by_python_frontmatter(title):
    text = task_file(Task(id="a", title=title), "run1", 1, "abc")

    assert frontmatter.loads(text.decode()).get("title", "") == title


@pytest.mark.parametrize("half", [chr(0xD800), chr(0xDCFF), chr(0xDFFF)], ids=ascii)
def test_half_a_surrogate_pair_does_not_make_the_file_unreadable(half):
    text = task_file(Task(id="a", title=f"t{half}", prompt=f"p{half}"), "run1", 1, "abc")

    post = frontmatter.loads(text.decode())

    assert (post["title"], post.content) == ("t?", "p?")


@pytest.mark.parametrize(
    ("text", "generation"),
    [
        ("---\ngeneration: 4\n---\n", 4),
        ("---\nid: x\n---\ngeneration: 4\n", 1),
        ("---\ntitle: generation\n---\n", 1),
        ("---\ngeneration: ²\n---\n", 1),
        ("---\ngeneration: -3\n---\n", 1),
        ("---\ngeneration: " + "9" * 5000 + "\n---\n", 1),
        ("", 1),
        ("no front matter", 1),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_file_that_a_person_wrote_is_of_generation_one_unless_it_says_else(text, generation):
    assert generation_in(text) == generation


@pytest.mark.parametrize(
    ("qa", "written"),
    [
        (None, None),
        (Qa(on=False), False),
        (Qa(), True),
        (Qa(backend="codex", max_rejections=0), {"backend": "codex", "max_rejections": 0}),
    ],
    ids=["unsaid", "nobody", "somebody", "named"],
)
def test_a_task_file_says_who_judges_as_a_plan_does(qa, written):
    task = Task(id="a", qa=qa, verify=("make", Timed("slow", 5.0)))

    post = frontmatter.loads(task_file(task, "run1", 1, "abc").decode())

    assert post.get("qa") == written
    assert post["verify"] == ["make", {"run": "slow", "timeout": 5.0}]
