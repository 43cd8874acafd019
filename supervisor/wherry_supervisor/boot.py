"""Starts an interpreter that will become a runner, with as few imports as possible.

A kernel does this as its first act: the interpreter comes up on another core while the kernel
imports what it needs. So nothing here may import typing, pathlib, dataclasses or asyncio.
"""

from __future__ import annotations

import os
import subprocess

TYPE_CHECKING = False  # typing.TYPE_CHECKING without its import
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What stands on the command line. It reads the runner (`wherry_supervisor.bundle`) from stdin with
#: raw reads, because a buffered read would swallow the first frames, and runs it. The current
#: folder leaves the module path until user code runs, so that a file `json.py` beside a notebook
#: cannot take the place of the standard library's.
BOOT = """\
import sys
sys.path[:] = [p for p in sys.path if p]
import os, zlib, marshal
def read(n):
    data = b''
    while len(data) < n:
        chunk = os.read(0, n - len(data))
        if not chunk:
            sys.exit('wherry: stdin was closed before the runner had arrived')
        data += chunk
    return data
if sys.version_info < (3, 8):
    sys.exit('wherry: found Python %d.%d, but the runner needs 3.8 or newer' % sys.version_info[:2])
nonce = read(32).decode()
payload = marshal.loads(zlib.decompress(read(int(read(8), 16))))
space = {'__name__': 'wherry_runner.bundled'}
exec(compile(payload['boot'], '<wherry>/bundled.py', 'exec'), space)
space['start'](payload, nonce)
"""

#: Finds a runner's processes when nobody is left to tell which they were.
COOKIE = "WHERRY_RUNNER"


#: Read size, and the size of the pipes where the system grants it.
CHUNK = 256 * 1024


def new_nonce() -> str:
    """Return the 32 characters that prove that a hello comes from what we started."""
    return os.urandom(16).hex()


def widen(fd: int) -> None:
    """Make a pipe hold `CHUNK` bytes, where an unprivileged user may still have one so large."""
    try:
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, CHUNK)
    except (ImportError, AttributeError, OSError):
        pass


def send(process: subprocess.Popen[bytes], data: bytes) -> bytes:
    """Write to the new process what fits without waiting; return the rest."""
    assert process.stdin is not None  # noqa: S101 - `begin` asked for a pipe
    fd = process.stdin.fileno()
    widen(fd)
    os.set_blocking(fd, False)
    try:
        return data[os.write(fd, data) :]
    except OSError:
        return data


def begin(
    command: Sequence[str],
    nonce: str,
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that signals to our group do not reach it.

    Raises:
        OSError: The program cannot be executed.
    """
    return subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, **(env or {}), COOKIE: nonce},
        cwd=cwd,
        start_new_session=True,
    )
