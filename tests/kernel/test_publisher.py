"""Replies, statuses and outputs in order."""

from __future__ import annotations

import pytest

from wherry_kernel import publisher as publisher_module
from wherry_kernel.messages import Output
from wherry_kernel.publisher import Publisher
from wherry_kernel.wire.codec import Codec

PARENT = b'{"msg_id":"p"}'


class Out:
    """A publisher whose loop turns when the test says so."""

    def __init__(self) -> None:
        self.sent = []
        self.due = []
        self._reader = Codec(b"")
        self.publisher = Publisher(Codec(b"", session="s"), send=self._send, soon=self.due.append)

    def _send(self, channel, parts) -> None:
        self.sent.append((channel, self._reader.decode(list(parts))))

    def turn(self) -> None:
        due, self.due[:] = list(self.due), []
        for each in due:
            each()

    @property
    def texts(self) -> list[str]:
        return [m.content["text"] for _, m in self.sent if m.type == "stream"]


@pytest.fixture
def out():
    return Out()


def test_text_waits_for_the_turn_to_end(out):
    out.publisher.text("stdout", "a", PARENT)
    out.publisher.text("stdout", "b", PARENT)
    assert out.sent == []
    out.turn()
    assert out.texts == ["ab"]
    assert out.due == []


def test_streams_and_parents_are_not_mixed(out):
    out.publisher.text("stdout", "a", PARENT)
    out.publisher.text("stderr", "b", PARENT)
    out.publisher.text("stderr", "c", b'{"msg_id":"q"}')
    out.turn()
    assert out.texts == ["a", "b", "c"]
    assert [m.parent["msg_id"] for _, m in out.sent] == ["p", "p", "q"]


@pytest.mark.parametrize("act", ["status", "publish", "reply", "ask", "announce"])
def test_everything_else_comes_after_the_text_before_it(out, act):
    request = Codec(b"").decode(Codec(b"").encode("x_request", {}))
    out.publisher.text("stdout", "before", PARENT)
    {
        "status": lambda: out.publisher.status({"execution_state": "idle"}, PARENT),
        "publish": lambda: out.publisher.publish(Output("display_data", {}), PARENT),
        "reply": lambda: out.publisher.reply("shell", request, {}),
        "ask": lambda: out.publisher.ask([b"me"], {}, PARENT),
        "announce": lambda: out.publisher.announce_shutdown({}, PARENT),
    }[act]()
    (_, first), _ = out.sent
    assert first.type == "stream"
    out.turn()
    assert len(out.sent) == 2


def test_a_flood_leaves_in_pieces(out, monkeypatch):
    monkeypatch.setattr(publisher_module, "JOINED", 10)
    for _ in range(5):
        out.publisher.text("stdout", "12345678", PARENT)
    out.turn()
    assert "".join(out.texts) == "12345678" * 5
    assert max(map(len, out.texts)) <= 24


def test_topics_tell_what_comes(out):
    out.publisher.status({"execution_state": "idle"})
    out.publisher.text("stdout", "x", PARENT)
    out.turn()
    assert [m.identities for _, m in out.sent] == [(b"kernel.s.status",), (b"stream.stdout",)]


def test_a_question_returns_the_id_that_its_answer_names(out):
    id = out.publisher.ask([b"me"], {"prompt": "?"}, PARENT)
    channel, message = out.sent[-1]
    assert (channel, message.id) == ("stdin", id)
