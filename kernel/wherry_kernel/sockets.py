"""The kernel's ZeroMQ sockets on one asyncio loop, without `zmq.asyncio`.

`zmq.asyncio` costs 15 ms more to import and a future per message; four sockets that only ever
read until empty do not need it. A ZeroMQ descriptor signals *edges*: it turns readable once and
stays silent until someone has looked. So whoever looked, or sent (which looks as well), must go
on until nothing is left, or a message waits until the next one comes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import zmq

from wherry_kernel.errors import ConnectionFileError
from wherry_kernel.heartbeat import Heartbeat

if TYPE_CHECKING:
    import asyncio

    from wherry_kernel.connection import Connection

log = logging.getLogger("wherry.kernel")

#: Parts together above this size are handed to libzmq without a copy; below it, the bookkeeping
#: for that costs more than the copy.
COPY_BELOW = 256 * 1024

#: How long a closing kernel waits for its last replies to leave, in milliseconds.
LINGER = 1000

#: How long to wait for a port that somebody else has, in seconds.
BIND_PATIENCE = 1.0

#: Candidates that are tried for an ipc path; tcp asks the system for a free port.
IPC_TRIES = 100

OnMessage = Callable[[str, list[bytes]], None]
OnSubscribe = Callable[[bytes], None]

# Plain numbers: pyzmq's flags are enums, and combining them costs more than sending a part.
_NO_WAIT = int(zmq.NOBLOCK)
_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_EVENTS = int(zmq.EVENTS)
_INPUT = int(zmq.POLLIN)

_KINDS = {
    "shell": zmq.ROUTER,
    "control": zmq.ROUTER,
    "stdin": zmq.ROUTER,
    "iopub": zmq.XPUB,
}

#: Control first: an interrupt that came together with requests overtakes them.
_INBOUND = ("control", "shell", "stdin")


def _bind_patiently(socket: zmq.Socket[bytes], address: str) -> None:
    """Bind; wait a moment for a port that is taken.

    Clients choose free ports and let them go before the kernel starts. Meanwhile the system may
    lend one to somebody's outgoing connection, and takes it back soon.
    """
    deadline = time.monotonic() + BIND_PATIENCE
    while True:
        try:
            socket.bind(address)
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


class Sockets:
    """Owns the five sockets of a connection from `bind` to `close`."""

    def __init__(self, connection: Connection) -> None:
        self._wanted = connection
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: dict[str, zmq.Socket[bytes]] = {}
        self._heartbeat: Heartbeat | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._again: set[str] = set()
        self._is_greeting = False

    def bind(self) -> Connection:
        """Bind all channels and return the connection with the ports that were taken."""
        ports: dict[str, int] = {}
        for channel, kind in _KINDS.items():
            socket = self._context.socket(kind)
            self._sockets[channel] = socket
            socket.linger = LINGER
            # Nothing is dropped for a client that reads slowly: libzmq would drop silently at the
            # mark, replies on ROUTER and outputs on XPUB alike. The memory is bounded elsewhere:
            # by the output limit, which tells the person what was left out.
            socket.sndhwm = 0
            socket.rcvhwm = 0
            if kind == zmq.ROUTER:
                # A client that reconnects with its old identity takes its place at once.
                socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
            else:
                # Tell of each subscription, not only of the first to a topic: each gets a welcome.
                socket.setsockopt(zmq.XPUB_VERBOSE, 1)
            ports[channel] = self._bind_one(socket, channel)
        self._heartbeat = Heartbeat(lambda socket: self._bind_one(socket, "hb"))
        ports["hb"] = self._heartbeat.port
        self._heartbeat.start()
        return self._wanted.at(ports)

    def attach(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_message: OnMessage,
        on_subscribe: OnSubscribe,
    ) -> None:
        """Deliver what comes, in the loop's thread, from now on."""
        self._loop = loop
        self._on_message = on_message
        self._on_subscribe = on_subscribe
        for channel, socket in self._sockets.items():
            loop.add_reader(socket.fileno(), self.receive, channel)
            # What came before this line has used up its edge.
            self._receive_soon(channel)

    def receive(self, channel: str) -> None:
        """Deliver all that is waiting on `channel`."""
        self._again.discard(channel)
        if channel == "iopub":
            self._receive_subscriptions()
            return
        socket = self._sockets[channel]
        while not socket.closed and _has_input(socket):
            parts = socket.recv_multipart(zmq.NOBLOCK)
            try:
                self._on_message(channel, parts)
            except Exception:  # the messages behind this one must not wait for an edge that is gone
                log.exception("a message on %s could not be handled", channel)

    def receive_all(self) -> None:
        """Deliver what is waiting on any channel, control first."""
        for channel in _INBOUND:
            self.receive(channel)

    def send(self, channel: str, parts: Sequence[bytes]) -> None:
        """Queue a message; never blocks, never drops while the peer is connected."""
        socket = self._sockets.get(channel)
        if socket is None or socket.closed:
            log.debug("%s is closed; a message was not sent", channel)
            return
        if channel == "iopub":
            # A subscriber's welcome is the first thing it sees, so it must leave first.
            self._receive_subscriptions()
        copy = sum(map(len, parts)) < COPY_BELOW
        last = len(parts) - 1
        for at, part in enumerate(parts):
            socket.send(part, _MORE if at < last else _NO_WAIT, copy=copy)
        if _has_input(socket):
            self._receive_soon(channel)

    def close(self) -> None:
        """Stop delivering, let queued messages leave for at most `LINGER`; twice is fine."""
        for socket in self._sockets.values():
            if self._loop is not None and not socket.closed:
                self._loop.remove_reader(socket.fileno())
            socket.close()
        self._context.term()
        if self._heartbeat is not None:
            self._heartbeat.close()

    def _receive_soon(self, channel: str) -> None:
        if self._loop is not None and channel not in self._again:
            self._again.add(channel)
            self._loop.call_soon(self.receive, channel)

    def _receive_subscriptions(self) -> None:
        socket = self._sockets["iopub"]
        if self._loop is None or self._is_greeting:
            return
        # A welcome is itself sent on this channel, which looks here again.
        self._is_greeting = True
        try:
            while not socket.closed and _has_input(socket):
                event = socket.recv(zmq.NOBLOCK)
                if event[:1] == b"\x01":
                    self._on_subscribe(event[1:])
        finally:
            self._is_greeting = False

    def _bind_one(self, socket: zmq.Socket[bytes], channel: str) -> int:
        wanted = self._wanted
        if wanted.curve_secret is not None and wanted.curve_public is not None:
            socket.curve_secretkey = wanted.curve_secret
            socket.curve_publickey = wanted.curve_public
            socket.curve_server = True
        if wanted.transport == "ipc" and not wanted.ports.get(channel):
            return self._bind_ipc(socket)
        try:
            _bind_patiently(socket, wanted.address(channel))
        except zmq.ZMQError as error:
            raise ConnectionFileError(
                f"{channel}: cannot bind {wanted.address(channel)}: {error}"
            ) from error
        if wanted.ports.get(channel):
            return wanted.ports[channel]
        return int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])

    def _bind_ipc(self, socket: zmq.Socket[bytes]) -> int:
        # libzmq would take over an ipc path that another kernel listens on, without a word.
        import os

        for port in range(1, IPC_TRIES + 1):
            path = f"{self._wanted.ip}-{port}"
            if not os.path.exists(path):  # noqa: PTH110 - the address is a prefix, not a path
                socket.bind(f"ipc://{path}")
                return port
        raise ConnectionFileError(f"no free ipc path among {self._wanted.ip}-1 to -{IPC_TRIES}")


def _has_input(socket: zmq.Socket[bytes]) -> bool:
    return bool(int(socket.get(_EVENTS)) & _INPUT)
