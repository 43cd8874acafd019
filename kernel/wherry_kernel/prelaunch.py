"""Starts the runner's interpreter before anything else is imported.

Which interpreter is usually known from the command line alone. When a configuration file turns
out to name another one, the one that was started is thrown away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry_supervisor.launchers import Launched, LocalLauncher

_PYTHON = "--WherryKernel.python="
#: Command lines that start no runner, or not this way.
_WITHOUT = ("--WherryKernel.mode=inprocess", "--help", "-h", "--help-all", "--version")


class Prelaunched(NamedTuple):
    """An interpreter that is on its way up, and what started it."""

    launcher: LocalLauncher
    launched: Launched

    def discard(self) -> None:
        """End it: another one is wanted."""
        self.launched.child.kill()
        self.launched.child.release()


def prelaunch(words: Sequence[str]) -> Prelaunched | None:
    """Start what the command line asks for; None when that fails: the ordinary start tells why."""
    if any(word in _WITHOUT for word in words):
        return None
    from wherry_supervisor.launchers import LocalLauncher

    python = next((word[len(_PYTHON) :] for word in words if word.startswith(_PYTHON)), None)
    launcher = LocalLauncher(python or None)
    try:
        return Prelaunched(launcher, launcher.launch())
    except Exception:  # noqa: BLE001 - whatever it is, the ordinary start meets it and reports it
        return None
