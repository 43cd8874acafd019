"""Section "Debug request": the session of a debug client, as far as it must survive the runner.

The runner answers; here is what it cannot do: keep breakpoints over its death, answer while there
is none, and tell the rest of the kernel when a person looks at stopped code.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry_kernel.wire.codec import Content
    from wherry_supervisor import Runner
    from wherry_supervisor.lifecycle import State

log = logging.getLogger("wherry.kernel")

#: The runner gives up on debugpy after 30 s and says so; this is for a runner that says nothing.
ANSWER_BOUND = 35.0

#: How long a request waits for a runner that is just starting, in seconds.
START_BOUND = 5.0

#: How long the first cell of a new runner waits for its breakpoints, in seconds.
ARM_BOUND = 10.0

#: Settings of a session that are a request each and come again in a new runner.
_SETTINGS = ("initialize", "attach", "setExceptionBreakpoints", "setFunctionBreakpoints")

_ENDS = ("disconnect", "terminate")

#: Values of `State`; the supervisor is imported while the runner starts.
_WITHOUT_RUNNER = frozenset({"restarting", "failed", "closing", "closed"})


class Debugger:
    """One debug session after the other. Requests take `turn` and are answered in their order."""

    def __init__(
        self,
        runner: Runner,
        *,
        publish: Callable[[Content, bytes], None],
        resumed: Callable[[], None],
    ) -> None:
        self._runner = runner
        self._publish = publish
        self._resumed = resumed
        #: Held while a request is answered, its statuses included.
        self.turn = asyncio.Lock()
        #: Header of the latest request: whom events are for.
        self.parent = b"{}"
        self._settings: dict[str, Content] = {}
        self._cells: dict[str, str] = {}
        self._breakpoints: dict[str, list[Content]] = {}
        self._stopped: set[int] = set()
        self._ready = asyncio.Event()
        self._arming: asyncio.Task[None] | None = None
        self._keepers: dict[str, Callable[[Content, Content], None]] = {
            **dict.fromkeys(_SETTINGS, self._keep_setting),
            **dict.fromkeys(_ENDS, self._forget),
            "dumpCell": self._keep_cell,
            "setBreakpoints": self._keep_breakpoints,
            "debugInfo": self._add_breakpoints,
        }

    @property
    def is_stopped(self) -> bool:
        """The running cell waits for the person, not the person for the cell."""
        return bool(self._stopped)

    def close(self) -> None:
        """Nothing is armed any more."""
        if self._arming is not None:
            self._arming.cancel()

    # --- requests ---

    async def answer(self, request: Content) -> Content:
        """Return the response. A failure is a response too, and says in words what is wrong."""
        command = request.get("command")
        if not isinstance(command, str):
            return _failure(request, "expected a request of the Debug Adapter Protocol")
        await self.armed()
        response = await self._ask(request)
        keep = self._keepers.get(command)
        if keep is not None and response.get("success"):
            keep(request, response)
        return response

    async def _ask(self, request: Content) -> Content:
        try:
            await asyncio.wait_for(self._ready.wait(), START_BOUND)
        except asyncio.TimeoutError:
            return _failure(request, "debugger not available: the runner is not running")
        response = await self._runner.debug(request, deadline=ANSWER_BOUND)
        return response or _failure(request, "the runner did not answer")

    def _keep_setting(self, request: Content, _: Content) -> None:
        self._settings[request["command"]] = dict(request)

    def _forget(self, _: Content, __: Content) -> None:
        self._settings.clear()
        self._breakpoints.clear()
        self._resume()

    def _keep_cell(self, request: Content, response: Content) -> None:
        self._cells[response["body"]["sourcePath"]] = _arguments(request)["code"]

    def _keep_breakpoints(self, request: Content, response: Content) -> None:
        """The debugger may move a breakpoint to the next line that has code."""
        wanted = _arguments(request).get("breakpoints") or []
        found = response.get("body", {}).get("breakpoints", [])
        self._breakpoints[_arguments(request)["source"]["path"]] = [
            {**each, "line": at.get("line", each.get("line"))}
            for each, at in zip(wanted, found, strict=False)
        ]

    def _add_breakpoints(self, _: Content, response: Content) -> None:
        response["body"]["breakpoints"] = [
            {"source": path, "breakpoints": list(each)} for path, each in self._breakpoints.items()
        ]

    # --- what the runner does ---

    def on_event(self, event: Content) -> None:
        """Publish an event of the debugger and follow whether something is stopped."""
        name, body = event.get("event"), event.get("body") or {}
        self._publish(event, self.parent)
        if name == "stopped":
            self._stopped.add(body.get("threadId", 0))
            self._runner.hold_clock()
        elif name == "continued":
            if not body.get("allThreadsContinued", True):
                self._stopped.discard(body.get("threadId", 0))
                if self._stopped:
                    return
            self._resume()

    def on_state(self, state: State) -> None:
        """Follow the runner's handle: a new runner gets the session of the old one."""
        if state.value in _WITHOUT_RUNNER:
            self._ready.clear()
            self._leave_stop()
        elif state.value == "idle" and not self._ready.is_set():
            self._ready.set()
            if "attach" in self._settings:
                self._arming = asyncio.create_task(self._arm())

    async def armed(self) -> None:
        """Wait until a new runner knows the session, but not for ever."""
        if self._arming is not None and not self._arming.done():
            await asyncio.wait({self._arming}, timeout=ARM_BOUND)

    def _leave_stop(self) -> None:
        """The runner ended while a thread was stopped: clients must not wait for it."""
        for thread in sorted(self._stopped):
            body = {"threadId": thread, "allThreadsContinued": True}
            self._publish(_event("continued", body), self.parent)
        self._stopped.clear()

    def _resume(self) -> None:
        if self._stopped:
            self._stopped.clear()
            self._runner.release_clock()
            self._resumed()

    async def _arm(self) -> None:
        for command in _SETTINGS:
            request = self._settings.get(command)
            if request is not None and not (await self._ask(request)).get("success"):
                log.warning("the debugger could not be started again in the new runner")
                self._settings.clear()
                self._breakpoints.clear()
                self._publish(_event("terminated", {}), self.parent)
                return
        before, self._breakpoints = self._breakpoints, {}
        for path, breakpoints in before.items():
            await self._arm_file(path, breakpoints)

    async def _arm_file(self, path: str, breakpoints: list[Content]) -> None:
        """Set the breakpoints of one file; a cell's file is written anew where the code runs."""
        if path in self._cells:
            dump = _request("dumpCell", {"code": self._cells[path]})
            written = await self._ask(dump)
            if written.get("success"):
                self._keep_cell(dump, written)
                path = written["body"]["sourcePath"]
        request = _request("setBreakpoints", {"source": {"path": path}, "breakpoints": breakpoints})
        response = await self._ask(request)
        if response.get("success"):
            self._keep_breakpoints(request, response)


def _arguments(request: Content) -> dict[str, Any]:
    arguments = request.get("arguments")
    return arguments if isinstance(arguments, dict) else {}


def _request(command: str, arguments: Content) -> Content:
    return {"type": "request", "seq": 0, "command": command, "arguments": arguments}


def _event(name: str, body: Content) -> Content:
    return {"type": "event", "seq": 0, "event": name, "body": body}


def _failure(request: Content, words: str) -> Content:
    return {
        "type": "response",
        "seq": request.get("seq", 0),
        "request_seq": request.get("seq", 0),
        "success": False,
        "command": request.get("command"),
        "message": words,
        "body": {},
    }
