"""The queue of executions, as histories: what came, what the runner did, what clients saw."""

from __future__ import annotations

import asyncio

import pytest

from tests.kernel.fake_runner import OK, READY, Harness, died, failed
from wherry_kernel.options import Options
from wherry_runner import frames
from wherry_supervisor import ErrorInfo, LaunchError, Outcome, State, Status

pytestmark = pytest.mark.asyncio


async def test_an_execution_from_busy_to_idle(harness):
    id = harness.execute("6 * 7")
    await harness.settle()
    run = harness.runner
    run.emit(frames.Result(id=run.current, count=1, data={"text/plain": "42"}))
    run.end(Outcome(Status.OK, user_expressions={"x": 1}, payload=[{"source": "page"}]))
    await harness.settle()
    assert harness.words(id) == ["busy", "execute_input", "execute_result", "execute_reply", "idle"]
    assert harness.reply(id) == {
        "status": "ok",
        "execution_count": 1,
        "user_expressions": {"x": 1},
        "payload": [{"source": "page"}],
    }


async def test_the_runner_gets_what_the_client_asked_for(harness):
    harness.execute("x", allow_stdin=True, user_expressions={"a": "b"}, metadata={"cellId": "c"})
    await harness.settle()
    (asked,) = harness.runner.executions
    assert asked["code"] == "x"
    assert asked["count"] == 1
    assert asked["allow_stdin"] is True
    assert asked["user_expressions"] == {"a": "b"}
    assert asked["cell"] == "c"
    assert asked["limits"] is None


async def test_the_second_waits_for_the_first(harness):
    first, second = harness.execute("1"), harness.execute("2")
    await harness.settle()
    assert harness.words(second) == []
    harness.runner.end()
    await harness.settle()
    assert harness.words(first)[-1] == "idle"
    assert harness.words(second) == ["busy", "execute_input"]


async def test_an_error_that_was_shown_is_not_shown_again(harness):
    id = harness.execute("1 / 0")
    await harness.settle()
    run = harness.runner
    run.emit(frames.Error(id=run.current, ename="ValueError", evalue="no", traceback=("t",)))
    run.end(failed())
    await harness.settle()
    assert harness.words(id).count("error") == 1
    assert harness.reply(id)["ename"] == "ValueError"


async def test_an_error_that_was_not_shown_is_shown(harness):
    id = harness.execute("x")
    await harness.settle()
    harness.runner.end(failed())
    await harness.settle()
    assert harness.words(id) == ["busy", "execute_input", "error", "execute_reply", "idle"]


async def test_an_error_aborts_what_was_received_before_its_reply(harness):
    harness.execute("1 / 0")
    queued = harness.execute("never")
    await harness.settle()
    on_the_wire, parts = harness.encode("execute_request", {"code": "never either"})
    harness.waiting.append(parts)
    harness.runner.end(failed())
    after = harness.execute("runs")
    await harness.settle()
    for id in (queued, on_the_wire):
        assert harness.words(id) == ["busy", "execute_reply", "idle"]
        assert harness.reply(id) == {"status": "aborted"}
    # It was received before the reply as well: the reply is sent one turn of the loop later.
    assert harness.reply(after) == {"status": "aborted"}
    later = harness.execute("runs")
    await harness.settle()
    assert harness.words(later) == ["busy", "execute_input"]


async def test_other_requests_on_the_wire_are_answered_not_aborted(harness):
    harness.execute("1 / 0")
    await harness.settle()
    id, parts = harness.encode("connect_request")
    harness.waiting.append(parts)
    harness.runner.end(failed())
    await harness.settle()
    assert harness.reply(id)["status"] == "ok"


async def test_without_stop_on_error_the_queue_goes_on(harness):
    harness.execute("1 / 0", stop_on_error=False)
    second = harness.execute("2")
    await harness.settle()
    harness.runner.end(failed())
    await harness.settle()
    assert harness.words(second) == ["busy", "execute_input"]


@pytest.mark.parametrize(
    "options, numbers",
    [
        ({}, [1, 2]),
        ({"silent": True}, [0, 1]),
        ({"store_history": False}, [0, 1]),
    ],
)
async def test_numbers_go_up_for_what_is_stored(harness, options, numbers):
    seen = []
    for asked in (options, {}):
        id = harness.execute("x", **asked)
        await harness.settle()
        harness.runner.end()
        await harness.settle()
        seen.append(harness.reply(id)["execution_count"])
    assert seen == numbers


