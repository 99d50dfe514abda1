"""What the plan could have made anew, of the files in which a task conflicts."""

import pytest

from parallel_orchestra.merge_queue.regenerating import suggestion


@pytest.mark.parametrize(
    ("files", "rules", "said"),
    [
        (["src/a.py"], (), ""),
        (
            ["web/package-lock.json"],
            (),
            "{web/package-lock.json: cd web && npm install --package-lock-only --ignore-scripts}",
        ),
        (
            ["web/package-lock.json"],
            (("package-lock.json", "make"),),
            "`web/package-lock.json` is ",
        ),
        (["web/package-lock.json"], (("**/package-lock.json", "make"),), ""),
        (["a/go.sum", "go.sum"], (("{a/,}go.{sum,mod}", "make"),), ""),
        (["src/a.py", "go.sum"], (), "`merge: {regenerate: {go.sum: go mod tidy}}`"),
    ],
)
def test_of_a_well_known_generated_file_it_is_said_how_it_is_made(files, rules, said):
    told = suggestion(files, rules)

    assert said in told
    assert bool(told) is bool(said)
