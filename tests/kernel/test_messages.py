"""Frames to Jupyter messages."""

from __future__ import annotations

import pytest

from wherry_kernel.messages import comm_frame, translate
from wherry_kernel.wire.comm import CommRequest
from wherry_runner import frames


@pytest.mark.parametrize(
    "frame, kind, content",
    [
        (frames.Stdout(id="e1", text="t"), "stream", {"name": "stdout", "text": "t"}),
        (frames.Stderr(id="e1", text="t"), "stream", {"name": "stderr", "text": "t"}),
        (
            frames.Display(id="e1", data={"text/plain": "d"}),
            "display_data",
            {"data": {"text/plain": "d"}, "metadata": {}, "transient": {}},
        ),
        (
            frames.Display(id="e1", data={}, transient={"display_id": "i"}, update=True),
            "update_display_data",
            {"data": {}, "metadata": {}, "transient": {"display_id": "i"}},
        ),
        (frames.Clear(id="e1", wait=True), "clear_output", {"wait": True}),
        (
            frames.Result(id="e1", count=3, data={"text/plain": "3"}, metadata={"m": {}}),
            "execute_result",
            {"data": {"text/plain": "3"}, "metadata": {"m": {}}, "execution_count": 3},
        ),
        (
            frames.Error(id="e1", ename="E", evalue="v", traceback=("a", "b")),
            "error",
            {"ename": "E", "evalue": "v", "traceback": ["a", "b"]},
        ),
        (
            frames.CommOpen(id="e1", comm="c", target="t", data={"a": 1}),
            "comm_open",
            {"comm_id": "c", "target_name": "t", "data": {"a": 1}},
        ),
        (frames.CommMessage(comm="c", data=None), "comm_msg", {"comm_id": "c", "data": {}}),
        (frames.CommClose(comm="c"), "comm_close", {"comm_id": "c", "data": {}}),
    ],
)
def test_each_frame_has_its_message(frame, kind, content):
    message = translate(frame)
    assert message.type == kind
    assert message.content == content


@pytest.mark.parametrize("frame", [frames.Started(id="e"), frames.Done(id="e"), frames.Bye()])
def test_frames_that_are_not_for_clients_have_none(frame):
    assert translate(frame) is None


def test_buffers_and_metadata_of_comms_are_kept():
    message = translate(frames.CommMessage(comm="c", metadata={"v": 1}, buffers=(b"1", b"2")))
    assert message.metadata == {"v": 1}
    assert message.buffers == (b"1", b"2")


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("comm_open", frames.CommOpen),
        ("comm_msg", frames.CommMessage),
        ("comm_close", frames.CommClose),
    ],
)
def test_comm_messages_become_frames(kind, expected):
    asked = CommRequest(comm="c", target="t", module="m", data={"d": 1})
    frame = comm_frame(kind, "c1", asked, header={"msg_id": "m"}, metadata={"x": 1}, buffers=[b"b"])
    assert type(frame) is expected
    assert (frame.id, frame.comm, frame.data, frame.metadata) == ("c1", "c", {"d": 1}, {"x": 1})
    assert frame.buffers == (b"b",)
    if kind == "comm_open":
        assert (frame.target, frame.module) == ("t", "m")
