"""Where the program begins: takes the transport's descriptors and runs the guardian.

Preloading happens here because it decides what a worker finds already imported when it is forked.
"""

from __future__ import annotations

import gc
import os
import sys

from wherry_runner import processes
from wherry_runner.guardian import Guardian
from wherry_runner.pipes import high
from wherry_runner.worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple, Type

    from wherry_runner.frames import Spawn
    from wherry_runner.host import Host, Session
    from wherry_runner.watched import Watched


def run(nonce: str, host: str) -> None:
    """Serve on this process's stdin and stdout until they close.

    `host` is what the first `Spawn` will ask for: it is imported while the other side still works
    on getting that far.
    """
    # Imports only allocate: collecting meanwhile costs a tenth of the start. Workers collect.
    gc.disable()
    in_fd, out_fd = _take_transport()
    hosts = Hosts()
    guardian = Guardian(in_fd, out_fd, nonce, hosts.work, hosts.preload, hosts.is_stale)
    guardian.greet()
    hosts.preload(host)
    guardian.run()


def _take_transport() -> Tuple[int, int]:
    """Keep the transport for frames; what else prints here must not fall between them."""
    in_fd, out_fd = high(os.dup(0)), high(os.dup(1))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return in_fd, out_fd


class Hosts:
    """Chooses the shell, imports it once in the guardian, and makes one in each worker."""

    def __init__(self) -> None:
        self._class: Optional[Type[Host]] = None
        self._wanted = ""
        self._stamps: Dict[str, int] = {}

    def preload(self, host: str) -> None:
        """Import a shell, so that every worker finds it in memory."""
        if self._class is not None and host == self._wanted:
            return
        self._wanted = host
        self._class = _choose(host)
        self._stamps = _stamps()
        # What stands now is shared by all workers; a collection in one must not copy it. It is
        # not collected here either: that takes 10 ms, and imports leave little garbage.
        gc.freeze()

    def is_stale(self) -> bool:
        """Something was installed since `preload`: a new worker would run the old code."""
        return self._class is not None and _stamps() != self._stamps

    def work(self, watched: Watched) -> None:
        """Be the worker. Called in the forked child; does not return."""
        spawn = watched.spawn
        parent = os.getppid()
        gc.enable()
        os.setsid()
        processes.die_with_parent(parent)
        processes.be_the_victim()
        _apply(spawn)
        host_class = self._class or _choose(spawn.host)

        def make_host(session: Session) -> Host:
            return host_class(session, spawn.options or {})

        Worker(
            nonce=watched.nonce,
            fds=watched.worker_fds(),
            faults_fd=watched.faults,
            page=watched.page,
            make_host=make_host,
            debugpy=(spawn.options or {}).get("debugpy"),
        ).run()


def _apply(spawn: Spawn) -> None:
    """Set what user code sees of its surroundings: folder, variables, module path, arguments."""
    if spawn.cwd is not None:
        os.chdir(spawn.cwd)
    for name, value in (spawn.env or {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    # As `python -c` and ipykernel have it: modules beside the notebook can be imported.
    if "" not in sys.path:
        sys.path.insert(0, "")
    sys.argv = [""]


def _choose(wanted: str) -> Type[Host]:
    if wanted != "plain":
        try:
            from wherry_runner import ipython_host

            ipython_host.preload()
            return ipython_host.IPythonHost
        except ImportError:
            if wanted == "ipython":
                raise
    from wherry_runner.plain import PlainHost

    return PlainHost


def _stamps() -> Dict[str, int]:
    """Modification times of the folders that the preloaded packages came from."""
    folders = set()
    for name in ("IPython", "traitlets", "matplotlib_inline"):
        location: Any = getattr(sys.modules.get(name), "__file__", None)
        if location:
            folders.add(os.path.dirname(os.path.dirname(location)))
    stamps = {}
    for folder in folders:
        try:
            stamps[folder] = os.stat(folder).st_mtime_ns
        except OSError:
            stamps[folder] = 0
    return stamps
