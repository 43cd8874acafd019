"""A restart that the kernel outlives, without sockets and without a process."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.kernel.fake_runner import OK, Harness
from wherry_runner import frames
from wherry_supervisor import LaunchError, Outcome, Status

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def staying():
    harness = Harness(stays=True)
    await harness.settle()
    yield harness
    await harness.close()


async def ask(harness) -> str:
    id = harness.request("shutdown_request", {"restart": True}, channel="control")
    await harness.settle()
    return id


def statuses(harness, session: str) -> list[str]:
    """States that were told about no request, by the session they came from."""
    return [
        message.content["execution_state"]
        for _, message in harness.sent
        if message.type == "status" and not message.parent and message.header["session"] == session
    ]


async def test_the_answer_comes_first_and_from_the_old_session(staying):
    id = await ask(staying)
    assert staying.words(id) == ["busy", "shutdown_reply", "shutdown_reply", "idle"]
    assert staying.reply_on("control", id) == {"status": "ok", "restart": True}
    assert {m.header["session"] for _, m in staying.sent if m.parent} == {"kernel"}


async def test_a_new_session_starts_and_is_idle_when_the_runner_is_ready(staying):
    await ask(staying)
    session = staying.sent[-1][1].header["session"]
    assert session != "kernel"
    assert statuses(staying, session) == ["starting"]
    staying.runner.become_ready()
    await staying.settle()
    assert statuses(staying, session) == ["starting", "idle"]
    assert staying.runner.restarts == [1.0]


async def test_what_runs_and_what_waits_is_aborted(staying):
    running, waiting = staying.execute("1"), staying.execute("2")
    await staying.settle()
    await ask(staying)
    for id in (running, waiting):
        assert staying.reply(id)["status"] == "aborted"
    staying.runner.become_ready()
    await staying.settle()
    assert len(staying.runner.executions) == 1


async def test_what_comes_later_waits_for_the_new_runner_and_is_number_one(staying):
    staying.execute("1")
    await staying.settle()
    staying.runner.end()
    await staying.settle()
    await ask(staying)
    later = staying.execute("2")
    await staying.settle()
    assert len(staying.runner.executions) == 1
    staying.runner.become_ready()
    await staying.settle()
    staying.runner.end()
    await staying.settle()
    assert staying.reply(later)["execution_count"] == 1


async def test_an_execution_that_waited_for_the_runner_is_not_run_after_a_restart(staying):
    await ask(staying)
    waiting = staying.execute("1")
    await staying.settle()
    await ask(staying)
    assert staying.reply(waiting)["status"] == "aborted"
    staying.runner.become_ready()
    await staying.settle()
    assert staying.runner.executions == []


async def test_errors_of_the_old_runner_are_not_shown(staying):
    id = staying.execute("1")
    await staying.settle()
    await ask(staying)
    ours = staying.runner.executions[0]["id"]
    staying.runner.emit(frames.Error(id=ours, ename="KeyboardInterrupt", traceback=()))
    staying.runner.emit(frames.Stdout(id=ours, text="finally"))
    await staying.settle()
    assert "error" not in staying.words(id)
    assert "stream" in staying.words(id)


async def test_comms_are_closed_and_history_is_forgotten(staying):
    staying.execute("kept")
    await staying.settle()
    staying.runner.end()
    staying.runner.emit(frames.CommOpen(comm="c", target="t"))
    await staying.settle()
    await ask(staying)
    assert [m.content["comm_id"] for _, m in staying.sent if m.type == "comm_close"] == ["c"]
    asked = staying.request("history_request", {"hist_access_type": "tail", "n": 5})
    assert staying.reply(asked)["history"] == []


async def test_a_refusal_after_a_crash_ends_with_the_restart(staying):
    staying.kernel._executions.notice = "gone"
    await ask(staying)
    staying.runner.become_ready()
    await staying.settle()
    id = staying.execute("1")
    await staying.settle()
    assert "stream" not in staying.words(id)


async def test_a_runner_that_does_not_start_again_leaves_an_idle_kernel(staying):
    staying.runner.launch_error = LaunchError(["python"], "it is gone")
    await ask(staying)
    id = staying.execute("1")
    await staying.settle()
    assert staying.reply(id)["ename"] == "LaunchError"


async def test_user_code_restarts_without_aborting_what_waits(staying):
    first, second = staying.execute("%restart"), staying.execute("2")
    await staying.settle()
    wish = {"source": "restart_runner"}
    staying.runner.end(Outcome(Status.OK, payload=[wish, {"source": "page"}]))
    await staying.settle()
    assert staying.reply(first)["payload"] == [{"source": "page"}]
    assert staying.runner.restarts == [1.0]
    assert len(staying.runner.executions) == 1
    staying.runner.become_ready()
    await staying.settle()
    assert staying.runner.executions[-1]["code"] == "2"
    staying.runner.end(OK)
    await staying.settle()
    assert staying.reply(second)["execution_count"] == 1


async def test_a_kernel_that_may_not_stay_ends():
    harness = Harness(stays=False)
    await harness.settle()
    await ask(harness)
    assert await harness.task == 0
    assert harness.runner.is_closed


async def test_a_shutdown_ends_a_kernel_that_may_stay(staying):
    staying.request("shutdown_request", {"restart": False}, channel="control")
    assert await staying.task == 0
