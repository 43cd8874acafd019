"""Whether this process outlives a restart, and how it says that it does.

`provisioner` leaves the writing end of a pipe to the kernels that it starts. A byte in it means:
the restart that was asked for happens here, do not wait for my end. Without that pipe, or when
staying would keep something old, the kernel ends as any other does and is started again.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Holds the descriptor and its inode: programs that user code starts inherit the variable, but
#: not the pipe, and the number may mean something else there.
VARIABLE = "WHERRY_RESTARTS"


class Restarts:
    """The kernel's side. `is_unchanged` says that a new process would be the same as this one."""

    def __init__(self, pipe: int | None = None, *, is_unchanged: Callable[[], bool]) -> None:
        self._pipe = pipe
        self._is_unchanged = is_unchanged

    def stay(self) -> bool:
        """Decide to outlive the restart that was just asked for, and say so.

        Once this has returned True, whoever asked sends requests to the restarted kernel.
        """
        if self._pipe is None or not self._is_unchanged():
            return False
        try:
            os.write(self._pipe, b"s")
        except OSError:  # who started us is gone, and with it the knowledge that we stay
            return False
        return True


def inherited(environment: Mapping[str, str]) -> int | None:
    """Return the pipe that a provisioner left to this very process."""
    number, _, inode = environment.get(VARIABLE, "").partition(":")
    try:
        found = os.fstat(int(number))
    except (ValueError, OSError):
        return None
    if not stat.S_ISFIFO(found.st_mode) or str(found.st_ino) != inode:
        return None
    os.set_inheritable(int(number), False)  # noqa: FBT003 - no keyword there
    os.set_blocking(int(number), False)
    return int(number)