async def test_a_silent_execution_shows_no_input(harness):
    id = harness.execute("x", silent=True)
    await harness.settle()
    harness.runner.end()
    await harness.settle()
    assert harness.words(id) == ["busy", "execute_reply", "idle"]


async def test_a_death_aborts_the_queue_closes_comms_and_tells_the_next_cell(harness):
    run = harness.runner
    id = harness.execute("crash()")
    queued = harness.execute("never", stop_on_error=False)
    await harness.settle()
    run.emit(frames.CommOpen(id=run.current, comm="c", target="t"))
    run.end(died())
    await harness.settle()
    assert harness.words(id) == [
        "busy",
        "execute_input",
        "comm_open",
        "error",
        "execute_reply",
        "idle",
        "comm_close",
    ]
    assert harness.reply(id)["ename"] == "RunnerCrashed"
    assert harness.reply(queued) == {"status": "aborted"}
    orphans = [m.content for _, m in harness.sent if not m.parent]
    assert orphans[-1] == {"execution_state": "restarting"}

    run.ready = READY
    run.become(State.IDLE)
    after = harness.execute("x")
    await harness.settle()
    (_, _, text) = harness.about(after)[2]
    assert text["text"].startswith("The state was lost in cell 1: The runner died: SIGSEGV")
    assert run.executions[-1]["count"] == 2


async def test_a_new_worker_after_a_death_is_told_as_idle(harness):
    harness.execute("crash()")
    await harness.settle()
    harness.runner.end(died())
    await harness.settle()
    harness.runner.become(State.IDLE)
    states = [m.content.get("execution_state") for _, m in harness.sent if not m.parent]
    assert states[-2:] == ["restarting", "idle"]


async def test_a_restart_of_our_own_choice_may_be_called_starting():
    harness = Harness(Options(crash_status="starting"))
    await harness.settle()
    harness.execute("crash()")
    await harness.settle()
    harness.runner.end(died())
    await harness.settle()
    states = [m.content.get("execution_state") for _, m in harness.sent if not m.parent]
    assert states[-1] == "starting"
    await harness.close()


async def test_a_death_while_idle_is_told_in_the_next_cell(harness):
    harness.runner.become(State.RESTARTING)
    harness.runner.become(State.IDLE)
    id = harness.execute("x")
    await harness.settle()
    assert "The state was lost while nothing ran" in harness.about(id)[2][2]["text"]


async def test_after_crash_fail_refuses_without_asking_the_runner():
    harness = Harness(Options(after_crash="fail"))
    await harness.settle()
    harness.execute("crash()")
    await harness.settle()
    harness.runner.end(died())
    await harness.settle()
    id = harness.execute("x")
    await harness.settle()
    assert harness.reply(id)["ename"] == "StateLost"
    assert len(harness.runner.executions) == 1
    await harness.close()


async def test_on_crash_exit_ends_the_kernel_with_an_error():
    harness = Harness(Options(on_crash="exit"))
    await harness.settle()
    id = harness.execute("crash()")
    await harness.settle()
    harness.runner.end(died())
    assert await asyncio.wait_for(harness.task, 1) == 1
    assert harness.reply(id)["status"] == "error"


async def test_a_runner_that_does_not_start_is_told_and_tried_again(harness):
    run = harness.runner
    run.ready = None
    run.launch_error = LaunchError(["python"], "no such file", "ImportError: x")
    first = harness.execute("1")
    await harness.settle()
    assert harness.reply(first)["ename"] == "LaunchError"
    assert "ImportError: x" in harness.reply(first)["evalue"]
    run.launch_error = None
    second = harness.execute("1")
    await harness.settle()
    run.end()
    await harness.settle()
    assert harness.reply(second)["status"] == "ok"


async def test_a_defect_in_the_supervisor_is_answered(harness, caplog):
    async def broken(*_, **__):
        raise RuntimeError("out of luck")

    harness.runner.execute = broken
    id = harness.execute("1")
    await harness.settle()
    assert harness.reply(id)["status"] == "error"
    assert harness.reply(id)["evalue"] == "out of luck"
    assert harness.words(id)[-1] == "idle"
    assert "out of luck" in caplog.text


