"""Section "Subshells" (JEP 91): queues of executions beside the main one, by the ids clients use.

The threads themselves live in the runner and begin with the first thing they are given, so a
subshell survives a restart or a death of the runner under the id that the client knows.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from wherry_kernel.errors import UnknownSubshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry_kernel.executions import Execution, Executions
    from wherry_kernel.wire.codec import Content, Request
    from wherry_runner.frames import Error


class Subshells:
    """Owns the queue of each subshell and the task that works it, from creation to `close`."""

    def __init__(
        self,
        main: Executions,
        *,
        make: Callable[[str], Executions],
        end: Callable[[str], None],
    ) -> None:
        self._main = main
        self._make = make
        self._end = end
        self._queues: dict[str, Executions] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[Executions]:
        """All queues, the main one first."""
        yield self._main
        yield from self._queues.values()

    def queue_of(self, request: Request) -> Executions:
        """Return the queue that a request names.

        Raises:
            UnknownSubshellError: No such subshell.
        """
        subshell = request.header.get("subshell_id")
        return self._main if subshell is None else self._known(str(subshell))

    def running(self, id: str) -> Execution | None:
        """Return the execution `id` if it runs now, in whichever queue."""
        found = (queue.current for queue in self)
        return next((each for each in found if each is not None and each.id == id), None)

    def show(self, error: Error) -> None:
        """Tell the queue that it belongs to of an error that the runner has shown."""
        for queue in self:
            queue.show(error)

    def create(self, _: Request) -> Content:
        """``create_subshell_request``."""
        subshell = uuid.uuid4().hex
        queue = self._queues[subshell] = self._make(subshell)
        self._tasks[subshell] = asyncio.get_running_loop().create_task(queue.run())
        return {"status": "ok", "subshell_id": subshell}

    def delete(self, request: Request) -> Content:
        """``delete_subshell_request``: what waits there is aborted, what runs ends unseen."""
        subshell = str(request.content.get("subshell_id"))
        self._known(subshell).abandon()
        del self._queues[subshell]
        self._tasks.pop(subshell).cancel()
        self._end(subshell)
        return {"status": "ok"}

    def list(self, _: Request) -> Content:
        """``list_subshell_request``."""
        return {"status": "ok", "subshell_id": list(self._queues)}

    def abandon(self) -> None:
        """Abort what is open in every queue."""
        for queue in self:
            queue.abandon()

    async def close(self) -> None:
        """End the tasks; the runner is closed by then."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, subshell: str) -> Executions:
        try:
            return self._queues[subshell]
        except KeyError:
            raise UnknownSubshellError(subshell) from None
