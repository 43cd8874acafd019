"""Section "Heartbeat for kernels": bytes that come are sent back, whatever else the kernel does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import zmq

if TYPE_CHECKING:
    from collections.abc import Callable


class Heartbeat:
    """Echoes in a thread and a context of its own.

    The loop runs inside libzmq without the GIL, so a client never takes a kernel that is busy
    (importing, say) for a dead one. Own context: closing it is the only way to end that loop.
    """

    def __init__(self, bind: Callable[[zmq.Socket[bytes]], int]) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        # ROUTER rather than REP: REP would stop for good at a client that dies between the two
        # halves of an exchange, and the bytes that clients see are the same.
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self.port = bind(self._socket)
        self._thread = threading.Thread(target=self._echo, name="wherry-heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the thread; twice is fine."""
        if not self._thread.is_alive():
            self._socket.close()
        self._context.term()
        if self._thread.ident is not None:
            self._thread.join()

    def _echo(self) -> None:
        try:
            zmq.proxy(self._socket, self._socket)
        except zmq.ContextTerminated:
            pass
        finally:
            self._socket.close()
