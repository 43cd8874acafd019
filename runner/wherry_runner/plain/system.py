"""Commands of the system's shell: ``!cmd``, ``x = !cmd``, ``%pip`` and their like."""

from __future__ import annotations

import os
import re
import string
import subprocess
from collections import ChainMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

    from wherry_runner.plain.streams import Streams

    Command = Union[str, Sequence[str]]

#: ``$name``, ``$name.attribute``, and ``$$name`` for a literal ``$name``.
_DOLLAR = re.compile(r"\$(\$?)([^\W\d]\w*(?:\.[^\W\d]\w*)*)")


class Lines(list):  # type: ignore[type-arg]
    """The lines of a command's output, also as ``.n`` (one text) and ``.s`` (by spaces)."""

    @property
    def n(self) -> str:
        return "\n".join(self)

    @property
    def s(self) -> str:
        return " ".join(self)

    @property
    def l(self) -> List[str]:  # noqa: E743 - IPython's name
        return self

    def grep(self, pattern: str) -> Lines:
        """Return the lines in which the regular expression `pattern` is found."""
        return Lines(line for line in self if re.search(pattern, line, re.IGNORECASE))

    def fields(self, *numbers: int) -> Lines:
        """Return the lines' words with these numbers, joined by spaces."""
        rows = (line.split() for line in self)
        return Lines(" ".join(row[n] for n in numbers if n < len(row)) for row in rows)


def run(command: Command, streams: Streams, *, text: Optional[str] = None) -> int:
    """Run a command that writes to our own descriptors 1 and 2; return its exit code.

    Where Python's output is redirected (``%%capture``), the command's is copied there. `text` is
    what it reads; otherwise it finds an empty standard input.
    """
    streams.flush()
    shell = _shell(command)
    if streams.is_redirected:
        finished = subprocess.run(
            command, **shell, **_input(text), capture_output=True, check=False
        )
        streams.out(_decoded(finished.stdout))
        streams.err(_decoded(finished.stderr))
        return finished.returncode
    return subprocess.run(command, **shell, **_input(text), check=False).returncode


def output_of(command: Command) -> Tuple[Lines, int]:
    """Run a command; return the lines of its output (standard error included) and exit code."""
    finished = subprocess.run(
        command,
        **_shell(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return Lines(_decoded(finished.stdout).splitlines()), finished.returncode


def answer_of(command: Command, text: str) -> Tuple[str, int]:
    """Run a command that reads `text`; return what it writes to standard output and exit code."""
    finished = subprocess.run(
        command, **_shell(command), **_input(text), stdout=subprocess.PIPE, check=False
    )
    return _decoded(finished.stdout), finished.returncode


def _shell(command: Command) -> Any:
    if not isinstance(command, str):
        return {"shell": False}
    # The user's own shell, as in IPython, so that its words work; sh where there is none.
    own = os.environ.get("SHELL", "")
    return {"shell": True, "executable": own if os.access(own, os.X_OK) else None}


def _input(text: Optional[str]) -> Any:
    if text is None:
        return {"stdin": subprocess.DEVNULL}
    return {"input": text.encode("utf-8", "surrogateescape")}


def _decoded(output: bytes) -> str:
    return output.decode("utf-8", "replace").replace("\r\n", "\n")


def interpolate(text: str, frame: FrameType) -> str:
    """Replace ``{expression}``, ``$name`` by values of the calling frame.

    When one of them has no value the whole text stays as it is: awk and shell functions use braces
    too.
    """
    if "{" not in text and "$" not in text:
        return text
    names = ChainMap(dict(frame.f_locals), frame.f_globals)
    try:
        return "".join(_expanded(text, frame.f_globals, names))
    except Exception:  # noqa: BLE001 - no value, or not meant for us: see above
        return text


def _expanded(text: str, globals_: Any, names: Mapping[str, Any]) -> List[str]:
    formatter = string.Formatter()
    parts = []
    for literal, expression, spec, conversion in formatter.parse(text):
        parts.append(_DOLLAR.sub(lambda found: _dollar(found, globals_, names), literal))
        if expression is not None:
            value = eval(expression, globals_, names)  # noqa: S307
            value = formatter.convert_field(value, conversion)
            parts.append(format(value, spec or ""))
    return parts


def _dollar(found: re.Match[str], globals_: Any, names: Mapping[str, Any]) -> str:
    if found[1]:
        return "$" + found[2]
    if found[2].split(".", 1)[0] not in names:
        return found[0]
    return str(eval(found[2], globals_, names))  # noqa: S307
