"""Subshells (JEP 91): threads that execute beside the main thread, in the same namespace.

Each has a queue and an asyncio loop of its own. Signals reach the main thread only, so a subshell
is not interrupted; what it runs ends by itself or with the process.
"""

from __future__ import annotations

import threading
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Deque, Dict, Optional

    from wherry_runner.frames import Frame
    from wherry_runner.loop import Loop

    Work = Callable[[Frame, Loop], None]


class Subshells:
    """Threads by subshell id, made with the first frame for each. Used by the service thread."""

    def __init__(self, work: Work, make_loop: Callable[[], Loop]) -> None:
        self._work = work
        self._make_loop = make_loop
        self._threads: Dict[str, _Subshell] = {}

    def take(self, subshell: str, frame: Frame) -> None:
        """Queue a frame for a subshell."""
        thread = self._threads.get(subshell)
        if thread is None:
            thread = self._threads[subshell] = _Subshell(subshell, self._work, self._make_loop)
            thread.start()
        thread.put(frame)

    def close(self, subshell: str) -> None:
        """End a subshell when it has done what is queued; unknown ones are fine."""
        thread = self._threads.pop(subshell, None)
        if thread is not None:
            thread.put(None)


class _Subshell(threading.Thread):
    def __init__(self, subshell: str, work: Work, make_loop: Callable[[], Loop]) -> None:
        super().__init__(name="wherry-subshell-" + subshell, daemon=True)
        self._work = work
        self._make_loop = make_loop
        self._frames: Deque[Optional[Frame]] = deque()
        self._filled = threading.Semaphore(0)

    def put(self, frame: Optional[Frame]) -> None:
        self._frames.append(frame)
        self._filled.release()

    def run(self) -> None:
        loop = self._make_loop()
        while True:
            self._filled.acquire()
            frame = self._frames.popleft()
            if frame is None:
                loop.close()
                return
            self._work(frame, loop)