async def test_an_outcome_without_words_is_still_an_error(harness):
    id = harness.execute("1")
    await harness.settle()
    harness.runner.end(Outcome(Status.INTERRUPTED))
    await harness.settle()
    assert harness.reply(id)["ename"] == "interrupted"


async def test_a_time_limit_is_told_by_the_runner_and_the_state_is_kept(harness):
    id = harness.execute("while True: pass")
    await harness.settle()
    error = ErrorInfo("TimeLimitExceeded", "over", ("t",))
    harness.runner.end(Outcome(Status.TIMED_OUT, error=error))
    await harness.settle()
    assert harness.reply(id)["ename"] == "TimeLimitExceeded"
    after = harness.execute("x")
    await harness.settle()
    assert harness.words(after) == ["busy", "execute_input"]


async def test_limits_of_a_cell_go_to_the_runner(harness):
    harness.execute("# wherry: timeout=5, memory=1K\nx")
    await harness.settle()
    limits = harness.runner.executions[-1]["limits"]
    assert (limits.time, limits.memory, limits.output) == (5.0, 1024, None)


async def test_exit_ends_the_kernel_after_the_reply(harness):
    id = harness.execute("exit")
    await harness.settle()
    payload = [{"source": "ask_exit", "keepkernel": False}]
    harness.runner.end(Outcome(Status.OK, payload=payload))
    assert await asyncio.wait_for(harness.task, 1) == 0
    assert harness.reply(id)["payload"] == payload
    assert harness.runner.is_closed


@pytest.mark.parametrize(
    "payload", [{"source": "ask_exit", "keepkernel": True}, {"source": "page"}]
)
async def test_other_payloads_keep_it(harness, payload):
    harness.execute("x")
    await harness.settle()
    harness.runner.end(Outcome(Status.OK, payload=[payload]))
    await harness.settle()
    assert not harness.task.done()


async def test_closing_answers_all_that_is_open(harness):
    running, queued = harness.execute("1"), harness.execute("2")
    await harness.settle()
    await harness.close()
    for id in (running, queued):
        assert harness.reply(id) == {"status": "aborted"}
        assert harness.words(id)[-1] == "idle"


async def test_an_interrupt_goes_to_what_runs(harness):
    harness.execute("1")
    await harness.settle()
    harness.request("interrupt_request", channel="control")
    assert harness.runner.interrupted == [harness.runner.current]


async def test_an_interrupt_reaches_a_request_that_was_sent_before_it(harness):
    id, parts = harness.encode("execute_request", {"code": "1"})
    harness.waiting.append(parts)
    harness.request("interrupt_request", channel="control")
    await harness.settle()
    assert harness.reply(id)["ename"] == "KeyboardInterrupt"
    assert harness.runner.executions == []


async def test_an_interrupt_hits_nothing_that_comes_later(harness):
    harness.request("interrupt_request", channel="control")
    id = harness.execute("1")
    await harness.settle()
    harness.runner.end(OK)
    await harness.settle()
    assert harness.reply(id)["status"] == "ok"
    assert harness.runner.interrupted == []


async def test_late_output_goes_out_under_the_execution_that_started_it(harness):
    first = harness.execute("start a thread")
    await harness.settle()
    run = harness.runner
    early = run.current
    run.end()
    await harness.settle()
    harness.execute("other")
    await harness.settle()
    run.emit(frames.Stdout(id=early, text="late"))
    await harness.settle()
    assert harness.about(first)[-1] == ("iopub", "stream", {"name": "stdout", "text": "late"})


async def test_results_are_in_the_history(harness):
    harness.execute("6 * 7")
    await harness.settle()
    run = harness.runner
    run.emit(frames.Result(id=run.current, count=1, data={"text/plain": "42"}))
    run.end()
    await harness.settle()
    id = harness.request(
        "history_request", {"hist_access_type": "tail", "n": 1, "output": True, "raw": True}
    )
    assert harness.reply(id)["history"] == [[1, 1, ["6 * 7", "42"]]]
