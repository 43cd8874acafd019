"""Restart in place: `KernelManager.restart_kernel` keeps the kernel and swaps what runs the code.

This module is loaded by Jupyter servers and clients, through the entry point that a kernelspec
names as ``wherry-provisioner``. jupyter_client restarts in two steps: it waits for the end of the
kernel, then launches it again. A kernel that stays (see `restarts`) is reported as ended in
between, and launching it again changes nothing. Whatever else happens is `LocalProvisioner`'s.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from typing import TYPE_CHECKING, Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from wherry_kernel.restarts import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_client.connect import KernelConnectionInfo

#: A kernel decides within milliseconds. The manager waits longer, but it looks only every 100 ms.
ANSWER = 1.0
PAUSE = 0.002


class WherryProvisioner(LocalProvisioner):
    """Starts kernels as `LocalProvisioner` does and knows which restarts they outlive."""

    #: The reading end of the pipe to the kernel.
    _pipe: int | None = None
    #: What the running process was launched with.
    _launched: tuple[object, ...] | None = None
    _is_restarting = False
    _has_stayed = False

    async def shutdown_requested(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's signature
        """The kernel has been asked to end: find out whether it stays."""
        await super().shutdown_requested(restart=restart)
        self._has_stayed = False
        # Between the two steps the manager removes the files of ipc sockets.
        self._is_restarting = restart and self.connection_info.get("transport") != "ipc"
        if self._is_restarting:
            await self._until_ended(PAUSE, deadline=time.monotonic() + ANSWER)

    async def poll(self) -> int | None:
        status: int | None = await super().poll()
        said = self._read_pipe() if status is None else b""
        # Without a restart it stayed for somebody else's: that concerns nobody here.
        self._has_stayed |= bool(said) and self._is_restarting
        return 0 if self._has_stayed else status

    async def wait(self) -> int | None:
        await self._until_ended(0.05, deadline=math.inf)
        if self._has_stayed:
            return 0
        return await super().wait()

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's signature
        self._expect_end()
        await super().kill(restart=restart)

    async def terminate(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's signature
        self._expect_end()
        await super().terminate(restart=restart)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Return at once when the kernel has stayed and is as it is wanted now; else launch it."""
        wanted = _identity(cmd, kwargs, self.connection_info)
        stays = self._has_stayed and wanted == self._launched
        has_stayed = self._has_stayed
        self._expect_end()
        if stays and await self.poll() is None:
            return self.connection_info
        if has_stayed:
            # Another folder or environment, or other ports. Nobody's variables are in it any more.
            await super().kill()
            await self.wait()
        self._launched = wanted
        return await self._launch(cmd, kwargs)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's signature
        await super().cleanup(restart=restart)
        if not restart:
            self._close_pipe()

    async def _launch(self, cmd: list[str], kwargs: Mapping[str, Any]) -> KernelConnectionInfo:
        self._close_pipe()
        if os.name != "posix":
            return await super().launch_kernel(cmd, **kwargs)
        self._pipe, writing = os.pipe()
        try:
            os.set_blocking(self._pipe, False)
            env = {**kwargs.get("env", os.environ), VARIABLE: _name(writing)}
            fds: Sequence[int] = (*kwargs.get("pass_fds", ()), writing)
            return await super().launch_kernel(cmd, **{**kwargs, "env": env, "pass_fds": fds})
        finally:
            os.close(writing)

    async def _until_ended(self, pause: float, *, deadline: float) -> None:
        # Asked for by turns: each call may come from another event loop, so nothing waits in one.
        while await self.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(pause)

    def _expect_end(self) -> None:
        self._is_restarting = self._has_stayed = False

    def _read_pipe(self) -> bytes:
        if self._pipe is None:
            return b""
        try:
            return os.read(self._pipe, 1024)
        except BlockingIOError:
            return b""

    def _close_pipe(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)


def _identity(
    cmd: Sequence[str], kwargs: Mapping[str, Any], connection: Mapping[str, Any]
) -> tuple[object, ...]:
    """Return what makes two launches the same. `KernelManager.update_env` changes the variables."""
    return list(cmd), dict(kwargs.get("env", os.environ)), kwargs.get("cwd"), dict(connection)


def _name(fd: int) -> str:
    return f"{fd}:{os.fstat(fd).st_ino}"
