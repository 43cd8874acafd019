"""A kernel behind a real client, and the means to find every process that it leaves behind."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

#: Everything that ends must have ended within this time, on a machine that is busy with other work.
BOUND = 20.0


def processes_with(mark: str) -> list[int]:
    """Return the living processes whose environment holds `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark.encode() in environment and state not in "ZX":
            found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def wait_until(condition, *, bound: float = BOUND):
    """Return the first true value of `condition()`."""
    deadline = time.monotonic() + bound
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail(f"not within {bound} s")


class Frontend:
    """A Jupyter client that reads like a dialogue, and fails instead of waiting for ever."""

    def __init__(self) -> None:
        self.mark = f"WHERRY_TEST={uuid.uuid4().hex}"
        name, value = self.mark.split("=")
        self.manager = KernelManager(kernel_name="wherry")
        self.manager.start_kernel(env={**os.environ, name: value})
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    @property
    def kernel_pid(self) -> int:
        return self.manager.provisioner.pid

    def guardian_pid(self) -> int:
        """The kernel's only child."""
        children = Path(f"/proc/{self.kernel_pid}/task/{self.kernel_pid}/children").read_text()
        return int(children.split()[0])

    def worker_pid(self) -> int:
        return int(self.output_of("import os; print(os.getpid())"))

    def send(self, code: str, **options) -> str:
        return self.client.execute(code, **options)

    def wait_busy(self, request: str) -> None:
        """Return when the code of `request` has begun: it must print a line first."""
        while True:
            message = self.client.get_iopub_msg(timeout=BOUND)
            ours = message["parent_header"].get("msg_id") == request
            if ours and message["msg_type"] in ("stream", "display_data"):
                return

    def finish(self, request: str) -> tuple[dict, list[dict]]:
        """Return the reply to `request` and its outputs, up to and with the idle status."""
        outputs = []
        while True:
            message = self.client.get_iopub_msg(timeout=BOUND)
            if message["parent_header"].get("msg_id") != request:
                continue
            outputs.append(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        while True:
            reply = self.client.get_shell_msg(timeout=BOUND)
            if reply["parent_header"]["msg_id"] == request:
                return reply["content"], outputs

    def run(self, code: str, **options) -> tuple[dict, list[dict]]:
        return self.finish(self.send(code, **options))

    def output_of(self, code: str) -> str:
        reply, outputs = self.run(code)
        assert reply["status"] == "ok", reply
        return "".join(m["content"]["text"] for m in outputs if m["msg_type"] == "stream")

    def assert_usable(self) -> None:
        """A new cell runs and its output comes."""
        reply, outputs = self.run("print(6 * 7)")
        assert reply["status"] == "ok", reply
        text = "".join(m["content"]["text"] for m in outputs if m["msg_type"] == "stream")
        assert "42\n" in text

    def left(self) -> list[int]:
        return processes_with(self.mark)

    def close(self) -> None:
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        wait_until(lambda: not self.left(), bound=10)


@pytest.fixture
def frontend():
    made = Frontend()
    yield made
    made.close()
