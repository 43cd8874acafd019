"""Turns runs of bytes into few text frames. No I/O; the clock is an argument.

The first text after a pause goes out at once, so a print is seen within a loop turn; what follows
is held for `WINDOW` seconds or `BLOCK` bytes. 100,000 prints become a few dozen frames.
"""

from __future__ import annotations

import codecs

from wherry_runner.frames import Stderr, Stdout, encode
from wherry_runner.ordering import STDERR, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

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
        self._open_until = 0.0
        self.owner = ""

    def add(self, stream: int, data: bytes, now: float) -> List[bytes]:
        """Take text and return the encoded frames that are due."""
        due: List[bytes] = []
        if stream != self._stream:
            due += self.flush(now)
            self._stream = stream
        self._runs.append(data)
        self._held += len(data)
        if self._held >= BLOCK or now >= self._open_until:
            due += self.flush(now)
        return due

    def wait(self, now: float) -> Optional[float]:
        """Return how many seconds from now `flush` is due, or None when nothing is held."""
        return max(0.0, self._open_until - now) if self._held else None

    def flush(self, now: float, *, final: bool = False) -> List[bytes]:
        """Return what is held as at most one frame; `final` also gives up half characters."""
        runs, self._runs, self._held = self._runs, [], 0
        text = self._decoders[self._stream].decode(b"".join(runs))
        frames = [self._frame(self._stream, text)] if text else []
        if final:
            for stream, decoder in self._decoders.items():
                rest = decoder.decode(b"", final=True)
                frames += [self._frame(stream, rest)] if rest else []
        if frames:
            self._open_until = now + WINDOW
        return frames

    def _frame(self, stream: int, text: str) -> bytes:
        return encode(_FRAMES[stream](id=self.owner, text=text))
