"""The debug client's half of a dialogue: requests on the control channel, events on IOPub."""

from __future__ import annotations

import itertools
import time
from typing import Any

from tests.kernel.dialogues.frontend import Frontend

INITIALIZE = {
    "clientID": "dialogue",
    "clientName": "dialogue",
    "adapterID": "",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "supportsVariableType": True,
    "supportsVariablePaging": True,
    "supportsRunInTerminalRequest": True,
    "locale": "en",
}


class DebugClient:
    """What a client does between ``initialize`` and ``disconnect``."""

    def __init__(self, frontend: Frontend) -> None:
        self.frontend = frontend
        self._numbers = itertools.count(1)
        self.breakpoints: dict[str, list[dict[str, Any]]] = {}

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send one request and return the response, successful or not."""
        content = {"type": "request", "seq": next(self._numbers), "command": command}
        id = self.frontend.request(
            "debug_request", {**content, "arguments": arguments}, channel="control"
        )
        message = self.frontend.reply_message(of=id)
        assert message["header"]["msg_type"] == "debug_reply"
        return message["content"]

    def body(self, command: str, **arguments: Any) -> dict[str, Any]:
        response = self.ask(command, **arguments)
        assert response.get("success", True), response
        return response.get("body", {})

    def attach(self) -> None:
        assert self.ask("initialize", **INITIALIZE)["success"]
        assert self.ask("attach")["success"]

    def disconnect(self) -> None:
        self.ask("disconnect", restart=False, terminateDebuggee=False)

    def break_at(self, code: str, *lines: int, **members: Any) -> str:
        """Set breakpoints in a cell; returns the path that stands for it."""
        path = self.body("dumpCell", code=code)["sourcePath"]
        wanted = [{"line": line, **members} for line in lines]
        self.body("setBreakpoints", breakpoints=wanted, source={"path": path}, sourceModified=False)
        assert self.ask("configurationDone")["success"]
        return path

    def event(self, name: str, *, patience: float = 15.0) -> dict[str, Any]:
        """Wait for the next event of this name, whatever request it is about; returns its body."""
        deadline = time.monotonic() + patience
        while True:
            for queue in (*self.frontend._outputs.values(), self.frontend.orphans):
                for message in queue:
                    if message["msg_type"] == "debug_event" and message["content"]["event"] == name:
                        queue.remove(message)
                        return message["content"].get("body", {})
            assert time.monotonic() < deadline, f"waited for the event {name}"
            self.frontend._pump(0.05)

    def has_event(self, name: str) -> bool:
        try:
            self.event(name, patience=0.3)
        except AssertionError:
            return False
        return True

    def top(self, thread: int = 1) -> dict[str, Any]:
        """Return the innermost frame of a stopped thread."""
        return self.body("stackTrace", threadId=thread)["stackFrames"][0]

    def locals(self) -> dict[str, dict[str, Any]]:
        scopes = self.body("scopes", frameId=self.top()["id"])["scopes"]
        number = next(s["variablesReference"] for s in scopes if s["name"] == "Locals")
        found = self.body("variables", variablesReference=number)["variables"]
        return {each["name"]: each for each in found}

    def panel(self) -> dict[str, dict[str, Any]]:
        """What the variable panel shows."""
        return {each["name"]: each for each in self.body("inspectVariables")["variables"]}
