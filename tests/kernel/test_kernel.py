"""Requests and answers, without sockets and without a process."""

from __future__ import annotations

import asyncio

import pytest

from tests.kernel.fake_runner import HELLO, READY, Harness
from wherry_kernel import answers as answers_module
from wherry_runner import frames
from wherry_supervisor import State

pytestmark = pytest.mark.asyncio


async def test_the_first_word_is_starting(harness):
    channel, first = harness.sent[0]
    assert (channel, first.type) == ("iopub", "status")
    assert first.content == {"execution_state": "starting"}
    assert first.parent == {}


@pytest.mark.parametrize(
    "kind, content",
    [
        ("kernel_info_request", {}),
        ("complete_request", {"code": "x", "cursor_pos": 1}),
        ("inspect_request", {"code": "x", "cursor_pos": 1, "detail_level": 0}),
        ("is_complete_request", {"code": "x"}),
        ("history_request", {"hist_access_type": "tail", "n": 1}),
        ("comm_info_request", {}),
        ("connect_request", {}),
        ("interrupt_request", {}),
        ("unheard_of_request", {}),
        ("complete_request", {"code": None}),
    ],
)
@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_every_request_gets_busy_a_reply_and_idle(harness, kind, content, channel):
    id = harness.request(kind, content, channel=channel)
    await harness.settle()
    assert harness.words(id) == ["busy", kind.replace("_request", "_reply"), "idle"]
    assert harness.about(id)[1][0] == channel


async def test_a_reply_goes_to_the_identities_of_its_request(harness):
    harness.request("connect_request", identities=[b"proxy", b"client"])
    (reply,) = [m for _, m in harness.sent if m.type == "connect_reply"]
    assert reply.identities == (b"proxy", b"client")


async def test_kernel_info_describes_the_runners_python(harness):
    id = harness.request("kernel_info_request")
    info = harness.reply(id)
    assert info["implementation"] == "wherry"
    assert info["protocol_version"] == "5.5"
    assert info["language_info"]["version"] == HELLO.python
    assert "CPython 3.12.1 with IPython 9.9" in info["banner"]
    assert info["supported_features"] == ["kernel subshells"]


async def test_kernel_info_waits_a_while_for_the_runner(monkeypatch):
    monkeypatch.setattr(answers_module, "START_WAIT", 0.05)
    harness = Harness()
    started = asyncio.Event()

    async def slow(_launched=None):
        await started.wait()
        harness.runner.hello, harness.runner.ready = HELLO, READY
        return READY

    harness.runner.start = slow
    await harness.settle()
    early = harness.request("kernel_info_request")
    await asyncio.sleep(0.1)
    assert "still starting" in harness.reply(early)["banner"]
    late = harness.request("kernel_info_request")
    started.set()
    await asyncio.sleep(0.01)
    assert harness.reply(late)["language_info"]["version"] == HELLO.python
    await harness.close()


async def test_completions_are_passed_on(harness):
    metadata = {"_jupyter_types_experimental": []}
    found = frames.Completions(matches=("ab", "ac"), start=0, end=1, metadata=metadata)
    harness.runner.completions = found
    id = harness.request("complete_request", {"code": "a", "cursor_pos": 1})
    await harness.settle()
    assert harness.reply(id) == {
        "status": "ok",
        "matches": ["ab", "ac"],
        "cursor_start": 0,
        "cursor_end": 1,
        "metadata": metadata,
    }


async def test_no_answer_in_time_is_an_empty_one(harness):
    complete = harness.request("complete_request", {"code": "abc", "cursor_pos": 2})
    inspect = harness.request("inspect_request", {"code": "abc", "cursor_pos": 2})
    is_complete = harness.request("is_complete_request", {"code": "abc"})
    await harness.settle()
    assert harness.reply(complete)["matches"] == []
    assert harness.reply(complete)["cursor_start"] == 2
    assert harness.reply(inspect)["found"] is False
    assert harness.reply(is_complete) == {"status": "unknown"}


