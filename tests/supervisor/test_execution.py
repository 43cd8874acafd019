"""One execution from its request to its outcome."""

from __future__ import annotations

import asyncio

import pytest

from wherry_runner import frames as f
from wherry_supervisor.escalation import Escalation
from wherry_supervisor.execution import Execution, never_started
from wherry_supervisor.exits import explain, explain_loss
from wherry_supervisor.outcomes import ErrorInfo, Limits, Outcome, Status

INTERRUPTED = f.Error(
    id="a", ename="KeyboardInterrupt", evalue="", traceback=("line 3", "KeyboardInterrupt: ")
)


@pytest.fixture
def loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def execution(loop: asyncio.AbstractEventLoop) -> Execution:
    return made(loop)


def made(loop: asyncio.AbstractEventLoop, limits: Limits | None = None) -> Execution:
    request = f.Execute(id="a", code="1", count=7)
    return Execution(request, limits or Limits(), loop.create_future())


def climbing(loop: asyncio.AbstractEventLoop) -> Escalation:
    def nothing() -> None:
        pass

    return Escalation(loop, hard_after=1, kill_after=None, soft=nothing, hard=nothing, kill=nothing)


def test_a_good_end_carries_what_done_said(execution: Execution) -> None:
    execution.started_at = 10.0
    done = f.Done(id="a", user_expressions={"x": 1}, payload=[{"source": "page"}], cpu=0.5)
    assert execution.done(done, now=12.5) == Outcome(
        Status.OK,
        user_expressions={"x": 1},
        payload=[{"source": "page"}],
        duration=2.5,
        cpu=0.5,
    )


def test_what_never_started_took_no_time(execution: Execution) -> None:
    assert execution.elapsed(1234.0) == 0.0


def test_a_clock_that_is_held_keeps_what_is_left(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(time=10))
    execution.deadline = loop.call_later(10, lambda: None)
    execution.hold_clock(loop.time() + 4)
    assert execution.deadline.cancelled()
    assert execution.time_left == pytest.approx(6, abs=0.1)
    execution.hold_clock(loop.time() + 8)
    assert execution.time_left == pytest.approx(6, abs=0.1)


def test_without_a_limit_there_is_no_clock_to_hold(execution: Execution) -> None:
    execution.hold_clock(1.0)
    assert execution.time_left is None


def test_the_last_error_is_the_outcomes(execution: Execution) -> None:
    execution.take_error(f.Error(id="a", ename="ValueError", evalue="no", traceback=("t",)))
    outcome = execution.done(f.Done(id="a", status="error"), now=0)
    assert outcome.status is Status.ERROR
    assert outcome.error == ErrorInfo("ValueError", "no", ("t",))
    assert not outcome.state_lost


def test_an_error_that_the_cell_survived_is_not_its_outcome(execution: Execution) -> None:
    execution.take_error(f.Error(id="a", ename="ValueError"))
    assert execution.done(f.Done(id="a"), now=0).error is None


def test_an_interrupt_by_a_person_stays_a_keyboard_interrupt(execution: Execution) -> None:
    assert execution.take_error(INTERRUPTED) is INTERRUPTED
    outcome = execution.done(f.Done(id="a", status="interrupted"), now=0)
    assert outcome.status is Status.INTERRUPTED


def test_an_interrupt_by_the_clock_says_so(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(time=2.0))
    execution.timed_out = True
    shown = execution.take_error(INTERRUPTED)
    assert shown.ename == "TimeLimitExceeded"
    assert shown.traceback[0] == "line 3"
    assert shown.traceback[1] == "TimeLimitExceeded: "
    assert "2 s" in shown.evalue
    assert "variables are kept" in shown.evalue
    outcome = execution.done(f.Done(id="a", status="interrupted"), now=0)
    assert outcome.status is Status.TIMED_OUT
    assert outcome.error is not None
    assert outcome.error.ename == "TimeLimitExceeded"


def test_an_interrupt_by_the_clock_without_a_traceback(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(time=2.0))
    execution.timed_out = True
    shown = execution.take_error(f.Error(id="a", ename="KeyboardInterrupt"))
    assert shown.ename == "TimeLimitExceeded"


