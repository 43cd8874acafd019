"""JSON as clients want it."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest

from wherry_kernel.errors import MessageError
from wherry_kernel.wire.packing import pack, unpack


@pytest.mark.parametrize(
    "value, expected",
    [
        ({"a": 1, "b": [True, None, "ü"]}, {"a": 1, "b": [True, None, "ü"]}),
        ({"x": float("nan"), "y": [float("inf"), 2.5]}, {"x": None, "y": [None, 2.5]}),
        ({"t": (1, float("-inf"))}, {"t": [1, None]}),
        ({"lone": "a\ud800b"}, {"lone": "a\ufffdb"}),
        ({"pair": "\ud83d\ude00"}, {"pair": "😀"}),
        ({"strange": PurePosixPath("/x")}, {"strange": "/x"}),
    ],
)
def test_values_become_proper_json(value, expected):
    assert json.loads(pack(value).decode()) == expected


def test_characters_beyond_ascii_are_not_escaped():
    assert pack({"k": "é"}) == '{"k":"é"}'.encode()


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"null", b'"text"', b"\x80"])
def test_only_objects_are_read(data):
    with pytest.raises(MessageError):
        unpack(data)


def test_bytes_that_are_not_utf8_are_replaced():
    assert unpack(b'{"a":"\xff"}') == {"a": "\ufffd"}
