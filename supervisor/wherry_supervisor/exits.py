"""Reports the end of a runner: what happened, where, what is lost, what to do. Pure.

The guardian's `Exited` says how the process ended, `Context` what the supervisor knew besides;
`wherry_supervisor.causes` makes one cause of both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry_runner.frames import Exited
from wherry_supervisor.causes import SIGKILL, Cause, Context, Facts, Story, gather, tell
from wherry_supervisor.wording import duration, printable, sentence, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry_supervisor.stacks import Trace

__all__ = ["ENAMES", "Cause", "Context", "CrashReport", "as_error", "explain", "explain_loss"]

#: The exception names that clients show.
ENAMES: Mapping[Cause, str] = {
    "signal": "RunnerCrashed",
    "exit": "RunnerExited",
    "memory_limit": "MemoryLimitExceeded",
    "oom": "OutOfMemory",
    "time_limit": "TimeLimitExceeded",
    "interrupt": "InterruptedByForce",
    "killed": "RunnerKilled",
    "restart": "RunnerRestarted",
    "shutdown": "RunnerClosed",
    "lost": "RunnerLost",
}


@dataclass(frozen=True)
class CrashReport:
    """A death for people (`title`, `text`) and for programs (the rest)."""

    #: One line, such as "The runner died: segmentation fault (SIGSEGV)". Not repeated in `text`.
    title: str
    cause: Cause
    #: Several lines: what it means, where it was, memory, what is lost, what to do.
    text: str
    signal: int | None = None
    code: int | None = None
    #: The user's part of the Python stacks, outermost call first; empty when there is none.
    stack: str = ""
    #: Highest memory seen, of the worker or of its tree, in bytes.
    peak_memory: int = 0


def explain(exited: Exited, context: Context | None = None) -> CrashReport:
    """Turn the end of a worker into a report. Never raises, whatever the frame holds."""
    facts = gather(exited, context or Context())
    story = tell(facts)
    lines = [
        sentence(story.meaning),
        _place(facts, story),
        _stack_block(facts.trace),
        _memory(facts),
        _time(facts),
        _others(facts),
        _lost(story),
    ]
    return CrashReport(
        title=printable(" ".join(story.title.split())),
        cause=story.cause,
        text=printable("\n".join(line for line in lines if line)),
        signal=facts.signal,
        code=facts.code,
        stack=printable(facts.trace.text),
        peak_memory=facts.peak,
    )


def explain_loss(context: Context | None = None) -> CrashReport:
    """Report a runner whose channel closed before it could say how it ended."""
    return explain(Exited(), context)


def as_error(report: CrashReport) -> tuple[str, str, tuple[str, ...]]:
    """Return ename, evalue and the traceback in IPython's look, as an error message has them."""
    ename = ENAMES[report.cause]
    # "Time limit exceeded: 60 s allowed" would say its ename twice.
    evalue = report.title.partition(": ")[2] or report.title
    text = report.text
    header = _red(ename)
    calls: list[str] = []
    if report.stack:
        text = text.replace(f"{_STACK_TITLE}\n{report.stack}\n", "", 1)
        header += "Traceback (most recent call last)".rjust(_WIDTH - len(ename))
        calls = [_coloured(line) for line in report.stack.split("\n")]
    last = f"{_red(ename)}: {evalue}"
    return ename, evalue, (_red("-" * _WIDTH), header, *calls, last, *text.split("\n"))


# --- Where, how much, and what now --------------------------------------------------------------

_STACK_TITLE = "Stack, most recent call last:"

#: Below this it is the runner's own start.
_CPU_WORTH_SAYING = 0.1


def _place(facts: Facts, story: Story) -> str:
    if facts.trace.place:
        return f"It was at {facts.trace.place}."
    if facts.context.cell:
        return f"It was running {facts.context.cell}."
    # Who asked for the end knows, and what waited in the queue was not running either.
    return "" if story.cause in {"restart", "shutdown"} else "Nothing was running."


def _stack_block(trace: Trace) -> str:
    return f"{_STACK_TITLE}\n{trace.text}" if trace.text else ""


def _memory(facts: Facts) -> str:
    if not facts.peak:
        return ""
    exited, parts = facts.exited, []
    own, tree = size(exited.peak_memory), size(exited.tree_memory)
    if exited.peak_memory:
        parts.append(f"at most {own} in the runner itself")
    if exited.tree_memory and tree != own:
        parts.append(f"{tree} with its child processes at the last look")
    if facts.limit is not None:
        parts.append(f"limit {size(facts.limit)}")
    if isinstance(exited.largest, str) and exited.largest.strip():
        parts.append(f"largest process: {exited.largest.strip()}")
    return f"Memory: {', '.join(parts)}."


def _time(facts: Facts) -> str:
    cpu = facts.exited.cpu
    return f"CPU time: {duration(cpu)}." if cpu >= _CPU_WORTH_SAYING else ""


def _others(facts: Facts) -> str:
    notes = []
    if facts.exited.oom and facts.signal != SIGKILL and facts.reason is None:
        notes.append(
            "The system's out-of-memory killer ended a process meanwhile, "
            "maybe one of the runner's children."
        )
    if facts.exited.survivors:
        pids = ", ".join(str(pid) for pid in facts.exited.survivors)
        notes.append(f"Processes that could not be ended, stuck in the system: {pids}.")
    return "\n".join(notes)


def _lost(story: Story) -> str:
    if story.cause == "shutdown":
        return ""
    return f"All variables of this kernel are lost. {story.advice}"


# --- IPython's look -----------------------------------------------------------------------------

#: IPython's line of dashes.
_WIDTH = 75

_CELL_LINE = re.compile(r"Cell (In\[.*?\], line [^,]+)(.*)")
_FILE_LINE = re.compile(r"File (.*:(?:\d+|\?\?\?))(.*)")


def _red(text: str) -> str:
    return f"\x1b[31m{text}\x1b[39m"


def _coloured(line: str) -> str:
    if cell := _CELL_LINE.fullmatch(line):
        return f"\x1b[36mCell \x1b[39m\x1b[32m{cell[1]}\x1b[39m{cell[2]}"
    if file := _FILE_LINE.fullmatch(line):
        return f"\x1b[36mFile \x1b[39m\x1b[32m{file[1]}\x1b[39m{file[2]}"
    return line
