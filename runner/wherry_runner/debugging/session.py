"""One debug session after the other, from ``initialize`` to ``disconnect``, over one connection."""

from __future__ import annotations

import os
import sys
import threading

from wherry_runner.debugging import cell_files, dap
from wherry_runner.debugging.connection import Connection
from wherry_runner.host import CellWatcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Optional, Set

    from wherry_runner.debugging.dap import Message
    from wherry_runner.host import Host

    Job = Callable[[], None]

#: Part of the shell also where it is loaded late.
_ALWAYS_SHELLS = frozenset({"wherry_runner", "IPython", "asyncio", "debugpy"})

#: debugpy gives no answer to some of these when nothing is stopped.
_WHILE_STOPPED = frozenset({"continue", "next", "stepIn", "stepOut", "scopes"})

#: How long a cell waits to be known to the debugger before it runs anyway, in seconds.
_MAP_BOUND = 2.0


class Session(CellWatcher):
    """Requests are for one thread, which also does what is given to `submit`."""

    def __init__(
        self,
        host: Host,
        publish: Callable[[Message], None],
        submit: Callable[[Job], None],
        *,
        offered: Optional[str],
        shells_modules: Iterable[str],
    ) -> None:
        self._host = host
        self._publish = publish
        self._submit = submit
        self._connection = Connection(self._on_event, offered=offered)
        # Between the statements of a cell lies the shell: steps go through what it is made of.
        packages = {name.partition(".")[0] for name in shells_modules} - {"__main__"}
        self._not_users = sorted(packages | _ALWAYS_SHELLS)
        self._breakpointhook = sys.breakpointhook
        self.files = cell_files.CellFiles(os.getppid())
        self.stopped: Set[int] = set()
        #: Between ``initialize`` and ``disconnect``.
        self.is_started = False

    # --- requests ---

    def initialize(self, request: Message) -> Message:
        """Start the debugger; a second time only a new session begins."""
        self._connection.open()
        self.is_started = True
        return self.forward(request)

    def attach(self, request: Message) -> Message:
        """Begin to stop at breakpoints, in cells that have run too."""
        given = dap.arguments(request)
        rules = [{"module": name, "include": False} for name in self._not_users]
        arguments = {"justMyCode": False, **given, "rules": [*(given.get("rules") or ()), *rules]}
        response = self.forward({**request, "arguments": arguments})
        if response.get("success"):
            self._connection.ask("configurationDone", {})
            sys.breakpointhook = self._break
            for cell in self._host.cells():
                self._map(*cell)
            self._host.watch_cells(self)
        return response

    def disconnect(self, request: Message) -> Message:
        """End the session and never the process, whatever the client says of terminating it."""
        if self.is_started:
            self._connection.ask("disconnect", {"terminateDebuggee": False})
        self._end()
        return dap.success(request)

    def forward(self, request: Message) -> Message:
        """Let debugpy answer; its response gets the numbers that the client knows."""
        if not self.is_started:
            return dap.failure(request, "the debugger is not started: initialize comes first")
        command = str(request.get("command"))
        if command in _WHILE_STOPPED and not self.stopped:
            return dap.failure(request, "nothing is stopped")
        response = self._connection.ask(command, dap.arguments(request))
        if response is None:
            return dap.failure(request, "the debugger did not answer")
        seq = request.get("seq", 0)
        return {**response, "seq": seq, "request_seq": seq}

    def evaluate(self, expression: str, frame: object) -> None:
        """Evaluate in a stopped frame, for what the expression does."""
        self._connection.ask("evaluate", {"expression": expression, "frameId": frame})

    # --- called by other threads ---

    def run_freely(self) -> None:
        """Called by a thread that must not be stopped, or stepped through, from here on."""
        self._connection.run_freely()

    def cell_begins(self, code: str, compiled: str, filename: str) -> None:
        """Make breakpoints known before the cell runs.

        The thread that waits is traced, and could stop in Python code of ours: a lock is C.
        """
        self.run_freely()
        known = threading.Lock()
        known.acquire()

        def introduce() -> None:
            try:
                self._map(code, compiled, filename)
            finally:
                known.release()

        self._submit(introduce)
        known.acquire(timeout=_MAP_BOUND)
        self._connection.trace_here()

    def cell_ended(self) -> None:
        self.run_freely()

    def after_fork(self) -> None:
        """Called in a forked child, which runs without a debugger."""
        self._connection.detach()
        self._end()

    # --- parts ---

    def _end(self) -> None:
        self.is_started = False
        self.stopped.clear()
        self._host.watch_cells(None)
        if sys.breakpointhook == self._break:
            sys.breakpointhook = self._breakpointhook

    def _map(self, code: str, compiled: str, filename: str) -> None:
        """The file that stands for this text is this code from now on; breakpoints move along."""
        arguments = cell_files.source_map(self.files.path(code), code, compiled, filename)
        self._connection.ask("setPydevdSourceMap", arguments, bound=_MAP_BOUND)

    def _break(self, *_: Any, **__: Any) -> None:
        """`breakpoint()` stops in the client that is attached, not in a prompt."""
        self._connection.stop_at(sys._getframe(1))  # noqa: SLF001 - there is no other way

    def _on_event(self, event: Message) -> None:
        """Called by the reader. Keeps the list of stopped threads, which decides who answers."""
        name, body = event.get("event"), event.get("body") or {}
        if name == "stopped":
            self.stopped.add(body.get("threadId", 0))
        elif name == "continued":
            if body.get("allThreadsContinued", True):
                self.stopped.clear()
            self.stopped.discard(body.get("threadId", 0))
        # The end of a session is the client's to say, and that of the connection is the process's.
        if name != "terminated":
            self._publish(event)
