"""What libraries reach for on ipykernel's kernel object, as ``get_ipython().kernel``.

Some send Jupyter messages themselves, through ``kernel.session``; those that a client would see
are turned into frames here.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional

    from wherry_runner.host import Session


class MessageSession:
    """`jupyter_client.session.Session` as far as sending on IOPub goes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._senders: Dict[str, Callable[[Dict[str, Any]], None]] = {
            "display_data": self._display,
            "update_display_data": lambda content: self._display(content, update=True),
            "execute_result": self._result,
            "stream": self._stream,
            "clear_output": lambda content: session.clear(wait=bool(content.get("wait"))),
        }

    @property
    def session(self) -> str:
        """The client's session id; ours is the kernel process's business."""
        header = self._session.get_parent().get("header", {})
        return str(header.get("session", ""))

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Optional[Dict[str, Any]] = None,
        parent: Any = None,
        **_: Any,
    ) -> Dict[str, Any]:
        """Send what a client would see; statuses and the like are the kernel process's business."""
        del stream
        kind = msg_or_type
        if isinstance(msg_or_type, dict):
            kind = msg_or_type.get("header", {}).get("msg_type")
            content = msg_or_type.get("content")
        sender = self._senders.get(kind)
        if sender is not None:
            token = self._session.set_parent(parent)
            try:
                sender(content or {})
            finally:
                self._session.reset_parent(token)
        return {"header": {"msg_type": kind}, "content": content or {}, "parent_header": parent}

    def _display(self, content: Dict[str, Any], *, update: bool = False) -> None:
        self._session.display(
            content.get("data", {}),
            content.get("metadata"),
            transient=content.get("transient"),
            update=update,
        )

    def _result(self, content: Dict[str, Any]) -> None:
        self._session.result(
            content.get("execution_count", 0),
            content.get("data", {}),
            content.get("metadata", {}),
            transient=content.get("transient"),
        )

    def _stream(self, content: Dict[str, Any]) -> None:
        stream = sys.stderr if content.get("name") == "stderr" else sys.stdout
        stream.write(content.get("text", ""))


class Kernel:
    """The attributes of ipykernel's kernel that code outside of ipykernel uses."""

    #: Given back to us as the first argument of `send` and `send_response`.
    iopub_socket = shell_streams = None

    def __init__(self, shell: Any, session: Session, comm_manager: Any) -> None:
        self.shell = shell
        self.comm_manager = comm_manager
        self.session = MessageSession(session)
        self._runner_session = session

    def get_parent(self, channel: Optional[str] = None) -> Dict[str, Any]:
        """Return the client message that is being worked for."""
        del channel
        return self._runner_session.get_parent()

    def send_response(
        self, stream: Any, msg_or_type: Any, content: Optional[Dict[str, Any]] = None, **_: Any
    ) -> Dict[str, Any]:
        """Send under the message that is being worked for."""
        return self.session.send(stream, msg_or_type, content, self.get_parent())
