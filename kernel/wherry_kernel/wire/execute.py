"""Section "Execute", with the reply's members as ipykernel has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wherry_kernel.errors import RequestError
from wherry_kernel.wire.content import failed, member, optional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry_kernel.wire.codec import Content, Request


class ExecuteRequest(NamedTuple):
    """The content of an ``execute_request``, and what its metadata says about the cell."""

    code: str
    silent: bool
    store_history: bool
    user_expressions: dict[str, str]
    allow_stdin: bool
    stop_on_error: bool
    cell: str | None
    cell_metadata: Mapping[str, Any]

    @property
    def counts(self) -> bool:
        """Whether it takes a number of its own: nothing blank, nothing that is not stored."""
        return self.store_history and not self.code.isspace() and self.code != ""


def read(request: Request) -> ExecuteRequest:
    """Silent requests are never stored, whatever they ask for."""
    content = request.content
    silent = optional(content, "silent", default=False)
    cell = request.metadata.get("cellId")
    expressions: dict[str, str] = optional(content, "user_expressions", default={})
    if not all(isinstance(each, str) for each in expressions.values()):
        raise RequestError("user_expressions: expected the source text of each expression")
    return ExecuteRequest(
        code=member(content, "code", str),
        silent=silent,
        store_history=not silent and optional(content, "store_history", default=True),
        user_expressions=expressions,
        allow_stdin=optional(content, "allow_stdin", default=False),
        stop_on_error=optional(content, "stop_on_error", default=True),
        cell=cell if isinstance(cell, str) else None,
        cell_metadata=request.metadata,
    )


def shown_input(code: str, count: int) -> Content:
    """``execute_input``: tells every client what runs now."""
    return {"code": code, "execution_count": count}


def reply_ok(
    count: int, user_expressions: Mapping[str, Any] | None, payload: Sequence[Any] | None
) -> Content:
    """``execute_reply`` of an execution without an error."""
    return {
        "status": "ok",
        "execution_count": count,
        "user_expressions": dict(user_expressions or {}),
        "payload": list(payload or ()),
    }


def reply_error(
    count: int, ename: str, evalue: str, traceback: Sequence[str], payload: Sequence[Any] | None
) -> Content:
    """``execute_reply`` after an error; expressions are not evaluated then, payloads are kept."""
    reply = failed(ename, evalue, traceback)
    reply.update(execution_count=count, user_expressions={}, payload=list(payload or ()))
    return reply


def reply_aborted() -> Content:
    """``execute_reply`` of a request that was queued behind an error."""
    return {"status": "aborted"}


def reply_metadata(engine: str, started: str, status: str, ename: str | None = None) -> Content:
    """What ipyparallel and some clients read from the metadata of an ``execute_reply``."""
    return {
        "started": started,
        "dependencies_met": ename != "UnmetDependency",
        "engine": engine,
        "status": status,
    }
