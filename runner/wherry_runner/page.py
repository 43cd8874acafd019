"""A page of memory that guardian and worker share, for what must not wait for a pipe.

A signal carries no data, and by the time it is handled the execution it was meant for may be over.
So the guardian first writes here which execution it means, and the worker's handler compares.
"""

from __future__ import annotations

import mmap

_TARGET, _SIGNALS, _RUNNING = 0, 1, 2


class Page:
    """Made by the guardian before it forks; each member is one aligned 8-byte store."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._words = memoryview(self._memory).cast("Q")

    @property
    def target(self) -> int:
        """The serial number of the execution that the last interrupt was meant for."""
        return self._words[_TARGET]

    @property
    def signals(self) -> int:
        """How many interrupts the guardian has sent; others' signals do not count."""
        return self._words[_SIGNALS]

    def aim(self, serial: int) -> None:
        """Guardian: the next signal is meant for execution `serial`."""
        self._words[_TARGET] = serial
        self._words[_SIGNALS] += 1
