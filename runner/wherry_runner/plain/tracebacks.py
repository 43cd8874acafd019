"""Exceptions in words, in the look that notebook users know.

What an exception says about itself is the user's code (``__str__``, class names, notes), so each
such question may fail without spoiling the rest.
"""

from __future__ import annotations

import linecache

from wherry_runner.plain.stack import Entry, entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Set, Tuple

    from wherry_runner.plain.cells import Cells

_RED, _GREEN, _BLUE, _END = "\x1b[31m", "\x1b[32m", "\x1b[34m", "\x1b[39m"
_MARK, _MARK_END = "\x1b[4m", "\x1b[24m"

_WIDTH = 75
_AROUND = 2

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"

#: Exceptions of one group that are shown, and how deep groups in groups go.
_MEMBERS, _DEPTH = 15, 10

MODES = ("Plain", "Context", "Verbose", "Minimal")


class Tracebacks:
    """Formats exceptions. `mode` is one of `MODES`."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self.mode = "Context"

    def format(self, error: BaseException, tb: Any = None) -> List[str]:
        """Return the lines' blocks for `error` with its causes, without our own entries."""
        if self.mode == "Minimal":
            return self._ending(error)
        self._cells.restore_sources()
        blocks: List[str] = []
        for index, (link, part) in enumerate(_chain(error)):
            if index:
                blocks += ["", link, ""]
            blocks += self._one(part, tb if part is error else part.__traceback__, index)
        return blocks

    def _one(self, error: BaseException, tb: Any, index: int) -> List[str]:
        shown = list(entries(tb, self._cells))
        if is_a(error, SyntaxError) and not shown and not index:
            return self._ending(error)
        name = class_name(error)
        title = "Traceback (most recent call last)"
        head = [f"{_RED}{'-' * _WIDTH}{_END}"] if not index else []
        head.append(f"{_RED}{name}{_END}{title:>{max(_WIDTH - len(name), len(title) + 1)}}")
        frame = self._plain_frame if self.mode == "Plain" else self._frame
        return [*head, *map(frame, shown), *self._ending(error)]

    def _plain_frame(self, entry: Entry) -> str:
        if entry.skipped:
            return self._skipped(entry)
        line = linecache.getline(entry.filename, entry.line, entry.globals).strip()
        place = f"  {self._place(entry)}, in {entry.name}"
        return f"{place}\n    {line}" if line else place

    def _frame(self, entry: Entry) -> str:
        if entry.skipped:
            return self._skipped(entry)
        return "\n".join((self._title(entry), *_context(entry))) + "\n"

    def _skipped(self, entry: Entry) -> str:
        where = f"{entry.name} at {self._place(entry)}"
        return f"    [... skipping {entry.skipped} frames, most of them {where}]\n"

    def _title(self, entry: Entry) -> str:
        inside = f", in {_BLUE}{entry.name}{entry.arguments}{_END}" if entry.is_function else ""
        return self._place(entry) + inside

    def _place(self, entry: Entry) -> str:
        return self._location(entry.filename, entry.line)

    def _location(self, filename: str, line: Any) -> str:
        label = self._cells.label(filename)
        if label is None:
            return f"File {_GREEN}{filename}:{line}{_END}"
        return f"{label}, line {_GREEN}{line}{_END}"

    def _ending(self, error: BaseException, depth: int = 0) -> List[str]:
        """The last lines: where a syntax error is, what the error says, its notes, its members."""
        name = class_name(error)
        said, place = message(error), []
        if is_a(error, SyntaxError):
            syntax: Any = error
            said, place = _syntax_message(syntax), self._syntax_place(syntax)
        last = f"{_RED}{name}{_END}: {said}" if said else f"{_RED}{name}{_END}"
        return [*place, last, *_notes(error), *self._members(error, depth)]

    def _syntax_place(self, error: SyntaxError) -> List[str]:
        # Anybody can raise a SyntaxError of any contents.
        line: Any = error.lineno
        filename: Any = error.filename
        if not (isinstance(line, int) and isinstance(filename, str)):
            return []
        block = [f"  {self._location(filename, line)}"]
        text: Any = error.text or linecache.getline(filename, line)
        if isinstance(text, str) and text.strip():
            block += _caret(text.rstrip("\n"), error)
        return ["\n".join(block)]

    def _members(self, error: BaseException, depth: int) -> List[str]:
        members: Any = getattr(error, "exceptions", ())
        if not _is_group(error):
            return []
        if depth >= _DEPTH:
            return ["  | ..."]
        lines = []
        for number, member in enumerate(members[:_MEMBERS], 1):
            lines.append(f"  +---------------- {number} ----------------")
            for block in self._member(member, depth + 1):
                lines += ["  | " + line for line in block.splitlines()]
        if len(members) > _MEMBERS:
            lines.append(f"  | and {len(members) - _MEMBERS} more")
        lines.append("  +------------------------------------")
        return ["\n".join(lines)]

    def _member(self, error: BaseException, depth: int) -> List[str]:
        shown = [self._plain_frame(entry) for entry in entries(error.__traceback__, self._cells)]
        head = ["Traceback (most recent call last):"] if shown else []
        return [*head, *shown, *self._ending(error, depth)]


