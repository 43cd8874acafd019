"""debugpy's debugger in this process, and our end of the connection to it.

We play the part of debugpy's adapter, which otherwise is one more process: the debugger connects to
a loopback socket that listens for that one connection only, so nobody else can reach it.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from importlib import import_module

from wherry_runner.debuggable import hide_from_debugger
from wherry_runner.debugging import dap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, Dict, Optional

    from wherry_runner.debugging.dap import Message

_CHUNK = 64 * 1024

#: pydevd's STATE_RUN.
_RUNNING = 1

#: The debugger answers in milliseconds; only user code that it evaluates may take its time.
ANSWER_BOUND = 30.0

#: Python's own frozen modules cannot be stepped through, which debugpy would tell everybody.
_QUIET = "PYDEVD_DISABLE_FILE_VALIDATION"


class Unavailable(Exception):
    """This interpreter has no debugpy, and none was offered that works here."""


class _Answer:
    def __init__(self) -> None:
        self.came = threading.Event()
        self.message: Optional[Message] = None


class Connection:
    """One connection, which outlives debug sessions: debugpy starts once in a process."""

    def __init__(self, on_event: Callable[[Message], None], *, offered: Optional[str]) -> None:
        self._on_event = on_event
        self._offered = offered
        self._socket: Optional[socket.socket] = None
        self._lock = threading.Lock()
        self._waiting: Dict[int, _Answer] = {}
        self._asked = 0
        self._pydevd: Any = None

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self) -> None:
        """Start the debugger in all threads; takes about 0.4 s, and nothing the second time.

        Raises:
            Unavailable: There is no debugpy.
        """
        if self._socket is not None:
            return
        self._pydevd = _load(self._offered)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            host, port = listener.getsockname()
            self._pydevd.settrace(
                host=host,
                port=port,
                suspend=False,
                wait_for_ready_to_run=False,
                patch_multiprocessing=False,
                notify_stdin=False,
                dont_trace_start_patterns=(_folder("debugpy"),),
            )
            self._socket, _ = listener.accept()
        # Messages leave in two pieces at its end: 40 ms for each without this, at both ends.
        writer = self._pydevd.get_global_debugger().writer
        for each in (self._socket, getattr(writer, "sock", None)):
            if each is not None:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = threading.Thread(target=self._read, name="wherry-debug-reader", daemon=True)
        hide_from_debugger(reader)
        reader.start()

    def ask(
        self, command: str, arguments: Dict[str, Any], *, bound: float = ANSWER_BOUND
    ) -> Optional[Message]:
        """Send a request and return its response; None when none comes within `bound` seconds."""
        if self._socket is None:
            return None
        answer = _Answer()
        with self._lock:
            self._asked += 1
            seq = self._asked
            self._waiting[seq] = answer
            request = {"type": "request", "command": command, "arguments": arguments}
            try:
                self._socket.sendall(dap.encode({"seq": seq, **request}))
            except OSError:  # user code closed the descriptor
                self._waiting.pop(seq)
                return None
        answer.came.wait(bound)
        self._waiting.pop(seq, None)
        return answer.message

    def trace_here(self) -> None:
        """Make sure that the calling thread is traced.

        Before Python 3.12 an exception that passes through the trace function, as an interrupt of
        a stopped cell does, ends tracing for its thread.
        """
        if sys.version_info < (3, 12) and sys.gettrace() is None:
            self._settrace(suspend=False)

    @staticmethod
    def run_freely() -> None:
        """Forget what the calling thread was told: to step on, or to stop as soon as it can.

        Steps out of a cell must not end in our own code, nor in the next cell. A stop that an
        interrupt has ended would begin again at the next line.
        """
        info = getattr(threading.current_thread(), "additional_info", None)
        if info is None:
            return
        info.pydev_step_cmd = info.pydev_original_step_cmd = -1
        info.pydev_step_stop = None
        info.pydev_state = _RUNNING
        if hasattr(info, "update_stepping_info"):
            info.update_stepping_info()

    def stop_at(self, frame: FrameType) -> None:
        """Stop the calling thread at its next line in `frame`."""
        self._settrace(suspend=True, stop_at_frame=frame)

    def detach(self) -> None:
        """Called in a forked child: a stop there would wait for ever, nobody is connected."""
        debugger = self._pydevd and self._pydevd.get_global_debugger()
        if debugger:
            debugger.pydb_disposed = True
        self._socket = None

    def _settrace(self, **options: Any) -> None:
        self._pydevd.settrace(
            trace_only_current_thread=True,
            patch_multiprocessing=False,
            notify_stdin=False,
            **options,
        )

    def _read(self) -> None:
        decoder = dap.Decoder()
        sock = self._socket
        while sock is not None:
            try:
                data = sock.recv(_CHUNK)
                messages = decoder.feed(data)
            except (OSError, dap.BrokenStream):
                return
            if not data:
                return
            for message in messages:
                self._take(message)

    def _take(self, message: Message) -> None:
        if message.get("type") == "event":
            self._on_event(message)
            return
        answer = self._waiting.pop(message.get("request_seq", 0), None)
        if answer is not None:
            answer.message = message
            answer.came.set()


def _load(offered: Optional[str]) -> Any:
    """Import debugpy without what it does to the process besides."""
    hook, quiet = sys.breakpointhook, os.environ.get(_QUIET)
    os.environ[_QUIET] = "1"
    try:
        _import(offered)
        import_module("debugpy._vendored.force_pydevd")
        return import_module("pydevd")
    except ImportError as error:
        raise Unavailable(f"debugger not available: {error}") from error
    finally:
        sys.breakpointhook = hook
        if quiet is None:
            os.environ.pop(_QUIET, None)
        else:
            os.environ[_QUIET] = quiet


def _import(offered: Optional[str]) -> None:
    try:
        import_module("debugpy")
    except ImportError:
        if offered is None:
            raise
        _import_offered(offered)


def _import_offered(folder: str) -> None:
    """Import the kernel's copy alone: its neighbours must not become importable here."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(
        "debugpy", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no debugpy in {folder}")
    module = sys.modules["debugpy"] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules["debugpy"]
        raise ImportError(f"the kernel's copy does not work here: {error}") from error


def _folder(package: str) -> str:
    return os.path.dirname(str(sys.modules[package].__file__))
