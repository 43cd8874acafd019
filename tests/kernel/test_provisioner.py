"""What a kernel manager is told of a kernel that stays, or does not. The kernels here are shells.

`tests/kernel/dialogues/test_restart_in_place.py` has the same with real kernels.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest
import pytest_asyncio

from wherry_kernel import provisioner as provisioner_module
from wherry_kernel.provisioner import WherryProvisioner
from wherry_kernel.restarts import VARIABLE

pytestmark = pytest.mark.asyncio

#: A kernel that only knows how to stay: it does so at each SIGUSR1.
STAYS = f"trap 'printf s >&${{{VARIABLE}%%:*}}' USR1; echo up >&2; while :; do sleep 0.01; done"
LEAVES = "trap 'exit 3' USR1; echo up >&2; while :; do sleep 0.01; done"
DEAF = "trap '' USR1; echo up >&2; while :; do sleep 0.01; done"


class Launches:
    """A provisioner as a manager uses it."""

    def __init__(self, folder) -> None:
        self.provisioner = WherryProvisioner()
        self.provisioner.connection_info = {"transport": "tcp", "shell_port": 1}
        self.folder = str(folder)
        self.env = dict(os.environ)

    async def launch(self, program: str) -> int:
        read, write = os.pipe()
        try:
            before = self.provisioner.pid
            await self.provisioner.launch_kernel(
                ["bash", "-c", program], env=self.env, cwd=self.folder, stderr=write
            )
            os.close(write)
            write = -1
            if self.provisioner.pid != before:
                assert await asyncio.to_thread(os.read, read, 10) == b"up\n"
        finally:
            os.close(read)
            if write >= 0:
                os.close(write)
        return self.provisioner.pid

    async def ask_to_restart(self) -> None:
        os.kill(self.provisioner.pid, signal.SIGUSR1)
        await self.provisioner.shutdown_requested(restart=True)


@pytest_asyncio.fixture
async def launches(tmp_path):
    made = Launches(tmp_path)
    yield made
    await made.provisioner.kill()
    await made.provisioner.wait()
    await made.provisioner.cleanup()


async def test_a_kernel_that_stays_counts_as_ended_until_it_is_launched_again(launches):
    provisioner = launches.provisioner
    pid = await launches.launch(STAYS)
    assert await provisioner.poll() is None
    for _ in range(3):
        await launches.ask_to_restart()
        assert await provisioner.poll() == 0
        assert await provisioner.wait() == 0
        await provisioner.cleanup(restart=True)
        assert await launches.launch(STAYS) == pid
        assert await provisioner.poll() is None


async def test_a_kernel_that_ends_is_launched_again(launches):
    pid = await launches.launch(LEAVES)
    await launches.ask_to_restart()
    assert await launches.provisioner.poll() == 3
    assert await launches.provisioner.wait() == 3
    assert not launches.provisioner.has_process
    assert await launches.launch(LEAVES) != pid


async def test_a_kernel_that_does_not_answer_is_left_to_the_manager(launches, monkeypatch):
    monkeypatch.setattr(provisioner_module, "ANSWER", 0.05)
    pid = await launches.launch(DEAF)
    await launches.ask_to_restart()
    assert await launches.provisioner.poll() is None
    await launches.provisioner.kill(restart=True)
    await asyncio.wait_for(launches.provisioner.wait(), 5)
    assert await launches.launch(DEAF) != pid


async def test_a_word_that_comes_after_the_kill_changes_nothing(launches):
    await launches.launch(STAYS)
    await launches.ask_to_restart()
    await launches.provisioner.kill(restart=True)
    assert await asyncio.wait_for(launches.provisioner.wait(), 5) == -signal.SIGKILL


async def test_terminate_is_the_end(launches):
    await launches.launch(STAYS)
    await launches.ask_to_restart()
    await launches.provisioner.terminate()
    assert await asyncio.wait_for(launches.provisioner.wait(), 5) == -signal.SIGTERM


async def test_a_shutdown_waits_for_the_real_end(launches):
    await launches.launch(STAYS)
    os.kill(launches.provisioner.pid, signal.SIGUSR1)
    await launches.provisioner.shutdown_requested(restart=False)
    await asyncio.sleep(0.05)
    assert await launches.provisioner.poll() is None


async def test_a_restart_that_another_client_asked_for_is_not_taken_for_ours(launches):
    await launches.launch(STAYS)
    os.kill(launches.provisioner.pid, signal.SIGUSR1)
    began = time.monotonic()
    while time.monotonic() < began + 0.1:
        assert await launches.provisioner.poll() is None
        await asyncio.sleep(0.01)


async def test_a_kernel_that_died_after_staying_is_launched_again(launches):
    pid = await launches.launch(STAYS)
    await launches.ask_to_restart()
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert await launches.launch(STAYS) != pid


@pytest.mark.parametrize("change", ["variables", "ports", "command"])
async def test_a_launch_with_something_else_is_a_launch(launches, change):
    pid = await launches.launch(STAYS)
    await launches.ask_to_restart()
    if change == "variables":
        launches.env["JPY_SESSION_NAME"] = "/renamed.ipynb"
    elif change == "ports":
        launches.provisioner.connection_info = {"transport": "tcp", "shell_port": 2}
    other = await launches.launch(STAYS + (" " if change == "command" else ""))
    assert other != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await launches.ask_to_restart()
    assert await launches.provisioner.poll() == 0


async def test_over_ipc_the_kernel_has_to_end(launches):
    launches.provisioner.connection_info = {"transport": "ipc", "ip": "k"}
    await launches.launch(STAYS)
    await launches.ask_to_restart()
    await asyncio.sleep(0.05)
    assert await launches.provisioner.poll() is None


async def test_the_pipe_is_closed_with_the_kernel(launches):
    await launches.launch(STAYS)
    pipe = launches.provisioner._pipe
    await launches.provisioner.cleanup()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(pipe)
