"""Reading the members of a request's content, and the two answers that every family shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from wherry_kernel.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry_kernel.wire.codec import Content

T = TypeVar("T")


def member(content: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Return a member that must be there."""
    value = content.get(name)
    if not isinstance(value, kind):
        raise RequestError(f"{name}: expected {kind.__name__}, found {type(value).__name__}")
    return value


def optional(content: Mapping[str, Any], name: str, default: T) -> T:
    """Return a member of the type of `default`; absent and null both mean `default`."""
    value = content.get(name)
    if value is None:
        return default
    kind = type(default)
    if not isinstance(value, kind):
        raise RequestError(f"{name}: expected {kind.__name__}, found {type(value).__name__}")
    return value


def failed(ename: str, evalue: str, traceback: Sequence[str] = ()) -> Content:
    """Section "Request-Reply": the reply of status error."""
    return {"status": "error", "ename": ename, "evalue": evalue, "traceback": list(traceback)}
