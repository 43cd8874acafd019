"""Reads the stacks that faulthandler prints and keeps what the user can do something about. Pure.

faulthandler prints the innermost call first, knows only file names, and shows our own frames and
IPython's below the cell. People read the outermost call first, know cells by number, and wrote
nothing below the cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Calls shown from each end of a long stack: 12 tell how it began, 20 where it ended.
_OUTER, _INNER = 12, 20

_THREAD = re.compile(
    r"(?P<current>Current thread|Stack)\b.*\(most recent call first\):|Thread 0x.*:"
)
_CALL = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+|\?\?\?) in (?P<function>.*)')
#: What cells are called when nobody gave a better name: our plain shell's and IPython's way.
_CELL = re.compile(r"<(?:cell |ipython-input-)(\d+)\b.*>")
_OURS = re.compile(r"wherry_runner[/\\.]|[/\\]IPython[/\\]core[/\\]")


@dataclass(frozen=True)
class Call:
    """One line of a stack; `label` is the cell's name where the file is a cell."""

    file: str
    line: str
    function: str
    label: str | None = None

    def __str__(self) -> str:
        where = f"{self.label}, line {self.line}" if self.label else f"File {self.file}:{self.line}"
        return where if self.function == "<module>" else f"{where}, in {self.function}"


@dataclass(frozen=True)
class Thread:
    """The calls of one thread, innermost first, as faulthandler gave them."""

    current: bool
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Trace:
    """What is shown: `place` in one phrase, `text` with the outermost call first. May be empty."""

    place: str = ""
    text: str = ""


def read(text: str, *, labels: Mapping[str, str]) -> tuple[Thread, ...]:
    """Parse faulthandler's text; lines of any other shape are skipped.

    `labels` names cells by file name. faulthandler escapes what is not ASCII, so names are
    compared in that form.
    """
    names = {_ascii(file): label for file, label in labels.items()}
    threads: list[tuple[bool, list[Call]]] = []
    for line in text.splitlines():
        if header := _THREAD.match(line):
            threads.append((header["current"] is not None, []))
        elif threads and (call := _CALL.match(line)):
            file, number, function = call.group("file", "line", "function")
            threads[-1][1].append(Call(file, number, function, _label(file, names)))
    return tuple(Thread(current, tuple(calls)) for current, calls in threads)


def trim(text: str, *, labels: Mapping[str, str]) -> Trace:
    """Keep the threads that run the user's code, without what lies below the cell.

    A thread with no cell in it is shown only when it is the one that faulted.
    """
    threads = sorted(read(text, labels=labels), key=lambda thread: not thread.current)
    shown = [calls for thread in threads if (calls := _users(thread))]
    if not shown:
        return Trace()
    blocks = ["\n".join(_lines(calls)) for calls in shown]
    return Trace(_place(shown[0]), "\nIn another thread:\n".join(blocks))


def _ascii(file: str) -> str:
    return file.encode("ascii", "backslashreplace").decode("ascii")


def _label(file: str, names: Mapping[str, str]) -> str | None:
    if file in names:
        return names[file]
    cell = _CELL.fullmatch(file)
    return f"Cell In[{cell[1]}]" if cell else None


def _users(thread: Thread) -> tuple[Call, ...]:
    cells = [at for at, call in enumerate(thread.calls) if call.label]
    if cells:
        return thread.calls[: cells[-1] + 1]
    if not thread.current:
        return ()
    above = tuple(takewhile(lambda call: not _OURS.search(call.file), thread.calls))
    return above or thread.calls


def _place(calls: Sequence[Call]) -> str:
    inner = calls[0]
    cell = next((call for call in calls if call.label), None)
    if cell is None or cell is inner:
        return str(inner)
    short = "/".join(re.split(r"[/\\]", inner.file)[-2:])
    return f"{cell.label}, line {cell.line}, inside {inner.function} ({short}:{inner.line})"


def _lines(calls: Iterable[Call]) -> list[str]:
    lines: list[str] = []
    for line, same in groupby(str(call) for call in reversed(tuple(calls))):
        repeats = sum(1 for _ in same) - 1
        lines.append(line)
        if repeats:
            lines.append(f"    [the same call {repeats} more times]")
    left_out = len(lines) - _OUTER - _INNER
    if left_out > 1:
        lines[_OUTER:-_INNER] = [f"    [{left_out} lines left out]"]
    return lines
