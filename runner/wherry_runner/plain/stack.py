"""Which stack entries a person sees: the user's, not ours, and not a thousand alike."""

from __future__ import annotations

from itertools import groupby

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any, Dict, Iterator, List, Optional, Tuple

    from wherry_runner.plain.cells import Cells

#: In a stack longer than this, a stretch of entries that all occur more than `_OFTEN` times (a
#: recursion) is shown by its first and last ones.
_LONG, _OFTEN, _ENDS = 40, 5, 3

_OURS = "wherry_runner"
_DEBUGGER = ("_pydevd_", "pydevd")
_HELPERS = frozenset(("ast", "runpy", "shlex", "subprocess", "timeit", "tokenize"))

_VARARGS, _VARKEYWORDS = 0x04, 0x08


class Entry:
    """One line of the stack."""

    def __init__(self, frame: FrameType, line: Optional[int], instruction: int) -> None:
        code = frame.f_code
        self.filename = code.co_filename
        self.globals: Dict[str, Any] = frame.f_globals
        self.line = line or code.co_firstlineno
        self.name: str = getattr(code, "co_qualname", code.co_name)
        self.is_function = code.co_name != "<module>"
        #: How many entries like this one were left out; then this one stands for them.
        self.skipped = 0
        self.key = (self.filename, self.line)
        self._code = code
        self._instruction = instruction

    @property
    def arguments(self) -> str:
        """The parameters' names in parentheses; nothing for comprehensions and class bodies."""
        code = self._code
        return "" if code.co_name.startswith("<") else f"({', '.join(_parameters(code))})"

    @property
    def columns(self) -> Optional[Tuple[int, int]]:
        """The bytes of the line that were being evaluated, where Python (3.11) knows."""
        positions = getattr(self._code, "co_positions", None)
        if positions is None or self._instruction < 0:
            return None
        for index, (line, end_line, start, end) in enumerate(positions()):
            if index == self._instruction // 2:
                known = line == end_line == self.line and start is not None and end is not None
                return (start, end) if known else None
        return None


def entries(tb: Any, cells: Cells) -> Iterator[Entry]:
    """Yield the entries of `tb` to show, outermost first."""
    found: List[Entry] = []
    called_by_us = False
    while tb is not None:
        module = _module(tb.tb_frame)
        if module.startswith(_DEBUGGER):
            # Interrupted while it was stopped. Before 3.12 the place stands there twice.
            if len(found) > 1 and found[-1].key == found[-2].key:
                found.pop()
            break
        # What we call for a magic is as little of the user's as we are.
        called_by_us = module == _OURS or (called_by_us and module in _HELPERS)
        if not called_by_us:
            found.append(Entry(tb.tb_frame, tb.tb_lineno, tb.tb_lasti))
        tb = tb.tb_next
    return _shortened(_from_first_cell(found, cells))


def _module(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name.partition(".")[0] if isinstance(name, str) else ""


def _from_first_cell(found: List[Entry], cells: Cells) -> List[Entry]:
    """Drop what lies before the first cell: the machinery that called it (asyncio, contextlib)."""
    for index, entry in enumerate(found):
        if cells.label(entry.filename) is not None:
            return found[index:]
    return found


def _shortened(found: List[Entry]) -> Iterator[Entry]:
    if len(found) <= _LONG:
        return iter(found)
    counts: Dict[Tuple[str, int], int] = {}
    for entry in found:
        counts[entry.key] = counts.get(entry.key, 0) + 1
    return _without_repetition(found, counts)


def _without_repetition(found: List[Entry], counts: Dict[Tuple[str, int], int]) -> Iterator[Entry]:
    for repeats, group in groupby(found, lambda entry: counts[entry.key] > _OFTEN):
        stretch = list(group)
        if not repeats or len(stretch) <= 2 * _ENDS:
            yield from stretch
            continue
        yield from stretch[:_ENDS]
        stand_in = max(stretch[_ENDS:-_ENDS], key=lambda entry: counts[entry.key])
        stand_in.skipped = len(stretch) - 2 * _ENDS
        yield stand_in
        yield from stretch[-_ENDS:]


def _parameters(code: CodeType) -> Iterator[str]:
    names = code.co_varnames
    positional = code.co_argcount
    named = positional + code.co_kwonlyargcount
    yield from names[:positional]
    has_varargs = bool(code.co_flags & _VARARGS)
    if has_varargs:
        yield "*" + names[named]
    yield from names[positional:named]
    if code.co_flags & _VARKEYWORDS:
        yield "**" + names[named + has_varargs]
