"""A restart by a kernel manager that keeps the kernel, its connection and its clients."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from jupyter_client.ioloop import AsyncIOLoopKernelManager

from tests.kernel.dialogues.conftest import KEPT, OURS
from tests.kernel.dialogues.debug_client import DebugClient


@pytest.fixture
def kept(start_kernel):
    running = start_kernel(KEPT)
    yield running
    running.close()


def pid_of(kernel) -> int:
    return kernel.manager.provisioner.process.pid


def restarts_in_place(kernel) -> None:
    """Restart; the client stays, and what it sends next is run by the new runner."""
    before = pid_of(kernel)
    kernel.manager.restart_kernel()
    assert pid_of(kernel) == before
    transcript = kernel.frontend.run("'kept' in globals()")
    assert transcript.results == ["False"]
    assert transcript.reply["execution_count"] == 1


def test_the_process_stays_and_the_variables_go(kept):
    kept.frontend.run("kept = 1")
    restarts_in_place(kept)


def test_again_and_again(kept):
    for _ in range(3):
        kept.frontend.run("kept = 1")
        restarts_in_place(kept)


def test_twice_in_a_row(kept):
    kept.frontend.run("kept = 1")
    kept.manager.restart_kernel()
    restarts_in_place(kept)


def test_while_a_cell_runs_and_others_wait(kept):
    frontend = kept.frontend
    running = frontend.execute("print('in', flush=True)\nwhile True: pass")
    waiting = frontend.execute("kept = 1")
    frontend.expect_busy(of=running)
    frontend.expect("execute_input", of=running)
    frontend.expect_stdout("in\n", of=running)
    restarts_in_place(kept)
    for id in (running, waiting):
        assert frontend.reply_message(of=id)["content"]["status"] in {"aborted", "error"}


def test_while_a_cell_ignores_its_interrupt(kept):
    frontend = kept.frontend
    id = frontend.execute("print('in', flush=True)\nsum(range(10**13))")
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    frontend.expect_stdout("in\n", of=id)
    restarts_in_place(kept)


def test_while_the_runner_starts(kept):
    kept.frontend.request("shutdown_request", {"restart": True}, channel="control")
    kept.frontend.request("shutdown_request", {"restart": True}, channel="control")
    restarts_in_place(kept)


def test_exit_handlers_run(kept, tmp_path):
    mark = tmp_path / "ended"
    code = f"import atexit, pathlib; _ = atexit.register(pathlib.Path({str(mark)!r}).touch)"
    kept.frontend.run(code)
    restarts_in_place(kept)
    assert mark.exists()


def test_clients_see_a_new_session_that_starts(kept):
    """Section "Message header": by a new session id clients detect that a kernel restarted."""
    frontend = kept.frontend
    first = frontend.request("kernel_info_request")
    before = frontend.reply_message(of=first)["header"]["session"]
    frontend.forget()
    id = frontend.request("shutdown_request", {"restart": True}, channel="control")
    reply = frontend.reply_message(of=id)
    assert reply["content"] == {"status": "ok", "restart": True}
    assert reply["header"]["session"] == before
    second = frontend.request("kernel_info_request")
    assert frontend.reply_message(of=second)["header"]["session"] != before
    frontend.run("1")
    said = [m["content"].get("execution_state") for m in frontend.orphans]
    assert said == ["starting", "idle"]


def test_comms_are_closed_for_clients(kept):
    pytest.importorskip("comm")
    frontend = kept.frontend
    frontend.run("from comm import create_comm; c = create_comm(target_name='t')")
    assert len(frontend.ask("comm_info_request")["comms"]) == 1
    restarts_in_place(kept)
    assert frontend.ask("comm_info_request")["comms"] == {}
    assert "comm_close" in [m["header"]["msg_type"] for m in frontend.orphans]


def test_history_begins_anew(kept):
    kept.frontend.run("kept = 1")
    restarts_in_place(kept)
    asked = {"hist_access_type": "range", "session": 0, "start": 1, "raw": True, "output": False}
    entries = kept.frontend.ask("history_request", asked)["history"]
    assert [tuple(entry) for entry in entries] == [(0, 1, "'kept' in globals()")]


def test_a_dead_kernel_is_launched_again(kept):
    before = pid_of(kept)
    os.kill(before, signal.SIGKILL)
    while kept.manager.is_alive():
        time.sleep(0.01)
    kept.manager.restart_kernel()
    assert pid_of(kept) != before
    kept.frontend.close()
    kept.frontend = kept.connect()
    assert kept.frontend.run("1").results == ["1"]


def test_a_stopped_kernel_is_killed_and_launched_again(kept):
    before = pid_of(kept)
    kept.manager.shutdown_wait_time = 1.0
    os.kill(before, signal.SIGSTOP)
    kept.manager.restart_kernel()
    assert pid_of(kept) != before
    assert not Path(f"/proc/{before}").exists()


def test_now_is_a_new_process(kept):
    before = pid_of(kept)
    kept.manager.restart_kernel(now=True)
    assert pid_of(kept) != before


def test_a_changed_configuration_is_read_by_a_new_process(kept, monkeypatch):
    before = pid_of(kept)
    home = Path(kept.manager.connection_file).parent
    (home / "jupyter").mkdir()
    (home / "jupyter" / "jupyter_wherry_config.py").write_text("c.WherryKernel.time_limit = 0.2\n")
    kept.manager.restart_kernel()
    assert pid_of(kept) != before
    kept.frontend.close()
    kept.frontend = kept.connect()
    assert kept.frontend.run("while True: pass").errors == ["TimeLimitExceeded"]
    restarts_in_place(kept)


def test_new_variables_come_with_a_new_process(kept):
    """jupyter_server changes JPY_SESSION_NAME when a notebook is renamed."""
    before = pid_of(kept)
    kept.manager.update_env(env={"JPY_SESSION_NAME": "/new.ipynb"})
    kept.manager.restart_kernel()
    assert pid_of(kept) != before
    kept.frontend.close()
    kept.frontend = kept.connect()
    assert kept.frontend.run("__import__('os').environ['JPY_SESSION_NAME']").results == [
        "'/new.ipynb'"
    ]
    restarts_in_place(kept)


def test_breakpoints_stay(kept):
    client = DebugClient(kept.frontend)
    client.attach()
    code = "def f(a):\n    return a\nf(1)"
    path = client.break_at(code, 2)
    kept.manager.restart_kernel()
    id = kept.frontend.execute(code)
    assert client.event("stopped")["reason"] == "breakpoint"
    assert client.top()["source"]["path"] == path
    assert client.body("debugInfo")["breakpoints"] == [
        {"source": path, "breakpoints": [{"line": 2}]}
    ]
    client.ask("continue", threadId=1)
    assert kept.frontend.reply_message(of=id)["content"]["status"] == "ok"


def test_a_shutdown_is_the_end(kept):
    process = kept.manager.provisioner.process
    kept.manager.restart_kernel()
    kept.manager.shutdown_kernel()
    assert process.poll() is not None


def test_without_the_provisioner_the_process_ends(start_kernel):
    running = start_kernel(OURS)
    before = pid_of(running)
    running.manager.restart_kernel()
    assert pid_of(running) != before
    running.close()


@pytest.mark.asyncio
async def test_a_server_restarts_a_dead_kernel_by_itself(kernel_specs, tmp_path):
    """Servers watch their kernels and use another class of managers."""
    manager = AsyncIOLoopKernelManager(
        kernel_name=KEPT,
        kernel_spec_manager=kernel_specs,
        connection_file=str(tmp_path / "connection.json"),
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    manager._restarter = manager.restarter_class(kernel_manager=manager, time_to_dead=0.1)
    await manager.start_kernel(env=env, cwd=str(tmp_path))
    try:
        first = manager.provisioner.process.pid
        await manager.restart_kernel()
        await asyncio.sleep(0.5)
        assert manager.provisioner.process.pid == first
        os.kill(first, signal.SIGKILL)
        for _ in range(200):
            process = manager.provisioner.process
            if process is not None and process.pid != first and process.poll() is None:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("nobody restarted it")
        await asyncio.sleep(0.5)
        second = manager.provisioner.process.pid
        await manager.restart_kernel()
        assert manager.provisioner.process.pid == second
    finally:
        await manager.shutdown_kernel(now=True)
