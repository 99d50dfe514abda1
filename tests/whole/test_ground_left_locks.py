"""Lock files that a killed git left in the user's part of the repository: said, with the command."""

import shutil

import pytest

from support.deaths import riding_along
from support.effort import by_effort, rare
from support.scene import Scene
from support.storm import Step, Storm

pytestmark = [pytest.mark.slow, pytest.mark.storm]

STEPS = (Step("a"), Step("b", ("a",)))
OPTIONS = ("--yes", "--resume", "-j", "2")

#: In the way of delivering to the user's checkout; nothing else needs them.
IN_THE_WAY = ("index.lock", "HEAD.lock", "refs/heads/main.lock")
#: In nobody's way: what is needed does not write there.
HARMLESS = ("config.lock", "packed-refs.lock", "shallow.lock", "refs/heads/topic.lock")


@pytest.fixture
def storm(tmp_path):
    return Storm(Scene(tmp_path, env=riding_along()).repository(2), STEPS, options=OPTIONS)


def left(storm, name):
    lock = storm.scene.project / ".git" / name
    lock.touch()
    return lock


@pytest.mark.parametrize("name", by_effort(IN_THE_WAY[:1], IN_THE_WAY, IN_THE_WAY))
def test_a_lock_in_the_way_of_the_delivery_is_named_with_the_command_and_nothing_is_touched(
    storm, name
):
    lock = left(storm, name)
    head = storm.scene.git("rev-parse", "HEAD")

    result = storm.scene.run(*OPTIONS, check=4, env={"NAP": "0"})

    assert f"rm {lock}" in result.out
    assert lock.exists()
    assert storm.scene.git("rev-parse", "HEAD") == head
    assert not (storm.scene.project / "a.txt").exists()
    assert storm.scene.tasks_in("done") == {"a", "b"}
    lock.unlink()
    storm.finish()


@rare
@pytest.mark.parametrize("name", HARMLESS)
def test_a_lock_in_nobody_s_way_stays_and_holds_up_nothing(storm, name):
    lock = left(storm, name)

    storm.scene.run(*OPTIONS, check=0, env={"NAP": "0"})

    assert lock.exists()
    lock.unlink()
    storm.check()


@rare
def test_a_lock_on_the_packed_refs_is_named_when_refs_must_be_removed(storm):
    storm.scene.run(*OPTIONS, check=0, env={"NAP": "0"})
    storm.scene.git("pack-refs", "--all")
    lock = left(storm, "packed-refs.lock")

    result = storm.scene.run("--yes", "--fresh", "-j", "2", env={"NAP": "0"})

    assert result.exit_code == 3, result
    assert f"rm {lock}" in result.err
    lock.unlink()
    storm.scene.run(*OPTIONS, check=0, env={"NAP": "0"})


@rare
def test_the_files_of_a_lock_s_owner_are_not_removed_by_us(storm):
    lock = left(storm, "index.lock")
    lock.write_bytes(b"half an index")

    storm.scene.run(*OPTIONS, check=4, env={"NAP": "0"})

    assert lock.read_bytes() == b"half an index"
    shutil.rmtree(storm.scene.cache, ignore_errors=True)
