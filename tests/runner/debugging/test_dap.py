"""Framing of the Debug Adapter Protocol, for any cutting of the bytes."""

from __future__ import annotations

import pytest

from wherry_runner.debugging import dap

MESSAGES = [
    {"seq": 1, "type": "request", "command": "initialize", "arguments": {"clientID": "x"}},
    {"seq": 2, "type": "event", "event": "output", "body": {"output": "Grüße \U0001f6a3"}},
    {"seq": 3, "type": "response", "request_seq": 1, "success": True},
]


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_messages_survive_any_cutting(size):
    data = b"".join(map(dap.encode, MESSAGES))
    decoder = dap.Decoder()
    found = []
    for at in range(0, len(data), size):
        found += decoder.feed(data[at : at + size])
    assert found == MESSAGES


def test_the_length_counts_bytes_and_other_headers_are_skipped():
    body = '{"a": "ü"}'.encode()
    head = b"Content-Type: x\r\ncontent-length:  %d\r\n\r\n" % len(body)
    assert dap.Decoder().feed(head + body) == [{"a": "ü"}]


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Type: x\r\n\r\n{}",
        b"Content-Length: many\r\n\r\n{}",
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: 2\r\n\r\n{x",
    ],
)
def test_a_stream_that_cannot_be_cut_is_refused(data):
    with pytest.raises(dap.BrokenStream, match="expected"):
        dap.Decoder().feed(data)


def test_what_json_does_not_know_is_sent_as_text():
    (message,) = dap.Decoder().feed(dap.encode({"path": {1}.__class__}))
    assert message == {"path": "<class 'set'>"}


def test_responses_name_their_request():
    request = {"seq": 7, "type": "request", "command": "next"}
    assert dap.success(request, {"a": 1}) == {
        "type": "response",
        "seq": 7,
        "request_seq": 7,
        "command": "next",
        "success": True,
        "body": {"a": 1},
    }
    refused = dap.failure(request, "no")
    assert (refused["success"], refused["message"], refused["request_seq"]) == (False, "no", 7)


@pytest.mark.parametrize("given", [None, [], "x"])
def test_arguments_that_are_none_are_empty(given):
    assert dap.arguments({"arguments": given}) == {}
