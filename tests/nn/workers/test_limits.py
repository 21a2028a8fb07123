"""What a process may use: the machine's memory and cores, or what a container or a batch job may take of them."""

import sys

import pytest

from mulligan.nn import memory
from mulligan.nn.workers import limits

MB = 1 << 20


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Return what puts this process of eight cores into a control group, with the files of a folder."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    (proc / "meminfo").write_text("MemTotal:  9000 kB\nMemAvailable:  4194304 kB\nSwapFree:  1024 kB\n")
    known = {"/proc/meminfo": proc / "meminfo", "/proc/self/cgroup": proc / "cgroup"}
    plain = limits.Path
    monkeypatch.setattr(limits, "Path", lambda path: known.get(path, plain(path)))
    monkeypatch.setattr(limits, "GROUPS", groups)
    monkeypatch.setattr(limits.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)

    def make(line, folder, **files):
        (proc / "cgroup").write_text(f"{line}\n")
        (groups / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (groups / folder / name.replace("_", ".", 1)).write_text(f"{text}\n")

    return make


STAT = f"anon 5\ninactive_file {20 * MB}\nactive_file {20 * MB}"


@pytest.mark.parametrize(
    ("line", "folder", "limit", "free"),
    [
        ("0::/", "", 600 * MB, 140 * MB),  # in a container
        ("0::/user.slice/job", "user.slice", 600 * MB, 140 * MB),  # the limit of a group that the job is in
        ("0::/", "", "max", 4097 * MB),
        ("0::/", "elsewhere", MB, 4097 * MB),
        ("9:memory:/", "", MB, 4097 * MB),  # of control groups' first version
    ],
)
def test_the_limit_of_a_control_group_is_one(group, line, folder, limit, free):
    group(line, folder, memory_max=limit, memory_current=500 * MB, memory_stat=STAT)
    assert limits.free_memory() == free
    if free == 140 * MB:
        with pytest.raises(MemoryError, match=r"an array of 104,857,600 bytes, where 146,800,640 are free"):
            memory.allocate((100 * MB,), "uint8")
    memory.allocate((1,), "uint8")


@pytest.mark.parametrize(
    ("line", "folder", "quota", "expected"),
    [
        ("0::/", "", "200000 100000", 2),  # docker run --cpus=2
        ("0::/", "", "50000 100000", 1),
        ("0::/", "", "max 100000", 8),
        ("0::/user.slice/job", "user.slice", "300000 100000", 3),
        ("3:cpuset:/", "", "100000 100000", 8),
    ],
)
def test_a_quota_of_their_time_makes_cores_fewer(group, line, folder, quota, expected):
    group(line, folder, cpu_max=quota)
    assert limits.available_cores() == expected


def test_a_kernel_without_control_groups_has_the_machines_limit(group):
    assert (limits.free_memory(), limits.available_cores()) == (4097 * MB, 8)  # /proc/self/cgroup is not there


def test_a_system_that_tells_nothing_has_no_limit(tmp_path, monkeypatch):
    monkeypatch.delattr(limits.os, "sched_getaffinity", raising=False)  # macOS, Windows
    monkeypatch.setattr(limits.os, "cpu_count", lambda: None)
    monkeypatch.setattr(limits, "Path", lambda path: tmp_path / "none")
    assert (limits.free_memory(), limits.available_cores()) == (sys.maxsize, 1)
