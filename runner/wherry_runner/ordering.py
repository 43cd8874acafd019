"""Puts what a worker writes on three pipes back into one order. No I/O.

User code owns fds 1 and 2, so text comes as raw bytes on two pipes (from Python, from C code and
from child processes alike), while displays, results and errors come as frames on a third. Nothing
but the writer knows their order. So the worker *fences*: it writes the same numbered marker into
both text pipes and then a record with that number into the frame pipe. What stands before the
marker came before the record, what stands behind it came after. A stream that has reached a marker
is not read on until the record has been delivered.

Markers are written before their record, so a reader that has the record finds the markers in the
pipes: nothing here waits for time to pass, and a worker that dies leaves at most one open fence,
which `Sequencer.close` dissolves.
"""

from __future__ import annotations

import struct
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, List, Optional, Tuple, Union

    Item = Union[bytes, int]
    #: (stream, text) for text, (kind, frame) for frames; text streams are 1 and 2, as the fds.
    Piece = Tuple[int, bytes]

#: Kinds of records. `PLAIN` frames may overtake everything (answers to completion). `TEXT` is what
#: threads of ended executions print: in order with other records, not with the text pipes.
PLAIN, FENCED, STARTED, DONE, SYNC, TEXT = 10, 11, 12, 13, 14, 15

STDOUT, STDERR = 1, 2

_MARK = b"\x00\x1b"
_NONCE_SIZE = 8
_MARKER_SIZE = len(_MARK) + _NONCE_SIZE + 4

# magic, kind, streams that carry the marker (bits 1 and 2), fence number, length of the frame
_HEADER = struct.Struct(">8sBBIQ")
HEADER_SIZE = _HEADER.size


class BrokenRecord(ValueError):
    """The frame pipe holds bytes that the worker's channel did not write."""


def marker(nonce: bytes, fence: int) -> bytes:
    """Return the bytes that stand for `fence` in a text pipe; shorter than PIPE_BUF, so atomic."""
    return _MARK + nonce[:_NONCE_SIZE] + struct.pack(">I", fence)


def owned_text(stream: int, owner: str, text: str) -> bytes:
    """Return the body of a `TEXT` record; `read_owned_text` is the way back."""
    name = owner.encode("utf-8", "surrogatepass")
    return b"%d %d %s%s" % (stream, len(name), name, text.encode("utf-8", "backslashreplace"))


def read_owned_text(body: bytes) -> Tuple[int, str, bytes]:
    """Return stream, owner and text of a `TEXT` record."""
    stream, length, rest = body.split(b" ", 2)
    end = int(length)
    return int(stream), rest[:end].decode("utf-8", "surrogatepass"), rest[end:]


def header(nonce: bytes, kind: int, streams: int, fence: int, length: int) -> bytes:
    """Return what precedes a frame of `length` bytes on the frame pipe."""
    return _HEADER.pack(nonce[:_NONCE_SIZE], kind, streams, fence, length)


class Records:
    """Splits the frame pipe into (kind, streams, fence, frame), for any cutting of the bytes."""

    def __init__(self, nonce: bytes, *, limit: int) -> None:
        self._nonce = nonce[:_NONCE_SIZE]
        self._limit = limit
        self._chunks: List[bytes] = []
        self._held = 0
        self._wanted = HEADER_SIZE
        self._head: Optional[Tuple[int, int, int]] = None

    def feed(self, data: bytes) -> List[Tuple[int, int, int, bytes]]:
        """Return the records that `data` completes.

        Raises:
            BrokenRecord: User code found the pipe's descriptor and wrote to it. The pipe cannot
                be trusted from here on.
        """
        records = []
        self._chunks.append(data)
        self._held += len(data)
        while self._held >= self._wanted:
            block = self._take(self._wanted)
            if self._head is None:
                self._begin(block)
            else:
                records.append((*self._head, block))
                self._head, self._wanted = None, HEADER_SIZE
        return records

    def _begin(self, block: bytes) -> None:
        magic, kind, streams, fence, length = _HEADER.unpack(block)
        if magic != self._nonce or length > self._limit:
            raise BrokenRecord(f"expected a record of this worker, found {block[:24]!r}")
        self._head, self._wanted = (kind, streams, fence), length

    def _take(self, count: int) -> bytes:
        joined = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks = [joined[count:]] if len(joined) > count else []
        self._held -= count
        return joined[:count]


