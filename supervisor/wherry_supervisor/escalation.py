"""From a polite interrupt to force, step by step. Uses a loop only for its timers.

soft, then after a while hard (several times: code may swallow the first), then kill. Pressing again
goes to the next step, but not sooner than `PRESS_PAUSE`: people press twice, clients send twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

#: A second press within this many seconds is taken for the first.
PRESS_PAUSE = 0.3

#: A raising trace function is removed by the interpreter, so a hard interrupt is sent again.
HARD_INTERVAL = 0.1
HARD_REPEATS = 10


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None:
        """Not to be called any more."""
        ...


class Timers(Protocol):
    """The two things that are used of an event loop."""

    def time(self) -> float:
        """Monotonic seconds."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call once after `delay` seconds."""
        ...


class Escalation:
    """One climb. Made at the first interrupt of an execution, stopped when that ends."""

    def __init__(
        self,
        timers: Timers,
        *,
        hard_after: float,
        kill_after: float | None,
        soft: Callable[[], object],
        hard: Callable[[], object],
        kill: Callable[[], object],
        unheeded: Callable[[], object] = lambda: None,
    ) -> None:
        self._timers = timers
        self._soft, self._hard, self._kill = soft, hard, kill
        #: Called once, when politeness has not helped.
        self._unheeded = unheeded
        self._hard_after = hard_after
        self._kill_after = kill_after
        self._pending: list[Timer] = []
        self._is_hard = False
        self.started_at = self._pressed_at = timers.time()
        self._arm(hard_after, self._go_hard)
        if kill_after is not None:
            self._arm(max(kill_after, hard_after), self._go_kill)
        soft()

    @property
    def waited(self) -> float:
        """Seconds since the first interrupt."""
        return self._timers.time() - self.started_at

    def press(self) -> None:
        """The person asks again: interrupt once more, and take the next step now."""
        now = self._timers.time()
        if now - self._pressed_at < PRESS_PAUSE:
            return
        self._pressed_at = now
        if self._is_hard:
            self._hard()
            return
        self.stop()
        self._go_hard()
        if self._kill_after is not None:
            self._arm(max(0.0, self._kill_after - self._hard_after), self._go_kill)

    def stop(self) -> None:
        """The execution is over, or another step takes its place."""
        for timer in self._pending:
            timer.cancel()
        self._pending.clear()

    def _go_hard(self) -> None:
        self._is_hard = True
        self._unheeded()
        for n in range(1, HARD_REPEATS):
            self._arm(n * HARD_INTERVAL, self._hard)
        self._hard()

    def _go_kill(self) -> None:
        self.stop()
        self._kill()

    def _arm(self, delay: float, callback: Callable[[], object]) -> None:
        self._pending.append(self._timers.call_later(delay, callback))
