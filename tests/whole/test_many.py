"""Many tasks at once."""

import pytest

from support.effort import by_effort
from support.scene import Scene
from support.storm import Step, Storm

pytestmark = pytest.mark.slow


@pytest.mark.storm
def test_write_tasks_with_8_workers_are_all_merged_exactly_once(tmp_path):
    count = by_effort(50, 300, 300)
    steps = tuple(Step(f"t{n:03}") for n in range(count))
    storm = Storm(Scene(tmp_path).repository(10), steps, options=("--yes", "-j", "8"))

    result = storm.scene.run(*storm.options, env={"NAP": "0"}, check=0)

    assert result.out.startswith(f"{count} completed / {count} total (0 in progress, 0 failed)\n")
    assert result.git("rev-list", "--count", "--merges", "--first-parent", "HEAD") == f"{count}\n"
    storm.check()


@pytest.mark.storm
def test_layers_of_tasks_that_need_each_other_see_each_others_files(tmp_path):
    width = depth = by_effort(4, 6, 6)
    steps = tuple(
        Step(f"l{layer}-{n}", tuple(f"l{layer - 1}-{k}" for k in range(width)) if layer else ())
        for layer in range(depth)
        for n in range(width)
    )
    storm = Storm(Scene(tmp_path).repository(10), steps, options=("--yes", "-j", "8"))

    storm.scene.run(*storm.options, env={"NAP": "0"}, check=0)

    storm.check()
