"""What is believed of a state file that the published tool left."""

import hashlib
import json
import os

import pytest

from parallel_orchestra.conductor.takeover import take_over
from parallel_orchestra.git import Repo
from parallel_orchestra.plan import load
from support.published import manifest, read_task, write_task
from support.repository import make_repository

TEXT = manifest(write_task("a", "true"), write_task("a-b", "true"), read_task("c", "true"))
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture
def repo(tmp_path):
    repo = Repo.discover(make_repository(tmp_path / "project", 1), os.environ)
    yield repo
    repo.close()


def taken(repo, content, text=TEXT):
    folder = repo.top.parent
    (folder / "m.md").write_text(text)
    (folder / ".po-run-state-m.json").write_bytes(content)
    base = repo.refs.read("refs/heads/main")
    return take_over(load(folder / "m.md"), repo, base)


def state(**facts):
    whole = {"manifest_hash": DIGEST, "completed_tasks": ["a", "c", "gone"], **facts}
    return json.dumps(whole).encode()


def test_completed_tasks_of_the_same_manifest_are_taken_over(repo):
    found = taken(repo, state())

    assert found.tasks == ("a", "c")
    assert found.remarks == ("done by an earlier run, as .po-run-state-m.json says: `a`, `c`",)


def test_a_task_whose_branch_was_not_merged_is_not(repo):
    lost = repo.objects.commit(repo.objects.tree_of("main"), (), "lost\n")
    repo.git.run("update-ref", "refs/heads/parallel-orchestra/a-0123abcd", lost)
    repo.git.run("update-ref", "refs/heads/parallel-orchestra/c-0123abcd", "main")

    found = taken(repo, state())

    assert found.tasks == ("c",)
    assert "task `a` runs again" in found.remarks[0]


def test_a_branch_of_a_task_with_a_longer_name_is_not_ours(repo):
    lost = repo.objects.commit(repo.objects.tree_of("main"), (), "lost\n")
    repo.git.run("update-ref", "refs/heads/parallel-orchestra/a-b-0123abcd", lost)

    assert taken(repo, state()).tasks == ("a", "c")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        state(manifest_hash="0" * 64),
        state(completed_tasks=5),
        state(completed_tasks=[5, None, ["a"]]),
        state(padding="x" * 2_000_000),
    ],
    ids=["empty", "torn", "list", "binary", "deep", "edited", "number", "no ids", "large"],
)
def test_a_state_file_that_says_nothing_certain_is_passed_over(repo, content):
    found = taken(repo, content)

    assert (found.tasks, found.remarks) == ((), ())


def test_a_plan_of_our_own_format_has_no_such_file(repo):
    own = '---\npo_plan_version: "0.2"\nname: m\ncwd: project\n'
    own += "tasks: [{id: a, backend: command, command: x}]\n---\n"
    digest = hashlib.sha256(own.encode()).hexdigest()

    assert taken(repo, state(manifest_hash=digest), own).tasks == ()
