"""Source with magics, shell commands and questions in, plain Python out.

Every transformed statement takes as many lines as before, so line numbers stay right. A statement
of Python cannot begin with ``%``, ``!`` or ``?``, nor have ``%`` or ``!`` just after ``=``; so only
the places where a statement begins and assignments have to be looked at.
"""

from __future__ import annotations

import re

from wherry_runner.plain.lexing import tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Tuple

_INDENT = re.compile(r"[ \t]*")
_LEADING = re.compile(r"(?:[ \t]*\n)*")
_NAME = re.compile(r"%{0,2}[^\W\d][\w.]*(?:\[[^\]\n]*\][\w.]*)*|\*?[\w.*]+")
_HELP_AFTER = re.compile(rf"(?P<name>{_NAME.pattern})(?P<marks>\?\??)\s*")
_HELP_BEFORE = re.compile(rf"(?P<marks>\?\??)\s*(?P<name>{_NAME.pattern})\s*")
_MAGIC = re.compile(r"%\s*(?P<name>%?[^\W\d][\w.]*)[ \t]*(?P<line>.*)", re.DOTALL)
_ASSIGNED = re.compile(r"[ \t]*(?:!|%\s*[^\W\d])")
_DEPTH = {"open": 1, "close": -1}


def transform(code: str) -> str:
    """Return `code` as Python. Code that needs nothing comes back as it is."""
    code = _without_indent(code.replace("\r\n", "\n"))
    if not any(mark in code for mark in "%!?"):
        return code
    leading = _leading_lines(code)
    if code.startswith("%%", leading):
        return code[:leading] + _cell_magic(code[leading:])
    parts, position = [], 0
    while position < len(code):
        text, position = _statement(code, position)
        parts.append(text)
    return "".join(parts)


def is_cell_magic(code: str) -> bool:
    """Say whether the whole of `code` belongs to a ``%%magic``."""
    return code.startswith("%%", _leading_lines(code)) and "?" not in code.split("\n", 1)[0]


def _leading_lines(code: str) -> int:
    found = _LEADING.match(code)
    return found.end() if found else 0


def _without_indent(code: str) -> str:
    """Take off the first line's indentation, so that a piece of a function can be pasted."""
    start = _leading_lines(code)
    found = _INDENT.match(code, start)
    indent = found[0] if found else ""
    if not indent:
        return code
    lines = code.split("\n")
    return "\n".join(line[len(indent) :] if line.startswith(indent) else line for line in lines)


def _cell_magic(code: str) -> str:
    first, newline, body = code.partition("\n")
    question = _HELP_AFTER.fullmatch(first)
    if question:
        return _help(question["name"], question["marks"]) + newline + body
    name, _, line = first[2:].strip().partition(" ")
    return f"get_ipython().run_cell_magic({name!r}, {line.strip()!r}, {body!r})\n"


def _statement(code: str, start: int) -> Tuple[str, int]:
    """Transform the logical line at `start`; return it and where the next one begins."""
    found = _INDENT.match(code, start)
    indent = found[0] if found else ""
    first = start + len(indent)
    if code.startswith(("%", "!", "?"), first):
        text, end = _raw_line(code, first)
        return indent + _escaped(text) + _newlines(code, first, end), end
    depth = 0
    for kind, token_start, end in tokens(code, start):
        depth = max(0, depth + _DEPTH.get(kind, 0))
        if depth:
            continue
        if kind == "newline":
            return _question(code[start:end]), end
        if code[token_start:end] == "=" and _ASSIGNED.match(code, end):
            text, line_end = _raw_line(code, end)
            call = _assigned(text.strip())
            return f"{code[start:end]} {call}{_newlines(code, end, line_end)}", line_end
    return _question(code[start:]), len(code)


def _raw_line(code: str, start: int) -> Tuple[str, int]:
    """Return the line from `start`, joined over trailing backslashes, and where the next begins."""
    lines: List[str] = []
    position = start
    while True:
        newline = code.find("\n", position)
        end = len(code) if newline < 0 else newline
        line = code[position:end]
        position = min(end + 1, len(code))
        if not line.endswith("\\") or newline < 0:
            return "".join((*lines, line)), position
        lines.append(line[:-1])


def _newlines(code: str, start: int, end: int) -> str:
    return "\n" * code.count("\n", start, end)


def _escaped(text: str) -> str:
    """Transform a line that begins with ``%``, ``!`` or ``?``."""
    text = text.rstrip()
    question = _HELP_BEFORE.fullmatch(text) or (
        _HELP_AFTER.fullmatch(text) if text.startswith("%") else None
    )
    if question:
        return _help(question["name"], question["marks"])
    if text.startswith("!!"):
        return f"get_ipython().getoutput({text[2:].strip()!r})"
    if text.startswith("!"):
        return f"get_ipython().system({text[1:].strip()!r})"
    return _magic(text) or text


def _assigned(text: str) -> str:
    if text.startswith("!"):
        return f"get_ipython().getoutput({text.lstrip('!').strip()!r})"
    return _magic(text) or text


def _magic(text: str) -> str:
    found = _MAGIC.fullmatch(text)
    if not found:
        return ""
    return f"get_ipython().run_line_magic({found['name']!r}, {found['line']!r})"


def _question(line: str) -> str:
    """Transform ``name?``. A question mark outside of strings and comments is never Python."""
    stripped = line.strip()
    question = _HELP_AFTER.fullmatch(stripped) if stripped.endswith("?") else None
    if not question:
        return line
    ending = "\n" if line.endswith("\n") else ""
    indent = line[: len(line) - len(line.lstrip())]
    return indent + _help(question["name"], question["marks"]) + ending


def _help(name: str, marks: str) -> str:
    magic = "psearch" if "*" in name else {"?": "pinfo", "??": "pinfo2"}[marks]
    return f"get_ipython().run_line_magic({magic!r}, {name!r})"
