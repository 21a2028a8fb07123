"""What a process may use: the machine's memory and cores, or what a container or a batch job may take of them."""

import sys

import pytest

from mulligan.nn import memory
from mulligan.nn.workers import limits

MB = 1 << 20
VERSION_2 = ("memory.max", "memory.current", "")
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Return what writes the files of a control group that this process is in."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    (proc / "meminfo").write_text("MemTotal:  9000 kB\nMemAvailable:  4194304 kB\nSwapFree:  1024 kB\n")

    def make(lines, folder, version, limit, used, cache=0):
        (proc / "cgroup").write_text(lines)
        most, now, total = version
        where = groups / folder
        where.mkdir(parents=True, exist_ok=True)
        (where / most).write_text(f"{limit}\n")
        (where / now).write_text(f"{used}\n")
        stat = f"anon 5\n{total}inactive_file {cache}\n{total}active_file {cache}\n"
        (where / "memory.stat").write_text(stat)

    known = {"/proc/meminfo": proc / "meminfo", "/proc/self/cgroup": proc / "cgroup"}
    plain = limits.Path
    monkeypatch.setattr(limits, "Path", lambda path: known.get(path, plain(path)))
    monkeypatch.setattr(limits, "GROUPS", groups)
    return make


@pytest.mark.parametrize(
    ("lines", "folder", "version"),
    [
        ("0::/\n", "", VERSION_2),  # in a container
        ("0::/user.slice/job\n", "user.slice", VERSION_2),  # the limit of a group that the job is in
        ("9:memory:/docker/a1\n1:cpu:/docker/a1\n0::/\n", "memory/docker/a1", VERSION_1),
        ("9:memory:/docker/a1\n", "memory", VERSION_1),  # the path outside, the files of inside
    ],
)
def test_the_limit_of_a_control_group_is_one(group, lines, folder, version):
    group(lines, folder, version, 600 * MB, 500 * MB, cache=20 * MB)
    assert limits.free_memory() == 140 * MB
    with pytest.raises(MemoryError, match=r"an array of 104,857,600 bytes, where 146,800,640 are free"):
        memory.aligned((100 * MB,), "uint8")
    memory.aligned((1,), "uint8")


@pytest.mark.parametrize(
    ("lines", "folder", "version", "limit"),
    [
        ("0::/\n", "", VERSION_2, "max"),
        ("9:memory:/\n", "memory", VERSION_1, 9223372036854771712),
        ("3:cpu:/\n", "memory", VERSION_1, MB),  # of another group
        ("0::/\n", "elsewhere", VERSION_2, MB),
    ],
)
def test_without_a_limit_what_the_machine_has_is_free(group, lines, folder, version, limit):
    group(lines, folder, version, limit, 500 * MB)
    assert limits.free_memory() == 4097 * MB


def test_a_system_that_does_not_tell_has_no_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "Path", lambda path: tmp_path / "none")
    assert limits.free_memory() == sys.maxsize


def test_a_kernel_without_control_groups_has_the_machines_limit(group):
    assert limits.free_memory() == 4097 * MB  # /proc/self/cgroup is not there


@pytest.fixture
def cores(tmp_path, monkeypatch):
    """Return what gives a process eight cores, and a quota of their time by the files of its control group."""
    monkeypatch.setattr(limits.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    proc, groups = tmp_path / "cgroup-of-self", tmp_path / "cgroup"
    plain = limits.Path
    monkeypatch.setattr(limits, "Path", lambda path: proc if path == "/proc/self/cgroup" else plain(path))
    monkeypatch.setattr(limits, "GROUPS", groups)

    def make(lines, folder="", **files):
        proc.write_text(lines)
        (groups / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (groups / folder / name.replace("__", ".")).write_text(text)

    return make


@pytest.mark.parametrize(
    ("lines", "folder", "files", "expected"),
    [
        ("0::/\n", "", {"cpu__max": "200000 100000\n"}, 2),  # docker run --cpus=2
        ("0::/\n", "", {"cpu__max": "50000 100000\n"}, 1),
        ("0::/\n", "", {"cpu__max": "max 100000\n"}, 8),
        ("0::/\n", "", {}, 8),
        ("0::/user.slice/job\n", "user.slice", {"cpu__max": "300000 100000\n"}, 3),
        (
            "3:cpu,cpuacct:/docker/a1\n",
            "cpu,cpuacct",
            {"cpu__cfs_quota_us": "300000\n", "cpu__cfs_period_us": "100000\n"},
            3,
        ),
        ("3:cpu:/\n", "cpu", {"cpu__cfs_quota_us": "-1\n", "cpu__cfs_period_us": "100000\n"}, 8),
        ("3:cpuset:/\n", "cpuset", {"cpu__max": "100000 100000\n"}, 8),  # of another kind
    ],
)
def test_a_quota_of_their_time_makes_cores_fewer(cores, lines, folder, files, expected):
    cores(lines, folder, **files)
    assert limits.available_cores() == expected


def test_where_nothing_is_told_all_cores_are_available(tmp_path, monkeypatch):
    monkeypatch.delattr(limits.os, "sched_getaffinity", raising=False)  # macOS, Windows
    monkeypatch.setattr(limits.os, "cpu_count", lambda: None)
    monkeypatch.setattr(limits, "Path", lambda path: tmp_path / "none")
    assert limits.available_cores() == 1
