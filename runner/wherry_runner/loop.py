"""The asyncio loop that lives between cells, once anybody has imported asyncio.

Importing asyncio costs more than everything else in a plain runner's start, so until then code
runs without a loop. Afterwards the worker waits for its next command *inside* the loop (tasks of
earlier cells go on), and every execution runs in it, so that plain code may call
`asyncio.get_running_loop()` and `create_task`.
"""

from __future__ import annotations

import contextvars
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any, Callable, Coroutine, Optional, Tuple, TypeVar

    T = TypeVar("T")

#: User code may replace what `os` holds.
_read = os.read


class Loop:
    """Waits for readable commands and runs coroutines, with or without asyncio."""

    def __init__(self, on_background_error: Callable[[BaseException], None]) -> None:
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._on_background_error = on_background_error
        #: All executions share one context, so a ContextVar that a cell sets is seen by the next.
        self.context = contextvars.copy_context()

    def read(self, fd: int, size: int) -> bytes:
        """Wait until `fd` has bytes and return them; the loop, if there is one, runs meanwhile."""
        if "asyncio" in sys.modules:
            self._wait_readable(fd)
        return _read(fd, size)

    def run(
        self,
        coroutine: Coroutine[Any, Any, T],
        *,
        needs_loop: bool,
        commands: Optional[Tuple[int, Callable[[], None]]] = None,
    ) -> T:
        """Run `coroutine` to its end, in the loop if there is one or `needs_loop` asks for it.

        While it is suspended there, the second of `commands` is called when the first is readable.
        """
        if needs_loop or "asyncio" in sys.modules:
            return self._run_in_loop(coroutine, commands)
        try:
            self.context.run(coroutine.send, None)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        coroutine.close()
        raise RuntimeError("this code awaited something before asyncio was imported")

    def close(self) -> None:
        """Close the loop, if there ever was one."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.close()

    def leave_parent(self, commands: int) -> None:
        """Called in a forked child, which must not read `commands` either.

        epoll and the pipe that wakes it are shared over a fork: what the child unregisters is
        unregistered in the parent too, whose next command would then never be seen.
        """
        loop: Any = self._loop
        if not hasattr(loop, "_make_self_pipe"):
            return  # there is none, or one of another make
        import selectors

        shared, loop._selector = loop._selector, selectors.DefaultSelector()  # noqa: SLF001
        for key in shared.get_map().values():
            if key.fd not in (commands, loop._ssock.fileno()):  # noqa: SLF001
                loop._selector.register(key.fileobj, key.events, key.data)  # noqa: SLF001
        shared.close()
        loop._close_self_pipe()  # noqa: SLF001
        loop._make_self_pipe()  # noqa: SLF001

    def wake(self, callback: Callable[[], object]) -> None:
        """Call `callback` in the loop soon. Safe in signal handlers: it wakes a waiting loop."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback)

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the loop, a new one if user code closed the last."""
        import asyncio

        if self._loop is None or self._loop.is_closed():
            self._loop = _new_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def _wait_readable(self, fd: int) -> None:
        loop = self.get()
        readable = False

        def stop() -> None:
            nonlocal readable
            readable = True
            loop.stop()

        loop.add_reader(fd, stop)
        try:
            while not readable and not loop.is_closed():
                try:
                    loop.run_forever()
                except BaseException as error:  # noqa: BLE001 - a background task's, as below
                    self._on_background_error(error)
        finally:
            if not loop.is_closed():
                loop.remove_reader(fd)

    def _run_in_loop(
        self,
        coroutine: Coroutine[Any, Any, T],
        commands: Optional[Tuple[int, Callable[[], None]]],
    ) -> T:
        loop = self.get()
        if commands is not None:
            loop.add_reader(*commands)
        if sys.version_info >= (3, 11):
            task = loop.create_task(coroutine, context=self.context)
        else:
            task = self.context.run(loop.create_task, self._keeping_context(coroutine))
        while not task.done():
            try:
                loop.run_until_complete(task)
            except BaseException as error:
                # run_until_complete re-raises what the task raised; anything else was a background
                # task's KeyboardInterrupt or SystemExit, or someone stopped the loop.
                if task.done():
                    break
                if loop.is_closed():
                    raise
                self._on_background_error(error)
        if commands is not None and not loop.is_closed():
            loop.remove_reader(commands[0])
        return task.result()

    async def _keeping_context(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Before 3.11 a task always copies its context: carry over what the execution set."""
        try:
            return await coroutine
        finally:
            for variable, value in contextvars.copy_context().items():
                if self.context.get(variable) is not value:
                    self.context.run(variable.set, value)


def _new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop whose descriptors lie above 255: user code likes to close those from 3 on."""
    import asyncio

    low = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while low[-1] < 255:  # noqa: PLR2004 - where daemons and examples stop
            low.append(os.dup(low[0]))
        return asyncio.new_event_loop()
    except OSError:  # no more than that are allowed here
        for fd in low:
            os.close(fd)
        low.clear()
        return asyncio.new_event_loop()
    finally:
        for fd in low:
            os.close(fd)
