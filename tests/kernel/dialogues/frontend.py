"""A Jupyter client that tells its expectations in order, so that tests read as dialogues.

    frontend.execute("print(1)")
    frontend.expect_busy()
    frontend.expect_input("print(1)")
    frontend.expect_stdout("1\\n")
    frontend.expect_idle()
    frontend.expect_reply("ok")

An expectation takes the next message about the latest request (or about `of`), waits for it when
it has not come, and fails when it is another one. Nothing may be left out and nothing may come
besides, with two exceptions: a stream may come in any number of pieces, and busy may be repeated.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import zmq
from jupyter_client.session import Session

PATIENCE = 15.0

#: How long to listen for a message that must not come.
SILENCE = 0.2


@dataclass
class Transcript:
    """All that one execution brought, with the pieces of a stream joined."""

    reply: dict[str, Any]
    outputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    reply_metadata: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [content for each, content in self.outputs if each == kind]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.outputs]

    def text(self, name: str) -> str:
        return "".join(each["text"] for each in self.of("stream") if each["name"] == name)

    @property
    def stdout(self) -> str:
        return self.text("stdout")

    @property
    def stderr(self) -> str:
        return self.text("stderr")

    @property
    def results(self) -> list[str]:
        return [each["data"]["text/plain"] for each in self.of("execute_result")]

    @property
    def displays(self) -> list[dict[str, Any]]:
        return [each["data"] for each in self.of("display_data")]

    @property
    def errors(self) -> list[str]:
        return [each["ename"] for each in self.of("error")]

    @property
    def status(self) -> str:
        return self.reply["status"]


class Frontend:
    """One client with its own session, hence its own ZeroMQ identity."""

    def __init__(self, connection: dict[str, Any]) -> None:
        key = connection["key"]
        self.session = Session(key=key if isinstance(key, bytes) else key.encode())
        self._context = zmq.Context()
        self._sockets = {}
        for channel, kind in {
            "shell": zmq.DEALER,
            "control": zmq.DEALER,
            "stdin": zmq.DEALER,
            "iopub": zmq.SUB,
            "hb": zmq.REQ,
        }.items():
            socket = self._context.socket(kind)
            socket.linger = 0
            if kind == zmq.DEALER:
                socket.identity = self.session.bsession
            if kind == zmq.SUB:
                socket.subscribe(b"")
            _secure(socket, connection)
            socket.connect(_address(connection, channel))
            self._sockets[channel] = socket
        self._poller = zmq.Poller()
        for channel, socket in self._sockets.items():
            if channel != "hb":
                self._poller.register(socket, zmq.POLLIN)
        self._outputs: dict[str, deque] = defaultdict(deque)
        self._replies: dict[str, deque] = defaultdict(deque)
        self._busy: set[str] = set()
        self.patience = PATIENCE
        self.questions: deque = deque()
        self.orphans: deque = deque()
        self.last = ""

    def close(self) -> None:
        for socket in self._sockets.values():
            socket.close()
        self._context.term()

    def wait_for_kernel(self) -> None:
        """Return when the kernel answers and its outputs arrive."""
        # A subscription travels beside the requests; only an output that came proves it.
        for _ in range(100):
            id = self.request("kernel_info_request")
            self.reply_message(of=id)
            self._pump(0.02)
            if self._outputs[id]:
                # Perhaps only the end of it: a subscription may arrive in the middle.
                while self._outputs[id][-1]["content"] != {"execution_state": "idle"}:
                    self._pump(0.01)
                self.forget()
                return
        raise AssertionError("the kernel publishes nothing")

    # --- requests ---

    def request(self, kind, content=None, *, channel="shell", metadata=None, buffers=None) -> str:
        message = self.session.msg(kind, content or {}, metadata=metadata)
        self.session.send(self._sockets[channel], message, buffers=buffers)
        self.last = message["header"]["msg_id"]
        return self.last

    def execute(self, code: str, *, metadata=None, **options) -> str:
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
            **options,
        }
        return self.request("execute_request", content, metadata=metadata)

    def answer(self, value: str, *, parent: dict[str, Any] | None = None) -> None:
        message = self.session.msg("input_reply", {"value": value}, parent=parent)
        self.session.send(self._sockets["stdin"], message)

    def interrupt(self) -> str:
        return self.request("interrupt_request", channel="control")

    def send_raw(self, channel: str, parts: list[bytes]) -> None:
        self._sockets[channel].send_multipart(parts)

    def beat(self, data: bytes, *, patience: float = PATIENCE) -> bytes:
        self._sockets["hb"].send(data)
        assert self._sockets["hb"].poll(int(patience * 1000)), "the heart does not beat"
        return self._sockets["hb"].recv()

    # --- expectations ---

    def expect_busy(self, *, of: str | None = None) -> None:
        self.expect("status", execution_state="busy", of=of)

    def expect_idle(self, *, of: str | None = None) -> None:
        self.expect("status", execution_state="idle", of=of)

    def expect_input(self, code: str, *, of: str | None = None) -> int:
        return self.expect("execute_input", code=code, of=of)["execution_count"]

    def expect_result(self, text: str, *, of: str | None = None) -> dict[str, Any]:
        content = self.expect("execute_result", of=of)
        assert content["data"]["text/plain"] == text
        return content

    def expect_error(self, ename: str, *, of: str | None = None) -> dict[str, Any]:
        return self.expect("error", ename=ename, of=of)

    def expect_stdout(self, text: str, *, of: str | None = None) -> None:
        self._expect_stream("stdout", text, of)

    def expect_stderr(self, text: str, *, of: str | None = None) -> None:
        self._expect_stream("stderr", text, of)

    def expect(self, kind: str, *, of: str | None = None, **members: Any) -> dict[str, Any]:
        """The next output is of this kind and has these members; returns its content."""
        message = self.next_output(of=of)
        assert message["header"]["msg_type"] == kind, f"expected {kind}, found {_shown(message)}"
        _compare(message, members)
        return message["content"]

    def expect_reply(
        self, status: str | None = None, *, of: str | None = None, **members: Any
    ) -> dict[str, Any]:
        message = self.reply_message(of=of)
        if status is not None:
            members["status"] = status
        _compare(message, members)
        return message["content"]

    def expect_question(self, prompt: str, *, password: bool = False) -> dict[str, Any]:
        """The kernel asks this client for a line; returns the whole message."""
        self._wait(lambda: self.questions, "an input_request")
        message = self.questions.popleft()
        _compare(message, {"prompt": prompt, "password": password})
        return message

    def expect_silence(self, *, of: str | None = None) -> None:
        """Nothing more comes about the request."""
        id = of or self.last
        self._pump(SILENCE)
        assert not self._outputs[id], _shown(self._outputs[id][0])
        assert not self._replies[id], _shown(self._replies[id][0])

    # --- whole exchanges ---

    def run(self, code: str, *, linger: float = 0.0, **options) -> Transcript:
        """Execute and return everything. `linger`: ipykernel may be late with descriptors' text."""
        id = self.execute(code, **options)
        transcript = self.transcript(of=id)
        self._pump(linger)
        for message in self._outputs.pop(id, ()):
            _append(transcript.outputs, message["header"]["msg_type"], message["content"])
        return transcript

    def ask(self, kind: str, content=None, *, channel: str = "shell") -> dict[str, Any]:
        """Send a request that has no outputs; returns the content of its reply."""
        id = self.request(kind, content, channel=channel)
        reply = self.reply_message(of=id)
        assert reply["header"]["msg_type"] == kind.replace("_request", "_reply")
        self.expect_busy(of=id)
        self.expect_idle(of=id)
        return reply["content"]

    def transcript(self, *, of: str | None = None) -> Transcript:
        """Everything from busy to idle, and the reply."""
        id = of or self.last
        self.expect_busy(of=id)
        outputs: list[tuple[str, dict[str, Any]]] = []
        while True:
            message = self.next_output(of=id)
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "status":
                assert content == {"execution_state": "idle"}
                break
            _append(outputs, kind, content)
        reply = self.reply_message(of=id)
        return Transcript(reply["content"], outputs, reply["metadata"])

    # --- what comes ---

    def next_output(self, *, of: str | None = None) -> dict[str, Any]:
        id = of or self.last
        while True:
            self._wait(lambda: self._outputs[id], f"an output about {id}")
            message = self._outputs[id].popleft()
            if message["content"] != {"execution_state": "busy"}:
                return message
            if id not in self._busy:
                self._busy.add(id)
                return message

    def next_orphan(self) -> dict[str, Any]:
        """The next output that is about no request."""
        self._wait(lambda: self.orphans, "an output about no request")
        return self.orphans.popleft()

    def reply_message(self, *, of: str | None = None) -> dict[str, Any]:
        id = of or self.last
        self._wait(lambda: self._replies[id], f"a reply to {id}")
        return self._replies[id].popleft()

    def has_reply(self, *, of: str) -> bool:
        self._pump(0)
        return bool(self._replies[of])

    def forget(self) -> None:
        """Drop whatever came so far."""
        self._pump(0)
        for queue in (self._outputs, self._replies, self._busy, self.questions, self.orphans):
            queue.clear()

    def _expect_stream(self, name: str, text: str, of: str | None) -> None:
        seen = ""
        while len(seen) < len(text):
            content = self.expect("stream", name=name, of=of)
            seen += content["text"]
        assert seen == text

    def _wait(self, condition, what: str) -> None:
        deadline = time.monotonic() + self.patience
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"waited {self.patience} s for {what}"
            self._pump(left, until=condition)

    def _pump(self, seconds: float, until=None) -> None:
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready = self._poller.poll(left * 1000)
            for socket, _ in ready:
                channel = next(name for name, each in self._sockets.items() if each is socket)
                self._take(channel, self.session.recv(socket, copy=True)[1])
            if (until is not None and until()) or (not ready and time.monotonic() >= deadline):
                return

    def _take(self, channel: str, message: dict[str, Any]) -> None:
        parent = message["parent_header"].get("msg_id")
        if channel == "stdin":
            self.questions.append(message)
        elif channel != "iopub":
            self._replies[parent].append({**message, "channel": channel})
        elif parent is None:
            self.orphans.append(message)
        else:
            self._outputs[parent].append(message)


def _append(outputs: list, kind: str, content: dict[str, Any]) -> None:
    """Join a piece of a stream to the piece before it."""
    if kind == "stream" and outputs and outputs[-1][0] == "stream":
        before = outputs[-1][1]
        if before["name"] == content["name"]:
            outputs[-1] = (kind, {**before, "text": before["text"] + content["text"]})
            return
    outputs.append((kind, content))


def _compare(message: dict[str, Any], members: dict[str, Any]) -> None:
    found = {name: message["content"].get(name) for name in members}
    assert found == members, f"expected {members}, found {_shown(message)}"


def _shown(message: dict[str, Any]) -> str:
    return f"{message['header']['msg_type']} {str(message['content'])[:500]}"


def _address(connection: dict[str, Any], channel: str) -> str:
    separator = ":" if connection["transport"] == "tcp" else "-"
    port = connection[f"{channel}_port"]
    return f"{connection['transport']}://{connection['ip']}{separator}{port}"


def _secure(socket, connection: dict[str, Any]) -> None:
    server = connection.get("curve_publickey")
    if server:
        public, secret = zmq.curve_keypair()
        socket.curve_serverkey = server.encode() if isinstance(server, str) else server
        socket.curve_publickey, socket.curve_secretkey = public, secret
