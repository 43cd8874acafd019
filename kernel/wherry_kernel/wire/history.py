"""Section "History"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wherry_kernel.wire.content import member, optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry_kernel.wire.codec import Content


class HistoryRequest(NamedTuple):
    """The content of a ``history_request``; which members count depends on `access`."""

    access: str
    output: bool
    raw: bool
    session: int
    start: int
    stop: int | None
    n: int | None
    pattern: str
    unique: bool


def read(content: Content) -> HistoryRequest:
    """Defaults are ipykernel's; an unknown access type has an empty history."""
    return HistoryRequest(
        access=member(content, "hist_access_type", str),
        output=optional(content, "output", default=False),
        raw=optional(content, "raw", default=True),
        session=optional(content, "session", 0),
        start=optional(content, "start", 0),
        stop=optional(content, "stop", 0) or None,
        n=optional(content, "n", 0) if content.get("n") is not None else None,
        pattern=optional(content, "pattern", "*"),
        unique=optional(content, "unique", default=False),
    )


def reply(entries: Sequence[Any]) -> Content:
    """``history_reply``: (session, line, input) or (session, line, (input, output))."""
    return {"status": "ok", "history": list(entries)}
