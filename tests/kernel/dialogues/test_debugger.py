"""Debugging, as JupyterLab does it (JEP 47 and 93)."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.kernel.dialogues.conftest import OURS
from tests.kernel.dialogues.debug_client import INITIALIZE, DebugClient

CODE = """def f(a, b):
    c = a + b
    return c

f(2, 3)"""


@pytest.fixture
def client(frontend):
    client = DebugClient(frontend)
    client.attach()
    yield client
    client.disconnect()


@pytest.fixture
def ours_attached(ours):
    client = DebugClient(ours)
    client.attach()
    yield client
    client.disconnect()


def stop(client: DebugClient, code: str, line: int) -> str:
    """Run `code` until it stops at a breakpoint in `line`; returns the execution's id."""
    client.break_at(code, line)
    id = client.frontend.execute(code)
    assert client.event("stopped")["reason"] == "breakpoint"
    return id


def go_on(client: DebugClient, id: str) -> dict:
    client.ask("continue", threadId=1)
    return client.frontend.reply_message(of=id)["content"]


# --- with both kernels ---


def test_a_session_is_started_and_ended(frontend):
    client = DebugClient(frontend)
    assert client.body("debugInfo")["isStarted"] is False
    client.attach()
    assert client.body("debugInfo")["isStarted"] is True
    client.disconnect()
    assert client.body("debugInfo")["isStarted"] is False


def test_the_client_learns_how_cells_are_named(frontend):
    info = DebugClient(frontend).body("debugInfo")
    assert info["hashMethod"] == "Murmur2"
    assert info["hashSeed"] == 0xC70F6907
    assert info["tmpFileSuffix"] == ".py"
    assert Path(info["tmpFilePrefix"]).is_absolute()
    assert info["richRendering"] is True
    assert info["copyToGlobals"] is True


def test_a_cell_stops_at_a_breakpoint_and_goes_on(client):
    path = client.break_at(CODE, 2)
    id = client.frontend.execute(CODE)
    stopped = client.event("stopped")
    assert (stopped["reason"], stopped["threadId"]) == ("breakpoint", 1)
    assert 1 in client.body("debugInfo")["stoppedThreads"]
    frame = client.top()
    assert (frame["name"], frame["line"], frame["source"]["path"]) == ("f", 2, path)
    assert not client.frontend.has_reply(of=id)
    assert go_on(client, id)["status"] == "ok"
    client.event("continued")
    assert client.body("debugInfo")["stoppedThreads"] == []


def test_the_dumped_cell_has_the_name_that_the_client_computes(client):
    path = client.body("dumpCell", code=CODE)["sourcePath"]
    info = client.body("debugInfo")
    assert path.startswith(info["tmpFilePrefix"])
    assert path.endswith(info["tmpFileSuffix"])
    assert client.body("source", source={"path": path})["content"] == CODE


def test_variables_of_a_stopped_frame(client):
    id = stop(client, CODE, 2)
    found = client.locals()
    assert {name: each["value"] for name, each in found.items()} == {"a": "2", "b": "3"}
    assert found["a"]["type"] == "int"
    assert go_on(client, id)["status"] == "ok"


def test_steps(client):
    id = stop(client, CODE, 5)
    client.ask("stepIn", threadId=1)
    assert client.event("stopped")["reason"] == "step"
    assert (client.top()["name"], client.top()["line"]) == ("f", 2)
    client.ask("next", threadId=1)
    client.event("stopped")
    assert client.top()["line"] == 3
    assert client.locals()["c"]["value"] == "5"
    client.ask("stepOut", threadId=1)
    client.event("stopped")
    assert client.top()["name"] == "<module>"
    assert go_on(client, id)["status"] == "ok"


def test_steps_go_from_statement_to_statement(client):
    code = "first = 1\nsecond = 2\nthird = 3"
    path = client.break_at(code, 1)
    id = client.frontend.execute(code)
    client.event("stopped")
    for line in (2, 3):
        client.ask("next", threadId=1)
        client.event("stopped")
        assert (client.top()["line"], client.top()["source"]["path"]) == (line, path)
    assert go_on(client, id)["status"] == "ok"


def test_expressions_are_evaluated(client):
    assert client.body("evaluate", expression="'a' + 'b'", context="repl")["result"] == "ab"
    id = stop(client, CODE, 2)
    frame = client.top()["id"]
    found = client.body("evaluate", expression="a * 10", frameId=frame, context="watch")
    assert found["result"] == "20"
    assert go_on(client, id)["status"] == "ok"


def test_a_condition_decides_whether_to_stop(client):
    code = "for condition_i in range(10):\n    x = condition_i\nx"
    client.break_at(code, 2, condition="condition_i == 7")
    id = client.frontend.execute(code)
    client.event("stopped")
    frame = client.top()["id"]
    found = client.body("evaluate", expression="condition_i", frameId=frame, context="watch")
    assert found["result"] == "7"
    assert go_on(client, id)["status"] == "ok"


