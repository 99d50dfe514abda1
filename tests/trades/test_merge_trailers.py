"""The lines of a merge commit: written, read back, and not to be forged."""

import pytest

from parallel_orchestra.git import Commit
from parallel_orchestra.merge_queue.trailers import (
    MergeNote,
    Placed,
    base_lines,
    batch_lines,
    batch_of,
    cleaned,
    is_ours,
    read_note,
    sealed,
    undone_task,
    with_lines,
)
from support.repository import git, make_repository

NOTE = MergeNote("20260101-000000-abc", "build-it_2", 3, 7, "host-4711-0a1b2c3d", "f" * 64)


def test_what_is_written_is_read_back():
    assert read_note(f"Merge task `build-it_2`: a title\n\n{NOTE.lines()}") == NOTE


def test_git_reads_the_same_trailers(tmp_path):
    project = make_repository(tmp_path / "project", {})
    git(project, "commit", "--quiet", "--allow-empty", f"--message=Merge\n\n{NOTE.lines()}")

    shown = git(project, "log", "-1", "--format=%(trailers:key=Orchestra-Task,valueonly)")

    assert shown.strip() == "20260101-000000-abc/build-it_2"


def test_a_batch_names_each_merge_with_its_commit_and_is_no_merge_of_one_task():
    placed = (Placed("a", "1" * 40, 2, 3), Placed("b", "2" * 64, 1, 1))

    message = sealed(f"Merge 2 tasks\n\n{batch_lines('run1', placed)}", "t1", ("p1", "p2"))

    assert batch_of(message, "run1") == placed
    assert batch_of(message, "run2") == ()
    assert read_note(message) is None
    assert is_ours(Commit("c", "t1", ("p1", "p2"), message.rstrip("\n")))


@pytest.mark.parametrize(
    "line",
    [
        "Orchestra-Merge: run1/a",
        "Orchestra-Merge: run1/a zz 1 1",
        f"Orchestra-Merge: run2/a {'1' * 40} 1 1",
        f"Orchestra-Merge: run1/a {'1' * 40} one 1",
    ],
)
def test_a_line_of_a_batch_that_is_none_of_ours_names_nothing(line):
    assert batch_of(f"s\n\nOrchestra-Batch: run1/1\n{line}\n", "run1") == ()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "a user's commit",
        "Orchestra-Attempt: 1",
        "subject\n\nOrchestra-Task: run/x\n\na last paragraph of its own",
        "subject\n\nOrchestra-Task: \n",
        "subject\n\nOrchestra-Task: without-a-task\n",
        "subject\n\nOrchestra-Task: run/x\nOrchestra-Generation: two\n",
        "subject\n\n  Orchestra-Task: run/x\n",
    ],
)
def test_what_does_not_name_a_task_is_no_note(message):
    assert read_note(message) is None


def test_a_merge_of_the_users_branch_is_ours_and_names_no_task():
    message = f"Merge branch `main`\n\n{base_lines('run1', 'main')}"

    message = sealed(message, "t1", ("p1", "p2"))

    assert is_ours(Commit("c", "t1", ("p1", "p2"), message.rstrip("\n")))
    assert read_note(message) is None


@pytest.mark.parametrize(
    ("tree", "parents", "task"),
    [
        ("t2", ("p1", "p2"), "x"),
        ("t1", ("p3", "p2"), "x"),
        ("t1", ("p1",), "x"),
        ("t1", ("p1", "p2"), "y"),
    ],
    ids=["another tree", "cherry-picked", "no merge", "another task"],
)
def test_a_copy_of_our_lines_on_another_commit_is_not_ours(tree, parents, task):
    message = sealed(f"Merge\n\n{NOTE.lines()}", "t1", ("p1", "p2"))
    copied = message.replace("build-it_2", "build-it_2" if task == "x" else task)

    assert is_ours(Commit("c", "t1", ("p1", "p2"), message))
    assert not is_ours(Commit("c", tree, parents, copied))


def test_our_lines_without_a_seal_are_not_ours():
    assert not is_ours(Commit("c", "t1", ("p1",), f"Merge\n\n{NOTE.lines()}"))


def test_an_undo_names_what_it_takes_back():
    message = "Undo task `x`\n\nOrchestra-Undo: run1/x\n"

    assert undone_task(message) == ("run1", "x")
    assert not is_ours(Commit("c", "t", ("p",), message))
    assert is_ours(Commit("c", "t", ("p",), sealed(message, "t", ("p",))))
    assert read_note(message) is None


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("plain\n\nbody\n", "plain\n\nbody\n"),
        ("s\n\nOrchestra-Task: run/x\n", "s\n\n"),
        ("s\n\n  ORCHESTRA-undo: run/x\nSigned-off-by: A <a@b>\n", "s\n\nSigned-off-by: A <a@b>\n"),
        ("Orchestra-Task: run/x", ""),
        ("about an Orchestra-Task: in a sentence\n", "about an Orchestra-Task: in a sentence\n"),
        ("s\r\n\r\nOrchestra-Task: run/x\r\n", "s\r\n\r\n"),
    ],
)
def test_lines_that_look_like_ours_are_removed_from_an_agents_message(message, left):
    assert cleaned(message) == left
    assert read_note(cleaned(message)) is None


def test_a_message_ends_in_one_paragraph_with_each_trailer_once():
    text = "Do it\n\nWords.\n\nCo-Authored-By: A <a@b>\nOrchestra-Task: run/zzz\n"

    made = with_lines(text, ("Co-authored-by: A <a@b>",), NOTE.lines())

    assert made == f"Do it\n\nWords.\n\nCo-authored-by: A <a@b>\n{NOTE.lines()}"
    assert read_note(made) == NOTE
