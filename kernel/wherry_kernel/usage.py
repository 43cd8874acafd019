"""What ``usage_request`` is answered with (jupyter-resource-usage): this kernel's whole tree.

Reads /proc itself: psutil is one more thing to install, and 25 ms to import.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry_kernel.wire.codec import Content

#: Positions in /proc/PID/stat, counted after the name, which may hold spaces and parentheses.
_PARENT, _USER, _SYSTEM = 1, 11, 12

#: Names of psutil's fields, which the client's panel expects, and where /proc/meminfo has them.
_MEMORY = {
    "total": "MemTotal",
    "available": "MemAvailable",
    "free": "MemFree",
    "active": "Active",
    "inactive": "Inactive",
    "buffers": "Buffers",
    "cached": "Cached",
    "shared": "Shmem",
    "slab": "Slab",
}


class _Sample(NamedTuple):
    at: float
    ticks: dict[int, int]
    host: tuple[int, int]


class Usage:
    """Measures when asked. Shares of CPU are those since the question before; at first, 0."""

    def __init__(
        self, *, proc: Path = Path("/proc"), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._proc = proc
        self._clock = clock
        self._before: _Sample | None = None

    def measure(self, pid: int) -> Content:
        """Return the reply; `pid` is the process that user code knows as its own."""
        usage: Content = {
            "hostname": socket.gethostname(),
            "pid": pid,
            "cpu_count": os.cpu_count(),
        }
        if not (self._proc / "meminfo").exists():
            return usage
        ticks = self._tree(os.getpid())
        sample = _Sample(self._clock(), ticks, self._host())
        before, self._before = self._before, sample
        usage["kernel_cpu"] = 0.0 if before is None else _share(before, sample)
        usage["kernel_memory"] = sum(map(self._memory, ticks))
        usage["host_virtual_memory"] = self._host_memory()
        if before is not None and sample.host[1] > before.host[1]:
            busy = (sample.host[0] - before.host[0]) / (sample.host[1] - before.host[1])
            usage["host_cpu_percent"] = round(100 * busy, 1)
        return usage

    def _tree(self, root: int) -> dict[int, int]:
        """CPU ticks of `root` and all its descendants."""
        children: dict[int, list[int]] = {}
        ticks: dict[int, int] = {}
        for pid, fields in self._processes():
            children.setdefault(int(fields[_PARENT]), []).append(pid)
            ticks[pid] = int(fields[_USER]) + int(fields[_SYSTEM])
        found: dict[int, int] = {}
        waiting = [root]
        while waiting:
            pid = waiting.pop()
            if pid in ticks:
                found[pid] = ticks[pid]
            waiting += children.get(pid, ())
        return found

    def _processes(self) -> Iterator[tuple[int, list[str]]]:
        for entry in self._proc.iterdir():
            if entry.name.isdigit():
                try:
                    text = (entry / "stat").read_text(errors="replace")
                except OSError:  # it ended just now
                    continue
                yield int(entry.name), text.rpartition(")")[2].split()

    def _memory(self, pid: int) -> int:
        """Bytes; pages that are shared with others count in part, else forks count many times."""
        try:
            rollup = (self._proc / str(pid) / "smaps_rollup").read_text()
        except OSError:
            return 0
        return next(
            (int(line.split()[1]) * 1024 for line in rollup.splitlines() if line[:4] == "Pss:"), 0
        )

    def _host(self) -> tuple[int, int]:
        """Ticks of all processors: at work, and in all."""
        first = (self._proc / "stat").read_text().partition("\n")[0]
        ticks = [int(each) for each in first.split()[1:9]]
        idle = ticks[3] + ticks[4]
        return sum(ticks) - idle, sum(ticks)

    def _host_memory(self) -> dict[str, float]:
        lines = (self._proc / "meminfo").read_text().splitlines()
        known = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        memory: dict[str, float] = {ours: known.get(name, 0) for ours, name in _MEMORY.items()}
        memory["used"] = memory["total"] - memory["available"]
        memory["percent"] = round(100 * memory["used"] / (memory["total"] or 1), 1)
        return memory


def _share(before: _Sample, now: _Sample) -> float:
    spent = sum(max(0, ticks - before.ticks.get(pid, 0)) for pid, ticks in now.ticks.items())
    seconds = spent / os.sysconf("SC_CLK_TCK")
    return round(100 * seconds / max(now.at - before.at, 1e-3), 1)
