"""What a run accepts of git's configuration when it begins."""

import pytest

from parallel_orchestra.errors import EnvironmentProblem, WaitsForPerson
from parallel_orchestra.merge_queue.guard import Guard
from parallel_orchestra.store import Layout
from support.repository import git

FILES = {"a": "one\n"}


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path / "_tasks")
    layout.create()
    return layout


@pytest.mark.parametrize("anew", [True, False])
def test_a_configuration_that_git_can_not_read_is_not_accepted(repo, layout, anew):
    config = repo.common_dir / "config"
    good = config.read_bytes()
    config.write_text("[core\n")

    with pytest.raises(EnvironmentProblem, match="git can't read its configuration") as raised:
        Guard(repo, layout, print).begin(anew=anew)

    config.write_bytes(good)
    assert "bad config line 1" in raised.value.problems[0].hint
    assert not layout.programs_file.exists()
    Guard(repo, layout, print).begin(anew=False)


def test_what_was_accepted_is_asked_for_when_it_has_changed(repo, layout):
    Guard(repo, layout, print).begin(anew=True)
    guard = Guard(repo, layout, print)

    guard.check()

    git(repo.top, "config", "filter.x.clean", "true")
    with pytest.raises(
        WaitsForPerson, match=r"was changed while the run went on: `filter\.x\.clean`"
    ):
        guard.check()
