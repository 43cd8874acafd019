"""Runs an interpreter once to ask what it is, whatever it turns out to be."""

# ruff: noqa: PTH100, PTH110, PTH111, PTH112, PTH114
# os.path leaves links as they are and never raises; pathlib does one or the other.

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import json
import os
import re
import secrets
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from wherry_supervisor.python_facts import MINIMUM, PROGRAM, Probe, from_facts
from wherry_supervisor.signals import describe_signal

if TYPE_CHECKING:
    from typing import Final

#: Set for our own interpreter, each of these would make another one start wrongly or not end.
MISLEADING: Final = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONEXECUTABLE",
    "PYTHONINSPECT",
    "PYTHONPLATLIBDIR",
    "__PYVENV_LAUNCHER__",
)

#: An answer has about 1 KB; what prints more than this before it is no interpreter.
_OUTPUT_LIMIT = 1024 * 1024
_STDERR_TAIL = 4096
_REASON_LINES = 3

#: Seconds for output that is still in the pipe after the end, and for the kernel to end a process.
_DRAIN = 0.3
_REAP = 5.0

#: No package lies there that could hide one of the standard library.
_ROOT: Final = os.path.abspath(os.sep)


async def probe(path: str | os.PathLike[str], *, timeout: float = 10.0) -> Probe:
    """Run the interpreter once and report. Never raises for anything that is wrong with it.

    It is started in the root folder with our own Python settings removed, in a session of its own
    that is killed at the end; a cancel kills it too.
    """
    path = _absolute(path)
    if reason := _unstartable(path):
        return Probe(path, usable=False, reason=reason)
    try:
        transport, talk = await _start(path)
    except OSError as error:
        return Probe(path, usable=False, reason=_start_failure(error))
    try:
        answer = await asyncio.wait_for(talk.answer, timeout)
    except asyncio.TimeoutError:
        reason = f"no answer within {timeout:g} s: it hangs, or this machine is very busy"
        return Probe(path, usable=False, reason=reason)
    finally:
        await _end(transport, talk)
    if answer is not None:
        return _understand(path, answer)
    return Probe(path, usable=False, reason=talk.failure(transport.get_returncode()))


def _absolute(path: str | os.PathLike[str]) -> str:
    return os.path.abspath(os.path.expanduser(path))


def _unstartable(path: str) -> str:
    """Find what the operating system would only call "no such file"."""
    if os.path.islink(path) and not os.path.exists(path):
        target = os.path.realpath(path)
        return f"broken: it is a link to {target}, which is gone; make the environment again"
    if not os.path.exists(path):
        return "no such file"
    if os.path.isdir(path):
        return "it is a folder, not an interpreter"
    if not os.access(path, os.X_OK):
        return "not executable: its permissions do not allow to run it"
    return _missing_base(path)


def _missing_base(path: str) -> str:
    """A venv made of copies starts without its base and then misses the standard library."""
    home = _venv_home(Path(path).parent.parent / "pyvenv.cfg")
    if home is None or os.path.isdir(home):
        return ""
    return f"broken: its base interpreter in {home} is gone; make the environment again"


def _venv_home(config: Path) -> str | None:
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^\s*home\s*=\s*(.+?)\s*$", text, re.MULTILINE)
    return found[1] if found else None


def _start_failure(error: OSError) -> str:
    if error.errno == errno.ENOEXEC:
        return "not a program that this machine can run"
    if error.errno == errno.ENOENT:
        return "broken: the program named in its first line, or its loader, is gone"
    return f"it cannot be started: {error.strerror or error}"


class _Talk(asyncio.SubprocessProtocol):
    """Collects what the interpreter says until the line with our nonce, or its end."""

    def __init__(self, nonce: bytes) -> None:
        self._nonce = nonce
        self._output = bytearray()
        self._errors = bytearray()
        self._is_flood = False
        loop = asyncio.get_running_loop()
        #: The facts, or None when there will be none.
        self.answer: asyncio.Future[bytes | None] = loop.create_future()
        self.exited = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != 1:
            self._errors += data
            del self._errors[:-_STDERR_TAIL]
        elif not self.answer.done():
            self._output += data
            self._look()

    def process_exited(self) -> None:
        # The rest of its output is still to come, but a daemon may hold the pipes open for ever.
        asyncio.get_running_loop().call_later(_DRAIN, self._finish, None)
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._finish(None)

    def failure(self, code: int | None) -> str:
        """Say why there was no answer; `code` as `subprocess.Popen.returncode`."""
        if self._is_flood or code is None:
            return "it printed garbage instead of an answer"
        return _ended(code, self._errors.decode("utf-8", "replace"))

    def _look(self) -> None:
        start = self._output.find(self._nonce)
        end = self._output.find(b"\n", start) if start >= 0 else -1
        if end >= 0:
            self._finish(bytes(self._output[start + len(self._nonce) : end]))
        elif len(self._output) > _OUTPUT_LIMIT:
            self._is_flood = True
            self._finish(None)

    def _finish(self, answer: bytes | None) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


async def _start(path: str) -> tuple[asyncio.SubprocessTransport, _Talk]:
    nonce = f"wherry-{secrets.token_hex(8)}:"
    return await asyncio.get_running_loop().subprocess_exec(
        lambda: _Talk(nonce.encode()),
        path,
        "-c",
        PROGRAM,
        nonce,
        stdin=subprocess.DEVNULL,
        cwd=_ROOT,
        env={name: value for name, value in os.environ.items() if name not in MISLEADING},
        start_new_session=os.name == "posix",
    )


async def _end(transport: asyncio.SubprocessTransport, talk: _Talk) -> None:
    """Leave no process, no child of it in its session, and no open pipe."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(transport.get_pid(), signal.SIGKILL)
        else:
            transport.kill()
    # Closing first would reap the process behind the back of asyncio's watcher, which then warns.
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(talk.exited.wait(), _REAP)
    transport.close()


def _ended(code: int, stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()][-_REASON_LINES:]
    said = f": {' | '.join(lines)}" if lines else ""
    if code == 0:
        return f"it is not a Python interpreter: it ended without an answer{said}"
    if code < 0:
        return f"it died of {describe_signal(-code).name}{said}"
    return f"it ended with exit code {code}{said}"


def _understand(path: str, answer: bytes) -> Probe:
    try:
        found = from_facts(path, json.loads(answer))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Probe(path, usable=False, reason="it gave an answer that nobody understands")
    if found.number < MINIMUM:
        needed = ".".join(str(n) for n in MINIMUM)
        reason = f"too old: Python {found.version}, and at least {needed} is needed"
        return dataclasses.replace(found, usable=False, reason=reason)
    return found