async def test_inspection_and_completeness_are_passed_on(harness):
    harness.runner.inspection = frames.Inspection(found=True, data={"text/plain": "doc"})
    harness.runner.completeness = frames.Completeness(status="incomplete", indent="  ")
    inspect = harness.request("inspect_request", {"code": "a", "cursor_pos": 1, "detail_level": 1})
    is_complete = harness.request("is_complete_request", {"code": "for"})
    await harness.settle()
    assert harness.reply(inspect)["data"] == {"text/plain": "doc"}
    assert harness.reply(is_complete) == {"status": "incomplete", "indent": "  "}


async def test_requests_are_answered_beside_a_cell_which_then_is_busy_again(harness):
    cell = harness.execute("long")
    await harness.settle()
    id = harness.request("connect_request")
    assert harness.words(id) == ["busy", "connect_reply", "idle"]
    assert harness.words(cell) == ["busy", "execute_input", "busy"]


async def test_a_defect_in_a_handler_is_answered_and_logged(harness, caplog):
    async def broken(*_, **__):
        raise ZeroDivisionError("inside")

    harness.runner.complete = broken
    id = harness.request("complete_request", {"code": "a", "cursor_pos": 1})
    await harness.settle()
    assert harness.words(id) == ["busy", "complete_reply", "idle"]
    assert harness.reply(id)["ename"] == "ZeroDivisionError"
    assert "inside" in caplog.text


async def test_an_unknown_note_gets_no_reply(harness):
    id = harness.request("strange_note")
    assert harness.words(id) == ["busy", "idle"]


async def test_a_malformed_execute_request_is_answered_at_once(harness):
    harness.execute("long")
    id = harness.execute(code=5)
    await harness.settle()
    assert harness.words(id)[:3] == ["busy", "execute_reply", "idle"]
    assert harness.reply(id)["ename"] == "RequestError"


async def test_garbage_is_dropped(harness, caplog):
    before = len(harness.sent)
    harness.kernel.on_message("shell", [b"garbage"])
    assert len(harness.sent) == before
    assert "dropped" in caplog.text


async def test_comm_messages_become_frames_with_their_buffers(harness):
    harness.request("comm_open", {"comm_id": "c", "target_name": "t", "data": {"a": 1}})
    harness.request("comm_msg", {"comm_id": "c", "data": {}}, buffers=[b"bin"], metadata={"m": 1})
    await harness.settle()
    info = harness.request("comm_info_request")
    await harness.settle()
    open_comms = harness.reply(info)["comms"]
    harness.request("comm_close", {"comm_id": "c", "data": {}})
    await harness.settle()
    gone = harness.request("comm_info_request", {"target_name": "t"})
    opened, message, closed = harness.runner.sent
    assert (opened.comm, opened.target, opened.data) == ("c", "t", {"a": 1})
    assert message.buffers == (b"bin",)
    assert message.metadata == {"m": 1}
    assert isinstance(closed, frames.CommClose)
    assert open_comms == {"c": {"target_name": "t"}}
    assert harness.reply(gone)["comms"] == {}


async def test_a_comm_message_is_the_parent_of_what_it_causes(harness):
    id = harness.request("comm_msg", {"comm_id": "c", "data": {}})
    await harness.settle()
    frame = harness.runner.sent[-1]
    harness.runner.emit(frames.Stdout(id=frame.id, text="from a callback"))
    harness.runner.emit(frames.Handled(id=frame.id))
    await harness.settle()
    assert harness.words(id) == ["busy", "stream", "idle"]


async def test_a_comm_message_that_died_with_the_runner_ends_as_well(harness):
    id = harness.request("comm_msg", {"comm_id": "c", "data": {}})
    await harness.settle()
    assert harness.words(id) == ["busy"]
    harness.runner.become(State.RESTARTING)
    await harness.settle()
    assert harness.words(id) == ["busy", "idle"]


async def test_a_question_goes_to_the_asker_and_its_answer_to_the_runner(harness):
    id = harness.execute("input()", allow_stdin=True)
    await harness.settle()
    run = harness.runner
    run.emit(frames.InputRequest(id=run.current, request="r1", prompt="? ", password=True))
    (question,) = [m for channel, m in harness.sent if channel == "stdin"]
    assert question.identities == (b"me",)
    assert question.content == {"prompt": "? ", "password": True}
    assert question.parent["msg_id"] == id
    harness.request("input_reply", {"value": "v"}, channel="stdin", parent=question.header_json)
    assert run.answered == [("r1", "v")]


