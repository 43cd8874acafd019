"""Interrupts, asked for by message on the control channel."""

from __future__ import annotations

import time


def interrupted(frontend, code, marker="started"):
    """Run `code`, interrupt when it has printed, and return its transcript and the seconds."""
    id = frontend.execute(f"print('{marker}', flush=True)\n{code}")
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    frontend.expect_stdout(f"{marker}\n", of=id)
    began = time.monotonic()
    request = frontend.interrupt()
    frontend.expect_reply("ok", of=request)
    frontend.expect_error("KeyboardInterrupt", of=id)
    seconds = time.monotonic() - began
    frontend.expect_idle(of=id)
    reply = frontend.expect_reply("error", of=id)
    assert reply["ename"] == "KeyboardInterrupt"
    return seconds


def test_a_loop_is_interrupted(frontend):
    assert interrupted(frontend, "while True: pass") < 2


def test_a_sleep_is_interrupted(frontend):
    assert interrupted(frontend, "import time; time.sleep(30)") < 2


def test_a_waiting_child_is_interrupted_with_the_cell(frontend):
    assert interrupted(frontend, "import subprocess; subprocess.run(['sleep', '30'])") < 3


def test_state_survives_an_interrupt(frontend):
    frontend.run("kept = 'kept'")
    interrupted(frontend, "while True: pass")
    assert frontend.run("kept").results == ["'kept'"]


def test_finally_runs_and_may_print(frontend):
    id = frontend.execute(
        "import time\ntry:\n    print('in', flush=True); time.sleep(30)\nfinally:\n    print('out')"
    )
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    frontend.expect_stdout("in\n", of=id)
    frontend.interrupt()
    frontend.expect_stdout("out\n", of=id)
    frontend.expect_error("KeyboardInterrupt", of=id)


def test_a_caught_interrupt_is_no_error(frontend):
    id = frontend.execute(
        "import time\ntry:\n    print('in', flush=True); time.sleep(30)\n"
        "except KeyboardInterrupt:\n    print('caught')"
    )
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    frontend.expect_stdout("in\n", of=id)
    frontend.interrupt()
    frontend.expect_stdout("caught\n", of=id)
    frontend.expect_idle(of=id)
    frontend.expect_reply("ok", of=id)


def test_an_interrupt_when_nothing_runs_does_no_harm(frontend):
    assert frontend.ask("interrupt_request", channel="control") == {"status": "ok"}
    frontend.ask("interrupt_request", channel="control")
    assert frontend.run("1 + 1").results == ["2"]


def test_an_interrupt_aborts_what_is_queued(frontend):
    running = frontend.execute("print('in', flush=True)\nimport time; time.sleep(30)")
    queued = frontend.execute("'never'")
    frontend.expect_busy(of=running)
    frontend.expect("execute_input", of=running)
    frontend.expect_stdout("in\n", of=running)
    frontend.interrupt()
    assert frontend.transcript(of=queued).reply["status"] == "aborted"


def test_a_signal_to_the_kernel_interrupts_as_well(kernel):
    import os
    import signal

    frontend = kernel.frontend
    id = frontend.execute("print('in', flush=True)\nimport time; time.sleep(30)")
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    frontend.expect_stdout("in\n", of=id)
    os.kill(kernel.manager.provisioner.process.pid, signal.SIGINT)
    frontend.expect_error("KeyboardInterrupt", of=id)
    frontend.expect_idle(of=id)
    frontend.expect_reply("error", of=id)
