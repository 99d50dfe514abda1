"""A user who commits at the very moment of the delivery."""

import pytest

from parallel_orchestra.merge_queue import deliver
from parallel_orchestra.merge_queue import delivery as delivery_room
from support.merging import Stage
from support.repository import commit_files, make_repository, names_at


@pytest.fixture
def stage(tmp_path):
    one = Stage(make_repository(tmp_path / "project", {"a.txt": "a\n"}))
    yield one
    one.close()


def test_a_commit_between_our_look_and_gits_is_merged_in_and_the_delivery_tried_again(
    stage, monkeypatch
):
    stage.merge("build")
    forward = delivery_room.fast_forward
    calls = []

    def late(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            commit_files(stage.project, {"mine.txt": "mine\n"})
        return forward(*arguments)

    monkeypatch.setattr(delivery_room, "fast_forward", late)

    delivery = deliver(stage.repo, stage.queue, "main", "again")

    assert delivery.done
    assert len(calls) == 2
    assert names_at(stage.project, "main") == {"a.txt", "build.txt", "mine.txt"}
