import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.process import identity
from parallel_orchestra.store.names import TaskName, parse, tasks_of
from parallel_orchestra.store.tasks import owner_name

TASKS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
OWNERS = st.builds(
    owner_name,
    st.text(max_size=30),
    st.integers(1, 4_194_304),
    st.from_regex("[0-9a-f]{8}", fullmatch=True),
)
COUNTERS = st.integers(0, 999_999)
NAMES = st.builds(TaskName, TASKS, COUNTERS, COUNTERS, st.just("") | OWNERS)


@given(NAMES)
def test_every_name_comes_back_from_its_file(name):
    assert parse(name.file) == name


@given(NAMES, OWNERS)
def test_every_name_can_be_claimed_failed_and_freed_without_becoming_unreadable(name, owner):
    claimed = name.claimed_by(owner)

    for one in (claimed, claimed.failed_once_more(), claimed.failed_once_more().freed()):
        assert parse(one.file) == one
        assert len(one.file) <= 255


@given(
    st.text(max_size=40) | st.from_regex(r"[a-z]{1,3}(\.a0?[0-9]f0?[0-9])?(\.x-1-[0-9a-f]{8})?\.md")
)
def test_a_file_that_is_understood_has_the_name_that_we_would_give_it(file):
    name = parse(file)

    assert name is None or name.file == file


FILES = st.builds(lambda name: name.file, NAMES) | st.text(alphabet="ab.md\n\r-", max_size=8)


@given(st.lists(FILES, max_size=4))
def test_the_tasks_of_many_names_are_those_of_each(files):
    each = [parse(file) for file in files]

    assert tasks_of(files) == [name.task if name else "" for name in each]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("build.md", TaskName("build")),
        ("build.a2f1.md", TaskName("build", 2, 1)),
        ("build.a2f1.host-4711-0a1b2c3d.md", TaskName("build", 2, 1, "host-4711-0a1b2c3d")),
        ("build.host-4711-0a1b2c3d.md", TaskName("build", 0, 0, "host-4711-0a1b2c3d")),
        ("a1f0.md", TaskName("a1f0")),
        ("host-1-00000000.md", TaskName("host-1-00000000")),
        ("-.md", TaskName("-")),
        ("x" * 64 + ".md", TaskName("x" * 64)),
    ],
)
def test_what_a_person_s_mv_may_leave_is_understood(file, name):
    assert parse(file) == name


@pytest.mark.parametrize(
    "file",
    [
        "",
        ".md",
        "build",
        "build.MD",
        "build.md~",
        ".build.md.swp",
        "build.md\n",
        "\nbuild.md",
        "build copy.md",
        "build.a2.md",
        "build.f1.md",
        "build.a-1f0.md",
        "build.a1f0.a2f0.md",
        "build.a0f0.md",
        "build.a02f1.md",
        "build.a١f٠.md",  # noqa: RUF001  # digits, but not ours
        "build.a1234567f0.md",
        "build.host-4711-0A1B2C3D.md",
        "build.host-4711-0a1b2c3.md",
        "build.host-4711.md",
        "build.a1f0.host-1-00000000.host-1-00000000.md",
        "bauen-ü.md",
        "b\u200build.md",
        "../build.md",
        "build/x.md",
        "build\0.md",
        "x" * 65 + ".md",
        "\udcff.md",
    ],
    ids=ascii,
)
def test_a_name_that_is_not_ours_is_none(file):
    assert parse(file) is None
    assert tasks_of([file, "b.md"]) == ["", "b"]


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("box", "box"),
        ("my.host.example", "my_host_example"),
        ("ünï", "_n_"),
        ("", "host"),
        ("a" * 63, "a" * 20),
        ("../../x", "_x"),
    ],
)
def test_an_owner_is_fit_for_file_names_whatever_the_machine_is_called(host, shown):
    owner = owner_name(host, 4711, "0a1b2c3d")

    assert owner == f"{shown}-4711-0a1b2c3d"
    assert parse(f"build.a1f0.{owner}.md") == TaskName("build", 1, 0, owner)


def test_this_machine_s_own_name_makes_an_owner_that_can_be_read():
    owner = owner_name(identity.host_name(), 1, "00000000")

    assert parse(f"build.{owner}.md") == TaskName("build", owner=owner)
