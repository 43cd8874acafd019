"""Binds the sockets, before most of the kernel is imported.

A client connects while the kernel still starts and is refused until the ports are bound; ZeroMQ
then waits 100 to 200 ms before it tries again. So the ports come first, right after the runner's
interpreter, and asyncio and the rest are imported while the client finds its way.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from wherry_kernel import arguments, connection
from wherry_kernel.sockets import Sockets

if TYPE_CHECKING:
    from collections.abc import Sequence


class Listening:
    """Bound sockets, and the connection file that says where they are."""

    def __init__(self, parsed: arguments.Arguments) -> None:
        self.path = connection.locate(
            parsed.connection_file or f"kernel-{os.getpid()}.json",
            connection.runtime_directory(os.environ),
        )
        self._is_ours = not self.path.exists()
        wanted = (
            connection.new(transport=parsed.transport, ip=parsed.ip, ports=parsed.ports)
            if self._is_ours
            else connection.read(self.path)
        )
        self.sockets = Sockets(wanted)
        try:
            self.bound = self.sockets.bind()
            if self.bound != wanted or self._is_ours:
                connection.write(self.path, self.bound)
        except BaseException:
            self.sockets.close()
            raise
        if parsed.connection_file is None:
            name = self.path.name
            print(f"To connect a client to this kernel: --existing {name}", file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        """Close the sockets, and remove the file if we wrote it; twice is fine."""
        self.sockets.close()
        if self._is_ours:
            self.path.unlink(missing_ok=True)


def listen(words: Sequence[str]) -> Listening | None:
    """Bind what the command line asks for; None when it asks for no kernel of ours.

    Raises:
        KernelError: The connection file is wrong, or a port is taken.
    """
    parsed = arguments.parse(words)
    if parsed.help or parsed.version or parsed.settings.get("mode") == "inprocess":
        return None
    return Listening(parsed)
