"""The end of the process that started the kernel is the end of the kernel."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

#: Seconds between looks where the system cannot tell by itself.
POLL = 0.5


class ParentWatch:
    """Calls `on_death` once when process `parent` is gone.

    jupyter_client names its own pid in ``JPY_PARENT_PID``. When something stands in between
    (``conda run``, a wrapper script), that something is watched: it is what we would be orphaned
    from, and a pid from outside of a container would name a stranger in it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, parent: int, *, on_death: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._parent = parent
        self._on_death = on_death
        self._descriptor: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        try:
            # Readable when the process ends, also when it ended before this call.
            self._descriptor = os.pidfd_open(self._parent)
        except (AttributeError, OSError):
            self._poll()
            return
        self._loop.add_reader(self._descriptor, self._died)
        if os.getppid() != self._parent:  # it ended before, and the pid may be someone else's now
            self._died()

    def close(self) -> None:
        """Stop watching; twice is fine."""
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _poll(self) -> None:
        if os.getppid() == self._parent:
            self._timer = self._loop.call_later(POLL, self._poll)
        else:
            self._died()

    def _died(self) -> None:
        self.close()
        self._on_death()


def wanted_parent(environment: Mapping[str, str], parent: int) -> int | None:
    """Return the pid to watch, or None: nobody asked for it, or init was our parent all along."""
    if not environment.get("JPY_PARENT_PID", "").isdigit() or parent <= 1:
        return None
    return parent
