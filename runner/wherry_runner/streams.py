"""sys.stdout and sys.stderr of user code: real text files over the pipes behind fd 1 and fd 2.

Each write reaches the pipe before it returns. So text of Python, of C code and of children keeps
its order, nothing waits in a buffer when the process dies, and no thread of ours has to flush.
"""

from __future__ import annotations

import io
import os
import sys

from wherry_runner import attribution
from wherry_runner.ordering import STDERR, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable

    from wherry_runner.channel import Channel

_NAMES = {STDOUT: "<stdout>", STDERR: "<stderr>"}
_SYS = {STDOUT: "stdout", STDERR: "stderr"}


class OutStream(io.TextIOWrapper):
    """Text of the running execution goes to the pipe, text of earlier ones into a frame."""

    def __init__(self, number: int, fd: int, channel: Channel) -> None:
        raw = io.FileIO(fd, "w", closefd=False)
        super().__init__(
            io.BufferedWriter(raw),
            encoding="utf-8",
            # A lone surrogate is shown as its escape rather than lost with an exception.
            errors="backslashreplace",
            newline="",
            write_through=True,
        )
        self._number = number
        self._channel = channel
        # An instance attribute, because print() then calls it without a second look-up.
        self.write = _fast_write(self, channel, number)  # type: ignore[method-assign]

    @property
    def name(self) -> str:
        return _NAMES[self._number]

    def fileno(self) -> int:
        """Return 1 or 2, so that children given this file write where C code writes."""
        return self._number

    def _is_master_process(self) -> bool:
        """As in ipykernel: False in a forked child, whose output only travels as text."""
        return self._channel.is_open

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)


def _fast_write(stream: OutStream, channel: Channel, number: int) -> Callable[[str], int]:
    """Return the stream's `write`: each text whole and at once, to the execution it belongs to."""
    write_text = io.TextIOWrapper.write.__get__(stream)
    flush = stream.buffer.flush
    execution = attribution.EXECUTION.get

    def write(text: str) -> int:
        if execution() is not channel.running and channel.is_open:
            owner = attribution.current()
            if owner is not None and owner != channel.running:
                if not isinstance(text, str):
                    raise TypeError("write() argument must be str, not " + type(text).__name__)
                if text:  # print(..., end="") writes an empty string too
                    channel.send_text(number, owner, text)
                return len(text)
        if channel.stream is not number:
            channel.switch(number)
        written = write_text(text)
        # Forked children write whole lines, or those of several processes would mix.
        if channel.is_open or "\n" in text:
            flush()
        return written  # type: ignore[no-any-return]

    return write


class Streams:
    """Owns the descriptors 0, 1 and 2 of the worker and the objects in `sys`."""

    def __init__(self, text_fds: Dict[int, int], channel: Channel) -> None:
        self._fds = text_fds
        self._channel = channel
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        for number, fd in text_fds.items():
            _reopen(fd, number)
        self._flush_c = _c_stdio()
        sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
        self._install(STDOUT)
        self._install(STDERR)

    def begin(self, execution: str) -> None:
        """Text on the pipes belongs to `execution` from the next fence on; mend what is broken."""
        self._channel.running = execution
        for number, fd in self._fds.items():
            if _is_broken(getattr(sys, _SYS[number], None)):
                self._install(number)
            try:
                os.set_blocking(number, True)
            except OSError:
                _reopen(fd, number)

    def flush(self) -> None:
        """Bring out what user code left in buffers: its own wrappers' and C's."""
        for name in _SYS.values():
            try:
                getattr(sys, name).flush()
            except BaseException:  # noqa: BLE001, S112 - user code may have put anything there
                continue
        self._flush_c()

    def _install(self, number: int) -> None:
        stream: Any = OutStream(number, self._fds[number], self._channel)
        if number == STDOUT:
            sys.stdout = sys.__stdout__ = stream  # type: ignore[misc]
        else:
            sys.stderr = sys.__stderr__ = stream  # type: ignore[misc]


def _is_broken(stream: Any) -> bool:
    """`print` would do nothing or fail; a stream of the user's own is fine."""
    try:
        return stream is None or bool(getattr(stream, "closed", False))
    except ValueError:  # detached from its buffer
        return True


def _reopen(fd: int, number: int) -> None:
    """Make `number` another opening of the pipe behind `fd`.

    A duplicate would share its flags: a child that makes its stdout nonblocking, as node does,
    would make our own writes fail.
    """
    try:
        again = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        os.dup2(fd, number)
        return
    os.set_blocking(again, True)
    os.dup2(again, number)
    os.close(again)


def _c_stdio() -> Callable[[], Any]:
    """Make C's stdout line buffered and return what flushes it.

    On a pipe it is fully buffered: printf would show at the end of the process. Only stdout and
    stderr are flushed, because flushing all files waits for a thread that blocks in one of them.
    """
    try:
        import ctypes

        libc = ctypes.CDLL(None)
        out = ctypes.c_void_p.in_dll(libc, "stdout")
        libc.setvbuf(out, None, 1, ctypes.c_size_t(0))
        return lambda: libc.fflush(out)
    except (ImportError, OSError, ValueError, AttributeError, TypeError):
        return lambda: None
