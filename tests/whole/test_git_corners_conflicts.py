"""Every kind of conflict: named with its files, nothing half-merged, and all others go on."""

import json

import pytest

from support.corners import begun, check_in_order, done, plan_of
from support.repository import make_repository, write_files
from support.scene import Scene

pytestmark = pytest.mark.slow

#: Kind of conflict: files at the start, what the first task does, what the second does, and the
#: paths that are named.
KINDS = {
    "text": ("echo ours > {k}/f", "echo theirs > {k}/f", ["f"]),
    "adjacent-lines": ("sed -i s/^2/two/ {k}/lines", "sed -i s/^3/three/ {k}/lines", ["lines"]),
    "binary": ("printf 'a\\0b' > {k}/bin", "printf 'a\\0c' > {k}/bin", ["bin"]),
    "add-add": ("echo ours > {k}/new", "echo theirs > {k}/new", ["new"]),
    "modify-delete": ("echo ours > {k}/f", "rm {k}/f", ["f"]),
    "delete-modify": ("rm {k}/f", "echo theirs > {k}/f", ["f"]),
    "rename-rename": ("mv {k}/lines {k}/x", "mv {k}/lines {k}/y", ["lines", "x", "y"]),
    "rename-add": ("mv {k}/lines {k}/x", "echo theirs > {k}/x", ["x"]),
    "rename-delete": ("mv {k}/lines {k}/x", "rm {k}/lines", ["x"]),
    "file-directory": ("echo ours > {k}/x", "mkdir {k}/x; echo theirs > {k}/x/y", ["x"]),
    "mode": ("echo ours > {k}/f; chmod +x {k}/f", "echo theirs > {k}/f", ["f"]),
    "symlink": ("ln -sf ours {k}/link", "ln -sf theirs {k}/link", ["link"]),
    "symlink-file": ("ln -sf ours {k}/x", "echo theirs > {k}/x", ["x"]),
    "odd-name": ("echo ours > '{k}/a b\té'", "echo theirs > '{k}/a b\té'", ["a b\té"]),
}


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    make_repository(scene.project, 1)
    for kind in KINDS:
        lines = "".join(f"{number}\n" for number in range(1, 9))
        write_files(scene.project, {f"{kind}/f": "f\n", f"{kind}/lines": lines})
        (scene.project / kind / "bin").write_bytes(b"a\0a")
        (scene.project / kind / "link").symlink_to("base")
    scene.git("add", "--all")
    scene.git("commit", "-qm", "conflicts to be")
    return scene


def test_each_kind_is_named_with_its_files_and_the_other_tasks_are_merged(scene, tmp_path):
    first = "; ".join(ours.format(k=kind) for kind, (ours, _, _) in KINDS.items())
    tasks = {"first": f"{begun(*KINDS)}; {first}", "other": "echo other > other.txt"}
    for kind, (_, theirs, _) in KINDS.items():
        tasks[kind] = f"{done('first')}; {theirs.format(k=kind)}"
    workers = len(tasks)

    result = scene.plan(plan_of(tasks)).run("--yes", "-j", str(workers), "--report", "../r.json")

    assert result.exit_code == 4, result
    report = {one["id"]: one for one in json.loads((tmp_path / "r.json").read_text())["tasks"]}
    named = {kind: (report[kind]["failure_category"], report[kind]["files"]) for kind in KINDS}
    assert named == {
        kind: ("conflict", [f"{kind}/{name}" for name in names])
        for kind, (_, _, names) in KINDS.items()
    }
    assert result.states() == {
        **dict.fromkeys(KINDS, "failed"),
        "first": "done",
        "other": "done",
    }
    assert scene.merges() == {"first": 1, "other": 1}
    assert scene.dirty() == []
    branches = scene.refs("refs/heads/orchestra-kept")
    assert branches == {f"refs/heads/orchestra-kept/corner/{kind}-1" for kind in KINDS}
    check_in_order(result)
