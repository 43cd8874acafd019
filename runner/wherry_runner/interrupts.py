"""When may a signal become KeyboardInterrupt?

Only while user code runs. The handlers decide by flags that are single attribute stores, made just
around user code, so that a signal landing in the worker's own statements can never end it:

- in user code: raise;
- while user code awaits: cancel its task (the loop is woken) and raise where it awaits;
- while a record is being written (`shield`): remember, raise on leaving;
- elsewhere within an execution: remember, raise when user code is entered again;
- idle, or meant for an execution that is over: drop.

A *hard* interrupt also makes every further line of the user's frames raise, which breaks loops
that swallow KeyboardInterrupt. Tracing is switched off by the first statement that our own code
executes when the exception comes out.
"""

from __future__ import annotations

import signal
import sys

from wherry_runner import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, Optional

    from wherry_runner.page import Page

#: Modules whose frames are never made to raise: ours, the shell's, and the loop's own machinery.
_OURS = ("wherry_runner", "IPython.core", "asyncio", "contextlib", "selectors", "threading")


#: A debugger replaces it by one that complains.
_settrace = sys.settrace


class HardInterrupt(KeyboardInterrupt):
    """The second stage of an interrupt; a KeyboardInterrupt for all purposes, its name included."""


HardInterrupt.__name__ = HardInterrupt.__qualname__ = "KeyboardInterrupt"


class Deaf:
    """Stands for `Interrupts` in threads that signals do not reach."""

    cancel: Optional[Callable[[], None]] = None
    cancelled = False

    def enter(self) -> bool:
        """Nothing can be waiting."""
        return False

    def leave(self, before: bool) -> None:  # noqa: FBT001 - as `Interrupts.leave`
        """Nothing was changed."""


class Interrupts:
    """Flags and handlers. Only the main thread runs handlers and sets the flags."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._signals = page.signals
        # Bound once: `install` compares identities.
        self._soft, self._hard = self._on_soft, self._on_hard
        #: Number of the running execution, 0 when idle.
        self._serial = 0
        #: User code is on the stack, outside of any shield.
        self._user = False
        self._shields = 0
        self._pending = False
        #: A hard interrupt has been raised in this execution.
        self._struck = False
        #: A debugger may hold the thread; without this it would stop it again at the next line.
        self.end_stop: Optional[Callable[[], None]] = None
        #: Set while user code awaits: cancels the task. Called in a signal handler.
        self.cancel: Optional[Callable[[], None]] = None
        #: The task was cancelled by us; the waiter turns that into KeyboardInterrupt.
        self.cancelled = False

    @property
    def is_idle(self) -> bool:
        """No execution runs."""
        return not self._serial

    def install(self) -> None:
        """Put our handlers (back) in place; user code may have replaced them."""
        if signal.getsignal(signal.SIGINT) is not self._soft:
            signal.signal(signal.SIGINT, self._soft)
            signal.signal(processes.HARD_SIGNAL, self._hard)

    def begin(self, serial: int) -> None:
        """Execution `serial` starts; an interrupt may have come for it already."""
        self.cancelled = self._struck = False
        self._signals = self._page.signals
        self._serial = serial
        self._pending = self._page.target == serial

    def end(self) -> None:
        """The execution is over: what comes now is too late."""
        self._serial = 0
        self._user = False
        self._pending = False
        untrace()

    def enter(self) -> bool:
        """User code begins; returns the state to give to `leave`."""
        if self._pending:
            self._raise_pending()
        before, self._user = self._user, True
        return before

    def leave(self, before: bool) -> None:  # noqa: FBT001 - what `enter` returned
        """User code ended."""
        self._user = before

    def shield(self) -> None:
        """Nothing may be torn from here to `unshield`. Main thread only."""
        self._shields += 1

    def unshield(self) -> None:
        """Raise now what was held back, if user code is what we return to."""
        self._shields -= 1
        if self._pending and self._user and not self._shields:
            self._raise_pending()

    def _raise_pending(self) -> None:
        self._pending = False
        raise KeyboardInterrupt

    def _on_soft(self, _: int, frame: Optional[FrameType]) -> None:
        if self._is_late() or (self._struck and _is_being_shown(frame)):
            return
        if self._arrive():
            if self.end_stop is not None:
                self.end_stop()
            raise KeyboardInterrupt

    def _on_hard(self, _: int, frame: Optional[FrameType]) -> None:
        if self._page.target != self._serial or (self._struck and _is_being_shown(frame)):
            return
        if self._arrive():
            if self.end_stop is not None:
                self.end_stop()
            self._struck = True
            _trace_user_frames(frame)
            raise HardInterrupt

    def _is_late(self) -> bool:
        """Ours, and meant for another execution. Signals that others send carry no target."""
        ours = self._signals != self._page.signals
        self._signals = self._page.signals
        return ours and self._page.target != self._serial

    def _arrive(self) -> bool:
        """Say whether the handler may raise; otherwise see to it that the interrupt is not lost."""
        if not self._serial:
            return False
        if self._shields:
            self._pending = True
        elif self._user:
            return True
        elif self.cancel is not None:
            self.cancelled = True
            self.cancel()
        else:
            self._pending = True
        return False


def untrace() -> None:
    """End the tracing of a hard interrupt, and only that: debuggers and coverage trace too."""
    if sys.gettrace() is _tracer:
        _settrace(None)


def _trace_user_frames(frame: Optional[FrameType]) -> None:
    _settrace(_tracer)
    while frame is not None:
        if _is_ours(frame):
            break
        frame.f_trace = _tracer
        frame = frame.f_back


def _tracer(frame: FrameType, event: str, _: Any) -> Any:
    if _is_ours(frame):
        # The exception has come out of user code: a second one would hit who shows the first.
        _settrace(None)
        return None
    if event == "line":
        raise HardInterrupt
    return _tracer


def _is_being_shown(frame: Optional[FrameType]) -> bool:
    """Hard interrupts are repeated; IPython shows the first within what it takes for user code."""
    while frame is not None:
        if frame.f_code.co_name == "showtraceback" and _is_ours(frame):
            return True
        frame = frame.f_back
    return False


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(_OURS)
