"""Section "Messages on the IOPub channel": streams, displays, results and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry_kernel.wire.codec import Content


def stream(name: str, text: str) -> Content:
    """``stream``; `name` is stdout or stderr."""
    return {"name": name, "text": text}


def display(
    data: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None,
    transient: Mapping[str, Any] | None,
) -> Content:
    """``display_data`` and ``update_display_data``; a display id travels in `transient`."""
    return {
        "data": dict(data or {}),
        "metadata": dict(metadata or {}),
        "transient": dict(transient or {}),
    }


def result(
    count: int, data: Mapping[str, Any] | None, metadata: Mapping[str, Any] | None
) -> Content:
    """``execute_result``."""
    return {"data": dict(data or {}), "metadata": dict(metadata or {}), "execution_count": count}


def error(ename: str, evalue: str, traceback: Sequence[str]) -> Content:
    """``error``; a reply of status error repeats these members."""
    return {"ename": ename, "evalue": evalue, "traceback": list(traceback)}


def clear(*, wait: bool) -> Content:
    """``clear_output``."""
    return {"wait": wait}
