"""Framing, headers and signatures: sections "The Wire Protocol" and "Message header"."""

from __future__ import annotations

import hmac
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry_kernel.errors import MessageError, OptionError
from wherry_kernel.wire.packing import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: The version of the specification that our headers, kernel_info and the kernelspec name. 5.5
#: brought `supported_features` and kernel_info on the control channel; 5.6's handshake
#: (registration with the client) is not ours.
PROTOCOL_VERSION = "5.5"

DELIMITER = b"<IDS|MSG>"
NO_PARENT = b"{}"
_EMPTY = b"{}"

#: Signatures that are remembered to refuse replays. The client library's own number.
REMEMBERED = 65536

Content = dict[str, Any]


class Request(NamedTuple):
    """A message from a client."""

    identities: tuple[bytes, ...]
    type: str
    header: Mapping[str, Any]
    #: The header as it came: answers carry these very bytes as their parent header.
    header_json: bytes
    parent: Mapping[str, Any]
    metadata: Content
    content: Content
    buffers: tuple[bytes, ...]

    @property
    def id(self) -> str:
        """The client's message id: what the client looks for in answers."""
        return str(self.header["msg_id"])


class Codec:
    """Signs, frames and reads the messages of one connection.

    An empty key turns signatures off, in both directions, as the specification has it.
    """

    def __init__(
        self,
        key: bytes,
        scheme: str = "hmac-sha256",
        *,
        username: str = "",
        session: str | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._username = username
        self._now = now or _utc_now
        self._signer = _signer(key, scheme)
        self._seen: dict[bytes, None] = {}
        self._number = 0
        self.begin_session(session)

    def begin_session(self, session: str | None = None) -> None:
        """Section "Message header": a new id, from which clients see that a kernel restarted."""
        self.session = session or os.urandom(16).hex()
        # Headers are written by hand: only id, type and date differ, and a header goes with
        # every message.
        self._id = f"{self.session}_{os.getpid()}_"
        fixed = {"username": self._username, "session": self.session, "version": PROTOCOL_VERSION}
        self._tail = b'",' + pack(fixed)[1:]

    @property
    def last_id(self) -> str:
        """The id of the message that was encoded last."""
        return f"{self._id}{self._number}"

    def encode(
        self,
        message_type: str,
        content: Content,
        *,
        parent: bytes = NO_PARENT,
        metadata: Content | None = None,
        buffers: Sequence[bytes] = (),
        identities: Sequence[bytes] = (),
    ) -> list[bytes]:
        """Return the parts of a new message, ready for a socket."""
        header = self._header(message_type)
        body = pack(content)
        about = pack(metadata) if metadata else _EMPTY
        signature = self._sign(header, parent, about, body)
        return [*identities, DELIMITER, signature, header, parent, about, body, *buffers]

    def decode(self, parts: Sequence[bytes]) -> Request:
        """Read the parts of a message, or raise `MessageError`."""
        try:
            at = parts.index(DELIMITER)
            signature, header_json, parent, metadata, content = parts[at + 1 : at + 6]
        except ValueError:
            raise MessageError(
                f"expected 6 parts from the delimiter on, found {len(parts)}"
            ) from None
        self._check(signature, header_json, parent, metadata, content)
        header = unpack(header_json)
        message_type = header.get("msg_type")
        if not isinstance(message_type, str) or "msg_id" not in header:
            raise MessageError("expected a header with msg_id and msg_type")
        return Request(
            identities=tuple(parts[:at]),
            type=message_type,
            header=header,
            header_json=header_json,
            parent=unpack(parent),
            metadata=unpack(metadata),
            content=unpack(content),
            buffers=tuple(parts[at + 6 :]),
        )

    def _header(self, message_type: str) -> bytes:
        date = self._now().isoformat().replace("+00:00", "Z")
        self._number += 1
        head = f'{{"msg_id":"{self.last_id}","msg_type":"{message_type}","date":"{date}'
        return head.encode() + self._tail

    def _sign(self, *parts: bytes) -> bytes:
        if self._signer is None:
            return b""
        digest = self._signer.copy()
        for part in parts:
            digest.update(part)
        return digest.hexdigest().encode()

    def _check(self, signature: bytes, *parts: bytes) -> None:
        if self._signer is None:
            return
        if not hmac.compare_digest(self._sign(*parts), bytes(signature)):
            raise MessageError(
                "the signature does not match: another key, or the message was changed"
            )
        if signature in self._seen:
            raise MessageError("the signature was seen before: a message was sent again")
        self._seen[signature] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]


def _signer(key: bytes, scheme: str) -> hmac.HMAC | None:
    if not key:
        return None
    kind, _, digest = scheme.partition("-")
    if kind != "hmac":
        raise OptionError(f"signature_scheme: expected hmac-..., found {scheme!r}")
    try:
        return hmac.new(key, digestmod=digest)
    except ValueError:
        raise OptionError(f"signature_scheme: this Python has no digest {digest!r}") from None


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)
