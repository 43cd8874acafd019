"""One kernel under measurement: its process, and sockets that are polled without a pause.

`jupyter_client` starts, interrupts and restarts the process, as it does for people. Messages go
over sockets of our own: the blocking client adds about a millisecond to each, and its sockets try
a port that is not open yet again only after 100 ms, which would blur every start.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.manager import KernelManager

#: How soon a socket tries again while the kernel has not opened its port, in milliseconds.
RECONNECT_MS = 2

#: A `kernel_info_request` is repeated after this time while iopub is silent, in seconds.
REPEAT = 0.05

Message = dict[str, Any]


class HungError(Exception):
    """The kernel did not answer within the bound, or its process is gone."""


@dataclass
class Run:
    """What one execution sent back, with moments in seconds since the request was sent."""

    reply: Message = field(default_factory=dict)
    reply_at: float = 0.0
    idle_at: float = 0.0
    first_output_at: float | None = None
    text: list[str] = field(default_factory=list)

    @property
    def done_at(self) -> float:
        return max(self.reply_at, self.idle_at)


class Kernel:
    """Owns one kernel process and the sockets to it. `close` is safe at any time, and twice."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.manager = KernelManager(kernel_name=name)
        self._context = zmq.Context()
        self._client: Any = None
        self._poller = zmq.Poller()
        self._shell: Any = None
        self._iopub: Any = None
        self._log = Path(os.devnull).open("wb")  # noqa: SIM115 - closed by close()

    def start(self) -> tuple[float, float]:
        """Start the process; return seconds to the first `kernel_info_reply` and first result."""
        begin = time.perf_counter()
        self.manager.start_kernel(stdout=self._log, stderr=self._log)
        self._connect()
        return self._until_first_result(begin)

    def restart(self) -> float:
        """Restart as a front end does; return seconds to the first result."""
        begin = time.perf_counter()
        self.manager.restart_kernel(now=False)
        self._connect()
        return self._until_first_result(begin)[1]

    def execute(self, code: str, *, timeout: float = 30.0) -> Run:
        """Run `code` and wait until both the reply and the idle status are here."""
        return self.collect(self.send(code), timeout=timeout)

    def send(self, code: str) -> tuple[str, float]:
        """Send a request and return its id and the moment, for `collect`."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        return self.request("execute_request", content)

    def request(self, kind: str, content: Message) -> tuple[str, float]:
        message = self._client.session.msg(kind, content)
        now = time.perf_counter()
        self._client.session.send(self._shell, message)
        return message["header"]["msg_id"], now

    def collect(
        self, sent: tuple[str, float], *, timeout: float = 30.0, until_output: bool = False
    ) -> Run:
        """Wait for everything that answers `sent`; with `until_output` only for the first output.

        Raises:
            HungError: The answer was not complete within `timeout` seconds.
        """
        wanted, begin = sent
        run = Run()
        deadline = time.perf_counter() + timeout
        while not (run.reply_at and run.idle_at):
            for message, at in self._receive(deadline):
                if message["parent_header"].get("msg_id") != wanted:
                    continue
                self._note(run, message, at - begin)
            if until_output and run.first_output_at is not None:
                break
        return run

    def reply(self, kind: str, content: Message, *, timeout: float = 30.0) -> float:
        """Send a request of another kind and return the seconds to its reply."""
        wanted, begin = self.request(kind, content)
        deadline = time.perf_counter() + timeout
        while True:
            for message, at in self._receive(deadline):
                answers = message["parent_header"].get("msg_id") == wanted
                if answers and message["msg_type"].endswith("_reply"):
                    return at - begin

    def is_alive(self) -> bool:
        return bool(self.manager.is_alive())

    def processes(self) -> list[int]:
        """Return the pids of the kernel and of everything below it."""
        root = self._root()
        if root is None:
            return []
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(entry.read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.parent.name))
        found = [root]
        for pid in found:
            found += children.get(pid, [])
        return found

    def memory(self, key: str = "Pss") -> float:
        """Return the tree's memory in MB; `VmHWM` sums the peaks of those who still live."""
        file = "smaps_rollup" if key == "Pss" else "status"
        total = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
                    if line.startswith(f"{key}:"):
                        total += int(line.split()[1])
        return total / 1024

    def shut_down(self, *, timeout: float = 10.0) -> float:
        """Ask politely; return seconds until the last process of the tree is gone."""
        pids = self.processes()
        begin = time.perf_counter()
        self.manager.shutdown_kernel(now=False) if not pids else self.manager.request_shutdown()
        while any(self._runs(pid) for pid in pids):
            if time.perf_counter() - begin > timeout:
                raise HungError
            time.sleep(0.002)
        return time.perf_counter() - begin

    def close(self) -> None:
        """End the processes without grace and close the sockets."""
        pids = self.processes() if self.manager.has_kernel else []
        with contextlib.suppress(Exception):
            self.manager.shutdown_kernel(now=True)
        for pid in pids[1:]:
            with contextlib.suppress(OSError):
                os.kill(pid, 9)
        self._disconnect()
        self._context.destroy(linger=0)
        self._log.close()

    # --- inside ------------------------------------------------------------------------------

    def _root(self) -> int | None:
        pid: int | None = getattr(self.manager.provisioner, "pid", None)
        return pid

    def _runs(self, pid: int) -> bool:
        if pid == self._root():
            return self.is_alive()
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z"

    def _connect(self) -> None:
        self._disconnect()
        self._client = self.manager.client()
        self._shell = self._socket(zmq.DEALER, self._client.shell_port)
        self._iopub = self._socket(zmq.SUB, self._client.iopub_port)
        self._poller.register(self._shell, zmq.POLLIN)
        self._poller.register(self._iopub, zmq.POLLIN)

    def _socket(self, kind: int, port: int) -> Any:
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = 0
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(f"{self.manager.transport}://{self.manager.ip}:{port}")
        return socket

    def _disconnect(self) -> None:
        for socket in (self._shell, self._iopub):
            if socket is not None:
                self._poller.unregister(socket)
                socket.close()
        self._shell = self._iopub = None

    def _until_first_result(self, begin: float) -> tuple[float, float]:
        """Ask until both channels speak, then run a cell."""
        deadline = time.perf_counter() + 30
        info_at: float | None = None
        heard = False
        while info_at is None or not heard:
            self.request("kernel_info_request", {})
            with contextlib.suppress(HungError):
                for message, at in self._receive(min(deadline, time.perf_counter() + REPEAT)):
                    if message["msg_type"] == "kernel_info_reply":
                        info_at = info_at or at - begin
                    elif message["parent_header"]:
                        heard = True
            if time.perf_counter() > deadline or not self.is_alive():
                raise HungError
        run = self.execute("1")
        first_output = run.first_output_at or run.done_at
        return info_at, time.perf_counter() - begin - run.done_at + first_output

    def _receive(self, deadline: float) -> list[tuple[Message, float]]:
        """Wait for at least one message and return all that are there, with their moments."""
        messages: list[tuple[Message, float]] = []
        while not messages:
            left = deadline - time.perf_counter()
            # A dead process never answers: look once a second rather than wait to the bound.
            ready = self._poller.poll(int(max(0, min(left, 1.0)) * 1000) + 1)
            if not ready and (left <= 0 or not self.is_alive()):
                raise HungError
            for socket, _ in ready:
                _, message = self._client.session.recv(socket, mode=0)
                # xeus and jupyter_server greet subscribers with messages that answer nothing.
                if message is not None:
                    messages.append((message, time.perf_counter()))
        return messages

    @staticmethod
    def _note(run: Run, message: Message, at: float) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "execute_reply":
            run.reply, run.reply_at = content, at
        elif kind == "status" and content["execution_state"] == "idle":
            run.idle_at = at
        elif kind in ("stream", "execute_result", "display_data", "error"):
            if run.first_output_at is None:
                run.first_output_at = at
            if kind == "stream":
                run.text.append(content["text"])
