"""The Debug Adapter Protocol as far as every message has it: framing and answers. No I/O.

A message is a JSON object behind a header, ``Content-Length: N``, and an empty line.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    Message = Dict[str, Any]

_END_OF_HEADERS = b"\r\n\r\n"
_LENGTH = b"content-length:"


class BrokenStream(Exception):
    """What came cannot be cut into messages: there is no way to find the next one."""


def encode(message: Message) -> bytes:
    """Return the message with its header."""
    body = json.dumps(message, default=str).encode("ascii")
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Decoder:
    """Bytes in, messages out, for any cutting of the bytes."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> List[Message]:
        """Take the next bytes and return the messages that they complete.

        Raises:
            BrokenStream: A header without a length, or a body that is no JSON object.
        """
        self._held += data
        messages: List[Message] = []
        while True:
            end = self._held.find(_END_OF_HEADERS)
            if end < 0:
                return messages
            start = end + len(_END_OF_HEADERS)
            stop = start + _length(bytes(self._held[:end]))
            if len(self._held) < stop:
                return messages
            messages.append(_parse(bytes(self._held[start:stop])))
            del self._held[:stop]


def _length(headers: bytes) -> int:
    for line in headers.split(b"\r\n"):
        if line.lower().startswith(_LENGTH):
            number = line[len(_LENGTH) :].strip()
            if number.isdigit():
                return int(number)
    raise BrokenStream(f"expected a Content-Length, found {headers[:80]!r}")


def _parse(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise BrokenStream(f"expected JSON, found {body[:80]!r}") from error
    if not isinstance(message, dict):
        raise BrokenStream(f"expected a JSON object, found {body[:80]!r}")
    return message


def arguments(request: Message) -> Dict[str, Any]:
    """Return the arguments of a request; a client may leave them out or send null."""
    given = request.get("arguments")
    return given if isinstance(given, dict) else {}


def success(request: Message, body: Optional[Dict[str, Any]] = None) -> Message:
    """Return the response to a request that was obeyed."""
    return {**_response(request), "success": True, "body": body or {}}


def failure(request: Message, words: str) -> Message:
    """Return the response to a request that was not."""
    return {**_response(request), "success": False, "message": words, "body": {}}


def _response(request: Message) -> Message:
    seq = request.get("seq", 0)
    return {
        "type": "response",
        "seq": seq,
        "request_seq": seq,
        "command": request.get("command"),
    }
