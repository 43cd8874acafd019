"""Descriptors of the guardian: pipes out of user code's reach, and writing that never blocks."""

from __future__ import annotations

import os
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Tuple, Union

    Block = Union[bytes, memoryview]

#: Read and write size. Larger pipes gain a fifth but run into a limit per user after 64 of them.
CHUNK = 256 * 1024

#: User code likes to close or reuse 3 to 255; where the limit of open files allows we stay above.
_LOWEST = 600


def pipe() -> Tuple[int, int]:
    """Return the two ends of a new pipe, closed on exec."""
    read, write = os.pipe()
    return high(read), high(write)


def high(fd: int) -> int:
    """Move `fd` out of the range that user code likes to close or reuse; returns its new number."""
    import fcntl

    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    except OSError:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return moved


def anonymous_file() -> int:
    """Return a descriptor of a file that has no name."""
    if hasattr(os, "memfd_create"):
        return high(os.memfd_create("wherry-faults"))
    import tempfile

    with tempfile.TemporaryFile() as file:
        return high(os.dup(file.fileno()))


def drain(fd: int) -> None:
    """Read a nonblocking pipe until it is empty."""
    try:
        while os.read(fd, CHUNK):
            pass
    except BlockingIOError:
        pass


class Outlet:
    """Blocks on their way into a nonblocking pipe, in order. Small ones leave together."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._blocks: Deque[Block] = deque()
        #: Bytes that the pipe has not taken yet.
        self.held = 0

    def push(self, block: bytes) -> None:
        """Queue a block; `flush` writes it."""
        self._blocks.append(block)
        self.held += len(block)

    def flush(self) -> None:
        """Write what the pipe takes now.

        Raises:
            OSError: The reader is gone.
        """
        while self._blocks:
            block = self._merged()
            try:
                sent = os.write(self._fd, memoryview(block)[:CHUNK])
            except BlockingIOError:
                return
            self.held -= sent
            if sent < len(block):
                # A view: copying the rest of 50 MB for every 256 KB written is quadratic.
                self._blocks[0] = memoryview(block)[sent:]
            else:
                self._blocks.popleft()

    def clear(self) -> None:
        """Forget what is queued: nobody will read it."""
        self._blocks.clear()
        self.held = 0

    def _merged(self) -> Block:
        if len(self._blocks) > 1 and len(self._blocks[0]) < CHUNK:
            parts, size = [], 0
            while self._blocks and size < CHUNK:
                parts.append(self._blocks.popleft())
                size += len(parts[-1])
            self._blocks.appendleft(b"".join(parts))
        return self._blocks[0]