def test_lines_are_the_clients_lines_in_a_cell_that_begins_empty(client):
    code = "\n\nempty_begin = 1\nempty_begin += 1"
    id = stop(client, code, 4)
    assert client.top()["line"] == 4
    assert go_on(client, id)["status"] == "ok"


def test_code_stops_where_an_exception_is_raised(client):
    client.body("setExceptionBreakpoints", filters=["raised"])
    code = "def fails(n):\n    return n / 0\ntry:\n    fails(3)\nexcept ZeroDivisionError: pass"
    path = client.body("dumpCell", code=code)["sourcePath"]
    id = client.frontend.execute(code)
    assert client.event("stopped")["reason"] == "exception"
    assert (client.top()["line"], client.top()["source"]["path"]) == (2, path)
    client.body("setExceptionBreakpoints", filters=[])
    assert go_on(client, id)["status"] == "ok"


def test_breakpoints_are_told_to_who_asks(client):
    path = client.break_at(CODE, 2)
    assert {"source": path, "breakpoints": [{"line": 2}]} in client.body("debugInfo")["breakpoints"]


def test_a_second_session_stops_too(frontend):
    for code in (CODE, CODE.replace("2", "4")):
        client = DebugClient(frontend)
        client.attach()
        id = stop(client, code, 2)
        assert go_on(client, id)["status"] == "ok"
        client.disconnect()


def test_disconnecting_lets_stopped_code_go_on(frontend):
    client = DebugClient(frontend)
    client.attach()
    id = stop(client, CODE, 2)
    client.disconnect()
    assert frontend.reply_message(of=id)["content"]["status"] == "ok"


def test_a_variable_is_copied_from_a_stopped_frame(client):
    id = stop(client, CODE, 2)
    frame = client.top()["id"]
    names = {"srcVariableName": "b", "dstVariableName": "copied_b"}
    assert client.ask("copyToGlobals", **names, srcFrameId=frame)["success"]
    assert go_on(client, id)["status"] == "ok"
    assert client.frontend.run("copied_b").results == ["3"]


def test_copying_refuses_what_is_no_name(client):
    names = {"srcVariableName": "b", "dstVariableName": "x'] or print('no') or globals()['y"}
    assert client.ask("copyToGlobals", **names, srcFrameId=1)["success"] is False


def test_rich_output_of_a_stopped_frames_variable(client):
    id = stop(client, CODE, 2)
    frame = client.top()["id"]
    found = client.body("richInspectVariables", variableName="b", frameId=frame)
    assert found["data"] == {"text/plain": "3"}
    assert go_on(client, id)["status"] == "ok"


# --- without a session ---


def test_the_variable_panel_needs_no_session(frontend):
    frontend.run("panel_word = 'hello'\npanel_list = [1, [2, 3]]")
    client = DebugClient(frontend)
    panel = client.panel()
    assert (panel["panel_word"]["value"], panel["panel_word"]["type"]) == ("'hello'", "str")
    assert panel["panel_word"]["variablesReference"] == 0
    assert panel["panel_list"]["variablesReference"] > 0
    assert not {"In", "Out", "get_ipython", "_", "_i", "exit"} & set(panel)


def test_rich_output_needs_no_session(frontend):
    frontend.run(
        "class Rich:\n    def _repr_html_(self): return '<b>r</b>'\n"
        "    def __repr__(self): return 'r'\nrich = Rich()"
    )
    client = DebugClient(frontend)
    found = client.body("richInspectVariables", variableName="rich")
    assert found["data"] == {"text/plain": "r", "text/html": "<b>r</b>"}


def test_modules_need_no_session(frontend):
    body = DebugClient(frontend).body("modules")
    assert {"id", "name", "path"} == set(body["modules"][0])
    assert "json" in {each["name"] for each in body["modules"]}


def test_the_panel_answers_while_a_cell_runs(frontend):
    frontend.run("busy_value = 41")
    id = frontend.execute("import time; time.sleep(2)")
    frontend.expect_busy(of=id)
    frontend.expect("execute_input", of=id)
    began = time.monotonic()
    client = DebugClient(frontend)
    assert client.panel()["busy_value"]["value"] == "41"
    assert client.body("debugInfo")["stoppedThreads"] == []
    assert client.body("modules")["totalModules"] > 0
    assert time.monotonic() - began < 1.5
    assert not frontend.has_reply(of=id)
    frontend.expect_idle(of=id)


# --- ours alone ---


def test_the_kernel_says_that_it_has_a_debugger(ours):
    info = ours.ask("kernel_info_request")
    assert "debugger" in info["supported_features"]
    assert info["debugger"] is True


