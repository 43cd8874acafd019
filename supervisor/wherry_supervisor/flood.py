"""Keeps the head and the rolling tail of a flood of text, and says what is missing. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from wherry_runner.frames import Stderr, Stdout

if TYPE_CHECKING:
    from wherry_runner.frames import Frame


class Flood:
    """Passes text of one execution on until half of `limit` characters, then holds the tail.

    The held tail comes out of `close`, behind one line that says how much was left out.
    """

    def __init__(self, limit: int | None) -> None:
        self._room = None if limit is None else limit // 2
        self._keep = 0 if limit is None else limit - limit // 2
        self._tail: deque[Stdout | Stderr] = deque()
        self._held = 0
        self._id = ""
        #: Characters that will not be shown, and how many of them a notice has told.
        self.dropped = 0
        self._told = 0

    def passes(self, frame: Stdout | Stderr) -> Stdout | Stderr | None:
        """Return what of `frame` goes on now; the rest is held."""
        if self._room is None:
            return frame
        head, rest = frame.text[: self._room], frame.text[self._room :]
        self._room -= len(head)
        if rest:
            self._hold(_with_text(frame, rest))
        return _with_text(frame, head) if head else None

    def close(self) -> list[Frame]:
        """Return the notice and the tail; empty when nothing was held since the last time."""
        frames: list[Frame] = []
        if self.dropped > self._told:
            missing, self._told = self.dropped - self._told, self.dropped
            text = f"\n… {missing:,} characters of output left out here (output limit) …\n"
            frames.append(Stderr(id=self._id, text=text))
        frames += self._tail
        self._tail.clear()
        self._held = 0
        return frames

    def _hold(self, frame: Stdout | Stderr) -> None:
        self._id = frame.id
        self._tail.append(frame)
        self._held += len(frame.text)
        while self._held > self._keep:
            first = self._tail.popleft()
            surplus = min(self._held - self._keep, len(first.text))
            self._held -= surplus
            self.dropped += surplus
            if surplus < len(first.text):
                self._tail.appendleft(_with_text(first, first.text[surplus:]))


def _with_text(frame: Stdout | Stderr, text: str) -> Stdout | Stderr:
    return type(frame)(id=frame.id, text=text)
