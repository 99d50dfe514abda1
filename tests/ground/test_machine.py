"""What is left of the machine, read from files as the kernel writes them."""

import pytest

from parallel_orchestra import machine
from parallel_orchestra.machine import Memory

MIB = 1 << 20
MEMINFO = "MemTotal:       8388608 kB\nMemFree:  1 kB\nMemAvailable:   4194304 kB\nHugetlb: 0 kB\n"


@pytest.fixture
def world(tmp_path):
    def made(membership="", **files):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/meminfo").write_text(MEMINFO)
        (tmp_path / "proc/self/cgroup").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "groups" / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return machine.memory(tmp_path / "proc", tmp_path / "groups")

    return made


def test_without_control_groups_it_is_what_the_kernel_calls_available(world):
    assert world() == Memory(8192 * MIB, 4096 * MIB)


@pytest.mark.parametrize(
    ("membership", "folder"),
    [("0::/a/b\n", "a/b"), ("0::/a/b\n", "a"), ("0::/a/b\n", "."), ("0::/elsewhere\n", ".")],
    ids=["own group", "group above", "root", "path of the world outside"],
)
def test_the_limit_of_a_control_group_counts_and_its_idle_files_are_free(world, membership, folder):
    found = world(
        membership,
        **{
            f"{folder}/memory.max": f"{1024 * MIB}\n",
            f"{folder}/memory.current": f"{900 * MIB}\n",
            f"{folder}/memory.stat": f"anon 1\ninactive_file {100 * MIB}\n",
        },
    )

    assert found == Memory(1024 * MIB, 224 * MIB)


def test_the_first_version_of_control_groups_is_read_too(world):
    found = world(
        "5:cpu:/x\n4:memory:/job\n",
        **{
            "memory/job/memory.limit_in_bytes": f"{1024 * MIB}\n",
            "memory/job/memory.usage_in_bytes": f"{1000 * MIB}\n",
            "memory/job/memory.stat": f"total_inactive_file {10 * MIB}\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/memory.usage_in_bytes": "1\n",
        },
    )

    assert found == Memory(1024 * MIB, 34 * MIB)


def test_no_limit_and_garbage_are_passed_over(world):
    found = world(
        "0::/a\nnonsense\n",
        **{"a/memory.max": "max\n", "a/memory.current": "5\n", "memory.max": "\x00"},
    )

    assert found == Memory(8192 * MIB, 4096 * MIB)


def test_where_nothing_is_told_nothing_is_known(tmp_path):
    assert machine.memory(tmp_path, tmp_path) is None


def test_this_machine_has_memory_and_a_load():
    found = machine.memory()

    assert found is not None
    assert 0 < found.available <= found.total
    assert machine.load() >= 0
