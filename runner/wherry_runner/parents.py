"""Which client message stands behind an execution, for libraries that ask the shell who called."""

from __future__ import annotations

from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

#: Threads and callbacks of older requests than this find no header any more.
_REMEMBERED = 1000


class Parents:
    """Headers of client messages by the id that frames carry, and the way back."""

    def __init__(self) -> None:
        self._headers: OrderedDict[str, Dict[str, Any]] = OrderedDict()
        self._ids: Dict[Any, str] = {}

    def remember(self, id_: str, header: Optional[Dict[str, Any]]) -> None:
        """Keep the header of the message that `id_` came with."""
        if header is None:
            return
        self._headers[id_] = header
        self._ids[header.get("msg_id")] = id_
        if len(self._headers) > _REMEMBERED:
            _, oldest = self._headers.popitem(last=False)
            self._ids.pop(oldest.get("msg_id"), None)

    def message(self, id_: str) -> Dict[str, Any]:
        """Return what ipykernel's `get_parent` gives, or {} when the header is not known."""
        header = self._headers.get(id_)
        if header is None:
            return {}
        return {
            "header": header,
            "msg_id": header.get("msg_id"),
            "msg_type": header.get("msg_type"),
            "parent_header": {},
            "metadata": {},
            "content": {},
        }

    def id_of(self, message: Any) -> Optional[str]:
        """Return the id of the execution that a message, as `message` gives it, stands for."""
        header = message.get("header") if isinstance(message, dict) else None
        return self._ids.get(header.get("msg_id")) if isinstance(header, dict) else None
