"""Framing, headers and signatures."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import Session

from wherry_kernel.errors import MessageError, OptionError
from wherry_kernel.wire import codec as codec_module
from wherry_kernel.wire.codec import DELIMITER, PROTOCOL_VERSION, Codec

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(content=st.dictionaries(st.text(), json_values), buffers=st.lists(st.binary(), max_size=3))
def test_what_is_encoded_is_decoded(content, buffers):
    parts = Codec(b"k").encode("a_request", content, identities=[b"x", b"y"], buffers=buffers)
    request = Codec(b"k").decode(parts)
    assert request.type == "a_request"
    assert request.identities == (b"x", b"y")
    assert request.buffers == tuple(buffers)
    assert request.content == _without_surrogates(content)


def _without_surrogates(value):
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    return [_without_surrogates(v) for v in value] if isinstance(value, list) else value


def test_jupyter_client_reads_ours():
    session = Session(key=b"k")
    parts = Codec(b"k").encode("status", {"execution_state": "busy"}, identities=[b"topic"])
    identities, rest = session.feed_identities(parts)
    message = session.deserialize(rest)
    assert identities == [b"topic"]
    assert message["content"] == {"execution_state": "busy"}
    assert message["header"]["version"] == PROTOCOL_VERSION


def test_we_read_those_of_jupyter_client():
    session = Session(key=b"k")
    sent = session.msg("execute_request", {"code": "höhe"}, metadata={"m": 1})
    request = Codec(b"k").decode(session.serialize(sent, ident=b"me"))
    assert request.id == sent["header"]["msg_id"]
    assert request.content == {"code": "höhe"}
    assert request.metadata == {"m": 1}


def test_the_parent_of_an_answer_is_the_header_as_it_came():
    session = Session(key=b"k")
    sent = session.msg("x_request", {})
    request = Codec(b"k").decode(session.serialize(sent))
    answer = Codec(b"k").encode("x_reply", {}, parent=request.header_json)
    assert Session(key=b"k").deserialize(answer[1:])["parent_header"]["msg_id"] == request.id


def test_a_header_has_an_iso_date_in_utc():
    now = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=timezone.utc)
    parts = Codec(b"", username="ada", session="s", now=lambda: now).encode("t", {})
    header = Codec(b"").decode(parts).header
    assert header["date"] == "2030-01-02T03:04:05.000678Z"
    assert header["username"] == "ada"
    assert header["session"] == "s"
    assert header["msg_type"] == "t"


def test_ids_are_never_used_twice():
    codec = Codec(b"")
    ids = [codec.decode(codec.encode("t", {})).id for _ in range(100)]
    assert len(set(ids)) == 100
    assert codec.last_id == ids[-1]


def test_an_empty_key_means_no_signatures():
    parts = Codec(b"").encode("t", {})
    assert parts[1] == b""
    assert Codec(b"").decode(parts).type == "t"


@pytest.mark.parametrize("at", [2, 3, 4, 5])
def test_a_changed_part_is_found(at):
    parts = Codec(b"k").encode("t", {"a": 1}, metadata={"m": 1}, parent=b'{"p":1}')
    parts[at] = parts[at][:-1] + b" }"
    with pytest.raises(MessageError, match="does not match"):
        Codec(b"k").decode(parts)


def test_another_key_is_found():
    with pytest.raises(MessageError, match="does not match"):
        Codec(b"k").decode(Codec(b"other").encode("t", {}))


def test_a_replay_is_found():
    codec = Codec(b"k")
    parts = Codec(b"k").encode("t", {})
    codec.decode(parts)
    with pytest.raises(MessageError, match="seen before"):
        codec.decode(parts)


def test_old_signatures_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(codec_module, "REMEMBERED", 2)
    sender, codec = Codec(b"k"), Codec(b"k")
    messages = [sender.encode("t", {}) for _ in range(4)]
    for parts in messages:
        codec.decode(parts)
    codec.decode(messages[0])
    with pytest.raises(MessageError):
        codec.decode(messages[3])


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"no delimiter"],
        [DELIMITER],
        [DELIMITER, b"", b"{}", b"{}", b"{}"],
        [DELIMITER, b"", b"{}", b"{}", b"{}", b"{}"],
        [DELIMITER, b"", b'{"msg_id":"1"}', b"{}", b"{}", b"{}"],
        [DELIMITER, b"", b'{"msg_id":"1","msg_type":3}', b"{}", b"{}", b"{}"],
        [DELIMITER, b"", b'{"msg_id":"1","msg_type":"t"}', b"[]", b"{}", b"{}"],
        [DELIMITER, b"", b'{"msg_id":"1","msg_type":"t"}', b"{}", b"{}", b"\xff\xfe"],
        [DELIMITER, b"", b'{"msg_id":"1","msg_type":"t"}', b"{}", b"{}", b"[" * 100_000],
    ],
)
def test_what_is_no_message_is_said_to_be_none(parts):
    with pytest.raises(MessageError):
        Codec(b"").decode(parts)


@pytest.mark.parametrize("scheme", ["md5", "hmac-nothing", ""])
def test_an_unknown_scheme_is_refused(scheme):
    with pytest.raises(OptionError, match="signature_scheme"):
        Codec(b"k", scheme)


def test_other_digests_are_possible():
    parts = Codec(b"k", "hmac-sha512").encode("t", {})
    assert len(parts[1]) == 128
    assert Codec(b"k", "hmac-sha512").decode(parts).type == "t"
