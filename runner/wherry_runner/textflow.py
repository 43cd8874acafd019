"""Turns runs of bytes into few text frames. No I/O; the clock is an argument.

Text is held for a moment, because a print is at least two writes and a cell seldom prints once:
`PAUSE` after a silence, `WINDOW` while more keeps coming or a line is not complete. A frame that is
ordered behind it, or `BLOCK` bytes, end the wait. 100,000 prints become a few dozen frames.
"""

from __future__ import annotations

import codecs

from wherry_runner.frames import Stderr, Stdout, encode
from wherry_runner.ordering import STDERR, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

#: Enough for the prints of a short cell to travel together; nobody sees it.
PAUSE = 0.003

#: Long enough to gather a burst, short enough to look immediate.
WINDOW = 0.020

#: Text held before it is sent regardless of time; also the size of a typical frame in a flood.
BLOCK = 64 * 1024

_FRAMES = {STDOUT: Stdout, STDERR: Stderr}


class TextFlow:
    """Gathers text of one worker. `owner` is the execution that text belongs to."""

    def __init__(self) -> None:
        self._decoders = {s: codecs.getincrementaldecoder("utf-8")("replace") for s in _FRAMES}
        self._runs: List[bytes] = []
        self._held = 0
        self._stream = STDOUT
        self._owner: Optional[str] = None
        self._since = self._due = 0.0
        self._last = 0.0
        self.owner = ""

    def add(
        self, stream: int, data: bytes, now: float, *, owner: Optional[str] = None
    ) -> List[bytes]:
        """Take text and return the encoded frames that are due.

        Text with an `owner` of its own must be whole characters.
        """
        due: List[bytes] = []
        if stream != self._stream or owner != self._owner:
            due += self.flush(now)
            self._stream, self._owner = stream, owner
        if not self._held:
            self._since = now
            self._due = max(now + PAUSE, self._last + WINDOW)
        self._runs.append(data)
        self._held += len(data)
        if self._held >= BLOCK:
            due += self.flush(now)
        elif not data.endswith(b"\n"):
            self._due = max(self._due, self._since + WINDOW)
        return due

    def wait(self, now: float) -> Optional[float]:
        """Return how many seconds from now `flush` is due, or None when nothing is held."""
        return max(0.0, self._due - now) if self._held else None

    def flush(self, now: float, *, final: bool = False) -> List[bytes]:
        """Return what is held as at most one frame; `final` also gives up half characters."""
        runs, self._runs, self._held = self._runs, [], 0
        data = b"".join(runs)
        if self._owner is None:
            text = self._decoders[self._stream].decode(data)
        else:
            text = data.decode("utf-8", "replace")
        frames = [self._frame(self._stream, text)] if text else []
        if final:
            for stream, decoder in self._decoders.items():
                rest = decoder.decode(b"", final=True)
                frames += [self._frame(stream, rest)] if rest else []
        if frames:
            self._last = now
        return frames

    def _frame(self, stream: int, text: str) -> bytes:
        return encode(_FRAMES[stream](id=self._owner or self.owner, text=text))
