"""Shutdown, restart, and the ways in which a kernel ends."""

from __future__ import annotations

import time


def ended(kernel, seconds=6.0):
    """Wait until the process is gone."""
    began = time.monotonic()
    process = kernel.manager.provisioner.process
    while process is not None and process.poll() is None:
        assert time.monotonic() - began < seconds, "the kernel is still there"
        time.sleep(0.01)


def test_a_shutdown_is_answered_announced_and_done(fresh):
    frontend = fresh.frontend
    id = frontend.request("shutdown_request", {"restart": False}, channel="control")
    reply = frontend.reply_message(of=id)
    assert reply["header"]["msg_type"] == "shutdown_reply"
    assert reply["channel"] == "control"
    assert reply["content"] == {"status": "ok", "restart": False}
    frontend.expect_busy(of=id)
    kinds = set()
    for _ in range(2):
        message = frontend.next_output(of=id)
        kinds.add(message["header"]["msg_type"])
    assert kinds == {"shutdown_reply", "status"}
    ended(fresh)


def test_a_shutdown_while_a_cell_runs_ends_the_kernel(fresh):
    frontend = fresh.frontend
    id = frontend.execute("print('in', flush=True)\nwhile True: pass")
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    frontend.expect_stdout("in\n", of=id)
    fresh.manager.shutdown_kernel()
    ended(fresh)


def test_exit_handlers_run_at_shutdown(fresh, tmp_path):
    mark = tmp_path / "ended"
    fresh.frontend.run(
        f"import atexit, pathlib; _ = atexit.register(pathlib.Path({str(mark)!r}).touch)"
    )
    fresh.manager.shutdown_kernel()
    assert mark.exists()


def test_children_are_gone_after_a_shutdown(fresh):
    from pathlib import Path

    code = "import subprocess; child = subprocess.Popen(['sleep', '100']); print(child.pid)"
    pid = int(fresh.frontend.run(code).stdout)
    fresh.manager.shutdown_kernel()
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_a_restart_brings_an_empty_kernel_that_counts_from_one(fresh):
    fresh.frontend.run("kept = 1")
    fresh.manager.restart_kernel()
    fresh.frontend.close()
    fresh.frontend = fresh.connect()
    transcript = fresh.frontend.run("kept")
    assert transcript.errors == ["NameError"]
    assert transcript.reply["execution_count"] == 1


def test_exit_ends_the_kernel_and_says_so(fresh):
    transcript = fresh.frontend.run("exit")
    assert transcript.status == "ok"
    (payload,) = transcript.reply["payload"]
    assert payload["source"] == "ask_exit"
    assert payload["keepkernel"] is False
    ended(fresh)


def test_a_kernel_that_is_to_be_kept_is_kept(fresh):
    transcript = fresh.frontend.run("exit(keep_kernel=True)")
    assert transcript.reply["payload"][0]["keepkernel"] is True
    assert fresh.frontend.run("1").results == ["1"]


def test_a_quick_restart_does_not_wait_for_the_cell(fresh):
    id = fresh.frontend.execute("print('in', flush=True)\nimport time; time.sleep(60)")
    fresh.frontend.expect_busy(of=id)
    fresh.manager.restart_kernel(now=True)
    fresh.frontend.close()
    fresh.frontend = fresh.connect()
    assert fresh.frontend.run("1").results == ["1"]
