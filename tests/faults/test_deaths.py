"""Whoever dies, whenever: a reply and an idle status come, in words, and nobody is left running."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from .conftest import wait_until

pytestmark = pytest.mark.fault

ROOT = Path(__file__).resolve().parents[2]

#: Daemons and children that try to outlive the kernel.
ADVERSARIES = """
import os, subprocess, sys
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sleep", "600"], start_new_session=True)
subprocess.Popen(["sh", "-c", "nohup setsid sleep 600 >/dev/null 2>&1 &"]).wait()
if not os.fork():
    os.setsid()
    if not os.fork():
        import time
        time.sleep(600)
    os._exit(0)
os.wait()
print("started", flush=True)
"""


def texts(outputs: list[dict]) -> str:
    return "\n".join(m["content"].get("text", "") + m["content"].get("evalue", "") for m in outputs)


def test_a_worker_killed_when_idle_is_replaced(frontend) -> None:
    worker = frontend.worker_pid()
    os.kill(worker, signal.SIGKILL)
    frontend.assert_usable()
    assert frontend.worker_pid() != worker


def test_a_worker_killed_when_busy_ends_the_cell_with_words(frontend) -> None:
    worker = frontend.worker_pid()
    request = frontend.send("print('here', flush=True)\nimport time; time.sleep(60)")
    frontend.wait_busy(request)
    started = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    reply, _ = frontend.finish(request)
    assert time.monotonic() - started < 5
    assert reply["status"] == "error"
    assert "SIGKILL" in reply["evalue"]
    frontend.assert_usable()


def test_a_worker_killed_in_input_ends_the_cell(frontend) -> None:
    worker = frontend.worker_pid()
    request = frontend.send("print('asking', flush=True)\ninput('name? ')", allow_stdin=True)
    question = frontend.client.get_stdin_msg(timeout=10)
    assert question["content"]["prompt"] == "name? "
    os.kill(worker, signal.SIGKILL)
    reply, _ = frontend.finish(request)
    assert reply["status"] == "error"
    frontend.client.input("too late")
    frontend.assert_usable()


def test_a_guardian_killed_when_idle_is_replaced(frontend) -> None:
    frontend.output_of("x = 1")
    guardian = frontend.guardian_pid()
    os.kill(guardian, signal.SIGKILL)
    wait_until(lambda: guardian not in frontend.left())
    frontend.assert_usable()
    assert guardian not in frontend.left()


def test_a_guardian_killed_when_busy_ends_the_cell_and_its_children(frontend) -> None:
    request = frontend.send(ADVERSARIES + "\nimport time; time.sleep(60)")
    frontend.wait_busy(request)
    os.kill(frontend.guardian_pid(), signal.SIGKILL)
    reply, _ = frontend.finish(request)
    assert reply["status"] == "error"
    frontend.assert_usable()
    # kernel, new guardian, new worker and perhaps a spare
    wait_until(lambda: len(frontend.left()) <= 4)


def test_a_stopped_guardian_is_replaced_by_a_restart_of_the_ladder(frontend) -> None:
    request = frontend.send("print('here', flush=True)\nimport time; time.sleep(60)")
    frontend.wait_busy(request)
    os.kill(frontend.guardian_pid(), signal.SIGSTOP)
    frontend.manager.interrupt_kernel()
    reply, _ = frontend.finish(request)
    assert reply["status"] == "error"
    frontend.assert_usable()


def test_a_stopped_worker_obeys_the_ladder(frontend) -> None:
    worker = frontend.worker_pid()
    request = frontend.send("print('here', flush=True)\nimport time; time.sleep(60)")
    frontend.wait_busy(request)
    os.kill(worker, signal.SIGSTOP)
    frontend.manager.interrupt_kernel()
    reply, _ = frontend.finish(request)
    assert reply["status"] == "error"
    frontend.assert_usable()


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "sum(range(10**13))",
        "while True: pass",
        "input()",
        "import ctypes; ctypes.PyDLL(None).sleep(60)",
    ],
)
def test_nothing_outlives_a_killed_kernel(frontend, code: str) -> None:
    request = frontend.send(ADVERSARIES + "\n" + code, allow_stdin=True)
    frontend.wait_busy(request)
    assert len(frontend.left()) >= 6
    started = time.monotonic()
    os.kill(frontend.kernel_pid, signal.SIGKILL)
    wait_until(lambda: not frontend.left())
    assert time.monotonic() - started < 5


def test_nothing_outlives_an_orderly_shutdown(frontend) -> None:
    frontend.output_of(ADVERSARIES)
    frontend.manager.shutdown_kernel()
    wait_until(lambda: not frontend.left(), bound=5)


def test_a_kernel_killed_together_with_its_group_leaves_nobody(frontend) -> None:
    frontend.output_of(ADVERSARIES)
    frontend.manager.shutdown_kernel(now=True)
    wait_until(lambda: not frontend.left(), bound=5)


@pytest.mark.parametrize("victim", ["worker", "guardian"])
def test_a_death_during_a_restart_still_gives_a_usable_kernel(frontend, victim: str) -> None:
    pid = frontend.worker_pid() if victim == "worker" else frontend.guardian_pid()
    request = frontend.send("import os; os.kill(os.getpid(), 11)")
    time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    reply, _ = frontend.finish(request)
    assert reply["status"] == "error"
    frontend.assert_usable()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    ],
)
def test_a_death_is_told_and_the_next_cell_runs(frontend, code: str, words: str) -> None:
    reply, outputs = frontend.run("print('last words')\n" + code)
    assert reply["status"] == "error"
    assert words in reply["evalue"]
    assert "last words" in texts(outputs)
    assert [m for m in outputs if m["msg_type"] == "error"]
    frontend.assert_usable()


def test_user_code_that_kills_the_guardian_ends_only_itself(frontend) -> None:
    reply, _ = frontend.run("import os; os.kill(os.getppid(), 9); import time; time.sleep(60)")
    assert reply["ename"] == "RunnerLost"
    frontend.assert_usable()


def test_a_death_aborts_what_was_queued(frontend) -> None:
    first = frontend.send("import time; time.sleep(0.3); import os; os._exit(1)")
    second = frontend.send("print('must not run')")
    assert frontend.finish(first)[0]["status"] == "error"
    assert frontend.finish(second)[0]["status"] == "aborted"
    frontend.assert_usable()


def test_a_dead_client_takes_the_kernel_with_it(tmp_path) -> None:
    import subprocess
    import sys

    from .conftest import processes_with

    program = (
        "from tests.faults.conftest import Frontend\n"
        "import time\n"
        "f = Frontend()\n"
        "r = f.send('print(1, flush=True)\\nsum(range(10**13))')\n"
        "f.wait_busy(r)\n"
        "print(f.mark, flush=True)\n"
        "time.sleep(600)\n"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert client.stdout is not None
    mark = client.stdout.readline().strip()
    assert processes_with(mark)
    client.kill()
    client.wait()
    client.stdout.close()
    wait_until(lambda: not processes_with(mark), bound=5)
