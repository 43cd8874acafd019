"""What every worker does in case that a debugger comes: cheap, and without importing one."""

from __future__ import annotations

import os
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Thread
    from typing import Optional, Tuple


def hide_from_debugger(thread: Thread) -> None:
    """Keep debugpy from tracing, listing and stopping one of our threads.

    A thread that serves the person at the debugger must go on when all others are stopped.
    """
    thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
    thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]


def debugger_capability(offered: Optional[str]) -> Tuple[str, ...]:
    """Return the word for `Ready.capabilities`, if debugpy is here or a copy is offered."""
    found = PathFinder.find_spec("debugpy") is not None or (
        offered is not None and os.path.isfile(os.path.join(offered, "__init__.py"))
    )
    return ("debugger",) if found else ()
