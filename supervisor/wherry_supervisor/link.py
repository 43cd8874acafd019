"""One connection to one guardian: launch, handshake, frames in, frames out, end.

Lives as long as the guardian; workers come and go behind it. Whatever the other side does, `on_end`
is called exactly once after `open` has succeeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from wherry_runner import frames as f
from wherry_supervisor.boot import COOKIE
from wherry_supervisor.errors import LaunchError, ProtocolMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry_supervisor.launchers import Launched, Launcher

#: Lines that came before the hello, kept for the report: a login banner, a complaint.
_NOISE_LINES = 20

#: How long a guardian may take to kill its tree and to say goodbye, beyond the grace.
_END_BOUND = 2.5

#: A process that ends closes its output a moment before it can be reaped.
_EXIT_BOUND = 0.05


class Link:
    """Speaks frames with a guardian. Not reusable: a lost guardian needs a new link."""

    def __init__(
        self,
        launcher: Launcher,
        *,
        on_frame: Callable[[f.Frame], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._launcher = launcher
        self._on_frame = on_frame
        self._on_end = on_end
        self._decoder = f.Decoder()
        self._launched: Launched | None = None
        self._hello: asyncio.Future[f.Hello] | None = None
        self._ended = asyncio.Event()
        self._nonce = ""
        self._noise: list[str] = []
        #: Frames that did not parse, after the hello. Counted, reported by nobody but a log.
        self.malformed = 0
        self.is_open = False

    async def open(self, launched: Launched | None, host: str) -> f.Hello:
        """Launch (or take what was launched earlier) and wait for the guardian's hello.

        Raises:
            LaunchError: It did not come; nothing is left running.
        """
        loop = asyncio.get_running_loop()
        self._hello = loop.create_future()
        self._launched = launched or self._launcher.launch(host)
        self._nonce = self._launched.nonce
        self._launched.child.attach(loop, self._receive)
        timeout = self._launcher.start_timeout
        try:
            hello = await asyncio.wait_for(self._hello, timeout)
        except asyncio.TimeoutError:
            error = self._failure(f"no answer within {timeout:g} s")
            await self._abandon()
            raise error from None
        except BaseException:
            await self._abandon()
            raise
        if hello.protocol != f.PROTOCOL:
            await self._abandon()
            raise ProtocolMismatch(
                self._launcher.command,
                f"found protocol {hello.protocol}, expected {f.PROTOCOL}",
            )
        if self._ended.is_set():
            # It said hello and died before we got to run again: nobody would be told of its end.
            error = self._failure(self._exit_words())
            await self._abandon()
            raise error
        self.is_open = True
        return hello

    @property
    def stderr_tail(self) -> str:
        """The guardian's own stderr: import errors, warnings of the interpreter."""
        return self._launched.child.stderr_tail if self._launched is not None else ""

    def send(self, frame: f.Frame) -> None:
        """Queue a frame; lost without notice when the other side is gone (its end is reported)."""
        if self._launched is not None:
            self._launched.child.write(f.encode(frame))

    @property
    def given(self) -> int:
        """How many bytes were sent so far; `arrived` says how many of them were read."""
        return self._launched.child.given if self._launched is not None else 0

    @property
    def arrived(self) -> int:
        """How many bytes the guardian has read; what lies beyond has had no effect."""
        return self._launched.child.arrived if self._launched is not None else 0

    def pause(self) -> None:
        """Stop reading, which makes user code wait as soon as the pipes are full."""
        if self._launched is not None:
            self._launched.child.pause()

    def resume(self) -> None:
        """Read on."""
        if self._launched is not None:
            self._launched.child.resume()

    async def close(self, *, grace: float) -> None:
        """Ask the guardian to end everything, and end it by force if it does not."""
        if self.is_open:
            self.send(f.Shutdown(grace=grace))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), grace + _END_BOUND)
        await self._abandon()

    def destroy(self) -> None:
        """Kill the guardian now: it does not answer. `on_end` follows as for any other end."""
        if self._launched is not None:
            self._launched.child.kill()

    def _receive(self, data: bytes) -> None:
        if not data:
            self._end()
            return
        for frame in self._decoder.feed(data):
            if isinstance(frame, f.Malformed):
                self._note(frame)
            elif self._hello is None or self._hello.done():
                self._on_frame(frame)
            elif isinstance(frame, f.Hello) and frame.nonce == self._nonce:
                self._hello.set_result(frame)

    def _note(self, frame: f.Malformed) -> None:
        if self.is_open:
            self.malformed += 1
            self._on_frame(frame)
        elif len(self._noise) < _NOISE_LINES:
            self._noise.append(frame.excerpt)

    def _end(self) -> None:
        self._ended.set()
        if self._hello is not None and not self._hello.done():
            self._hello.set_exception(self._failure(self._exit_words()))
        elif self.is_open:
            self.is_open = False
            self._on_end(self._exit_words())

    def _exit_words(self) -> str:
        status = self._launched.child.wait(_EXIT_BOUND) if self._launched is not None else None
        if status is None:
            return "it closed its output"
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"it was ended by {signal.Signals(-status).name}"
        return f"it exited with status {status}"

    def _failure(self, reason: str) -> LaunchError:
        noise = "\n".join(self._noise)
        output = "\n".join(part for part in (noise, self.stderr_tail) if part)
        return LaunchError(self._launcher.command, reason, output)

    async def _abandon(self) -> None:
        """Leave nothing behind: pipes, the guardian, and whoever carries our cookie."""
        launched, self._launched = self._launched, None
        self.is_open = False
        if launched is None:
            return
        if launched.child.poll() is None:
            launched.child.kill()
            await _wait_for_end(launched)
        launched.child.release()
        if launched.cookie is not None:
            sweep(launched.cookie)


async def _wait_for_end(launched: Launched) -> None:
    for _ in range(200):
        if launched.child.poll() is not None:
            return
        await asyncio.sleep(0.005)


def sweep(cookie: str) -> None:
    """Kill processes of ours whose guardian was killed before it could do so.

    A tree that its guardian ended leaves nobody here. Found by a variable in their environment,
    which daemons keep; one that also cleaned its environment is beyond what we can see.
    """
    mark = f"{COOKIE}={cookie}".encode()
    for _ in range(10):
        found = list(_carriers(mark))
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _carriers(mark: bytes) -> Iterator[int]:
    proc = Path("/proc")
    if not proc.is_dir():
        return
    me = os.getpid()
    for entry in proc.iterdir():
        if entry.name.isdigit() and int(entry.name) != me:
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes():
                    yield int(entry.name)
