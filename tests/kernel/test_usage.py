"""What the kernel and its children use, from a made-up /proc."""

from __future__ import annotations

import os

import pytest

from wherry_kernel.usage import Usage

TICKS = os.sysconf("SC_CLK_TCK")


class Proc:
    """A folder like /proc."""

    def __init__(self, root) -> None:
        self.root = root
        self.host(work=0, idle=0)
        (root / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 250 kB\nMemFree: 100 kB\n")

    def host(self, *, work, idle) -> None:
        (self.root / "stat").write_text(f"cpu  {work} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2\n")

    def process(self, pid, parent, *, ticks=0, pss=0) -> None:
        folder = self.root / str(pid)
        folder.mkdir(exist_ok=True)
        fields = ["S", str(parent), *["0"] * 9, str(ticks), "0", *["0"] * 30]
        (folder / "stat").write_text(f"{pid} (a (strange) name) {' '.join(fields)}")
        (folder / "smaps_rollup").write_text(f"000-fff ---p [rollup]\nRss: 9 kB\nPss: {pss} kB\n")


@pytest.fixture
def proc(tmp_path):
    return Proc(tmp_path)


def test_memory_is_that_of_the_whole_tree(proc):
    proc.process(os.getpid(), 1, pss=10)
    proc.process(900001, os.getpid(), pss=20)
    proc.process(900002, 900001, pss=40)
    proc.process(900003, 1, pss=80)
    usage = Usage(proc=proc.root).measure(900002)
    assert usage["kernel_memory"] == 70 * 1024
    assert usage["pid"] == 900002
    assert usage["hostname"]
    assert usage["host_virtual_memory"]["percent"] == 75.0
    assert usage["host_virtual_memory"]["used"] == 750 * 1024


def test_cpu_is_the_share_since_the_question_before(proc):
    now = [100.0]
    usage = Usage(proc=proc.root, clock=lambda: now[0])
    proc.process(os.getpid(), 1, ticks=50)
    first = usage.measure(1)
    assert first["kernel_cpu"] == 0.0
    assert "host_cpu_percent" not in first
    now[0] += 2.0
    proc.process(os.getpid(), 1, ticks=50 + TICKS)
    proc.process(900001, os.getpid(), ticks=TICKS // 2)
    proc.host(work=30, idle=70)
    second = usage.measure(1)
    assert second["kernel_cpu"] == 75.0
    assert second["host_cpu_percent"] == 30.0


def test_where_there_is_no_proc_little_is_told(tmp_path):
    assert set(Usage(proc=tmp_path).measure(5)) == {"hostname", "pid", "cpu_count"}


def test_processes_that_end_meanwhile_are_left_out(proc):
    proc.process(os.getpid(), 1, pss=10)
    (proc.root / "900009").mkdir()
    assert Usage(proc=proc.root).measure(1)["kernel_memory"] == 10 * 1024