def test_parts_of_a_value_are_found_without_a_session(ours):
    ours.run("tree = {'leaf': 1, 'twigs': [10, 20]}\nclass Point:\n    pass\np = Point(); p.x = 5")
    client = DebugClient(ours)
    panel = client.panel()
    tree = client.body("variables", variablesReference=panel["tree"]["variablesReference"])
    assert [(each["name"], each["value"]) for each in tree["variables"]] == [
        ("'leaf'", "1"),
        ("'twigs'", "[10, 20]"),
    ]
    assert tree["variables"][1]["evaluateName"] == "tree['twigs']"
    point = client.body("variables", variablesReference=panel["p"]["variablesReference"])
    assert [each["evaluateName"] for each in point["variables"]] == ["p.x"]


def test_requests_without_a_session_fail_in_words(ours):
    response = DebugClient(ours).ask("stackTrace", threadId=1)
    assert response["success"] is False
    assert "initialize" in response["message"]


def test_a_message_that_is_no_request_fails_in_words(ours):
    reply = ours.ask("debug_request", {"seq": 1}, channel="control")
    assert reply["success"] is False
    assert "Debug Adapter Protocol" in reply["message"]


def test_a_function_of_a_cell_that_ran_before_the_session_stops(ours):
    code = "def early(n):\n    n += 1\n    return n"
    ours.run(code)
    client = DebugClient(ours)
    client.attach()
    path = client.break_at(code, 2)
    id = ours.execute("early(1)")
    client.event("stopped")
    assert (client.top()["line"], client.top()["source"]["path"]) == (2, path)
    assert go_on(client, id)["status"] == "ok"
    client.disconnect()


def test_our_own_threads_are_hidden(ours_attached):
    threads = ours_attached.body("threads")["threads"]
    assert [each["name"] for each in threads] == ["MainThread"]


def test_tracebacks_name_cells_as_ever(ours_attached):
    ours = ours_attached.frontend
    transcript = ours.run("def broken():\n    1/0\nbroken()")
    count = transcript.reply["execution_count"]
    text = "\n".join(transcript.of("error")[0]["traceback"])
    assert f"In[{count}], line 2" in text.replace("\x1b[39m\x1b[32m", "").replace("\x1b[32m", "")


def test_completion_answers_while_code_is_stopped(ours_attached):
    ours = ours_attached.frontend
    id = stop(ours_attached, CODE, 2)
    reply = ours.ask("complete_request", {"code": "prin", "cursor_pos": 4})
    assert "print" in reply["matches"]
    assert go_on(ours_attached, id)["status"] == "ok"


def test_an_interrupt_ends_the_stop_and_the_cell(ours_attached):
    ours = ours_attached.frontend
    id = stop(ours_attached, CODE, 2)
    began = time.monotonic()
    ours.interrupt()
    reply = ours.reply_message(of=id)["content"]
    assert time.monotonic() - began < 1.0
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    assert "pydevd" not in "\n".join(reply["traceback"])
    ours_attached.event("continued")
    assert ours_attached.body("debugInfo")["stoppedThreads"] == []
    assert go_on(ours_attached, stop(ours_attached, CODE, 2))["status"] == "ok"


def test_breakpoint_stops_in_the_client_that_is_attached(ours_attached):
    code = "x_break = 1\nbreakpoint()\nx_break = 2"
    id = ours_attached.frontend.execute(code, allow_stdin=True)
    ours_attached.event("stopped")
    assert (ours_attached.top()["name"], ours_attached.top()["line"]) == ("<module>", 3)
    assert go_on(ours_attached, id)["status"] == "ok"


def test_breakpoint_asks_the_person_when_no_client_is_attached(ours):
    client = DebugClient(ours)
    client.attach()
    client.disconnect()
    id = ours.execute("breakpoint()", allow_stdin=True)
    question = ours.expect_question("ipdb> ")
    ours.answer("c", parent=question["header"])
    assert ours.reply_message(of=id)["content"]["status"] == "ok"


def test_the_time_limit_waits_while_code_is_stopped(ours_attached):
    code = "# wherry: timeout=1\nlimited = 1\nlimited = 2"
    id = stop(ours_attached, code, 2)
    time.sleep(1.5)
    assert go_on(ours_attached, id)["status"] == "ok"


def test_a_forked_child_does_not_stop(ours_attached):
    code = (
        "import os\ndef child():\n    return 7\npid = os.fork()\n"
        "if not pid: os._exit(child())\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
    )
    ours_attached.break_at(code, 3)
    transcript = ours_attached.frontend.run(code)
    assert transcript.results == ["7"]