def test_code_that_ends_well_after_its_time_has_ended_well(
    loop: asyncio.AbstractEventLoop,
) -> None:
    execution = made(loop, Limits(time=2.0))
    execution.timed_out = True
    assert execution.done(f.Done(id="a"), now=0).status is Status.OK


def test_another_error_under_the_clock_keeps_its_name(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(time=2.0))
    execution.timed_out = True
    execution.take_error(f.Error(id="a", ename="ValueError"))
    outcome = execution.done(f.Done(id="a", status="error"), now=0)
    assert outcome.status is Status.TIMED_OUT
    assert outcome.error is not None
    assert outcome.error.ename == "ValueError"


@pytest.mark.parametrize(
    "reason, status",
    [
        ("time_limit", Status.TIMED_OUT),
        ("memory", Status.MEMORY),
        ("interrupt", Status.DIED),
        ("restart", Status.DIED),
        (None, Status.DIED),
    ],
)
def test_a_death_has_the_status_of_its_cause(
    execution: Execution, reason: str | None, status: Status
) -> None:
    execution.started_at = 1.0
    report = explain(f.Exited(signal=9, reason=reason), execution.context(3.0, "linux"))
    outcome = execution.died(report, now=3.0, cpu=1.5)
    assert outcome.status is status
    assert outcome.state_lost
    assert outcome.crash is report
    assert outcome.error is not None
    assert (outcome.duration, outcome.cpu) == (2.0, 1.5)


def test_a_report_knows_the_cell_and_the_clock(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(time=2.0))
    execution.started_at = 10.0
    context = execution.context(13.0, "darwin", "detail")
    assert (context.cell, context.time_limit, context.elapsed) == ("Cell In[7]", 2.0, 3.0)
    assert (context.platform, context.detail) == ("darwin", "detail")
    assert (context.asked, context.waited) == (None, None)


def test_a_report_knows_who_asked_for_the_end(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(time=2.0))
    execution.escalation = climbing(loop)
    assert execution.context(0, "linux").asked == "interrupt"
    assert execution.context(0, "linux").waited is not None
    execution.timed_out = True
    assert execution.context(0, "linux").asked == "time_limit"
    execution.stop_clocks()


def test_it_is_settled_once(execution: Execution) -> None:
    first = Outcome(Status.OK)
    execution.settle(first)
    execution.settle(execution.died(explain_loss(), now=0))
    assert execution.outcome.result() is first


def test_a_cancelled_caller_is_no_obstacle(execution: Execution) -> None:
    execution.outcome.cancel()
    execution.settle(Outcome(Status.OK))
    assert execution.outcome.cancelled()


def test_a_clock_that_is_held_remembers_what_was_left(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(time=5.0))
    execution.hold_clock(loop.time())
    assert execution.time_left is None
    execution.deadline = loop.call_at(100.0, print)
    execution.hold_clock(97.0)
    execution.hold_clock(99.0)
    assert execution.time_left == pytest.approx(3.0)
    assert execution.deadline.cancelled()


def test_its_clocks_stop_when_it_is_settled(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop)
    execution.deadline = loop.call_later(60, print)
    execution.escalation = climbing(loop)
    pending = list(execution.escalation._pending)
    execution.settle(Outcome(Status.OK))
    assert execution.deadline.cancelled()
    assert all(timer.cancelled() for timer in pending)


def test_output_is_limited_as_asked(loop: asyncio.AbstractEventLoop) -> None:
    execution = made(loop, Limits(output=4))
    passed = execution.flood.passes(f.Stdout(id="a", text="abcdef"))
    assert passed == f.Stdout(id="a", text="ab")


@pytest.mark.parametrize("reason", ["restart", "shutdown", "lost"])
def test_what_never_started_says_why(reason: str) -> None:
    outcome = never_started(reason, "the way there broke")
    assert outcome.status is Status.DIED
    assert outcome.crash is not None
    assert outcome.crash.cause == reason
    assert ("the way there broke" in outcome.crash.text) is (reason == "lost")
    assert outcome.duration == 0.0
    assert outcome.state_lost
