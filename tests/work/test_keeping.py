"""What is kept of a worktree: files that match, and nothing that only leads to one."""

import os

import pytest

from parallel_orchestra.conductor import keeping
from parallel_orchestra.conductor.keeping import Kept, keep


@pytest.fixture
def source(tmp_path):
    shots = tmp_path / "source" / "out" / "shots"
    shots.mkdir(parents=True)
    for name in ("a.png", "b.png", "c.txt"):
        (shots / name).write_text(name)
    return tmp_path / "source"


def test_files_that_match_are_copied_under_their_paths(source, tmp_path):
    kept = keep(source, ("*.png", "!b.png"), tmp_path / "kept")

    assert kept == Kept(("out/shots/a.png",))
    assert (tmp_path / "kept/out/shots/a.png").read_text() == "a.png"


def test_links_pipes_and_what_git_has_stay_where_they_are(source, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.png").write_text("key")
    (source / "link.png").symlink_to(secret / "key.png")
    (source / "folder").symlink_to(secret)
    os.mkfifo(source / "pipe.png")
    (source / ".git").mkdir()
    (source / ".git" / "x.png").write_text("x")

    kept = keep(source, ("*.png",), tmp_path / "kept")

    assert kept.paths == ("out/shots/a.png", "out/shots/b.png")


@pytest.mark.parametrize(("name", "most"), [("MOST_FILES", 1), ("MOST_BYTES", 9)])
def test_what_is_too_much_is_left_out_and_counted(source, tmp_path, monkeypatch, name, most):
    monkeypatch.setattr(keeping, name, most)

    assert keep(source, ("*.png",), tmp_path / "kept") == Kept(("out/shots/a.png",), 1)


def test_without_a_pattern_nothing_is_looked_for(source, tmp_path):
    assert keep(source, (), tmp_path / "kept") == Kept()
