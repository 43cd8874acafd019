"""The way out: replies, statuses and outputs, in the order in which they were given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wherry_kernel.wire import output, status
from wherry_kernel.wire.codec import NO_PARENT, Codec, Content, Request

if TYPE_CHECKING:
    from wherry_kernel.messages import Output

Send = Callable[[str, Sequence[bytes]], None]
Soon = Callable[[Callable[[], None]], object]

#: Text is held back for one turn of the loop to be joined with what follows, up to this many
#: characters. jupyter_server drops messages beyond 1000 a second.
JOINED = 256 * 1024


class Publisher:
    """Encodes and sends. `soon` runs a function in the next turn of the loop."""

    def __init__(self, codec: Codec, *, send: Send, soon: Soon) -> None:
        self._codec = codec
        self._send = send
        self._soon = soon
        self._topic = _topic(codec)
        self._texts: list[str] = []
        self._text_length = 0
        self._text_of = ("", NO_PARENT)
        self._flush_is_due = False

    @property
    def session(self) -> str:
        """The id that names this kernel in headers and topics."""
        return self._codec.session

    def begin_session(self) -> None:
        """What follows comes from a restarted kernel, as far as clients can tell."""
        self.flush()
        self._codec.begin_session()
        self._topic = _topic(self._codec)

    def status(self, content: Content, parent: bytes = NO_PARENT) -> None:
        """Section "Kernel status"."""
        self._publish("status", content, parent)

    def publish(self, message: Output, parent: bytes) -> None:
        """Send one output under `parent`."""
        self._publish(
            message.type,
            message.content,
            parent,
            metadata=message.metadata,
            buffers=message.buffers,
        )

    def text(self, name: str, text: str, parent: bytes) -> None:
        """Send text of stdout or stderr; pieces of one turn of the loop leave as one message."""
        if self._text_of != (name, parent) or self._text_length > JOINED:
            self.flush()
            self._text_of = (name, parent)
        self._text_length += len(text)
        self._texts.append(text)
        if not self._flush_is_due:
            self._flush_is_due = True
            self._soon(self._flush_when_due)

    def flush(self) -> None:
        """Send the text that is held back."""
        if self._texts:
            text = "".join(self._texts)
            self._texts.clear()
            self._text_length = 0
            name, parent = self._text_of
            self._emit(b"stream." + name.encode(), "stream", output.stream(name, text), parent)

    def reply(
        self, channel: str, request: Request, content: Content, metadata: Content | None = None
    ) -> None:
        """Answer a request on the channel that it came by."""
        self.flush()
        kind = request.type.removesuffix("_request") + "_reply"
        self._send(
            channel,
            self._codec.encode(
                kind,
                content,
                parent=request.header_json,
                metadata=metadata,
                identities=request.identities,
            ),
        )

    def ask(self, identities: Sequence[bytes], content: Content, parent: bytes) -> str:
        """Section "Messages on the stdin channel": ask the client that runs the execution.

        Returns the id of the message, which a proper answer names as its parent.
        """
        self.flush()
        parts = self._codec.encode("input_request", content, parent=parent, identities=identities)
        self._send("stdin", parts)
        return self._codec.last_id

    def welcome(self, topic: bytes) -> None:
        """Greet a new subscriber; sent to the topic, so old subscribers of it see it as well."""
        self._emit(topic, "iopub_welcome", status.welcome(topic), NO_PARENT)

    def announce_shutdown(self, content: Content, parent: bytes) -> None:
        """Section "Kernel shutdown": the copy of the reply for every other client."""
        self._publish("shutdown_reply", content, parent)

    def _publish(
        self,
        kind: str,
        content: Content,
        parent: bytes,
        *,
        metadata: Content | None = None,
        buffers: Sequence[bytes] = (),
    ) -> None:
        self.flush()
        self._emit(
            self._topic + kind.encode(), kind, content, parent, metadata=metadata, buffers=buffers
        )

    def _emit(
        self,
        topic: bytes,
        kind: str,
        content: Content,
        parent: bytes,
        *,
        metadata: Content | None = None,
        buffers: Sequence[bytes] = (),
    ) -> None:
        parts = self._codec.encode(
            kind,
            content,
            parent=parent,
            metadata=metadata,
            buffers=buffers,
            identities=(topic,),
        )
        self._send("iopub", parts)

    def _flush_when_due(self) -> None:
        self._flush_is_due = False
        self.flush()


def _topic(codec: Codec) -> bytes:
    return f"kernel.{codec.session}.".encode()