def test_the_status_is_idle_while_code_is_stopped(ours_attached):
    """The cell waits for the person; a busy kernel would look as if one had to wait for it."""
    ours = ours_attached.frontend
    id = stop(ours_attached, CODE, 2)
    asked = ours.request("kernel_info_request")
    ours.reply_message(of=asked)
    ours._pump(0.2)
    statuses = [
        m["content"]["execution_state"] for m in ours._outputs[id] if m["msg_type"] == "status"
    ]
    assert statuses == ["busy"]
    assert go_on(ours_attached, id)["status"] == "ok"


# --- when the runner is replaced ---


@pytest.fixture
def own(start_kernel):
    """A kernel of ours that may be broken."""
    running = start_kernel(OURS)
    yield running.frontend
    running.close()


def test_breakpoints_survive_a_crash(own):
    client = DebugClient(own)
    client.attach()
    path = client.break_at(CODE, 2)
    reply = own.run("import ctypes\nctypes.string_at(0)").reply
    assert reply["ename"] == "RunnerCrashed"
    assert "Cell In[1]" in "\n".join(reply["traceback"]).replace("\x1b[39m\x1b[32m", "")
    id = own.execute(CODE)
    client.event("stopped")
    assert client.top()["source"]["path"] == path
    assert client.body("debugInfo")["isStarted"] is True
    assert go_on(client, id)["status"] == "ok"


def test_a_runner_that_dies_while_stopped_is_not_stopped_any_more(own):
    client = DebugClient(own)
    client.attach()
    own.run("import os; pid = os.getpid()")
    pid = int(own.run("pid").results[0])
    id = stop(client, CODE, 2)
    os.kill(pid, signal.SIGKILL)
    assert own.reply_message(of=id)["content"]["ename"] == "RunnerKilled"
    client.event("continued")
    assert client.body("debugInfo")["stoppedThreads"] == []


def test_no_files_are_left_behind_by_a_kernel_that_is_killed(start_kernel):
    running = start_kernel(OURS)
    path = Path(DebugClient(running.frontend).body("dumpCell", code=CODE)["sourcePath"])
    assert path.exists()
    running.close()
    deadline = time.monotonic() + 5
    while path.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not path.parent.exists()


def test_without_ipython_there_is_a_debugger_too(start_kernel):
    running = start_kernel(OURS, "--WherryKernel.host=plain")
    try:
        client = DebugClient(running.frontend)
        running.frontend.run("plain_value = [1, 2]")
        assert client.panel()["plain_value"]["value"] == "[1, 2]"
        client.attach()
        id = stop(client, CODE, 2)
        assert client.locals()["a"]["value"] == "2"
        assert go_on(client, id)["status"] == "ok"
    finally:
        running.close()


def test_an_interpreter_without_debugpy_takes_the_kernels(start_kernel):
    python = Path(sys.base_prefix, "bin", "python3")
    running = start_kernel(OURS, f"--WherryKernel.python={python}")
    try:
        frontend = running.frontend
        found = frontend.run("import importlib.util; importlib.util.find_spec('debugpy')")
        if found.results:
            pytest.skip(f"{python} has debugpy itself")
        client = DebugClient(frontend)
        client.attach()
        id = stop(client, CODE, 2)
        assert go_on(client, id)["status"] == "ok"
        assert frontend.run("import zmq").errors == ["ModuleNotFoundError"]
    finally:
        running.close()


def test_a_debugpy_that_cannot_be_imported_is_told_of(start_kernel):
    running = start_kernel(OURS)
    try:
        running.frontend.run("import sys; sys.modules['debugpy._vendored'] = None")
        client = DebugClient(running.frontend)
        response = client.ask("initialize", **INITIALIZE)
        assert response["success"] is False
        assert "debugger not available" in response["message"]
        assert client.panel() is not None
    finally:
        running.close()


def test_a_step_without_a_stop_fails_in_words(ours_attached):
    response = ours_attached.ask("next", threadId=1)
    assert (response["success"], response["message"]) == (False, "nothing is stopped")


def test_a_step_out_of_a_cell_ends_with_the_cell(ours_attached):
    code = "x_last = 1"
    id = stop(ours_attached, code, 1)
    ours_attached.ask("next", threadId=1)
    assert ours_attached.frontend.reply_message(of=id)["content"]["status"] == "ok"
    assert ours_attached.frontend.run("x_last").results == ["1"]


def test_an_interrupted_stop_does_not_stop_again_on_the_way_out(ours_attached):
    ours = ours_attached.frontend
    code = "done = []\ntry:\n    x_try = 1\nfinally:\n    done.append(1)\n    done.append(2)"
    id = stop(ours_attached, code, 3)
    ours.interrupt()
    assert ours.reply_message(of=id)["content"]["ename"] == "KeyboardInterrupt"
    assert ours.run("done").results == ["[1, 2]"]
