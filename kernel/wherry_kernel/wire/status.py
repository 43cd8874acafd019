"""Section "Kernel status", and the welcome that a new subscriber gets (JEP 65)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry_kernel.wire.codec import Content

BUSY: Content = {"execution_state": "busy"}
IDLE: Content = {"execution_state": "idle"}
STARTING: Content = {"execution_state": "starting"}
#: From the kernel itself: clients then forget comms and open requests, and tell the person.
RESTARTING: Content = {"execution_state": "restarting"}


def welcome(topic: bytes) -> Content:
    """``iopub_welcome``: from here on the subscriber misses nothing of `topic`."""
    return {"subscription": topic.decode("utf-8", "replace")}
