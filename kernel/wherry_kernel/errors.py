"""What can go wrong in the kernel process.

- `KernelError`
    - `MessageError`: bytes on a channel that are no message of this connection; dropped and logged.
    - `RequestError`: a message whose content is not what its type demands; answered with an error.
    - `OptionError`: a setting that cannot be read; the kernel does not start.
    - `ConnectionFileError`: a connection file or an address in it cannot be used; the kernel does
      not start.
    - `KernelspecError`: a kernelspec cannot be written, found or removed; told by the command.

What user code does is never an exception here: the supervisor returns it as an outcome.
"""

from __future__ import annotations


class KernelError(Exception):
    """Base of everything this package raises on purpose."""


class MessageError(KernelError):
    """Bytes that are no message of this connection: unsigned, wrongly signed, cut, or no JSON."""


class RequestError(KernelError):
    """The content of a request lacks a member or has one of another type."""


class UnknownSubshellError(RequestError):
    """There is no subshell of this id; ipykernel's name and words for it."""

    def __init__(self, subshell: str) -> None:
        super().__init__(f"Unknown subshell_id {subshell!r}")


class OptionError(KernelError):
    """A setting has a name or a value that is not known."""


class ConnectionFileError(KernelError):
    """The connection file cannot be read, or an address in it cannot be bound."""


class KernelspecError(KernelError):
    """A kernelspec cannot be written, found or removed. The message says what to do."""
