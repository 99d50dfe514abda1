import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import (
    Change,
    Conflicted,
    Extent,
    Identity,
    MergedTree,
    Objects,
    Repo,
    extent,
    fast_forward,
)
from support.repository import commit_files, fsck_clean, git, make_repository, names_at

BASE = {"a.txt": "1\n2\n3\n4\n5\n", "b.txt": "b\n", "dir/c.txt": "c\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    found = Repo.discover(make_repository(tmp_path / "project", BASE), os.environ)
    yield found
    found.close()


def two_sides(repo: Repo, ours: list[list[str]], theirs: list[list[str]]) -> tuple[str, str]:
    """Makes two commits on `main`, each by shell words run in the checkout; returns their ids."""
    made = []
    for name, commands in (("ours", ours), ("theirs", theirs)):
        git(repo.top, "checkout", "-q", "-B", name, "main")
        for words in commands:
            git(repo.top, "-c", "alias.sh=!sh", "sh", "-c", words[0], *words[1:])
        git(repo.top, "add", "-A")
        git(repo.top, "commit", "-q", "--allow-empty", "-m", name)
        made.append(git(repo.top, "rev-parse", "HEAD").strip())
    return made[0], made[1]


@pytest.mark.parametrize("data", [b"", b"x\r\n\0\xff", b"y" * 300_000], ids=["empty", "odd", "big"])
def test_a_blob_is_written_byte_for_byte(repo: Repo, data: bytes):
    git(repo.top, "config", "core.autocrlf", "input")
    written = repo.objects.blob(data)

    assert repo.git.run("cat-file", "blob", written).out == data


def test_a_short_blob_after_a_long_one_has_nothing_of_it(repo: Repo):
    repo.objects.blob(b"a long one")

    assert repo.git.run("cat-file", "blob", repo.objects.blob(b"short")).out == b"short"


def test_a_commit_is_what_git_itself_would_write(repo: Repo):
    tip = git(repo.top, "rev-parse", "HEAD").strip()
    when = "1700000000"
    objects = Objects(repo.git, lambda: Identity("Ünï <x>", "u@x"), clock=lambda: float(when))
    dates = {"GIT_AUTHOR_DATE": "1234567890 +0530", "GIT_COMMITTER_DATE": f"@{when}"}
    person = {"GIT_COMMITTER_NAME": "Ünï x", "GIT_COMMITTER_EMAIL": "u@x"}
    author = {"GIT_AUTHOR_NAME": "Somebody", "GIT_AUTHOR_EMAIL": "s@x"}

    ours = objects.commit(
        objects.tree_of(tip), [tip], "title é\n\nbody\n", author="Somebody <s@x> 1234567890 +0530"
    )
    objects.close()
    theirs = git(
        *(repo.top, "commit-tree", "-p", "HEAD", "-m", "title é\n\nbody", "HEAD^{tree}"),
        env={**dates, **person, **author},
    ).strip()

    assert ours == theirs
    assert fsck_clean(repo.top)


def test_a_malformed_parent_is_an_error_and_the_next_commit_works(repo: Repo):
    tip = repo.head().commit
    tree = repo.objects.tree_of(tip)

    with pytest.raises(GitError):
        repo.objects.commit(tree, ["not an id"], "broken")

    assert repo.resolve(repo.objects.commit(tree, [tip], "fine"))


def test_the_tree_of_a_missing_commit_is_an_error(repo: Repo):
    with pytest.raises(GitError, match="finds no commit"):
        repo.objects.tree_of("1" * 40)


def test_independent_changes_merge_to_one_tree(repo: Repo):
    ours, theirs = two_sides(
        repo,
        [["printf '0\\n1\\n2\\n3\\n4\\n5\\n' > a.txt"]],
        [["printf '1\\n2\\n3\\n4\\n5\\n6\\n' > a.txt; echo n > new"]],
    )

    merged = repo.objects.merge_trees(ours, theirs)

    assert isinstance(merged, MergedTree)
    assert repo.git.run("show", f"{merged.tree}:a.txt").out == b"0\n1\n2\n3\n4\n5\n6\n"
    assert names_at(repo.top, merged.tree) == {*BASE, "new"}


@pytest.mark.parametrize(
    ("ours", "theirs", "files", "word"),
    [
        ("echo o > a.txt", "echo t > a.txt", ("a.txt",), "content"),
        ("echo o > new", "echo t > new", ("new",), "add/add"),
        ("git rm -q b.txt", "echo t >> b.txt", ("b.txt",), "modify/delete"),
        ("printf 'o\\0' > a.txt", "printf 't\\0' > a.txt", ("a.txt",), "binary"),
        ("git mv a.txt x", "git mv a.txt y", ("a.txt", "x", "y"), "rename/rename"),
        ("echo o > d", "mkdir d; echo t > d/f", ("d",), "directory"),
        (
            "printf o > \"$(printf 'li\\nne é\\t')\"",
            "printf t > \"$(printf 'li\\nne é\\t')\"",
            ("li\nne é\t",),
            "add/add",
        ),
    ],
    ids=["content", "add-add", "modify-delete", "binary", "rename-rename", "dir-file", "odd name"],
)
def test_a_conflict_names_its_files_and_says_why(
    repo: Repo, ours: str, theirs: str, files: tuple[str, ...], word: str
):
    left, right = two_sides(repo, [[ours]], [[theirs]])

    conflict = repo.objects.merge_trees(left, right)

    assert isinstance(conflict, Conflicted)
    assert tuple(name.replace(left, "ours") for name in conflict.files) == files
    assert word in conflict.messages.replace("binary files", "binary")


def test_conflicts_and_clean_merges_follow_each_other_in_any_order(repo: Repo):
    ours, theirs = two_sides(repo, [["echo o > a.txt"]], [["echo t > a.txt"]])
    base = repo.resolve("main")
    pairs = [(base, ours), (ours, theirs), (theirs, ours), (base, theirs), (ours, ours)]

    kinds = [type(repo.objects.merge_trees(*pair)) for pair in pairs * 2]

    assert kinds == [MergedTree, Conflicted, Conflicted, MergedTree, MergedTree] * 2


def test_a_merge_of_what_is_no_commit_is_an_error_and_the_next_one_works(repo: Repo):
    tip = repo.head().commit

    with pytest.raises(GitError):
        repo.objects.merge_trees(tip, "1" * 40)

    assert repo.objects.merge_trees(tip, tip) == MergedTree(repo.objects.tree_of(tip))


def test_commits_without_common_history_are_not_merged(repo: Repo):
    tip = repo.head().commit
    stranger = repo.objects.commit(repo.objects.tree_of(tip), [], "root of its own")

    with pytest.raises(GitError, match="merge-tree"):
        repo.objects.merge_trees(tip, stranger)


def test_history_follows_first_parents_and_ends_before_stop(repo: Repo):
    root = repo.head().commit
    tree = repo.objects.tree_of(root)
    side = repo.objects.commit(tree, [root], "side")
    merge = repo.objects.commit(tree, [root, side], "merge é\n\nTask: x\n")
    tip = repo.objects.commit(tree, [merge], "tip")

    history = repo.objects.first_parents(tip, root)

    assert [commit.id for commit in history] == [tip, merge]
    assert history[1].parents == (root, side)
    assert history[1].message == "merge é\n\nTask: x"
    assert [commit.id for commit in repo.objects.first_parents(tip)] == [tip, merge, root]
    assert repo.objects.first_parents(tip, tip) == ()


def test_changes_tell_status_path_and_mode_without_guessing_renames(repo: Repo):
    before, after = two_sides(
        repo, [[":"]], [["git mv b.txt 'z é'; echo x >> a.txt; chmod +x dir/c.txt; ln -s a.txt l"]]
    )

    assert set(repo.objects.changed(before, after)) == {
        Change("D", "b.txt", "000000"),
        Change("A", "z é", "100644"),
        Change("M", "a.txt", "100644"),
        Change("M", "dir/c.txt", "100755"),
        Change("A", "l", "120000"),
    }
    assert repo.objects.changed(before, before) == ()


def test_many_changes_are_told_whole_whatever_their_paths_are(repo: Repo):
    before = repo.head().commit
    names = {f"{'long/' * 9}{n}": "x\n" for n in range(2000)}
    strange = {f"new\nline {before}": "x\n", "\nend-": "x\n", repo.objects.tree_of(before): "x\n"}
    after = commit_files(repo.top, {**names, **strange})

    changed = repo.objects.changed(before, after)
    again = repo.objects.changed(after, before)

    assert {one.path for one in changed if one.status == "A"} == {*names, *strange}
    assert {one.path for one in again if one.status == "D"} == {*names, *strange}


def test_what_is_not_there_differs_from_nothing(repo: Repo):
    before = repo.head().commit

    with pytest.raises(GitError, match="finds no commit"):
        repo.objects.changed(before, "1" * 40)


def test_a_tree_that_cannot_be_read_is_no_tree_without_changes(repo: Repo):
    before = repo.head().commit
    after = commit_files(repo.top, {"deep/er/file": "x\n"})
    deep = git(repo.top, "rev-parse", f"{after}:deep").strip()
    lost = repo.git_dir / "objects" / deep[:2] / deep[2:]
    content = lost.read_bytes()
    lost.unlink()

    with pytest.raises(GitError, match="diff-tree"):
        repo.objects.changed(before, after)
    lost.write_bytes(content)

    assert [one.path for one in repo.objects.changed(before, after)] == ["deep/er/file"]


def test_a_sha256_repository_works_the_same(tmp_path: Path):
    root = tmp_path / "project"
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256", str(root))
    tip = commit_files(root, BASE)
    repo = Repo.discover(root, os.environ)

    commit = repo.objects.commit(repo.objects.tree_of(tip), [tip], "next")
    merged = repo.objects.merge_trees(tip, commit)
    moved = fast_forward(repo, "main", commit, root)
    repo.close()

    assert repo.object_format == "sha256"
    assert len(commit) == 64
    assert isinstance(merged, MergedTree)
    assert moved.done
    assert fsck_clean(root)


def test_a_shallow_clone_works_the_same(tmp_path: Path):
    origin = make_repository(tmp_path / "origin", BASE)
    commit_files(origin, {"b.txt": "second\n"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", "clone")
    repo = Repo.discover(tmp_path / "clone", os.environ)
    tip = repo.head().commit

    commit = repo.objects.commit(repo.objects.tree_of(tip), [tip], "next")
    merged = repo.objects.merge_trees(tip, commit)
    history = repo.objects.first_parents(commit)
    repo.close()

    assert isinstance(merged, MergedTree)
    assert [entry.id for entry in history] == [commit, tip]


def test_merges_go_by_the_attributes_of_the_commit_that_was_named(repo: Repo):
    base = git(repo.top, "rev-parse", "HEAD").strip()
    union = {".gitattributes": "a.txt merge=union\n", "dir/.gitattributes": "*.txt merge=union\n"}
    wanted = commit_files(repo.top, union)
    ours, theirs = two_sides(
        repo,
        [["echo ours >> a.txt; echo ours >> dir/c.txt"]],
        [["echo theirs >> a.txt; echo theirs >> dir/c.txt"]],
    )
    git(repo.top, "checkout", "-q", base)

    repo.objects.merge_by(wanted)
    merged = repo.objects.merge_trees(ours, theirs)
    git(repo.top, "checkout", "-q", wanted)
    repo.objects.merge_by(base)
    conflict = repo.objects.merge_trees(ours, theirs)

    assert isinstance(merged, MergedTree)
    assert repo.git.run("show", f"{merged.tree}:dir/c.txt").out == b"c\nours\ntheirs\n"
    assert isinstance(conflict, Conflicted)
    assert conflict.files == ("a.txt", "dir/c.txt")


def test_the_place_of_the_attributes_is_gone_once_the_helpers_are_closed(
    repo, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    base = git(repo.top, "rev-parse", "HEAD").strip()
    repo.objects.merge_by(base)

    repo.objects.merge_trees(base, base)
    during = list((tmp_path / "temporary").iterdir())
    repo.close()

    assert [path.name[:19] for path in during] == ["parallel-orchestra-"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_tree_can_have_some_files_as_another_has_them(repo: Repo):
    before = repo.head().commit
    git(repo.top, "rm", "-q", "dir/c.txt")
    after = commit_files(repo.top, {"a.txt": "new\n", "é\tx/y": "y\n", "b.txt": "new\n"})

    made = repo.objects.with_files(before, after, ["a.txt", "é\tx/y", "dir/c.txt"])

    changed = {(one.status, one.path) for one in repo.objects.changed(before, made)}
    assert changed == {("M", "a.txt"), ("A", "é\tx/y"), ("D", "dir/c.txt")}
    assert repo.objects.with_files(before, after, []) == repo.objects.tree_of(before)


def test_helpers_serve_many_threads_and_come_back_after_a_kill(repo: Repo):
    tip = repo.head().commit
    tree = repo.objects.tree_of(tip)
    wrong: list[object] = []

    def work(number: int) -> None:
        for step in range(10):
            data = b"%d.%d" % (number, step)
            if repo.git.run("cat-file", "blob", repo.objects.blob(data)).out != data:
                wrong.append(data)
            commit = repo.objects.commit(tree, [tip], f"{number}.{step}")
            if repo.objects.merge_trees(tip, commit) != MergedTree(tree):
                wrong.append(commit)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for helper in (repo.objects._merger._helper, repo.objects._reader):
        helper._child.kill()
        helper._child.wait()

    assert wrong == []
    assert repo.objects.merge_trees(tip, tip) == MergedTree(repo.objects.tree_of(tip))


def test_the_extent_of_a_change_counts_files_and_the_lines_of_texts(repo: Repo):
    before, after = two_sides(
        repo,
        [[":"]],
        [["git mv b.txt 'z é'; sed -i 1d a.txt; echo x >> a.txt; printf '\\0' > bin"]],
    )

    # a rename is two files, and a binary file has no lines
    assert extent(repo.git, before, after) == Extent(files=4, added=2, removed=2)
    assert extent(repo.git, after, after) == Extent(0, 0, 0)
