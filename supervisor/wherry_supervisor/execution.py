"""One execution in flight: its request, its clock, its output and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry_runner import frames as f
from wherry_supervisor.exits import Context, as_error, explain
from wherry_supervisor.flood import Flood
from wherry_supervisor.outcomes import ErrorInfo, Limits, Outcome, Status
from wherry_supervisor.wording import duration, size

if TYPE_CHECKING:
    from wherry_supervisor.escalation import Escalation
    from wherry_supervisor.exits import CrashReport

_ENDED_BY = {
    "time_limit": Status.TIMED_OUT,
    "memory_limit": Status.MEMORY,
    "oom": Status.MEMORY,
}


@dataclass(eq=False)
class Execution:
    """Made by `Runner.execute`, settled exactly once."""

    request: f.Execute
    limits: Limits
    outcome: asyncio.Future[Outcome]

    def __post_init__(self) -> None:
        """Start with an empty record."""
        self.flood = Flood(self.limits.output)
        self.started_at: float | None = None
        self.was_requeued = False
        #: Where the request ends among the bytes that its guardian was sent.
        self.sent_until = 0
        self.error: ErrorInfo | None = None
        self.escalation: Escalation | None = None
        self.deadline: asyncio.TimerHandle | None = None
        #: Seconds of the time limit that are left while its clock is held.
        self.time_left: float | None = None
        #: The time limit was reached; an interrupt that follows is ours, not the person's.
        self.timed_out = False
        #: It was interrupted near its memory limit; this says how near.
        self.strain: f.Strained | None = None

    def elapsed(self, now: float) -> float:
        """Seconds since the runner began with it."""
        return 0.0 if self.started_at is None else now - self.started_at

    def hold_clock(self, now: float) -> None:
        """Stop the time limit and remember what is left; the second time nothing changes."""
        if self.deadline is not None and self.time_left is None and not self.timed_out:
            self.time_left = max(0.0, self.deadline.when() - now)
            self.deadline.cancel()

    def take_error(self, frame: f.Error) -> f.Error:
        """Remember the error and return it as it is to be shown."""
        if self.timed_out and frame.ename == "KeyboardInterrupt":
            frame = _as_time_limit(frame, self.limits.time or 0.0)
        elif self.strain is not None and frame.ename == "KeyboardInterrupt":
            frame = _as_memory_limit(frame, self.strain, self.limits.memory or 0)
        self.error = ErrorInfo(frame.ename, frame.evalue, frame.traceback)
        return frame

    def done(self, frame: f.Done, now: float) -> Outcome:
        """The runner says that it is over."""
        status = Status(frame.status)
        if status is not Status.OK and self.timed_out:
            status = Status.TIMED_OUT
        elif status is Status.INTERRUPTED and self.strain is not None:
            status = Status.MEMORY
        return Outcome(
            status=status,
            error=self.error if status is not Status.OK else None,
            user_expressions=frame.user_expressions,
            payload=frame.payload,
            duration=self.elapsed(now),
            cpu=frame.cpu,
        )

    def context(self, now: float, platform: str, detail: str = "") -> Context:
        """Return what a crash report needs to know about this execution."""
        asked = None
        if self.timed_out:
            asked = "time_limit"
        elif self.escalation is not None:
            asked = "interrupt"
        return Context(
            cell=f"Cell In[{self.request.count}]",
            asked=asked,
            time_limit=self.limits.time,
            elapsed=self.elapsed(now),
            waited=self.escalation.waited if self.escalation is not None else None,
            platform=platform,
            detail=detail,
        )

    def died(self, report: CrashReport, now: float, cpu: float = 0.0) -> Outcome:
        """The runner died under it."""
        return Outcome(
            status=_ENDED_BY.get(report.cause, Status.DIED),
            error=ErrorInfo(*as_error(report)),
            crash=report,
            state_lost=True,
            duration=self.elapsed(now),
            cpu=cpu,
        )

    def settle(self, outcome: Outcome) -> None:
        """Give the outcome to who waits; stop the clocks. A second time changes nothing."""
        self.stop_clocks()
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def stop_clocks(self) -> None:
        """No limit and no interrupt reaches beyond the end."""
        if self.deadline is not None:
            self.deadline.cancel()
        if self.escalation is not None:
            self.escalation.stop()


def unsendable(error: Exception) -> Outcome:
    """Return the outcome of a request that has no form as a frame."""
    evalue = f"this request cannot be sent to the runner: {error}"
    name = type(error).__name__
    return Outcome(status=Status.ERROR, error=ErrorInfo(name, evalue, (f"{name}: {evalue}",)))


def never_started(reason: str, detail: str = "") -> Outcome:
    """Return the outcome of an execution that was still queued when its runner went away."""
    report = explain(f.Exited(reason=reason), Context(cell=None, asked=reason, detail=detail))
    return Outcome(
        status=Status.DIED, error=ErrorInfo(*as_error(report)), crash=report, state_lost=True
    )


def _as_time_limit(frame: f.Error, limit: float) -> f.Error:
    """An interrupt by the clock says so; the traceback shows where the time went."""
    evalue = f"the limit of {duration(limit)} is over; the code was interrupted, variables are kept"
    return _renamed(frame, "TimeLimitExceeded", evalue)


def _as_memory_limit(frame: f.Error, strain: f.Strained, limit: int) -> f.Error:
    """An interrupt near the memory limit says so, and that there is something left to save."""
    largest = f" (largest process: {strain.largest})" if strain.largest else ""
    evalue = (
        f"{size(strain.memory)} used, {size(limit)} allowed{largest}; the code was interrupted "
        "before its process had to be ended, variables are kept"
    )
    return _renamed(frame, "MemoryLimitExceeded", evalue)


def _renamed(frame: f.Error, ename: str, evalue: str) -> f.Error:
    *lines, last = frame.traceback or ("",)
    return f.Error(
        id=frame.id,
        ename=ename,
        evalue=evalue,
        traceback=(*lines, last.replace("KeyboardInterrupt", ename), evalue),
    )
