"""One child process with three pipes, in an asyncio loop. Knows bytes, not frames.

A `Child` takes over a process that may have been started before there is a loop; `attach` connects
it. Writes never block and are kept in order;
reads stop while `pause` holds, which makes the other side wait.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import deque
from typing import IO, TYPE_CHECKING, cast

from wherry_supervisor.boot import CHUNK, widen

if TYPE_CHECKING:
    import asyncio
    import subprocess
    from collections.abc import Callable

#: How much of stderr is kept for a report.
TAIL = 16 * 1024


class Child:
    """Owns a process and its pipes until `release`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._in = cast("IO[bytes]", process.stdin)
        self._out = cast("IO[bytes]", process.stdout)
        self._err = cast("IO[bytes]", process.stderr)
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
            widen(pipe.fileno())
        self._outgoing: deque[bytes | memoryview] = deque()
        self._tail = b""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_bytes: Callable[[bytes], None] = lambda _: None
        self._paused = False
        #: Bytes that were given to `write`, and those of them that the pipe took.
        self.given = 0
        self._taken = 0
        self._writing = False

    @property
    def pid(self) -> int:
        """Process id of what was launched (an ssh client, when that is the transport)."""
        return self._process.pid

    @property
    def stderr_tail(self) -> str:
        """The last of what the process printed to its stderr, complete at its end."""
        self._read_stderr()
        return self._tail.decode("utf-8", "replace")

    def attach(self, loop: asyncio.AbstractEventLoop, on_bytes: Callable[[bytes], None]) -> None:
        """Read in `loop` from here on; `on_bytes(b"")` is the end and comes once."""
        self._loop, self._on_bytes = loop, on_bytes
        loop.add_reader(self._out.fileno(), self._readable)
        loop.add_reader(self._err.fileno(), self._read_stderr)
        self._flush()

    def write(self, data: bytes) -> None:
        """Queue `data`. A process that is gone loses it silently; its end is reported anyway."""
        self.given += len(data)
        self._outgoing.append(data)
        if not self._writing:
            self._flush()

    @property
    def arrived(self) -> int:
        """How many of the bytes `given` the process has read; the rest may lie in the pipe."""
        return self._taken - _unread(self._in)

    def pause(self) -> None:
        """Stop reading: the other side is made to wait."""
        if self._loop is not None and not self._paused:
            self._paused = True
            self._loop.remove_reader(self._out.fileno())

    def resume(self) -> None:
        """Read again after `pause`."""
        if self._loop is not None and self._paused:
            self._paused = False
            self._loop.add_reader(self._out.fileno(), self._readable)

    def poll(self) -> int | None:
        """Return the exit status if the process has ended (negative: the signal)."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Block for at most `seconds` until the process has ended; see `poll`."""
        deadline = time.monotonic() + seconds
        while (status := self._process.poll()) is None and time.monotonic() < deadline:
            time.sleep(0.001)
        return status

    def kill(self) -> None:
        """SIGKILL to the process and its group. Its worker dies with it (parent-death signal)."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._process.kill()

    def release(self) -> None:
        """Close the pipes and reap. Closing stdin alone already ends a guardian and its tree."""
        if self._loop is not None:
            for pipe in (self._out, self._err, self._in):
                if not pipe.closed:
                    self._loop.remove_reader(pipe.fileno())
                    self._loop.remove_writer(pipe.fileno())
            self._loop = None
        for pipe in (self._in, self._out, self._err):
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.poll()

    def _readable(self) -> None:
        try:
            data = os.read(self._out.fileno(), CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data and self._loop is not None:
            self._loop.remove_reader(self._out.fileno())
        self._on_bytes(data)

    def _read_stderr(self) -> None:
        if self._err.closed:
            return
        while True:
            try:
                data = os.read(self._err.fileno(), CHUNK)
            except OSError:
                return
            if not data:
                if self._loop is not None:
                    self._loop.remove_reader(self._err.fileno())
                return
            self._tail = (self._tail + data)[-TAIL:]

    def _flush(self) -> None:
        while self._outgoing:
            block = self._outgoing[0]
            try:
                sent = os.write(self._in.fileno(), block)
            except BlockingIOError:
                break
            except (OSError, ValueError):
                self._outgoing.clear()
                break
            self._taken += sent
            if sent < len(block):
                self._outgoing[0] = memoryview(block)[sent:]
            else:
                self._outgoing.popleft()
        self._watch_writable(bool(self._outgoing))

    def _watch_writable(self, wanted: bool) -> None:  # noqa: FBT001 - private, one caller
        if self._loop is None or self._in.closed or wanted == self._writing:
            return
        self._writing = wanted
        if wanted:
            self._loop.add_writer(self._in.fileno(), self._flush)
        else:
            self._loop.remove_writer(self._in.fileno())


def _unread(pipe: IO[bytes]) -> int:
    """Return how much of a pipe nobody has read; 0 where the system does not tell."""
    try:
        import fcntl
        import termios

        return int.from_bytes(fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)
    except (ImportError, OSError, ValueError):
        return 0
