"""The worker's way out: frames and fences on private descriptors.

Every write of a record is whole: it happens under a lock, shielded from interrupts, and a signal
handler of the user's that prints in the middle of one is queued behind it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from wherry_runner import ordering
from wherry_runner.frames import FRAME_LIMIT, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Dict, Tuple

    from wherry_runner.frames import Frame
    from wherry_runner.interrupts import Interrupts

#: User code may replace what `os` holds; a test's mock must not end us.
_write = os.write

_UNFENCED = (ordering.PLAIN, ordering.TEXT)

#: Head and body go out in one write up to here; copying more costs more than a second write.
_JOINED = 64 * 1024


class FrameTooLarge(ValueError):
    """One output of user code is larger than a frame may be; the output is refused, not cut."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"this output has {size // 1_000_000} MB; at most {FRAME_LIMIT // 1_000_000} MB can be"
            " sent at once. Write it to a file instead."
        )


class Channel:
    """Writes records for `wherry_runner.ordering` on the other side."""

    def __init__(
        self, nonce: bytes, frames_fd: int, text_fds: Dict[int, int], interrupts: Interrupts
    ) -> None:
        self._nonce = nonce
        self._frames_fd = frames_fd
        self._text_fds = text_fds
        self._interrupts = interrupts
        self._lock = threading.Lock()
        self._holder = 0
        self._late: Deque[Tuple[int, bytes]] = deque()
        self._fence = 0
        self._main = threading.get_ident()
        #: The text stream that Python wrote to last; a change of stream needs a fence.
        self.stream = ordering.STDOUT
        #: The execution that raw text on the pipes is counted to; the last one when idle.
        self.running = ""
        #: False in forked children: they must not write into their parent's frame pipe.
        self.is_open = True

    def detach(self) -> None:
        """Called in a forked child. Its text still goes out through the inherited pipes."""
        self.is_open = False
        self._lock = threading.Lock()
        self._holder = 0
        try:
            os.close(self._frames_fd)
        except OSError:
            pass

    def send(self, frame: Frame) -> None:
        """Send a frame that needs no order against text."""
        self._write(ordering.PLAIN, encode(frame))

    def send_fenced(self, frame: Frame, kind: int = ordering.FENCED) -> None:
        """Send a frame behind all text written before, and before all text written after.

        Raises:
            FrameTooLarge: Nothing was sent.
        """
        self._write(kind, encode(frame))

    def send_text(self, stream: int, owner: str, text: str) -> None:
        """Send text of an execution that is not the one the pipes' raw text is counted to."""
        self._write(ordering.TEXT, ordering.owned_text(stream, owner, text))

    def switch(self, stream: int) -> None:
        """Python text goes to another stream from here on: keep the order between the two."""
        self.stream = stream
        if self.is_open:
            self._write(ordering.SYNC, b"")

    def _write(self, kind: int, body: bytes) -> None:
        if not self.is_open:
            return
        if len(body) > FRAME_LIMIT:
            raise FrameTooLarge(len(body))
        me = threading.get_ident()
        if self._holder == me:
            self._late.append((kind, body))
            return
        shielded = me == self._main
        if shielded:
            self._interrupts.shield()
        try:
            with self._lock:
                self._holder = me
                try:
                    self._write_record(kind, body)
                    while self._late:
                        self._write_record(*self._late.popleft())
                finally:
                    self._holder = 0
        finally:
            if shielded:
                self._interrupts.unshield()

    def _write_record(self, kind: int, body: bytes) -> None:
        streams = fence = 0
        if kind not in _UNFENCED:
            self._fence = fence = self._fence + 1
            mark = ordering.marker(self._nonce, fence)
            for stream, fd in self._text_fds.items():
                streams |= stream if _write_all(fd, mark) else 0
        head = ordering.header(self._nonce, kind, streams, fence, len(body))
        whole = head + body if len(body) < _JOINED else None
        written = (
            _write_all(self._frames_fd, whole)
            if whole is not None
            else _write_all(self._frames_fd, head) and _write_all(self._frames_fd, body)
        )
        if not written:
            # User code closed the pipe. The guardian sees that too and ends this process with a
            # clear report; to go on would only lose output.
            time.sleep(5)
            os._exit(71)


def _write_all(fd: int, data: bytes) -> bool:
    try:
        sent = _write(fd, data)
        view = memoryview(data)
        while sent < len(data):
            sent += _write(fd, view[sent:])
    except OSError:
        return False
    return True
