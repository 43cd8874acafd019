"""``%time`` and ``%timeit``."""

from __future__ import annotations

import math
import os
import time
import timeit

from wherry_runner.plain.magics import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from wherry_runner.plain.magics import Call

_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))

_REPEATS = 7


def line_time(call: Call) -> Any:
    """Run a statement once; tell how long it took and return its value."""
    return _timed(call, call.line)


def cell_time(call: Call) -> Any:
    """Run the cell once; tell how long it took and return its value."""
    return _timed(call, call.body)


def _timed(call: Call, code: str) -> Any:
    if not code.strip():
        raise UsageError("give a statement: %time STATEMENT, or %%time before the cell")
    before, started = _processor(), time.perf_counter()
    try:
        return call.shell.run(code, call.names)
    finally:
        wall, after = time.perf_counter() - started, _processor()
        user, own = after[0] - before[0], after[1] - before[1]
        text = f"CPU times: user {span(user)}, sys: {span(own)}, total: {span(user + own)}\n"
        call.shell.streams.out(f"{text}Wall time: {span(wall)}\n")


def _processor() -> Tuple[float, float]:
    """Return user and system seconds of this process and its children, in microseconds' steps."""
    try:
        import resource
    except ImportError:  # not on Windows
        times = os.times()
        return times.user + times.children_user, times.system + times.children_system
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime for each in both), sum(each.ru_stime for each in both)


class TimeitResult:
    """What ``%timeit -o`` returns; seconds for one loop."""

    def __init__(self, loops: int, timings: List[float]) -> None:
        self.loops = loops
        self.repeat = len(timings)
        self.timings = timings
        self.best = min(timings)
        self.worst = max(timings)
        self.average = math.fsum(timings) / len(timings)
        squares = math.fsum((each - self.average) ** 2 for each in timings)
        self.stdev = math.sqrt(squares / len(timings))

    def __str__(self) -> str:
        runs, loops = ("s" if n != 1 else "" for n in (self.repeat, self.loops))
        return (
            f"{span(self.average)} ± {span(self.stdev)} per loop (mean ± std. dev. of"
            f" {self.repeat} run{runs}, {self.loops:,} loop{loops} each)"
        )

    def __repr__(self) -> str:
        return f"<TimeitResult : {self}>"


def line_timeit(call: Call) -> Optional[TimeitResult]:
    """Time a statement: ``%timeit [-n LOOPS] [-r REPEATS] [-o] [-q] STATEMENT``."""
    options, statement = call.options("n:r:oqptc")
    if not statement.strip():
        raise UsageError("give a statement: %timeit STATEMENT")
    return _timeit(call, options, statement, "pass")


def cell_timeit(call: Call) -> Optional[TimeitResult]:
    """Time the cell; the rest of the first line is its set-up."""
    options, setup = call.options("n:r:oqptc")
    return _timeit(call, options, call.cell, setup.strip() or "pass")


def _timeit(
    call: Call, options: Dict[str, str], statement: str, setup: str
) -> Optional[TimeitResult]:
    timer = timeit.Timer(statement.strip("\n") or "pass", setup, globals=call.names)
    try:
        loops = int(options.get("n", 0)) or timer.autorange()[0]
        repeat = max(1, int(options.get("r", _REPEATS)))
    except ValueError:
        raise UsageError("-n and -r take whole numbers") from None
    result = TimeitResult(loops, [each / loops for each in timer.repeat(repeat, loops)])
    if "q" not in options:
        call.shell.streams.out(f"{result}\n")
    return result if "o" in options else None


def span(seconds: float) -> str:
    """Three digits of a time in a fitting unit; minutes and hours from one minute on."""
    if seconds >= 60:  # noqa: PLR2004 - a minute
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}h {minutes}min {rest}s" if hours else f"{minutes}min {rest}s"
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
