"""The debugger's books, with a runner that answers what the test says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wherry_kernel import debugger as debugger_module
from wherry_kernel.debugger import Debugger
from wherry_supervisor import State

pytestmark = pytest.mark.asyncio

STOPPED = {"type": "event", "event": "stopped", "body": {"threadId": 1, "allThreadsStopped": True}}
CONTINUED = {"type": "event", "event": "continued", "body": {"threadId": 1}}


class AnsweringRunner:
    """Says yes to everything, and writes cells to a folder that changes with each life."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.clock: list[str] = []
        self.life = 1
        self.refused: set[str] = set()
        self.is_silent = False

    async def debug(self, content, *, deadline):
        del deadline
        self.asked.append(content)
        if self.is_silent:
            return None
        command, given = content["command"], content.get("arguments", {})
        bodies = {
            "dumpCell": {"sourcePath": f"/life{self.life}/{given.get('code')}.py"},
            "setBreakpoints": {
                "breakpoints": [{"line": b["line"] + 1} for b in given.get("breakpoints", ())]
            },
            "debugInfo": {"isStarted": True, "breakpoints": []},
        }
        return {
            "type": "response",
            "command": command,
            "success": command not in self.refused,
            "body": bodies.get(command, {}),
        }

    def hold_clock(self) -> None:
        self.clock.append("hold")

    def release_clock(self) -> None:
        self.clock.append("release")

    @property
    def commands(self) -> list[str]:
        return [each["command"] for each in self.asked]


class Bench:
    def __init__(self) -> None:
        self.runner = AnsweringRunner()
        self.events: list[tuple[str, bytes]] = []
        self.resumed = 0
        self.debugger = Debugger(
            self.runner,  # type: ignore[arg-type]
            publish=lambda event, parent: self.events.append((event["event"], parent)),
            resumed=self._resume,
        )

    def _resume(self) -> None:
        self.resumed += 1

    async def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        request = {"type": "request", "seq": 1, "command": command, "arguments": arguments}
        return await self.debugger.answer(request)

    async def attach(self) -> str:
        await self.ask("initialize", clientID="x")
        await self.ask("attach")
        path = (await self.ask("dumpCell", code="cell"))["body"]["sourcePath"]
        breakpoints = [{"line": 2, "condition": "x"}]
        await self.ask("setBreakpoints", source={"path": path}, breakpoints=breakpoints)
        return path

    def replace_runner(self) -> None:
        self.runner.asked.clear()
        self.runner.life += 1
        self.debugger.on_state(State.RESTARTING)
        self.debugger.on_state(State.IDLE)


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.debugger.on_state(State.IDLE)
    return made


async def test_breakpoints_are_kept_where_the_debugger_put_them(bench):
    path = await bench.attach()
    info = await bench.ask("debugInfo")
    assert info["body"]["breakpoints"] == [
        {"source": path, "breakpoints": [{"line": 3, "condition": "x"}]}
    ]


async def test_a_new_runner_gets_the_session_of_the_old_one(bench):
    await bench.attach()
    await bench.ask("setExceptionBreakpoints", filters=["raised"])
    bench.replace_runner()
    await bench.debugger.armed()
    assert bench.runner.commands == [
        "initialize",
        "attach",
        "setExceptionBreakpoints",
        "dumpCell",
        "setBreakpoints",
    ]
    assert bench.runner.asked[0]["arguments"] == {"clientID": "x"}
    assert bench.runner.asked[-1]["arguments"]["source"] == {"path": "/life2/cell.py"}


async def test_requests_wait_until_a_new_runner_has_the_session(bench):
    await bench.attach()
    bench.replace_runner()
    await bench.ask("debugInfo")
    assert bench.runner.commands[-1] == "debugInfo"
    assert "setBreakpoints" in bench.runner.commands


async def test_without_a_session_a_new_runner_is_left_alone(bench):
    await bench.attach()
    await bench.ask("disconnect")
    bench.replace_runner()
    await bench.debugger.armed()
    assert bench.runner.commands == []
    assert (await bench.ask("debugInfo"))["body"]["breakpoints"] == []


async def test_a_session_that_cannot_go_on_is_told_to_have_ended(bench):
    await bench.attach()
    bench.runner.refused.add("initialize")
    bench.replace_runner()
    await bench.debugger.armed()
    assert [name for name, _ in bench.events] == ["terminated"]
    bench.replace_runner()
    await bench.debugger.armed()
    assert bench.runner.commands == []


async def test_a_stop_holds_the_clock_until_all_goes_on(bench):
    bench.debugger.parent = b"{1}"
    bench.debugger.on_event(STOPPED)
    assert bench.debugger.is_stopped
    bench.debugger.on_event({**STOPPED, "body": {"threadId": 2}})
    one = {"threadId": 1, "allThreadsContinued": False}
    bench.debugger.on_event({**CONTINUED, "body": one})
    assert bench.debugger.is_stopped
    assert bench.runner.clock == ["hold", "hold"]
    bench.debugger.on_event(CONTINUED)
    assert not bench.debugger.is_stopped
    assert (bench.runner.clock[-1], bench.resumed) == ("release", 1)
    assert {parent for _, parent in bench.events} == {b"{1}"}


async def test_clients_do_not_wait_for_a_runner_that_died_stopped(bench):
    bench.debugger.on_event(STOPPED)
    bench.debugger.on_state(State.RESTARTING)
    assert not bench.debugger.is_stopped
    assert [name for name, _ in bench.events] == ["stopped", "continued"]


async def test_disconnecting_ends_the_stop(bench):
    bench.debugger.on_event(STOPPED)
    await bench.ask("disconnect")
    assert not bench.debugger.is_stopped


async def test_silence_is_a_failure_in_words(bench):
    bench.runner.is_silent = True
    response = await bench.ask("stackTrace")
    assert (response["success"], response["command"]) == (False, "stackTrace")
    assert "did not answer" in response["message"]


async def test_without_a_runner_the_answer_says_so(monkeypatch):
    monkeypatch.setattr(debugger_module, "START_BOUND", 0.01)
    response = await Bench().ask("initialize")
    assert response["success"] is False
    assert "not available" in response["message"]


@pytest.mark.parametrize("content", [{}, {"command": 1}])
async def test_what_is_no_request_is_a_failure_in_words(bench, content):
    response = await bench.debugger.answer(content)
    assert (response["type"], response["success"]) == ("response", False)


async def test_closing_ends_what_is_being_armed(bench):
    await bench.attach()
    bench.replace_runner()
    bench.debugger.close()
    await asyncio.sleep(0)
    assert bench.runner.commands in ([], ["initialize"])
