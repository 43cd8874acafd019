"""A mirror of the comms that are open, and of the comm messages that user code still handles.

The comms themselves live in the runner. The mirror answers ``comm_info`` while a cell runs, and
after a death it knows which comms clients must be told to close.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wherry_kernel.messages import Output
from wherry_kernel.wire import comm
from wherry_runner import frames

if TYPE_CHECKING:
    from wherry_kernel.wire.codec import Content


class Comms:
    """Follows the comm frames of both directions."""

    def __init__(self) -> None:
        self._targets: dict[str, str] = {}
        self._open: dict[str, asyncio.Future[None]] = {}

    def follow(self, frame: frames.Frame) -> None:
        """Take notice of a frame that was sent or received."""
        if isinstance(frame, frames.CommOpen):
            self._targets[frame.comm] = frame.target
        elif isinstance(frame, frames.CommClose):
            self._targets.pop(frame.comm, None)
        elif isinstance(frame, frames.Handled):
            self._settle(frame.id)

    async def wait_handled(self, id: str) -> None:
        """Return when user code has handled the message `id`, or when that cannot happen any more.

        A running cell comes first, unless it awaits.
        """
        future = self._open[id] = asyncio.get_running_loop().create_future()
        await future

    def info(self, target: str | None) -> Content:
        """Section "Comm info": all comms, or those of one target."""
        return comm.info({id: t for id, t in self._targets.items() if target in (None, t)})

    def lose(self) -> list[Output]:
        """Forget all comms and return the messages that tell clients so."""
        lost = [Output("comm_close", comm.carried(id, None)) for id in self._targets]
        self._targets.clear()
        for id in list(self._open):
            self._settle(id)
        return lost

    def _settle(self, id: str) -> None:
        future = self._open.pop(id, None)
        if future is not None and not future.done():
            future.set_result(None)
