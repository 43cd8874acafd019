"""Sections "Custom Messages" (comms) and "Comm info"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wherry_kernel.wire.content import member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry_kernel.wire.codec import Content


class CommRequest(NamedTuple):
    """A ``comm_open``, ``comm_msg`` or ``comm_close`` from the client's side."""

    comm: str
    target: str
    module: str | None
    data: Any


def read(content: Content) -> CommRequest:
    """`target` and `module` are those of a ``comm_open`` and empty otherwise."""
    target = content.get("target_name")
    module = content.get("target_module")
    return CommRequest(
        comm=member(content, "comm_id", str),
        target=target if isinstance(target, str) else "",
        module=module if isinstance(module, str) else None,
        data=content.get("data"),
    )


def opened(comm: str, target: str, module: str | None, data: Any) -> Content:
    """``comm_open``."""
    content: Content = {"comm_id": comm, "target_name": target, "data": data or {}}
    # JupyterLab tries to load whatever is named here, so an absent module must stay absent.
    if module is not None:
        content["target_module"] = module
    return content


def carried(comm: str, data: Any) -> Content:
    """``comm_msg`` and ``comm_close``."""
    return {"comm_id": comm, "data": data or {}}


def info(targets: Mapping[str, str]) -> Content:
    """``comm_info_reply`` from comm ids and their target names."""
    comms = {comm: {"target_name": target} for comm, target in targets.items()}
    return {"status": "ok", "comms": comms}
