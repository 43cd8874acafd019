"""Jupyter's debug requests, answered where the code runs.

Imported with the first `Debug` frame. The debugger itself, debugpy, is imported when a client says
``initialize``; what only looks at variables and modules works without it. Requests are answered one
after the other by a thread of their own, so that they are answered while user code runs, and while
it is stopped.
"""

from __future__ import annotations

import queue
import sys
import threading

from wherry_runner.debuggable import hide_from_debugger
from wherry_runner.debugging import cell_files, dap, variables
from wherry_runner.debugging.connection import Unavailable
from wherry_runner.debugging.session import Session
from wherry_runner.frames import Debug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Optional

    from wherry_runner.debugging.dap import Message
    from wherry_runner.debugging.session import Job
    from wherry_runner.host import Host

#: In a stopped frame, with the name of a variable of that frame.
_HAND_OVER = "__import__('sys').modules['wherry_runner.debugging.variables'].hand_over({})"


class Debugging:
    """The debugger's whole life in one worker. `take` may be called from any thread."""

    def __init__(
        self,
        host: Host,
        send: Callable[[Debug], None],
        *,
        offered: Optional[str] = None,
        shells_modules: Iterable[str] = (),
    ) -> None:
        """Import no debugger yet.

        Args:
            offered: A folder with a copy of debugpy, for an interpreter that has none.
            shells_modules: What was loaded before user code ran; neither steps nor exceptions
                stop in it.
        """
        self._host = host
        self._send = send
        self._explorer = variables.Explorer()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._session = session = Session(
            host,
            lambda event: send(Debug(content=event)),
            self._jobs.put,
            offered=offered,
            shells_modules=shells_modules,
        )
        #: Called by a thread that must not be stopped from here on.
        self.run_freely = session.run_freely
        #: Called in a forked child.
        self.after_fork = session.after_fork
        #: Called when the worker exits: no files are left behind.
        self.close = session.files.remove
        self._handlers: Dict[str, Callable[[Message], Message]] = {
            "debugInfo": self._info,
            "initialize": session.initialize,
            "attach": session.attach,
            "configurationDone": dap.success,  # said by ourselves after the attach
            "dumpCell": self._dump_cell,
            "source": self._source,
            "variables": self._variables,
            "inspectVariables": self._inspect,
            "richInspectVariables": self._inspect_richly,
            "copyToGlobals": self._copy_to_globals,
            "modules": self._modules,
            "disconnect": session.disconnect,
            "terminate": session.disconnect,
        }
        thread = threading.Thread(target=self._work, name="wherry-debug", daemon=True)
        hide_from_debugger(thread)
        thread.start()

    def take(self, frame: Debug) -> None:
        """Queue a request; its answer carries the frame's id."""
        self._jobs.put(lambda: self._reply(frame))

    def _work(self) -> None:
        while True:
            self._jobs.get()()

    def _reply(self, frame: Debug) -> None:
        request = frame.content or {}
        try:
            self._send(Debug(id=frame.id, content=self._answer(request)))
        except ValueError as error:  # a frame has a limit, the user's values have none
            self._send(Debug(id=frame.id, content=dap.failure(request, str(error))))

    def _answer(self, request: Message) -> Message:
        handler = self._handlers.get(str(request.get("command")), self._session.forward)
        try:
            return handler(request)
        except Unavailable as error:
            return dap.failure(request, str(error))
        except Exception as error:  # noqa: BLE001 - one bad request must not silence the rest
            return dap.failure(request, f"{type(error).__name__}: {error}")

    def _info(self, request: Message) -> Message:
        """JEP 47: what a client has to know before it can name a cell."""
        return dap.success(
            request,
            {
                "isStarted": self._session.is_started,
                "hashMethod": "Murmur2",
                "hashSeed": cell_files.SEED,
                "tmpFilePrefix": self._session.files.prefix,
                "tmpFileSuffix": cell_files.SUFFIX,
                "breakpoints": [],  # the kernel keeps them
                "stoppedThreads": sorted(self._session.stopped),
                "richRendering": True,
                "exceptionPaths": ["Python Exceptions"],
                "copyToGlobals": True,
            },
        )

    # --- Sources ---

    def _dump_cell(self, request: Message) -> Message:
        path = self._session.files.dump(str(dap.arguments(request).get("code", "")))
        return dap.success(request, {"sourcePath": path})

    def _source(self, request: Message) -> Message:
        source = dap.arguments(request).get("source") or {}
        text = cell_files.read(source.get("path"))
        if text is not None:
            return dap.success(request, {"content": text})
        if source.get("sourceReference"):
            return self._session.forward(request)
        return dap.failure(request, "source unavailable")

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

    # --- Variables ---

    def _inspect(self, request: Message) -> Message:
        return dap.success(request, {"variables": self._explorer.roots(self._host.namespace())})

    def _variables(self, request: Message) -> Message:
        if not self._session.stopped:
            reference = dap.arguments(request).get("variablesReference")
            return dap.success(request, {"variables": self._explorer.children(reference)})
        response = self._session.forward(request)
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
                value = self._value(name, frame if self._session.stopped else None)
            except LookupError:
                return dap.failure(request, f"there is no variable {name!r} here")
            data, metadata = self._host.rich(value)
        elif name not in variables.GROUPS:
            return dap.failure(request, f"expected the name of a variable, found {name!r}")
        return dap.success(request, {"data": data, "metadata": metadata})

    def _value(self, name: str, frame: object) -> Any:
        if frame is None:
            return self._host.namespace()[name]
        self._session.evaluate(_HAND_OVER.format(name), frame)
        return variables.take()

    def _copy_to_globals(self, request: Message) -> Message:
        """JEP 93."""
        given = dap.arguments(request)
        source, target = str(given.get("srcVariableName")), str(given.get("dstVariableName"))
        if not source.isidentifier() or not target.isidentifier():
            words = "dstVariableName and srcVariableName must be valid identifiers"
            return dap.failure(request, words)
        if not self._session.stopped:
            return dap.failure(request, "no frame to copy from: nothing is stopped")
        arguments = {
            "expression": f"globals()['{target}']",
            "value": source,
            "frameId": given.get("srcFrameId"),
        }
        changed = {**request, "command": "setExpression", "arguments": arguments}
        return self._session.forward(changed)
