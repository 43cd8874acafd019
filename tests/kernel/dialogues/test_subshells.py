"""JEP 91: executions beside the main one, in the same namespace."""

from __future__ import annotations

import pytest


@pytest.fixture
def subshell(frontend):
    id = frontend.ask("create_subshell_request", channel="control")["subshell_id"]
    yield id
    known = frontend.ask("list_subshell_request", channel="control")["subshell_id"]
    if id in known:
        frontend.ask("delete_subshell_request", {"subshell_id": id}, channel="control")


def execute_in(frontend, subshell: str, code: str) -> str:
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
    message = frontend.session.msg("execute_request", content)
    message["header"]["subshell_id"] = subshell
    frontend.session.send(frontend._sockets["shell"], message)
    frontend.last = message["header"]["msg_id"]
    return frontend.last


def test_it_is_announced(frontend):
    info = frontend.ask("kernel_info_request")
    assert "kernel subshells" in info["supported_features"]


def test_subshells_are_created_listed_and_deleted(frontend):
    first = frontend.ask("create_subshell_request", channel="control")["subshell_id"]
    second = frontend.ask("create_subshell_request", channel="control")["subshell_id"]
    assert first != second
    listed = frontend.ask("list_subshell_request", channel="control")["subshell_id"]
    assert set(listed) >= {first, second}
    for id in (first, second):
        reply = frontend.ask("delete_subshell_request", {"subshell_id": id}, channel="control")
        assert reply["status"] == "ok"
    left = frontend.ask("list_subshell_request", channel="control")["subshell_id"]
    assert not {first, second} & set(left)


def test_an_unknown_one_cannot_be_deleted(frontend):
    reply = frontend.ask("delete_subshell_request", {"subshell_id": "none"}, channel="control")
    assert reply["status"] == "error"


def test_it_runs_while_the_main_shell_is_busy(frontend, subshell):
    busy = frontend.execute("import time\nfor _ in range(20): time.sleep(0.05)\nmain = 'done'")
    frontend.expect_busy(of=busy)
    beside = execute_in(frontend, subshell, "print('beside'); 1 + 1")
    transcript = frontend.transcript(of=beside)
    assert (transcript.stdout, transcript.results, transcript.status) == ("beside\n", ["2"], "ok")
    assert not frontend.has_reply(of=busy)
    frontend.reply_message(of=busy)


def test_it_shares_the_namespace(frontend, subshell):
    frontend.run("shared = 5")
    assert frontend.transcript(of=execute_in(frontend, subshell, "shared + 1")).results == ["6"]


def test_its_outputs_carry_its_requests(frontend, subshell):
    id = execute_in(frontend, subshell, "1/0")
    transcript = frontend.transcript(of=id)
    assert transcript.status == "error"
    assert transcript.errors == ["ZeroDivisionError"]


def test_it_awaits(frontend, subshell):
    code = "import asyncio\nawait asyncio.sleep(0.01)\n'slept'"
    assert frontend.transcript(of=execute_in(frontend, subshell, code)).results == ["'slept'"]
