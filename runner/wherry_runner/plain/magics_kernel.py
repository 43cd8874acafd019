"""Magics about the kernel."""

from __future__ import annotations

from wherry_runner.plain.magics import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry_runner.plain.magics import Call


def line_restart(call: Call) -> None:
    """Start anew with an empty namespace, in a new process, when this cell has ended."""
    if call.line.strip():
        raise UsageError("%restart takes no arguments")
    call.shell.ask_frontend("restart_runner")
