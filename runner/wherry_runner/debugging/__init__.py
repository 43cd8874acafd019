"""Jupyter's debug requests, answered where the code runs.

Imported with the first `Debug` frame. The debugger itself, debugpy, is imported when a client says
``initialize``; what only looks at variables and modules works without it. Requests are answered one
after the other by a thread of their own, so that they are answered while user code runs, and while
it is stopped.
"""

from __future__ import annotations

import os
import queue
import sys
import threading

from wherry_runner.debuggable import hide_from_debugger
from wherry_runner.debugging import cell_files, dap, variables
from wherry_runner.debugging.connection import Connection, Unavailable
from wherry_runner.frames import Debug
from wherry_runner.host import CellWatcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Set, Union

    from wherry_runner.debugging.dap import Message
    from wherry_runner.host import Host

#: Steps go through these without stopping: between the statements of a cell lies the shell, which
#: compiles and runs them one by one.
_SHELLS = ("wherry_runner", "IPython", "traitlets", "asyncio", "selectors", "contextlib", "codeop")

#: debugpy gives no answer to some of these when nothing is stopped.
_WHILE_STOPPED = frozenset({"continue", "next", "stepIn", "stepOut", "scopes"})

#: How long a cell waits to be known to the debugger before it runs anyway, in seconds.
_MAP_BOUND = 2.0

#: In a stopped frame, with the name of a variable of that frame.
_HAND_OVER = "__import__('sys').modules['wherry_runner.debugging.variables'].hand_over({})"


class _NewCell:
    """A cell that waits until the debugger knows it.

    A lock, because it is made and waited for in C: the thread that waits is traced, and could stop
    in Python code of ours.
    """

    def __init__(self, code: str, compiled: str, filename: str) -> None:
        self.cell = (code, compiled, filename)
        self.known = threading.Lock()
        self.known.acquire()


