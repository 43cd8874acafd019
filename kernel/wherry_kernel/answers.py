"""Questions of clients: requests that change nothing and are answered at once, beside any cell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wherry_kernel import facts
from wherry_kernel.usage import Usage
from wherry_kernel.wire import control, introspection
from wherry_kernel.wire import history as history_messages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wherry_kernel.comms import Comms
    from wherry_kernel.history import History
    from wherry_kernel.wire.codec import Content, Request
    from wherry_supervisor import Runner

    Handler = Callable[[Request], Content | Awaitable[Content | None] | None]

#: How long kernel_info waits for the runner to say which Python and shell it is, in seconds.
#: Clients wait for this reply before they show a kernel as ready.
START_WAIT = 2.0


class Answers:
    """One method for each kind of question; `handlers` is what the kernel dispatches to."""

    def __init__(
        self, runner: Runner, *, history: History, comms: Comms, ports: Mapping[str, int]
    ) -> None:
        self._runner = runner
        self._history = history
        self._comms = comms
        self._ports = {f"{channel}_port": port for channel, port in ports.items()}
        self._usage = Usage()
        self._started = asyncio.Event()

    def started(self) -> None:
        """The runner is ready, or will not be: what is known of it now is all."""
        self._started.set()

    @property
    def handlers(self) -> dict[str, Handler]:
        return {
            "kernel_info_request": self._kernel_info,
            "complete_request": self._complete,
            "inspect_request": self._inspect,
            "is_complete_request": self._is_complete,
            "history_request": self._history_entries,
            "comm_info_request": self._comm_info,
            "connect_request": self._connect,
            "usage_request": self._measure,
        }

    def _kernel_info(self, _: Request) -> Content | Awaitable[Content]:
        if self._started.is_set():
            return facts.kernel_info(self._runner.hello, self._runner.ready)
        return self._kernel_info_soon()

    async def _kernel_info_soon(self) -> Content:
        waiting = asyncio.ensure_future(self._started.wait())
        await asyncio.wait({waiting}, timeout=START_WAIT)
        waiting.cancel()
        return facts.kernel_info(self._runner.hello, self._runner.ready)

    async def _complete(self, request: Request) -> Content:
        asked = introspection.read_cursor(request.content)
        found = await self._runner.complete(asked.code, asked.cursor)
        if found is None:
            return introspection.completions((), asked.cursor, asked.cursor, None)
        return introspection.completions(found.matches, found.start, found.end, found.metadata)

    async def _inspect(self, request: Request) -> Content:
        asked = introspection.read_cursor(request.content)
        found = await self._runner.inspect(asked.code, asked.cursor, asked.detail)
        if found is None:
            return introspection.inspection(None, None, found=False)
        return introspection.inspection(found.data, found.metadata, found=found.found)

    async def _is_complete(self, request: Request) -> Content:
        found = await self._runner.is_complete(introspection.read_code(request.content))
        if found is None:
            return introspection.completeness("unknown", "")
        return introspection.completeness(found.status, found.indent)

    def _history_entries(self, request: Request) -> Content:
        asked = history_messages.read(request.content)
        return history_messages.reply(self._history.answer(asked))

    def _comm_info(self, request: Request) -> Content:
        return self._comms.info(request.content.get("target_name"))

    def _connect(self, _: Request) -> Content:
        return control.connected(self._ports)

    def _measure(self, _: Request) -> Content:
        ready = self._runner.ready
        return self._usage.measure(ready.pid if ready is not None else 0)
