"""Finds the one cause of a runner's end and tells it: what happened and what to do. Pure.

Reasons win over signals: a worker that was killed for its memory died of SIGKILL, but that is not
what a person needs to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from wherry_supervisor.signals import FROM_OUTSIDE, describe_code, describe_signal
from wherry_supervisor.stacks import Trace, trim
from wherry_supervisor.wording import duration, lower, size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry_runner.frames import Exited

Cause = Literal[
    "signal",
    "exit",
    "memory_limit",
    "oom",
    "time_limit",
    "interrupt",
    "killed",
    "restart",
    "shutdown",
    "lost",
]


@dataclass(frozen=True)
class Context:
    """What the supervisor knows and the guardian does not."""

    #: What ran, as people know it ("Cell In[3]"); None when nothing ran.
    cell: str | None = None
    #: What the supervisor had asked for, should the frame come without a reason: ``time_limit``,
    #: ``interrupt``, ``restart``, ``shutdown``, ``killed``. The first two count only when the
    #: worker died of a signal that the ladder sends: a crash after an interrupt is a crash. A
    #: supervisor that killed the runner itself, with no guardian to report it, says so with
    #: ``Exited(reason=...)``.
    asked: str | None = None
    #: Limit in force for this execution, and how long it had run, in seconds.
    time_limit: float | None = None
    elapsed: float | None = None
    #: Seconds between the first interrupt and the end.
    waited: float | None = None
    #: The last answer to `Dump`, used where `Exited` has no stack.
    stack: str = ""
    #: Cells by the file name that their code was compiled under.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: `Hello.platform`: signal numbers differ between systems.
    platform: str = "linux"
    #: Last lines of the guardian's own stderr, or why its channel is gone.
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    """`Exited` with members of the right types: a peer may put anything where None is allowed."""

    exited: Exited
    context: Context
    signal: int | None
    code: int | None
    reason: str | None
    limit: int | None
    trace: Trace

    @property
    def peak(self) -> int:
        return max(self.exited.peak_memory, self.exited.tree_memory)


@dataclass(frozen=True)
class Story:
    """What `tell` found; `meaning` and `advice` are sentences for people."""

    cause: Cause
    title: str
    meaning: str
    advice: str = "Run the cells from the top again."


_AGAIN = "Run the cells from the top again"
_SMALLER = "Load data in parts or in smaller types, delete what is no longer needed"

SIGKILL = 9
_LAST_SIGNAL = 64

#: Asking for these sends signals at first, which a worker survives as a rule.
_LADDER = frozenset({"time_limit", "interrupt"})

#: The signals that the ladder sends. SIGKILL comes with a reason in the frame when it is ours.
_LADDER_SIGNALS = frozenset({"SIGINT", "SIGUSR2"})


def gather(exited: Exited, context: Context) -> Facts:
    """Take the members that have the right types; see `Facts`."""
    signal, code = _whole(exited.signal), _whole(exited.code)
    if signal is None and code is not None and -_LAST_SIGNAL <= code < 0:
        signal, code = -code, None  # the way of subprocess.Popen.returncode
    name = describe_signal(signal, platform=context.platform).name if signal is not None else None
    reason = exited.reason if isinstance(exited.reason, str) else None
    if reason is None and (context.asked not in _LADDER or name in _LADDER_SIGNALS):
        reason = context.asked
    return Facts(
        exited=exited,
        context=context,
        signal=signal,
        code=code,
        reason=reason,
        limit=_whole(exited.memory_limit),
        trace=trim(exited.stack or context.stack, labels=context.labels),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def tell(facts: Facts) -> Story:
    """Decide on the one cause, whatever the frame holds."""
    if facts.reason is not None:
        return _BY_REASON.get(facts.reason, _tell_killed)(facts)
    if facts.signal is not None:
        return _tell_signal(facts, facts.signal)
    if facts.code is not None:
        return _tell_code(facts, facts.code)
    return _tell_lost(facts)


def _tell_memory(facts: Facts) -> Story:
    used, limit = facts.exited.tree_memory, facts.limit
    figures = f": {size(used)} used" if used else ""
    figures += f"{',' if used else ':'} {size(limit)} allowed" if limit is not None else ""
    return Story(
        "memory_limit",
        f"Memory limit exceeded{figures}",
        "the runner and the processes it started used more memory than they may, "
        "so they were ended",
        f"{_SMALLER}, or raise the memory limit; then run the cells from the top again.",
    )


def _tell_time(facts: Facts) -> Story:
    limit, elapsed = facts.context.time_limit, facts.context.elapsed
    allowed = f": {duration(limit)} allowed" if limit is not None else ""
    ran = f" after {duration(elapsed)}" if elapsed is not None else ""
    return Story(
        "time_limit",
        f"Time limit exceeded{allowed}",
        f"{_unanswered(facts)}, so the runner was ended{ran}",
        f"Do the work in smaller steps or raise the time limit; {lower(_AGAIN)}.",
    )


def _tell_interrupt(facts: Facts) -> Story:
    if facts.exited.reason is None and facts.signal is not None:
        name = describe_signal(facts.signal, platform=facts.context.platform).name
        return Story(
            "interrupt",
            f"Interrupted by force: {name} ended the runner",
            f"the interrupt was meant to stop the code only, but the handler of {name} was gone",
        )
    return Story(
        "interrupt",
        "Interrupted by force: the code did not answer the interrupt",
        f"{_unanswered(facts)}, so the runner was ended. Compiled code that never looks for "
        "interrupts does this, and code that catches and ignores them",
    )


def _unanswered(facts: Facts) -> str:
    waited = facts.context.waited
    within = f" within {duration(waited)}" if waited is not None else ""
    return f"the code did not stop{within} when it was interrupted"


def _tell_restart(_facts: Facts) -> Story:
    return Story("restart", "The runner was restarted", "a restart was asked for")


def _tell_shutdown(_facts: Facts) -> Story:
    return Story("shutdown", "The runner was shut down", "it was asked to end")


def _tell_killed(facts: Facts) -> Story:
    reason = "" if facts.reason in {"killed", None} else f" ({facts.reason})"
    return Story(
        "killed", f"The runner was ended on request{reason}", "its supervisor was asked to kill it"
    )


def _tell_lost(facts: Facts) -> Story:
    detail = facts.context.detail.strip()
    last = f"; its last words were:\n{detail}" if detail else ""
    return Story(
        "lost",
        "The runner was lost: its connection closed",
        f"it ended, or the way to it broke, before it could say why{last}",
    )


_BY_REASON: Mapping[str, Callable[[Facts], Story]] = {
    "memory": _tell_memory,
    "time_limit": _tell_time,
    "interrupt": _tell_interrupt,
    "restart": _tell_restart,
    "shutdown": _tell_shutdown,
    "killed": _tell_killed,
    "lost": _tell_lost,
}


def _tell_signal(facts: Facts, number: int) -> Story:
    words = describe_signal(number, platform=facts.context.platform)
    if number == SIGKILL and facts.exited.oom:
        return Story(
            "oom",
            "Out of memory: the system ended the runner",
            "the machine, or the container around it, had no memory left, and the system's "
            "out-of-memory killer chose this runner (SIGKILL)",
            f"{_SMALLER}, or close other programs. With a memory limit the runner is ended "
            f"before the machine suffers. {_AGAIN}.",
        )
    name = "" if words.name == words.title else f" ({words.name})"
    outside = words.name in FROM_OUTSIDE
    return Story(
        "killed" if outside else "signal", f"The runner died: {words.title}{name}", words.meaning
    )


def _tell_code(facts: Facts, code: int) -> Story:
    title, hint = describe_code(code, platform=facts.context.platform)
    meaning = "something ended the whole process: os._exit(), or a library that exits by itself"
    if hint:
        meaning += f"; {hint}"
    return Story("exit", f"The runner died: {title}", meaning)
