"""How an execution ended, as values. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wherry_supervisor.exits import CrashReport


class Status(enum.Enum):
    """The endings that callers tell apart."""

    OK = "ok"
    #: User code raised.
    ERROR = "error"
    #: A person stopped it and it obeyed.
    INTERRUPTED = "interrupted"
    #: It ran into its time limit; `state_lost` says whether the runner had to be ended for it.
    TIMED_OUT = "timed_out"
    #: The process tree grew beyond its memory limit, or the system ran out of memory; `state_lost`
    #: says whether it was interrupted in time.
    MEMORY = "memory"
    #: The runner died: by itself, by force, or because a restart was asked for.
    DIED = "died"


@dataclass(frozen=True)
class ErrorInfo:
    """An exception as Jupyter shows it."""

    ename: str
    evalue: str
    traceback: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """The end of one execution. Its output was handed to `on_frame` before."""

    status: Status
    error: ErrorInfo | None = None
    #: Why the runner died, when it did.
    crash: CrashReport | None = None
    user_expressions: dict[str, Any] | None = None
    payload: list[dict[str, Any]] | None = None
    #: The variables are gone: what runs next meets an empty namespace.
    state_lost: bool = False
    #: Seconds from its start in the runner; 0 when it never started.
    duration: float = 0.0
    #: Seconds of CPU.
    cpu: float = 0.0

    @property
    def ok(self) -> bool:
        """It ran to its end without an exception."""
        return self.status is Status.OK


@dataclass(frozen=True)
class Limits:
    """Bounds of an execution; None is no limit."""

    #: Seconds from its start.
    time: float | None = None
    #: Bytes of the runner's whole process tree.
    memory: int | None = None
    #: Part of `memory` at which what runs is interrupted, while variables can still be saved.
    memory_soft: float | None = 0.9
    #: Bytes of stdout and stderr that are passed on; the middle of a flood is left out.
    output: int | None = None


@dataclass(frozen=True)
class Ladder:
    """When a polite request turns into force, in seconds after the first interrupt.

    `hard_after`: also break loops that swallow KeyboardInterrupt. `kill_after`: end the process
    (variables are lost); None never does. `grace` is the same for a time limit, where nobody waits
    at the screen to press again.
    """

    hard_after: float = 1.5
    kill_after: float | None = 5.0
    grace: float = 2.0
