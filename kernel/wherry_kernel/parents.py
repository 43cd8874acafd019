"""Which request a frame belongs to: parent headers by execution id, for a bounded time."""

from __future__ import annotations

from wherry_kernel.wire.codec import NO_PARENT

#: A thread that still prints after this many later requests prints into the latest cell.
REMEMBERED = 2000


class Parents:
    """Headers of requests, as the bytes that answers carry.

    An execution's output may come long after its end, from threads, timers and tasks; it goes out
    under the request that started them. Ids are our own: clients may use theirs twice.
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        self._headers: dict[str, bytes] = {}
        self._remembered = remembered
        self._latest = NO_PARENT
        self._number = 0

    def add(self, header_json: bytes, *, is_execution: bool) -> str:
        """Remember a request's header and return the id that its frames will carry."""
        self._number += 1
        id = f"{'e' if is_execution else 'c'}{self._number}"
        self._headers[id] = header_json
        if len(self._headers) > self._remembered:
            del self._headers[next(iter(self._headers))]
        return id

    def started(self, id: str) -> None:
        """Make `id` the one that output without a known owner goes to."""
        self._latest = self._headers.get(id, self._latest)

    def begin_anew(self) -> None:
        """What has no known owner from here on belongs to nobody, until an execution starts."""
        self._latest = NO_PARENT

    def __getitem__(self, id: str) -> bytes:
        """Return the header; for an unknown or forgotten id that of the latest execution."""
        return self._headers.get(id, self._latest)
