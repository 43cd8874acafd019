"""Section "Messages on the stdin channel"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry_kernel.wire.content import optional

if TYPE_CHECKING:
    from wherry_kernel.wire.codec import Content


def asked(prompt: str, *, password: bool) -> Content:
    """``input_request``."""
    return {"prompt": prompt, "password": password}


def read_answer(content: Content) -> str:
    """``input_reply``; an absent value is an empty line, as in ipykernel."""
    return optional(content, "value", "")
