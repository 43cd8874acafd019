"""Is this piece of code ready to run, or does it go on? For consoles."""

from __future__ import annotations

import _ast
import re
import sys
import warnings

from wherry_runner.plain.lexing import Position
from wherry_runner.plain.transform import is_cell_magic, transform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Tuple

#: Flags of `codeop`: do not end an open block for the author, and say when more may come (3.11).
_DONT_IMPLY_DEDENT, _ALLOW_INCOMPLETE_INPUT = 0x200, 0x4000

_INDENT = re.compile(r"[ \t]*")
_STEP = "    "
_LEAVES_BLOCK = re.compile(r"\s*(?:return|pass|break|continue|raise)\b")


def completeness(code: str) -> Tuple[str, str]:
    """See `Host.is_complete`."""
    if not code.strip():
        return "complete", ""
    lines = code.split("\n")
    if is_cell_magic(code):
        return ("complete", "") if not lines[-1].strip() and len(lines) > 1 else ("incomplete", "")
    source = transform(code)
    position = Position(source)
    if code.endswith("\\") and position.string is None and not position.in_comment:
        return "incomplete", _indent(lines[-1])
    if position.brackets or (position.string is not None and _is_triple(source, position.string)):
        return "incomplete", _bracket_indent(source, position)
    status = _parsed(source)
    if status == "invalid":
        return "invalid", ""
    last = lines[-1]
    if status == "complete" and not (last.strip() and _indent(last)):
        return "complete", ""
    return "incomplete", _next_indent(lines)


def _is_triple(source: str, start: int) -> bool:
    return re.match(r"\w*('''|\"\"\")", source[start:]) is not None


def _parsed(source: str) -> str:
    """Return ``complete``, ``incomplete`` or ``invalid`` for code without open brackets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a bad escape warns again when the code runs
        try:
            _parse(source, 0)
        except SyntaxError as error:
            return _failed(source, error)
        except (ValueError, OverflowError, RecursionError, MemoryError):
            return "invalid"
    return "complete"


def _failed(source: str, error: SyntaxError) -> str:
    """Tell what more lines could mend. What fails in the same way after one more is wrong."""
    if sys.version_info >= (3, 11):
        try:
            _parse(source, _DONT_IMPLY_DEDENT | _ALLOW_INCOMPLETE_INPUT)
        except SyntaxError as again:
            return "incomplete" if "incomplete input" in str(again) else "invalid"
        return "complete"
    del error
    first, second = (_error(source + ending) for ending in ("\n", "\n\n"))
    return "invalid" if first == second else "incomplete"


def _error(source: str) -> str:
    try:
        _parse(source, _DONT_IMPLY_DEDENT)
    except SyntaxError as error:
        return repr(error)
    return ""


def _parse(source: str, flags: int) -> None:
    flags |= _ast.PyCF_ONLY_AST | _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compile(source, "<input>", "exec", flags, dont_inherit=True)


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    return found[0] if found else ""


def _bracket_indent(source: str, position: Position) -> str:
    if not position.brackets or position.string is not None:
        return ""
    at = position.brackets[-1]
    line_start = source.rfind("\n", 0, at) + 1
    return _indent(source[line_start:at]) + _STEP


def _next_indent(lines: List[str]) -> str:
    filled = [line for line in lines if line.strip()]
    last = filled[-1]
    indent = _indent(last)
    if last.split("#", 1)[0].rstrip().endswith(":"):
        return indent + _STEP
    return indent[: -len(_STEP)] if _LEAVES_BLOCK.match(last) else indent
