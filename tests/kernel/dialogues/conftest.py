"""Kernels for dialogues. A dialogue that takes `frontend` is held with both kernels."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from tests.kernel.dialogues.frontend import PATIENCE, Frontend

ROOT = Path(__file__).parents[3]
ROOTS = [str(ROOT / name) for name in ("runner", "supervisor", "kernel")]

#: ipykernel is the reference: what it says is what is expected of ours.
REFERENCE = "python3"
OURS = "wherry"

#: Ours, started by our provisioner: a restart keeps the process.
KEPT = "wherry-kept"


@pytest.fixture(scope="session")
def kernel_specs(tmp_path_factory) -> KernelSpecManager:
    """All kernels, run from the sources with the interpreter of the tests."""
    folder = tmp_path_factory.mktemp("kernels")
    modules = {REFERENCE: "ipykernel_launcher", OURS: "wherry_kernel", KEPT: "wherry_kernel"}
    for name, module in modules.items():
        spec = {
            "argv": [sys.executable, "-m", module, "-f", "{connection_file}"],
            "display_name": name,
            "language": "python",
            "interrupt_mode": "signal" if name == REFERENCE else "message",
            "env": {"PYTHONPATH": os.pathsep.join(ROOTS)},
        }
        if name == KEPT:
            spec["metadata"] = {"kernel_provisioner": {"provisioner_name": "wherry-provisioner"}}
        (folder / name).mkdir()
        (folder / name / "kernel.json").write_text(json.dumps(spec))
    return KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)


class RunningKernel:
    """A started kernel and the client that dialogues are held with."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.name = manager.kernel_name
        try:
            self.frontend = self.connect()
        except BaseException:
            self.manager.shutdown_kernel(now=True)
            self.manager.cleanup_resources()
            raise

    def connect(self) -> Frontend:
        """Return a new client that misses nothing from now on."""
        frontend = Frontend(self.manager.get_connection_info())
        try:
            frontend.wait_for_kernel()
        except BaseException:
            frontend.close()
            raise
        return frontend

    def rest(self) -> bool:
        """Whether the kernel is idle, as the next dialogue expects it."""
        self.frontend.patience = 2.0
        try:
            id = self.frontend.execute("", silent=True)
            self.frontend.reply_message(of=id)
        except AssertionError:
            return False
        finally:
            self.frontend.patience = PATIENCE
        self.frontend.forget()
        return True

    def close(self) -> None:
        self.frontend.close()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="session")
def start_kernel(kernel_specs, tmp_path_factory):
    """Start a kernel by name; with settings of its own, and arguments added to its command."""

    def start(name: str, *arguments: str, **environment: str) -> RunningKernel:
        home = tmp_path_factory.mktemp("home")
        env = {
            **os.environ,
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
            "MPLCONFIGDIR": str(tmp_path_factory.getbasetemp() / "matplotlib"),
            "PYTHONPATH": os.pathsep.join(ROOTS),
            **environment,
        }
        # ipykernel captures no descriptors when it sees this.
        env.pop("PYTEST_CURRENT_TEST", None)
        manager = KernelManager(
            kernel_name=name,
            kernel_spec_manager=kernel_specs,
            connection_file=str(home / "connection.json"),
        )
        manager.start_kernel(env=env, extra_arguments=list(arguments), cwd=str(home))
        return RunningKernel(manager)

    return start


@pytest.fixture(scope="session")
def shared_kernels(start_kernel):
    kernels: dict[str, RunningKernel] = {}

    def get(name: str) -> RunningKernel:
        if name not in kernels:
            kernels[name] = start_kernel(name)
        return kernels[name]

    def drop(name: str) -> None:
        kernels.pop(name).close()

    get.drop = drop
    yield get
    for kernel in kernels.values():
        kernel.close()


@pytest.fixture(params=[REFERENCE, OURS])
def kernel(request, shared_kernels):
    """A kernel that is shared between dialogues; one that is not idle afterwards is replaced."""
    running = shared_kernels(request.param)
    running.frontend.forget()
    yield running
    if not running.rest():
        shared_kernels.drop(running.name)


@pytest.fixture
def frontend(kernel) -> Frontend:
    return kernel.frontend


@pytest.fixture
def our_kernel(shared_kernels):
    """Ours alone, for what ipykernel cannot do."""
    running = shared_kernels(OURS)
    running.frontend.forget()
    yield running
    if not running.rest():
        shared_kernels.drop(running.name)


@pytest.fixture
def ours(our_kernel) -> Frontend:
    return our_kernel.frontend


@pytest.fixture(params=[REFERENCE, OURS])
def fresh(request, start_kernel):
    """A kernel of one's own, to be killed, restarted or shut down."""
    running = start_kernel(request.param)
    yield running
    running.close()