@pytest.mark.parametrize(
    "options",
    [{"identities": (b"other",)}, {"parent": b'{"msg_id":"of another question"}'}],
)
async def test_answers_of_others_do_not_count(harness, options):
    harness.execute("input()", allow_stdin=True)
    await harness.settle()
    run = harness.runner
    run.emit(frames.InputRequest(id=run.current, request="r1"))
    harness.request("input_reply", {"value": "wrong"}, channel="stdin", **options)
    assert run.answered == []
    harness.request("input_reply", {"value": "right"}, channel="stdin")
    assert run.answered == [("r1", "right")]


async def test_an_answer_after_the_end_is_dropped(harness):
    harness.execute("input()", allow_stdin=True)
    await harness.settle()
    run = harness.runner
    run.emit(frames.InputRequest(id=run.current, request="r1"))
    run.end()
    await harness.settle()
    harness.request("input_reply", {"value": "late"}, channel="stdin")
    assert run.answered == []


async def test_a_question_after_the_end_is_not_asked(harness):
    harness.runner.emit(frames.InputRequest(id="e1", request="r1"))
    assert not [m for channel, m in harness.sent if channel == "stdin"]


@pytest.mark.parametrize("restart", [True, False])
async def test_a_shutdown_is_answered_announced_and_done(harness, restart):
    id = harness.request("shutdown_request", {"restart": restart}, channel="control")
    assert await asyncio.wait_for(harness.task, 1) == 0
    content = {"status": "ok", "restart": restart}
    assert harness.about(id)[:3] == [
        ("iopub", "status", {"execution_state": "busy"}),
        ("control", "shutdown_reply", content),
        ("iopub", "shutdown_reply", content),
    ]
    assert harness.words(id)[-1] == "idle"
    assert harness.runner.is_closed


async def test_an_interrupt_just_before_a_shutdown_does_no_harm(harness):
    cell = harness.execute("long")
    await harness.settle()
    harness.request("interrupt_request", channel="control")
    harness.request("shutdown_request", {"restart": False}, channel="control")
    harness.kernel.interrupt()
    assert await asyncio.wait_for(harness.task, 1) == 0
    assert harness.reply(cell) == {"status": "aborted"}


async def test_what_comes_after_the_stop_is_ignored(harness):
    harness.kernel.stop()
    id = harness.request("connect_request")
    assert harness.words(id) == []
    await harness.task


async def test_subscribers_are_welcomed(harness):
    harness.kernel.on_subscribe(b"topic")
    channel, welcome = harness.sent[-1]
    assert (channel, welcome.type) == ("iopub", "iopub_welcome")
    assert welcome.identities == (b"topic",)
    assert welcome.content == {"subscription": "topic"}


async def test_text_of_one_turn_is_one_message_and_keeps_its_place(harness):
    id = harness.execute("x")
    await harness.settle()
    run = harness.runner
    for frame in (
        frames.Stdout(id=run.current, text="a"),
        frames.Stdout(id=run.current, text="b"),
        frames.Stderr(id=run.current, text="c"),
        frames.Display(id=run.current, data={}),
        frames.Stdout(id=run.current, text="d"),
    ):
        run.emit(frame)
    run.end()
    await harness.settle()
    texts = [
        c.get("text") for _, kind, c in harness.about(id) if kind in {"stream", "display_data"}
    ]
    assert texts == ["ab", "c", None, "d"]
    assert harness.words(id)[-2:] == ["execute_reply", "idle"]


async def test_a_bad_frame_does_not_stop_the_next(harness, caplog):
    id = harness.execute("x")
    await harness.settle()
    run = harness.runner
    run.emit(frames.Display(id=run.current, data=7))
    run.emit(frames.Stdout(id=run.current, text="fine"))
    await harness.settle()
    assert "could not be passed on" in caplog.text
    assert harness.about(id)[-1][2] == {"name": "stdout", "text": "fine"}