def is_a(error: BaseException, cls: type) -> bool:
    """isinstance() would also ask ``error.__class__``, which user code may have written."""
    return issubclass(type(error), cls)


def class_name(error: BaseException) -> str:
    """The class's name, past whatever a metaclass says."""
    if is_a(error, KeyboardInterrupt):  # the second stage of an interrupt has a class of its own
        return "KeyboardInterrupt"
    return _name(type(error))


def _name(cls: type) -> str:
    return str(type.__getattribute__(cls, "__name__"))


def message(error: BaseException) -> str:
    """``str(error)``, or words for why there is none."""
    try:
        return str(error)
    except BaseException as failure:  # the user's code
        if is_a(failure, KeyboardInterrupt):
            raise
        return f"<exception str() failed with {class_name(failure)}>"


def _notes(error: BaseException) -> List[str]:
    notes = getattr(error, "__notes__", None)
    if not isinstance(notes, (list, tuple)):
        return []
    return [note if isinstance(note, str) else repr(note) for note in notes]


def _chain(error: BaseException) -> Iterator[Tuple[str, BaseException]]:
    """Yield the causes, the first one first; each once, since user code can tie them in a ring."""
    parts: List[Tuple[str, BaseException]] = []
    seen: Set[int] = set()
    link, current = "", error
    while id(current) not in seen:
        seen.add(id(current))
        parts.append((link, current))
        link, before = _before(current)
        if before is None:
            break
        current = before
    # Each link stands before the exception that came later.
    links = [link for link, _ in parts[1:]]
    errors = [part for _, part in parts]
    return zip(["", *reversed(links)], reversed(errors))


def _before(error: BaseException) -> Tuple[str, Optional[BaseException]]:
    if error.__cause__ is not None:
        return _CAUSE, error.__cause__
    return _CONTEXT, None if error.__suppress_context__ else error.__context__


def _is_group(error: BaseException) -> bool:
    # By name: before 3.11 the class comes from the backport.
    return any(_name(cls) == "BaseExceptionGroup" for cls in type.mro(type(error)))


def _context(entry: Entry) -> Iterator[str]:
    """Yield the line of the entry with an arrow and the lines around it."""
    lines = linecache.getlines(entry.filename, entry.globals)
    if not 0 < entry.line <= len(lines):
        return
    first = max(1, entry.line - _AROUND)
    last = min(len(lines), entry.line + _AROUND)
    while last > entry.line and not lines[last - 1].strip():
        last -= 1
    width = max(len(str(last)) + 4, 7)
    for number in range(first, last + 1):
        text = lines[number - 1].rstrip("\n")
        if number == entry.line:
            arrow = "-" * (width - len(str(number)) - 2) + "> "
            yield f"{_GREEN}{arrow}{number}{_END} {_marked(text, entry.columns)}"
        else:
            yield f"{_GREEN}{number:>{width}}{_END} {text}"


def _marked(text: str, columns: Optional[Tuple[int, int]]) -> str:
    """Underline what was being evaluated, unless that is the whole line."""
    if columns is None:
        return text
    encoded = text.encode("utf-8", "surrogatepass")
    before, inside, after = (
        part.decode("utf-8", "replace")
        for part in (
            encoded[: columns[0]],
            encoded[columns[0] : columns[1]],
            encoded[columns[1] :],
        )
    )
    if not before.strip() and not after.strip():
        return text
    return f"{before}{_MARK}{inside}{_MARK_END}{after}"


def _syntax_message(error: SyntaxError) -> str:
    # str() of it would repeat file and line, which stand above.
    said: Any = error.msg
    return said if isinstance(said, str) else message(error)


def _caret(text: str, error: SyntaxError) -> List[str]:
    stripped = text.lstrip()
    lines = ["    " + stripped]
    offset, end = error.offset, getattr(error, "end_offset", None)
    if not isinstance(offset, int) or offset < 1:
        return lines
    column = max(0, offset - 1 - (len(text) - len(stripped)))
    same_line = getattr(error, "end_lineno", None) == error.lineno
    width = end - offset if same_line and isinstance(end, int) else 1
    width = max(1, min(width, len(stripped) - column))
    return [*lines, "    " + " " * column + "^" * width]