class Debugging(CellWatcher):
    """The debugger's whole life in one worker. `take` may be called from any thread."""

    def __init__(
        self, host: Host, send: Callable[[Debug], None], *, offered: Optional[str] = None
    ) -> None:
        self._host = host
        self._send = send
        self._connection = Connection(self._on_event, offered=offered)
        self._files = cell_files.CellFiles(os.getppid())
        self._explorer = variables.Explorer()
        self._stopped: Set[int] = set()
        #: Between ``initialize`` and ``disconnect``.
        self._is_started = False
        self._breakpointhook = sys.breakpointhook
        self._requests: queue.SimpleQueue[Union[Debug, _NewCell]] = queue.SimpleQueue()
        self._handlers: Dict[str, Callable[[Message], Message]] = {
            "debugInfo": self._info,
            "initialize": self._initialize,
            "attach": self._attach,
            "configurationDone": dap.success,  # said by ourselves after the attach
            "dumpCell": self._dump_cell,
            "source": self._source,
            "variables": self._variables,
            "inspectVariables": self._inspect,
            "richInspectVariables": self._inspect_richly,
            "copyToGlobals": self._copy_to_globals,
            "modules": self._modules,
            "disconnect": self._disconnect,
            "terminate": self._disconnect,
        }
        thread = threading.Thread(target=self._work, name="wherry-debug", daemon=True)
        hide_from_debugger(thread)
        thread.start()

    def take(self, frame: Debug) -> None:
        """Queue a request; its answer carries the frame's id."""
        self._requests.put(frame)

    def after_fork(self) -> None:
        """Called in a forked child, which runs without a debugger."""
        self._connection.detach()
        self._stop_session()

    def close(self) -> None:
        """The worker exits: leave no files behind."""
        self._files.remove()

    def _work(self) -> None:
        while True:
            task = self._requests.get()
            if isinstance(task, _NewCell):
                self._map(*task.cell)
                task.known.release()
            else:
                self._reply(task)

    def _reply(self, frame: Debug) -> None:
        request = frame.content or {}
        try:
            self._send(Debug(id=frame.id, content=self._answer(request)))
        except ValueError as error:  # a frame has a limit, the user's values have none
            self._send(Debug(id=frame.id, content=dap.failure(request, str(error))))

    def _answer(self, request: Message) -> Message:
        handler = self._handlers.get(str(request.get("command")), self._forward)
        try:
            return handler(request)
        except Unavailable as error:
            return dap.failure(request, str(error))
        except Exception as error:  # noqa: BLE001 - one bad request must not silence the rest
            return dap.failure(request, f"{type(error).__name__}: {error}")

    def _on_event(self, event: Message) -> None:
        """Called by the reader. Keeps the list of stopped threads, which decides who answers."""
        body = event.get("body") or {}
        if event.get("event") == "stopped":
            self._stopped.add(body.get("threadId", 0))
        elif event.get("event") == "continued":
            if body.get("allThreadsContinued", True):
                self._stopped.clear()
            self._stopped.discard(body.get("threadId", 0))
        elif event.get("event") == "terminated":
            return  # the session's end is the client's; the connection's is the process's
        self._send(Debug(content=event))

    # --- The session ---

    def _info(self, request: Message) -> Message:
        """JEP 47: what a client has to know before it can name a cell."""
        return dap.success(
            request,
            {
                "isStarted": self._is_started,
                "hashMethod": "Murmur2",
                "hashSeed": cell_files.SEED,
                "tmpFilePrefix": self._files.prefix,
                "tmpFileSuffix": cell_files.SUFFIX,
                "breakpoints": [],
                "stoppedThreads": sorted(self._stopped),
                "richRendering": True,
                "exceptionPaths": ["Python Exceptions"],
                "copyToGlobals": True,
            },
        )

    def _initialize(self, request: Message) -> Message:
        self._connection.open()
        self._is_started = True
        return self._forward(request)

    def _attach(self, request: Message) -> Message:
        given = dap.arguments(request)
        rules = [{"module": name, "include": False} for name in _SHELLS]
        arguments = {
            "justMyCode": False,
            **given,
            "rules": [*(given.get("rules") or ()), *rules],
        }
        response = self._forward({**request, "arguments": arguments})
        if response.get("success"):
            self._connection.ask("configurationDone", {})
            self._start_session()
        return response

    def _start_session(self) -> None:
        sys.breakpointhook = self._break
        for cell in self._host.cells():
            self._map(*cell)
        self._host.watch_cells(self)

    def _disconnect(self, request: Message) -> Message:
        """End the session and never the process, whatever the client says of terminating it."""
        if self._is_started:
            self._connection.ask("disconnect", {"terminateDebuggee": False})
        self._stop_session()
        return dap.success(request)

    def _stop_session(self) -> None:
        self._is_started = False
        self._stopped.clear()
        self._host.watch_cells(None)
        if sys.breakpointhook == self._break:
            sys.breakpointhook = self._breakpointhook

    def _break(self, *_: Any, **__: Any) -> None:
        """`breakpoint()` stops in the client that is attached, not in a prompt."""
        self._connection.stop_at(sys._getframe(1))  # noqa: SLF001 - there is no other way

    def _forward(self, request: Message) -> Message:
        if not self._is_started:
            return dap.failure(request, "the debugger is not started: initialize comes first")
        command = str(request.get("command"))
        if command in _WHILE_STOPPED and not self._stopped:
            return dap.failure(request, "nothing is stopped")
        response = self._connection.ask(command, dap.arguments(request))
        if response is None:
            return dap.failure(request, "the debugger did not answer")
        seq = request.get("seq", 0)
        return {**response, "seq": seq, "request_seq": seq}

    # --- Cells ---

    def run_freely(self) -> None:
        """Called by a thread that must not be stopped, or stepped through, from here on."""
        self._connection.run_freely()

    def cell_begins(self, code: str, compiled: str, filename: str) -> None:
        self.run_freely()
        cell = _NewCell(code, compiled, filename)
        self._requests.put(cell)
        cell.known.acquire(timeout=_MAP_BOUND)
        self._connection.trace_here()

    def cell_ended(self) -> None:
        self.run_freely()

    def _map(self, code: str, compiled: str, filename: str) -> None:
        """The file that stands for this text is this code from now on; breakpoints move along."""
        path = self._files.path(code)
        arguments = cell_files.source_map(path, code, compiled, filename)
        self._connection.ask("setPydevdSourceMap", arguments, bound=_MAP_BOUND)

    def _dump_cell(self, request: Message) -> Message:
        path = self._files.dump(str(dap.arguments(request).get("code", "")))
        return dap.success(request, {"sourcePath": path})

    def _source(self, request: Message) -> Message:
        source = dap.arguments(request).get("source") or {}
        text = cell_files.read(source.get("path"))
        if text is not None:
            return dap.success(request, {"content": text})
        if source.get("sourceReference"):
            return self._forward(request)
        return dap.failure(request, "source unavailable")

    # --- Variables ---

    def _inspect(self, request: Message) -> Message:
        return dap.success(request, {"variables": self._explorer.roots(self._host.namespace())})

    def _variables(self, request: Message) -> Message:
        if not self._stopped:
            reference = dap.arguments(request).get("variablesReference")
            return dap.success(request, {"variables": self._explorer.children(reference)})
        response = self._forward(request)
        body = response.get("body") or {}
        found = [each for each in body.get("variables", ()) if variables.is_users(each.get("name"))]
        return {**response, "body": {**body, "variables": found}}

    def _inspect_richly(self, request: Message) -> Message:
        """JEP 47, ``richInspectVariables``: a MIME bundle, of a stopped frame's variable too."""
        given = dap.arguments(request)
        name, frame = str(given.get("variableName", "")), given.get("frameId")
        data: Dict[str, Any] = {}
        metadata: Dict[str, Any] = {}
        if name.isidentifier():
            try:
                value = self._value(name, frame if self._stopped else None)
            except LookupError:
                return dap.failure(request, f"there is no variable {name!r} here")
            data, metadata = self._host.rich(value)
        elif name not in variables.GROUPS:
            return dap.failure(request, f"expected the name of a variable, found {name!r}")
        return dap.success(request, {"data": data, "metadata": metadata})

    def _value(self, name: str, frame: object) -> Any:
        if frame is None:
            return self._host.namespace()[name]
        expression = _HAND_OVER.format(name)
        self._connection.ask("evaluate", {"expression": expression, "frameId": frame})
        return variables.take()

    def _copy_to_globals(self, request: Message) -> Message:
        """JEP 93."""
        given = dap.arguments(request)
        source, target = str(given.get("srcVariableName")), str(given.get("dstVariableName"))
        if not source.isidentifier() or not target.isidentifier():
            words = "dstVariableName and srcVariableName must be valid identifiers"
            return dap.failure(request, words)
        if not self._stopped:
            return dap.failure(request, "no frame to copy from: nothing is stopped")
        arguments = {
            "expression": f"globals()['{target}']",
            "value": source,
            "frameId": given.get("srcFrameId"),
        }
        return self._forward({**request, "command": "setExpression", "arguments": arguments})

    def _modules(self, request: Message) -> Message:
        given = dap.arguments(request)
        modules = list(sys.modules.copy().items())
        start = int(given.get("startModule") or 0)
        count = int(given.get("moduleCount") or len(modules))
        found = []
        for number, (name, module) in enumerate(modules[start : start + count], start):
            origin = getattr(getattr(module, "__spec__", None), "origin", None)
            if isinstance(origin, str) and origin.endswith(".py"):
                found.append({"id": number, "name": name, "path": origin})
        return dap.success(request, {"modules": found, "totalModules": len(modules)})
