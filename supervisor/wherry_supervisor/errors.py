"""The exceptions of this package.

    SupervisorError
    ├── LaunchError           the runner could not be started; carries the command and its stderr
    │   └── ProtocolMismatch  something answered, but in another version of the protocol
    ├── RunnerClosed          the handle was used after close()
    └── EnvironmentNotFound   no interpreter fits what was asked for (also a LookupError)

What user code does (fail, time out, die) is never an exception but an `Outcome`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SupervisorError(Exception):
    """Base of all others here."""


class LaunchError(SupervisorError):
    """The runner did not start. `output` is what it printed before it gave up."""

    def __init__(self, command: Sequence[str], reason: str, output: str = "") -> None:
        self.command = tuple(command)
        self.reason = reason
        self.output = output
        shown = f"\nIt printed:\n{output.rstrip()}" if output.strip() else ""
        super().__init__(f"the runner could not be started with {_short(command)}: {reason}{shown}")


class ProtocolMismatch(LaunchError):
    """Found another protocol version than ours."""


class RunnerClosed(SupervisorError):
    """The handle is closed; make a new one."""

    def __init__(self) -> None:
        super().__init__("this runner was closed; create a new Runner to go on")


class EnvironmentNotFound(SupervisorError, LookupError):
    """No interpreter fits. The message says what was looked for, where, and what to do."""


def _short(command: Sequence[str]) -> str:
    # The last argument is the boot program; it tells nobody anything.
    return " ".join(part if "\n" not in part else "…" for part in command)
