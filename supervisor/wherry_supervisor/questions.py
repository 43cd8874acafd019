"""Questions that a runner answers beside what it executes: completion, inspection, debugging.

Every question has a deadline, because user code may hold the interpreter: nobody waits for ever,
and an answer that comes too late is dropped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from wherry_runner import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable

Question: TypeAlias = f.Complete | f.Inspect | f.IsComplete | f.Debug
Answer: TypeAlias = f.Completions | f.Inspection | f.Completeness | f.Debug


class Questions:
    """The open questions to one runner, whatever process it is."""

    def __init__(self, send: Callable[[f.Frame], None]) -> None:
        self._send = send
        self._open: dict[str, asyncio.Future[Answer]] = {}
        self._asked = 0

    def next_id(self) -> str:
        """Return an id that no open question has."""
        self._asked += 1
        return f"q{self._asked}"

    async def ask(self, question: Question, deadline: float) -> Answer | None:
        """Return the answer, or None when none came within `deadline` seconds."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[question.id] = future
        self._send(question)
        done, _ = await asyncio.wait([future], timeout=deadline)
        self._open.pop(question.id, None)
        return future.result() if done and not future.cancelled() else None

    def take(self, answer: Answer) -> None:
        """Give an answer to who asked."""
        future = self._open.pop(answer.id, None)
        if future is not None and not future.done():
            future.set_result(answer)

    def forget(self) -> None:
        """Nobody will answer any more."""
        for future in self._open.values():
            future.cancel()
        self._open.clear()
