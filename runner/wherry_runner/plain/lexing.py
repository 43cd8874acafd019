"""A tolerant reading of Python source: strings, brackets, comments and lines, never an error.

The standard tokenizer raises on half a line (3.12) or reads it differently per version, and what we
have to read is half-typed code and code with shell commands in it.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Tuple

    #: Kind, start and end. Kinds: name number string open_string comment newline open close op.
    Token = Tuple[str, int, int]

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\f]+|\\\r?\n)
  | (?P<comment>\#[^\n]*)
  | (?P<string>(?:[bBfFrRtTuU]{1,3})?(?P<quote>'''|\"\"\"|'|\"))
  | (?P<newline>\n)
  | (?P<name>[^\W\d]\w*)
  | (?P<number>\.?\d[\w.]*)
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<op>(?:\*\*|//|<<|>>|[-+*/%@&|^=!<>:])=|->|\*\*|//|.)
    """,
    re.VERBOSE | re.DOTALL,
)

#: Where a string that began with this quote ends; single quotes end with the line at the latest.
_ENDS = {
    "'": re.compile(r"(?:[^\\\n']|\\.)*'", re.DOTALL),
    '"': re.compile(r'(?:[^\\\n"]|\\.)*"', re.DOTALL),
    "'''": re.compile(r"(?:[^\\]|\\.)*?'''", re.DOTALL),
    '"""': re.compile(r'(?:[^\\]|\\.)*?"""', re.DOTALL),
}

#: The rest of the line, over escaped line ends.
_LINE = re.compile(r"(?:[^\\\n]|\\.)*\\?", re.DOTALL)


def tokens(code: str, start: int = 0) -> Iterator[Token]:
    """Yield the tokens from `start`; a string without an end is one ``open_string``."""
    position = start
    while position < len(code):
        found = _TOKEN.match(code, position)
        if found is None:  # never: the last alternative takes any character
            return
        kind, end = found.lastgroup or "string", found.end()
        if found["quote"]:
            kind, end = _string(code, end, found["quote"])
        if kind != "blank":
            yield kind, position, end
        position = end


def _string(code: str, start: int, quote: str) -> Tuple[str, int]:
    closed = _ENDS[quote].match(code, start)
    if closed is not None:
        return "string", closed.end()
    unclosed = None if len(quote) == 3 else _LINE.match(code, start)  # noqa: PLR2004 - tripled
    return "open_string", unclosed.end() if unclosed else len(code)


class Position:
    """What surrounds the end of `code`: the open brackets and the string that it stands in."""

    def __init__(self, code: str) -> None:
        #: Offsets of the brackets that are open, outermost first.
        self.brackets: List[int] = []
        #: Offset of the open string's prefix or quote.
        self.string: Optional[int] = None
        self.in_comment = False
        #: The tokens of the last logical line.
        self.line: List[Token] = []
        for token in tokens(code):
            self._take(token, len(code))

    def _take(self, token: Token, length: int) -> None:
        kind, start, end = token
        if kind == "open":
            self.brackets.append(start)
        elif kind == "close" and self.brackets:
            self.brackets.pop()
        elif kind == "newline" and not self.brackets:
            self.line = []
            return
        elif kind == "open_string" and end == length:
            self.string = start
        elif kind == "comment" and end == length:
            self.in_comment = True
        self.line.append(token)


def ends_with_semicolon(code: str) -> bool:
    """Say whether the last thing in `code`, comments aside, is a semicolon."""
    if ";" not in code:
        return False
    last = ""
    for kind, start, end in tokens(code):
        if kind not in ("comment", "newline"):
            last = code[start:end]
    return last == ";"
