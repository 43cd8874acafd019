"""Where the shell's own words go, whatever user code does to `sys.stdout`."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


class Streams:
    """Remembers the streams of its birth; uses the present ones as long as they work.

    The present ones come first because ``%%capture`` and `contextlib.redirect_stdout` put theirs
    there. `print` is not used: user code may have deleted it.
    """

    def __init__(self) -> None:
        self._out = sys.stdout
        self._err = sys.stderr

    @property
    def is_redirected(self) -> bool:
        """`sys.stdout` is not the one that child processes write to."""
        return sys.stdout is not self._out

    def out(self, text: str) -> None:
        """Write to standard output."""
        _write(sys.stdout, self._out, text)

    def err(self, text: str) -> None:
        """Write to standard error."""
        _write(sys.stderr, self._err, text)

    def flush(self) -> None:
        """Let what is buffered go before a child process writes to the same descriptors."""
        for stream in (self._out, self._err):
            try:
                stream.flush()
            except (OSError, ValueError):  # closed by user code
                pass


def _write(present: TextIO, saved: TextIO, text: str) -> None:
    try:
        present.write(text)
    except Exception:  # noqa: BLE001 - None, closed, or an object of the user's that raises
        saved.write(text)
