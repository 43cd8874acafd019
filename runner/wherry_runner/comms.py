"""Comms of user code (widgets) over frames, through the `comm` package where there is one.

ipywidgets and others ask `comm` for a manager and for new comms; libraries from before that import
`ipykernel.comm`. Both find classes here that send frames.
"""

from __future__ import annotations

import sys
from types import ModuleType

from wherry_runner import frames as f

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Union

    from wherry_runner.host import Session

    FromClient = Union[f.CommOpen, f.CommMessage, f.CommClose]

#: What libraries that look at ipykernel's version are told, where it is not installed.
_AS_IPYKERNEL = (7, 0, 0, "")


class Comms:
    """The manager of the `comm` package, fed with frames. Made when that package is importable."""

    def __init__(self, session: Session) -> None:
        import comm
        from comm.base_comm import BaseComm, CommManager

        self.manager = CommManager()
        comm_class = _comm_class(BaseComm, session)
        comm.create_comm = comm_class
        comm.get_comm_manager = lambda: self.manager
        _stand_in_for_ipykernel(comm_class, CommManager)
        self._handlers: Dict[type, Callable[[Any, Any, Any], None]] = {
            f.CommOpen: self.manager.comm_open,
            f.CommMessage: self.manager.comm_msg,
            f.CommClose: self.manager.comm_close,
        }

    def handle(self, frame: FromClient, parent: Dict[str, Any]) -> None:
        """Give a client's comm frame to the comm that it is for; runs its callbacks."""
        content: Dict[str, Any] = {"comm_id": frame.comm, "data": frame.data or {}}
        if isinstance(frame, f.CommOpen):
            content.update(target_name=frame.target, target_module=frame.module)
        message = {
            **parent,
            "content": content,
            "metadata": frame.metadata or {},
            "buffers": [memoryview(buffer) for buffer in frame.buffers],
        }
        self._handlers[type(frame)](None, None, message)


def _comm_class(base: type, session: Session) -> type:
    """Return the class of `comm.create_comm`; made late because its base may not exist."""

    class Comm(base):  # type: ignore[misc]
        """One end of a comm; the other is in the client."""

        def publish_msg(
            self,
            msg_type: str,
            data: Any = None,
            metadata: Any = None,
            buffers: Any = None,
            **keys: Any,
        ) -> None:
            """Send; called by the base class."""
            members = {
                "comm": self.comm_id,
                "data": data or {},
                "metadata": metadata or {},
                "buffers": tuple(bytes(buffer) for buffer in buffers or ()),
            }
            if msg_type == "comm_open":
                members.update(target=keys["target_name"], module=keys.get("target_module"))
            session.send_comm(_FRAMES[msg_type], members)

    return Comm


_FRAMES = {"comm_open": f.CommOpen, "comm_msg": f.CommMessage, "comm_close": f.CommClose}


def _stand_in_for_ipykernel(comm_class: type, manager_class: type) -> None:
    """Make `from ipykernel.comm import Comm` give our class, with and without ipykernel there."""
    from importlib.util import find_spec

    if find_spec("ipykernel") is None:
        package = ModuleType("ipykernel")
        package.__path__ = []
        package.__dict__.update(
            version_info=_AS_IPYKERNEL, __version__=".".join(map(str, _AS_IPYKERNEL[:3]))
        )
        sys.modules["ipykernel"] = package
    for name in ("ipykernel.comm", "ipykernel.comm.comm", "ipykernel.comm.manager"):
        module = ModuleType(name)
        module.__path__ = []
        module.__dict__.update(Comm=comm_class, BaseComm=comm_class, CommManager=manager_class)
        sys.modules[name] = module
