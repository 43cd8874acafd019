"""What ours does and ipykernel 7.4 does not; each was seen to fail there."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zmq

from tests.kernel.dialogues.conftest import OURS, ROOTS
from tests.kernel.dialogues.frontend import Frontend

CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


def begin(frontend, code, marker="in"):
    """Execute, and return its id when the code has begun to run."""
    id = frontend.execute(f"print({marker!r}, flush=True)\n{code}")
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    frontend.expect_stdout(f"{marker}\n", of=id)
    return id


# --- while a cell runs ---


def test_completion_answers_while_a_cell_runs(ours):
    ours.run("import math")
    id = begin(ours, "import time; time.sleep(1.5)")
    began = time.monotonic()
    reply = ours.ask("complete_request", {"code": "math.fact", "cursor_pos": 9})
    assert time.monotonic() - began < 1.0
    assert any("factorial" in match for match in reply["matches"])
    assert not ours.has_reply(of=id)
    ours.expect_idle(of=id)


def test_inspection_answers_while_a_cell_runs(ours):
    ours.run("import math")
    id = begin(ours, "import time; time.sleep(1.5)")
    reply = ours.ask("inspect_request", {"code": "math.sqrt", "cursor_pos": 9, "detail_level": 0})
    assert reply["found"] is True
    assert not ours.has_reply(of=id)
    ours.expect_idle(of=id)


@pytest.mark.parametrize(
    "kind, content",
    [
        ("kernel_info_request", {}),
        ("comm_info_request", {}),
        ("connect_request", {}),
        ("is_complete_request", {"code": "for x in y:"}),
        ("history_request", {"hist_access_type": "tail", "n": 3, "output": False, "raw": True}),
    ],
)
def test_questions_are_answered_while_a_cell_runs(ours, kind, content):
    id = begin(ours, "import time; time.sleep(0.6)")
    began = time.monotonic()
    ours.ask(kind, content)
    assert time.monotonic() - began < 0.5
    assert not ours.has_reply(of=id)
    ours.expect_idle(of=id)


def test_the_last_status_tells_that_the_cell_still_runs(ours):
    id = begin(ours, "import time; time.sleep(0.6)")
    ours.ask("kernel_info_request")
    ours._pump(0.1)
    statuses = [m["content"]["execution_state"] for m in ours._outputs[id]]
    assert statuses[-1:] == ["busy"]
    ours.expect_idle(of=id)


def test_control_and_heartbeat_answer_while_the_interpreter_is_held(ours):
    code = "import ctypes; done = ctypes.PyDLL(None).usleep(1_500_000)"
    id = begin(ours, code)
    began = time.monotonic()
    ours.ask("kernel_info_request", channel="control")
    assert ours.beat(b"still there") == b"still there"
    assert time.monotonic() - began < 0.5
    assert not ours.has_reply(of=id)
    ours.expect_idle(of=id)


def test_completion_gives_up_politely_while_the_interpreter_is_held(ours):
    id = begin(ours, "import ctypes; done = ctypes.PyDLL(None).usleep(5_000_000)")
    reply = ours.ask("complete_request", {"code": "abc", "cursor_pos": 3})
    assert reply == {
        "status": "ok",
        "matches": [],
        "cursor_start": 3,
        "cursor_end": 3,
        "metadata": {},
    }
    ours.expect_idle(of=id)


# --- interrupts ---


def test_a_wait_is_interrupted_at_once(ours):
    id = begin(ours, "import asyncio; await asyncio.sleep(30)")
    began = time.monotonic()
    ours.interrupt()
    ours.expect_error("KeyboardInterrupt", of=id)
    assert time.monotonic() - began < 1
    ours.expect_idle(of=id)


def test_an_interrupt_never_hits_what_is_sent_after_its_reply(ours):
    for _ in range(30):
        ours.ask("interrupt_request", channel="control")
        assert ours.run("1").status == "ok"


def test_a_loop_that_swallows_interrupts_is_interrupted(ours):
    code = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    id = begin(ours, code)
    ours.interrupt()
    ours.interrupt()
    ours.expect_error("KeyboardInterrupt", of=id)
    ours.expect_idle(of=id)
    assert ours.run("1").results == ["1"]


def test_no_request_after_an_error_reply_is_aborted(ours):
    for _ in range(60):
        id = ours.execute("1 / 0")
        ours.expect_reply("error", of=id)
        id = ours.execute("'runs'")
        ours.expect_reply("ok", of=id)


# --- output ---


def test_prints_and_descriptors_keep_their_order(ours):
    code = "import os\nprint('a', flush=True); done = os.write(1, b'b\\n'); print('c')"
    assert ours.run(code).stdout == "a\nb\nc\n"


def test_c_stdio_is_shown_without_a_flush(ours):
    assert (
        ours.run("import ctypes; done = ctypes.CDLL(None).printf(b'from C\\n')").stdout
        == "from C\n"
    )


def test_lone_surrogates_do_no_harm(ours):
    transcript = ours.run("print('a\\ud800b')\n'\\ud800'")
    assert transcript.status == "ok"
    assert transcript.stdout[0] == "a"
    assert transcript.stdout[-2:] == "b\n"
    assert ours.run("1").results == ["1"]


def test_a_lost_stdout_does_no_harm(ours):
    ours.run("import sys; saved = sys.stdout; sys.stdout = None")
    assert ours.run("1 + 1").results == ["2"]
    assert ours.run("sys.stdout = saved; print('back')").stdout == "back\n"


def test_numbers_that_json_does_not_know_do_no_harm(ours):
    code = "display({'application/json': {'x': float('nan'), 'y': [float('inf'), 1.5]}}, raw=True)"
    assert ours.run(code).displays == [{"application/json": {"x": None, "y": [None, 1.5]}}]


def test_all_of_100_chatty_cells_is_there_before_idle(ours):
    for n in range(100):
        code = f"import os\nfor i in range(20): print(i)\ndone = os.write(1, b'end {n}\\n')"
        assert ours.run(code, store_history=False).stdout.endswith(f"19\nend {n}\n")


# --- requests that are wrong ---


def test_an_unknown_request_is_answered(ours):
    reply = ours.ask("strange_request")
    assert reply["status"] == "error"
    assert reply["ename"] == "UnknownMessageType"


@pytest.mark.parametrize(
    "kind, content",
    [
        ("complete_request", {}),
        ("inspect_request", {"code": 5}),
        ("history_request", {}),
        ("is_complete_request", {"code": None}),
        ("execute_request", {"code": ["no", "text"]}),
        ("execute_request", {"code": "1", "user_expressions": {"x": 1}}),
    ],
)
def test_a_malformed_request_is_answered(ours, kind, content):
    reply = ours.ask(kind, content)
    assert reply["status"] == "error"
    assert reply["ename"] == "RequestError"
    assert ours.run("1").results == ["1"]


# --- deaths ---


@pytest.fixture
def doomed(start_kernel):
    running = start_kernel(OURS)
    yield running.frontend
    running.close()


@pytest.mark.fault
@pytest.mark.parametrize(
    "code, ename, words",
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "RunnerCrashed", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "RunnerKilled", "SIGKILL"),
        ("import os; os._exit(3)", "RunnerExited", "exit code 3"),
    ],
)
def test_a_death_is_told_and_the_next_cell_runs(doomed, code, ename, words):
    doomed.run("before = 1")
    doomed.execute(f"print('last words', flush=True)\n{code}")
    doomed.expect_busy()
    doomed.expect("execute_input")
    doomed.expect_stdout("last words\n")
    error = doomed.expect_error(ename)
    doomed.expect_idle()
    reply = doomed.expect_reply("error", ename=ename)
    assert words in "\n".join(error["traceback"])
    assert reply["traceback"] == error["traceback"]
    assert reply["execution_count"] == 2
    transcript = doomed.run("before")
    assert transcript.errors == ["NameError"]
    assert transcript.reply["execution_count"] == 3
    assert transcript.stderr.startswith("The state was lost in cell 2")
    assert doomed.run("1").stderr == ""


@pytest.mark.fault
def test_queued_cells_are_aborted_by_a_death(doomed):
    first = doomed.execute("import os, time; time.sleep(0.3); os._exit(1)")
    second = doomed.execute("'never'")
    assert doomed.transcript(of=first).status == "error"
    assert doomed.transcript(of=second).reply["status"] == "aborted"


@pytest.mark.fault
def test_who_asks_not_to_stop_on_errors_goes_on_after_a_death(doomed):
    first = doomed.execute("import os, time; time.sleep(0.3); os._exit(1)", stop_on_error=False)
    second = doomed.execute("'still here'", stop_on_error=False)
    assert doomed.transcript(of=first).status == "error"
    transcript = doomed.transcript(of=second)
    assert transcript.results == ["'still here'"]
    assert transcript.stderr.startswith("The state was lost in cell")


@pytest.mark.fault
def test_clients_see_restarting_and_then_idle(doomed):
    doomed.run("import os; os._exit(1)")
    doomed.run("1")
    states = [m["content"].get("execution_state") for m in doomed.orphans]
    assert states[-2:] == ["restarting", "idle"]


@pytest.mark.fault
def test_a_death_while_nothing_runs_is_told_in_the_next_cell(doomed):
    pid = int(doomed.run("import os; print(os.getpid())").stdout)
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)
    transcript = doomed.run("'lives'")
    assert transcript.results == ["'lives'"]
    assert "The state was lost" in transcript.stderr


@pytest.mark.fault
def test_the_history_survives_a_death(doomed):
    doomed.run("'remember me'")
    doomed.run("import os; os._exit(1)")
    content = {"hist_access_type": "tail", "n": 2, "output": True, "raw": True}
    first, _ = doomed.ask("history_request", content)["history"]
    assert first[2] == ["'remember me'", "'remember me'"]


@pytest.mark.fault
def test_a_death_in_input_is_told(doomed):
    doomed.execute(
        "import os, threading\nthreading.Timer(0.3, os._exit, (9,)).start()\ninput('?')",
        allow_stdin=True,
    )
    doomed.expect_question("?")
    transcript = doomed.transcript()
    assert transcript.errors == ["RunnerExited"]
    assert doomed.run("1").results == ["1"]


@pytest.mark.fault
def test_on_crash_exit_ends_the_kernel(start_kernel):
    kernel = start_kernel(OURS, "--WherryKernel.on_crash=exit")
    try:
        assert kernel.frontend.run("import os; os._exit(1)").status == "error"
        assert kernel.manager.provisioner.process.wait(5) == 1
    finally:
        kernel.close()


@pytest.mark.fault
def test_after_crash_fail_refuses_later_cells(start_kernel):
    kernel = start_kernel(OURS, "--WherryKernel.after_crash=fail")
    try:
        kernel.frontend.run("import os; os._exit(1)")
        transcript = kernel.frontend.run("1")
        assert transcript.errors == ["StateLost"]
        assert "cell 1" in transcript.reply["evalue"]
    finally:
        kernel.close()


# --- limits ---


def test_a_cell_limits_its_own_time(ours):
    ours.run("kept = 5")
    began = time.monotonic()
    transcript = ours.run("# wherry: timeout=0.5\nwhile True: pass")
    assert transcript.errors == ["TimeLimitExceeded"]
    assert time.monotonic() - began < 3
    assert ours.run("kept").results == ["5"]


def test_the_metadata_of_a_cell_limits_its_time(ours):
    transcript = ours.run("while True: pass", metadata={"execution": {"timeout": 0.5}})
    assert transcript.errors == ["TimeLimitExceeded"]


def test_a_limit_that_cannot_be_read_is_told(ours):
    transcript = ours.run("# wherry: timeout=soon\n1")
    assert transcript.stderr == "wherry: timeout: cannot read 'soon'\n"
    assert transcript.results == ["1"]


# --- connections ---


def test_each_subscriber_is_welcomed(our_kernel):
    for _ in range(2):
        client = Frontend(our_kernel.manager.get_connection_info())
        try:
            first = client.next_orphan()
            assert first["header"]["msg_type"] == "iopub_welcome"
            assert first["content"] == {"subscription": ""}
            assert first["parent_header"] == {}
        finally:
            client.close()


def test_children_in_sessions_of_their_own_are_gone_after_a_shutdown(start_kernel):
    kernel = start_kernel(OURS)
    code = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '100'], start_new_session=True); print(child.pid)"
    )
    pid = int(kernel.frontend.run(code).stdout)
    began = time.monotonic()
    kernel.manager.shutdown_kernel()
    assert time.monotonic() - began < 2.0
    assert not Path(f"/proc/{pid}").exists()
    kernel.close()


@pytest.mark.fault
def test_everything_is_gone_soon_after_the_client_is_killed(start_kernel, tmp_path):
    connection = tmp_path / "connection.json"
    code = (
        "import subprocess, sys, time, os\n"
        "env = {**os.environ, 'JPY_PARENT_PID': str(os.getpid())}\n"
        "words = [sys.executable, '-m', 'wherry_kernel', '-f', sys.argv[1]]\n"
        "child = subprocess.Popen(words, env=env)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(100)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(ROOTS)}
    words = [sys.executable, "-c", code, str(connection)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=env) as parent:
        kernel = int(parent.stdout.readline())
        _wait_until(connection.exists, 5)
        client = Frontend(json.loads(connection.read_text()))
        client.wait_for_kernel()
        runner = int(client.run("import os; print(os.getpid())").stdout)
        begin(client, "while True: pass")
        client.close()
        parent.kill()
    _wait_until(lambda: _gone(kernel) and _gone(runner), 1)


def test_a_kernel_writes_its_own_connection_file(tmp_path):

    path = tmp_path / "own" / "connection.json"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(ROOTS)}
    words = [sys.executable, "-m", "wherry_kernel", "-f", str(path)]
    with subprocess.Popen(words, env=env) as process:
        _wait_until(path.exists, 5)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        client = Frontend(json.loads(path.read_text()))
        client.wait_for_kernel()
        assert client.run("1").results == ["1"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        client.close()
    assert not path.exists()


def test_ipc_and_curve_and_strange_arguments(tmp_path):

    public, secret = zmq.curve_keypair()
    connection = {
        "transport": "ipc",
        "ip": str(tmp_path / "k"),
        **{
            f"{name}_port": n
            for n, name in enumerate(["shell", "iopub", "stdin", "control", "hb"], 1)
        },
        "key": "secret",
        "signature_scheme": "hmac-sha512",
        "curve_publickey": public.decode(),
        "curve_secretkey": secret.decode(),
        "kernel_name": "kept",
    }
    path = tmp_path / "connection.json"
    path.write_text(json.dumps(connection))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(ROOTS)}
    strange = ["--HistoryManager.hist_file=:memory:", "--IPKernelApp.x", "1", "--y"]
    words = [sys.executable, "-m", "wherry_kernel", "-f", str(path), *strange]
    with subprocess.Popen(words, env=env) as process:
        client = Frontend(connection)
        client.session.digest_mod = __import__("hashlib").sha512
        client.session.signature_scheme = "hmac-sha512"
        client.wait_for_kernel()
        assert client.run("1").results == ["1"]
        assert client.beat(b"safe") == b"safe"
        client.request("shutdown_request", {"restart": False}, channel="control")
        assert process.wait(5) == 0
        client.close()
    assert path.exists()


def _gone(pid):
    path = Path(f"/proc/{pid}/stat")
    try:
        return path.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
