"""Sections "Kernel info", "Connect", "Kernel interrupt" and "Kernel shutdown"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry_kernel.wire.codec import PROTOCOL_VERSION, Content
from wherry_kernel.wire.content import optional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMPLEMENTATION = "wherry"


def interrupted() -> Content:
    """``interrupt_reply``: the interrupt is on its way; the execution's reply tells its effect."""
    return {"status": "ok"}


def read_restart(content: Content) -> bool:
    """``shutdown_request``: whether a new kernel will follow."""
    return optional(content, "restart", default=False)


def shut_down(*, restart: bool) -> Content:
    """``shutdown_reply``, on the asking channel and on IOPub."""
    return {"status": "ok", "restart": restart}


def connected(ports: Mapping[str, int]) -> Content:
    """``connect_reply`` (deprecated, still asked)."""
    return {"status": "ok", **ports}


def language(python: str, *, ipython: bool) -> Content:
    """The ``language_info`` of a Python of version `python`."""
    major = int(python.partition(".")[0])
    mode = {"name": "ipython" if ipython else "python", "version": major}
    return {
        "name": "python",
        "version": python,
        "mimetype": "text/x-python",
        "codemirror_mode": mode,
        "pygments_lexer": f"ipython{major}" if ipython else f"python{major}",
        "nbconvert_exporter": "python",
        "file_extension": ".py",
    }


def kernel_info(
    version: str,
    banner: str,
    language_info: Content,
    *,
    help_links: Sequence[Mapping[str, str]] = (),
    features: Sequence[str] = (),
    debugger: bool = False,
) -> Content:
    """``kernel_info_reply``."""
    return {
        "status": "ok",
        "protocol_version": PROTOCOL_VERSION,
        "implementation": IMPLEMENTATION,
        "implementation_version": version,
        "language_info": language_info,
        "banner": banner,
        "help_links": [dict(link) for link in help_links],
        "supported_features": list(features),
        "debugger": debugger,  # what JEP 47 had before there were features
    }


def unknown(message_type: str) -> tuple[str, Any]:
    """Error name and text for a request that this kernel does not know."""
    return "UnknownMessageType", f"this kernel does not know messages of type {message_type!r}"
