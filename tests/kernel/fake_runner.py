"""A runner that does what a test tells it to, and a client's side of the wire without sockets."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from wherry_kernel.history import History
from wherry_kernel.kernel import Kernel
from wherry_kernel.options import Options
from wherry_kernel.wire.codec import Codec, Request
from wherry_runner import frames
from wherry_supervisor import ErrorInfo, LaunchError, Limits, Outcome, State, Status

KEY = b"test key"

HELLO = frames.Hello(python="3.12.1", implementation="CPython", executable="/py", platform="linux")
READY = frames.Ready(pid=1, host="ipython", ipython="9.9")

OK = Outcome(Status.OK, user_expressions={}, payload=[])


def failed(ename: str = "ValueError", evalue: str = "no") -> Outcome:
    return Outcome(Status.ERROR, error=ErrorInfo(ename, evalue, (f"{ename}: {evalue}",)))


def died(title: str = "The runner died: SIGSEGV") -> Outcome:
    return Outcome(
        Status.DIED,
        error=ErrorInfo("RunnerCrashed", "SIGSEGV", (title,)),
        crash=SimpleNamespace(title=title, cause="signal", text=title),
        state_lost=True,
    )


class FakeRunner:
    """The API of `wherry_supervisor.Runner`; executions end when the test calls `end`."""

    def __init__(self, on_frame, on_state) -> None:
        self.emit = on_frame
        self._on_state = on_state
        self.state = State.NEW
        self.hello: frames.Hello | None = None
        self.ready: frames.Ready | None = None
        self.requeued = 0
        self.last_crash = None
        self.executions: list[dict[str, Any]] = []
        self.interrupted: list[str | None] = []
        self.answered: list[tuple[str, str]] = []
        self.sent: list[frames.Frame] = []
        self.is_closed = False
        self.restarts: list[float] = []
        self.closed_subshells: list[str] = []
        self.is_up: asyncio.Event | None = None
        self.launch_error: LaunchError | None = None
        self.completions: frames.Completions | None = None
        self.inspection: frames.Inspection | None = None
        self.completeness: frames.Completeness | None = None
        self._open: asyncio.Future[Outcome] | None = None

    def become(self, state: State) -> None:
        self.state = state
        self._on_state(state)

    async def start(self, launched=None):
        if self.launch_error is not None:
            raise self.launch_error
        if self.is_up is not None:
            await self.is_up.wait()
        if self.ready is None:
            self.hello, self.ready = HELLO, READY
            self.become(State.IDLE)
        return self.ready

    async def execute(self, code, **options) -> Outcome:
        self.executions.append({"code": code, **options})
        self.become(State.BUSY)
        self._open = asyncio.get_running_loop().create_future()
        return await self._open

    def end(self, outcome: Outcome = OK) -> None:
        assert self._open is not None
        self._open.set_result(outcome)
        self._open = None
        self.become(State.RESTARTING if outcome.state_lost else State.IDLE)

    @property
    def current(self) -> str:
        return self.executions[-1]["id"]

    async def complete(self, code, cursor, **_):
        return self.completions

    async def inspect(self, code, cursor, detail, **_):
        return self.inspection

    async def is_complete(self, code, **_):
        return self.completeness

    def close_subshell(self, subshell) -> None:
        self.closed_subshells.append(subshell)

    async def restart(self, *, grace=0.0):
        """The new process is ready when the test says `become_ready`."""
        self.restarts.append(grace)
        self.ready = None
        self.become(State.RESTARTING)
        if self._open is not None:
            self._open.set_result(died("restarted"))
            self._open = None
        self.is_up = asyncio.Event()
        await self.start()

    def become_ready(self) -> None:
        assert self.is_up is not None
        self.is_up.set()

    def interrupt(self, id=None) -> None:
        self.interrupted.append(id)

    def reply_input(self, request, value) -> None:
        self.answered.append((request, value))

    def send(self, frame) -> None:
        self.sent.append(frame)

    async def close(self, *, grace=1.0) -> None:
        self.is_closed = True
        if self._open is not None:
            self._open.set_result(died("closed"))


class Harness:
    """A kernel over a fake runner; what it sends is read back through the wire's own codec."""

    def __init__(self, options: Options | None = None, *, stays: bool = False) -> None:
        self.sent: list[tuple[str, Request]] = []
        self.waiting: list[list[bytes]] = []
        self._client = Codec(KEY, session="client")
        self._reader = Codec(KEY)
        self.kernel = Kernel(
            options or Options(),
            codec=Codec(KEY, session="kernel"),
            channels=self,
            history=History(),
            ports={"shell": 1, "iopub": 2},
            limits=Limits(),
            make_runner=self._make_runner,
            restarts=SimpleNamespace(stay=lambda: stays),
        )
        self.task = asyncio.ensure_future(self.kernel.run())

    def _make_runner(self, on_frame, on_state):
        self.runner = FakeRunner(on_frame, on_state)
        return self.runner

    # --- what the kernel sees as its sockets ---

    def send(self, channel, parts) -> None:
        self.sent.append((channel, self._reader.decode(list(parts))))

    def receive(self, channel) -> None:
        while channel == "shell" and self.waiting:
            self.kernel.on_message("shell", self.waiting.pop(0))

    # --- what the test does as a client ---

    def encode(self, kind, content=None, *, identities=(b"me",), **options) -> tuple[str, list]:
        parts = self._client.encode(kind, content or {}, identities=identities, **options)
        return self._client.last_id, parts

    def request(self, kind, content=None, *, channel="shell", **options) -> str:
        id, parts = self.encode(kind, content, **options)
        self.kernel.on_message(channel, parts)
        return id

    def execute(self, code="1", **content) -> str:
        metadata = content.pop("metadata", None)
        return self.request("execute_request", {"code": code, **content}, metadata=metadata)

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    # --- what the client saw ---

    def about(self, id: str) -> list[tuple[str, str, dict]]:
        """(channel, type, content) of all messages whose parent is `id`, in order."""
        return [
            (channel, message.type, message.content)
            for channel, message in self.sent
            if message.parent.get("msg_id") == id
        ]

    def words(self, id: str) -> list[str]:
        """The same in words: types, and states of statuses."""
        return [
            content["execution_state"] if kind == "status" else kind
            for _, kind, content in self.about(id)
        ]

    def reply_on(self, wanted: str, id: str) -> dict:
        """The reply on one channel; a shutdown's is told on iopub as well."""
        (content,) = [
            content
            for channel, kind, content in self.about(id)
            if kind.endswith("_reply") and channel == wanted
        ]
        return content

    def reply(self, id: str) -> dict:
        (content,) = [content for _, kind, content in self.about(id) if kind.endswith("_reply")]
        return content

    async def close(self) -> int:
        self.kernel.stop()
        return await self.task
