"""Starts the runner's interpreter before anything else is imported.

Which interpreter is usually known from the command line alone. When a configuration file turns
out to name another one, the one that was started is thrown away. Nothing slow may be imported
here: every millisecond delays the interpreter that everybody waits for.
"""

from __future__ import annotations

import sys

from wherry_supervisor import boot

TYPE_CHECKING = False  # typing.TYPE_CHECKING without its import
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from wherry_supervisor.launchers import Launched

_PYTHON = "--WherryKernel.python="
_HOST = "--WherryKernel.host="
#: Command lines that start no runner, or not this way.
_WITHOUT = ("--WherryKernel.mode=inprocess", "--help", "-h", "--help-all", "--version")
_LAUNCHER = "--WherryKernel.launcher="


class Prelaunched:
    """An interpreter that is on its way up."""

    def __init__(
        self, python: str | None, process: subprocess.Popen[bytes], nonce: str, host: str
    ) -> None:
        self.python = python
        self._process = process
        self._nonce = nonce
        # Here and not in `adopt`: the interpreter is waiting for it long before we have a loop.
        # And not above: the interpreter comes up during this import.
        from wherry_supervisor.bundle import payload

        self._rest = boot.send(process, payload(nonce, host, local=True))

    def adopt(self) -> Launched:
        """Take it over. Once."""
        from wherry_supervisor.launchers import adopt

        return adopt(self._process, self._nonce, self._rest)

    def discard(self) -> None:
        """End it: another one is wanted."""
        self._process.kill()
        self._process.communicate()


def prelaunch(words: Sequence[str]) -> Prelaunched | None:
    """Start what the command line asks for; None when that fails: the ordinary start tells why."""
    if any(word in _WITHOUT or word.startswith(_LAUNCHER) for word in words):
        return None
    python = _named(_PYTHON, words)
    nonce = boot.new_nonce()
    try:
        process = boot.begin((python or sys.executable, "-c", boot.BOOT), nonce)
    except OSError:
        return None
    return Prelaunched(python or None, process, nonce, _named(_HOST, words) or "auto")


def _named(option: str, words: Sequence[str]) -> str | None:
    return next((word[len(option) :] for word in words if word.startswith(option)), None)
