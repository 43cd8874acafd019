"""Which execution does this output belong to?

Each execution runs in a context that names it. asyncio tasks, timers and callbacks inherit that
context; threads inherit it through `follow_threads`. So output always goes to the cell that caused
it, also when that cell ended long ago.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

_ATTRIBUTE = "_wherry_execution"

EXECUTION: ContextVar[Optional[str]] = ContextVar("wherry_execution", default=None)

_start = threading.Thread.start


def current() -> Optional[str]:
    """Return the execution that the caller works for, None when nothing says so."""
    found = EXECUTION.get()
    if found is None:
        found = getattr(threading.current_thread(), _ATTRIBUTE, None)
    return found


def follow_threads() -> None:
    """Make threads remember the execution that started them."""

    def start(self: threading.Thread) -> None:
        setattr(self, _ATTRIBUTE, current())
        _start(self)

    start.__doc__ = _start.__doc__
    threading.Thread.start = start  # type: ignore[method-assign]