class _Text:
    """One text pipe: runs of bytes and fence numbers, in the order in which they were written."""

    def __init__(self, nonce: bytes) -> None:
        self._mark = _MARK + nonce[:_NONCE_SIZE]
        self._tail = b""
        self.items: Deque[Item] = deque()

    def feed(self, data: bytes) -> None:
        if self._tail:
            data, self._tail = self._tail + data, b""
        start = 0
        while True:
            at = data.find(self._mark, start)
            if at < 0:
                at = _possible_mark(data, start, self._mark)
                break
            if len(data) - at < _MARKER_SIZE:
                break
            self._add(data[start:at])
            start = at + _MARKER_SIZE
            self.items.append(int.from_bytes(data[start - 4 : start], "big"))
        self._add(data[start:at])
        self._tail = data[at:]

    def release_tail(self) -> None:
        """Give up waiting for the rest of what looked like a marker."""
        self._add(self._tail)
        self._tail = b""

    def _add(self, run: bytes) -> None:
        if run:
            self.items.append(run)


def _possible_mark(data: bytes, start: int, mark: bytes) -> int:
    """Return where a marker may begin whose rest has not been read yet, or the end of `data`."""
    at = data.find(b"\x00", max(start, len(data) - len(mark) + 1))
    while at >= 0:
        if mark.startswith(data[at:]):
            return at
        at = data.find(b"\x00", at + 1)
    return len(data)


class Sequencer:
    """Merges the two text pipes and the frame pipe of one worker."""

    def __init__(self, nonce: bytes) -> None:
        self._texts = {STDOUT: _Text(nonce), STDERR: _Text(nonce)}
        self._frames: Deque[Tuple[int, int, int, bytes]] = deque()
        self._ready: List[Piece] = []

    def is_waiting(self, stream: int) -> bool:
        """Text pipe `stream` stands at a fence: reading more of it would only fill memory."""
        items = self._texts[stream].items
        return bool(items) and isinstance(items[0], int)

    def feed_text(self, stream: int, data: bytes) -> None:
        """Take bytes of the pipe behind fd `stream`."""
        self._texts[stream].feed(data)

    def feed_record(self, kind: int, streams: int, fence: int, frame: bytes) -> None:
        """Take one record of the frame pipe."""
        if kind == PLAIN:
            self._ready.append((kind, frame))
        else:
            self._frames.append((kind, streams, fence, frame))

    @property
    def is_held(self) -> bool:
        """A frame waits for markers that have not been read yet."""
        return bool(self._frames)

    def release(self) -> None:
        """Deliver the first frame without its markers: somebody else has read them."""
        kind, _, fence, frame = self._frames[0]
        self._frames[0] = (kind, 0, fence, frame)

    def take(self) -> List[Piece]:
        """Return what can be delivered now, in order. `SYNC` records vanish here."""
        self._release_text()
        while self._frames and self._fence_reached(*self._frames[0][1:3]):
            kind, _, fence, frame = self._frames.popleft()
            for text in self._texts.values():
                if text.items and text.items[0] == fence:
                    text.items.popleft()
            if kind != SYNC:
                self._ready.append((kind, frame))
            self._release_text()
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> List[Piece]:
        """Return all that is left, for a worker that is gone: no more markers or records come."""
        for text in self._texts.values():
            text.release_tail()
        ready = self.take()
        while self._frames:
            self.release()
            ready += self.take()
        for text in self._texts.values():
            text.items = deque(item for item in text.items if isinstance(item, bytes))
        return ready + self.take()

    def _release_text(self) -> None:
        for stream, text in self._texts.items():
            items = text.items
            while items and isinstance(items[0], bytes):
                self._ready.append((stream, items.popleft()))  # type: ignore[arg-type]

    def _fence_reached(self, streams: int, fence: int) -> bool:
        for stream, text in self._texts.items():
            if streams & stream:
                self._drop_stale(text, fence)
                if not text.items or text.items[0] != fence:
                    return False
        return True

    def _drop_stale(self, text: _Text, fence: int) -> None:
        """Forget markers whose record never came (a write to the other pipe had failed)."""
        while text.items and isinstance(text.items[0], int) and text.items[0] < fence:
            text.items.popleft()
            self._release_text()
