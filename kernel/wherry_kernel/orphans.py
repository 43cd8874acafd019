"""Processes that lost their parent on the way, and would otherwise outlive the kernel."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36

#: Rounds of ending what is left: a child's death makes its own children ours.
ROUNDS = 20


def adopt() -> bool:
    """Become the one that orphaned descendants are given to (Linux); says whether that works.

    The runner's guardian does the same for user code. This is for the case that the guardian
    itself was killed.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def end_all() -> None:
    """Kill and reap all children that are left. Only at the very end: others' children go too."""
    if sys.platform != "linux":
        return
    for _ in range(ROUNDS):
        children = _children()
        if not children:
            return
        for pid in children:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            pids += map(int, (task / "children").read_text().split())
    return pids
