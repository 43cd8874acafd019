"""Watches the memory of a worker's whole process tree.

RLIMIT_AS counts reserved addresses and is wrong by a factor of 3 to 400, so resident memory is
polled: cheap per process, and shared pages are divided (PSS, expensive) only near the limit. Code
that fills memory bit by bit crosses the soft limit first, where it can still be interrupted. Beside
it the worker's soft RLIMIT_DATA is kept a little above what it uses, so that one giant allocation
fails as a MemoryError in the cell instead of killing it.
"""

from __future__ import annotations

import os

from wherry_runner import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

#: Programs fill memory at 0.2 to 2.3 GB/s, so 50 ms overshoot by at most 115 MB.
INTERVAL = 0.05

#: Above this part of the limit one process is looked at this often: there is a tenth of the limit
#: in which an interrupt can still save the variables. A look takes 0.1 ms.
NEAR, NEAR_INTERVAL = 0.6, 0.01

#: Room above the limit for what is reserved but not used: 64 threads' stacks of 8 MB.
SLACK = 512 * 1024 * 1024


class MemoryWatch:
    """`limit` is in bytes for the tree; None switches the watch off."""

    def __init__(self) -> None:
        self.limit: Optional[int] = None
        #: In bytes; see `crossed`.
        self.soft: Optional[int] = None
        #: The last sample was the first above the soft limit, and the one before it was below.
        self.crossed = False
        #: The last sample was above it; None: there was none yet.
        self._is_strained: Optional[bool] = None
        #: Last sample of the tree, and the command and size of its largest process.
        self.last = 0
        self.largest: Optional[str] = None
        self._pid = 0
        self._due = 0.0

    def watch(self, pid: int) -> None:
        """Start to watch the tree of `pid`; 0 stops."""
        self._pid = pid
        self._due = 0.0
        self.crossed, self._is_strained = False, None
        if pid:
            self.last, self.largest = 0, None
            if self.limit is None:
                self._set_data_limit(None)

    def wait(self, now: float) -> Optional[float]:
        """Return seconds until the next sample is due, or None."""
        return max(0.0, self._due - now) if self._pid and self.limit is not None else None

    def exceeded(self, now: float, *, spare: Optional[int]) -> bool:
        """Take a sample if one is due and say whether the tree is above the limit.

        All our descendants count, daemons that left the worker's tree included, but not `spare`.
        """
        limit = self.limit
        self.crossed = False
        if limit is None or not self._pid or now < self._due:
            return False
        pids = processes.descendants(os.getpid(), without=spare) or [self._pid]
        sizes = [processes.resident(one) for one in pids]
        if sum(sizes) > 0.8 * limit and len(pids) > 1:
            sizes = [processes.proportional(one) for one in pids]
        self.last = sum(sizes)
        top = max(range(len(pids)), key=sizes.__getitem__)
        self.largest = f"{processes.command(pids[top])} ({sizes[top] >> 20} MiB)"
        self._set_data_limit(max(0, limit - self.last))
        is_near = len(pids) == 1 and self.last > NEAR * limit
        self._due = now + (NEAR_INTERVAL if is_near else INTERVAL)
        self._notice_strain()
        return self.last > limit

    def _notice_strain(self) -> None:
        """Only growth is news: code that begins above the soft limit may be there to free some."""
        before = self._is_strained
        self._is_strained = self.soft is not None and self.last > self.soft
        self.crossed = self._is_strained and before is False

    def _set_data_limit(self, room: Optional[int]) -> None:
        try:
            import resource

            hard = resource.prlimit(self._pid, resource.RLIMIT_DATA)[1]
            soft = hard
            if room is not None:
                soft = processes.data_size(self._pid) + room + SLACK
                soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
            resource.prlimit(self._pid, resource.RLIMIT_DATA, (soft, hard))
        except (ImportError, AttributeError, OSError, ValueError):
            pass
