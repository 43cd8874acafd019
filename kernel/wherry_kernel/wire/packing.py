"""JSON as Jupyter clients want it: UTF-8, no NaN, whatever user code put into a MIME bundle."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from wherry_kernel.errors import MessageError

# `encode` of a prepared encoder takes the C path; `json.dumps` with options builds one per call.
_strict = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str
).encode


def pack(value: Any) -> bytes:
    """Return `value` as UTF-8 JSON.

    NaN and infinities become null, as pandas and browsers have it: JSON knows neither, and one of
    them in a table must not cost the person the whole output. Lone surrogates become U+FFFD.
    Objects that JSON does not know become their ``str()``.
    """
    try:
        text = _strict(value)
    except ValueError:
        text = _strict(_finite(value))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _well_formed(text).encode()


def unpack(data: bytes) -> dict[str, Any]:
    """Read one JSON object; anything else is a `MessageError`."""
    try:
        value = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise MessageError(f"expected a JSON object, found {data[:80]!r}: {error}") from error
    if not isinstance(value, dict):
        raise MessageError(f"expected a JSON object, found {type(value).__name__}")
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _well_formed(text: str) -> str:
    """Join surrogates that belong together and replace those that stand alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
