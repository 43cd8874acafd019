"""What the guardian asks of the operating system about processes. Linux first, the rest guarded.

Every function answers with the weakest true thing where a platform lacks the call; `capabilities`
says which promises hold here.
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Set, Tuple

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

#: User code may use SIGUSR1 and SIGUSR2 for itself, so ours are taken from the far end of the
#: real-time range where there is one.
HARD_SIGNAL = getattr(signal, "SIGRTMAX", 0) - 3 if hasattr(signal, "SIGRTMAX") else signal.SIGUSR2
DUMP_SIGNAL = getattr(signal, "SIGRTMAX", 0) - 4 if hasattr(signal, "SIGRTMAX") else signal.SIGUSR1


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def die_with_parent(parent: int) -> None:
    """Ask to be killed when the *thread* that forked us ends; exit if it is gone already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def become_subreaper() -> bool:
    """Adopt every orphan of our descendants, daemons with sessions of their own included."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def capabilities(*, subreaper: bool) -> Tuple[str, ...]:
    """Name the promises that this platform keeps, for `Hello`."""
    linux = sys.platform.startswith("linux")
    found = ["groups", "hard_interrupt"]
    if subreaper:
        found += ["subreaper", "pdeathsig"]
    if linux and os.path.exists("/proc/self/statm"):
        found += ["memory"]
    return tuple(found)


def be_the_victim() -> None:
    """Tell the kernel's out-of-memory killer to take this process before the Jupyter server."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


def oom_kills() -> int:
    """Return how often the out-of-memory killer has run on this machine, 0 if that is not told."""
    try:
        with open("/proc/vmstat", "rb") as file:
            for line in file:
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def children(pid: int) -> List[int]:
    """Return the direct children of every thread of `pid`."""
    found: List[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(word) for word in file.read().split()]
        except (OSError, ValueError):
            continue
    return found


def descendants(pid: int, *, without: Optional[int] = None) -> List[int]:
    """Return all processes below `pid`, parents first, leaving out the subtree of `without`."""
    found: List[int] = []
    todo = [pid]
    seen: Set[int] = {pid}
    while todo:
        for child in children(todo.pop()):
            if child != without and child not in seen:
                seen.add(child)
                found.append(child)
                todo.append(child)
    return found


def resident(pid: int) -> int:
    """Return the resident memory of `pid` in bytes, 0 when it is gone (10 us)."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """Return the memory of `pid` with shared pages divided among their users (14 ms a GB)."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return resident(pid)


def data_size(pid: int) -> int:
    """Return what RLIMIT_DATA counts for `pid`, in bytes."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[5]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def command(pid: int) -> str:
    """Return a short name of `pid` for people."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return "?"


def _signal_all(pids: List[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue


class Reaper:
    """Keeps the exit status and resource use of children that were waited for."""

    def __init__(self) -> None:
        self._ended: Dict[int, Tuple[int, Any]] = {}

    def collect(self) -> None:
        """Wait for every child that has ended; never blocks."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._ended[pid] = (status, usage)

    def has_ended(self, pid: int) -> bool:
        """`pid` was one of ours and is gone."""
        return pid in self._ended

    def pop(self, pid: int) -> Tuple[Optional[int], Optional[int], Any]:
        """Return exit code, signal and resource use of `pid`; forget the orphans beside it."""
        status, usage = self._ended.pop(pid)
        if os.WIFSIGNALED(status):
            return None, os.WTERMSIG(status), usage
        return os.WEXITSTATUS(status), None, usage


def kill_tree(worker: int, reaper: Reaper, *, spare: Optional[int], bound: float) -> List[int]:
    """Kill `worker` and all that descends from it or was adopted by us; return who is left.

    Rounds of SIGSTOP and SIGKILL until nobody is found: stopping first keeps processes that fork
    all the time from outrunning the walk. As subreaper we also meet those who left their session
    and parent. Without that (macOS) the process group is all there is.
    """
    deadline = time.monotonic() + bound
    me = os.getpid()
    _kill_group(worker)
    while True:
        reaper.collect()
        left = _alive(descendants(me, without=spare)) or _alive(_if_running(worker, reaper))
        if time.monotonic() > deadline or not (left or _if_running(worker, reaper)):
            return left
        _signal_all(left, signal.SIGSTOP)
        _signal_all(_alive(descendants(me, without=spare)) or left, signal.SIGKILL)
        reaper.collect()
        time.sleep(0.0005)


def _kill_group(worker: int) -> None:
    # The worker leads its own session; a group 0 or 1 would be ourselves or everybody.
    if worker > 1:
        try:
            os.killpg(worker, signal.SIGKILL)
        except OSError:
            pass


def _if_running(worker: int, reaper: Reaper) -> List[int]:
    return [] if worker <= 1 or reaper.has_ended(worker) else [worker]


def _alive(pids: List[int]) -> List[int]:
    return [pid for pid in pids if not _is_zombie(pid)]


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except FileNotFoundError:
        return os.path.isdir("/proc/self")
    except (OSError, IndexError):
        return True
