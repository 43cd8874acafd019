"""Sections "Completion", "Introspection" and "Code completeness"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wherry_kernel.wire.content import member, optional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry_kernel.wire.codec import Content


class CursorRequest(NamedTuple):
    """A ``complete_request`` or ``inspect_request``; the cursor counts Unicode characters."""

    code: str
    cursor: int
    detail: int
    omit_sections: tuple[str, ...]


def read_cursor(content: Content) -> CursorRequest:
    """A cursor that is absent or outside of the code means its end."""
    code = member(content, "code", str)
    cursor = optional(content, "cursor_pos", len(code))
    return CursorRequest(
        code=code,
        cursor=max(0, min(cursor, len(code))),
        detail=optional(content, "detail_level", 0),
        omit_sections=tuple(optional(content, "omit_sections", [])),
    )


def read_code(content: Content) -> str:
    """``is_complete_request``."""
    return member(content, "code", str)


def completions(
    matches: Sequence[str], start: int, end: int, metadata: Mapping[str, Any] | None
) -> Content:
    """``complete_reply``."""
    return {
        "status": "ok",
        "matches": list(matches),
        "cursor_start": start,
        "cursor_end": end,
        "metadata": dict(metadata or {}),
    }


def inspection(
    data: Mapping[str, Any] | None, metadata: Mapping[str, Any] | None, *, found: bool
) -> Content:
    """``inspect_reply``."""
    return {
        "status": "ok",
        "found": found,
        "data": dict(data or {}),
        "metadata": dict(metadata or {}),
    }


def completeness(status: str, indent: str) -> Content:
    """``is_complete_reply``; only an incomplete piece of code has an indent."""
    return {"status": status, "indent": indent} if status == "incomplete" else {"status": status}
