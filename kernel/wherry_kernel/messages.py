"""Frame to Jupyter message: one function per frame type, no I/O.

Frames that are not for clients, or that need bookkeeping first (input requests), are not here;
`translate` returns None for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wherry_kernel.wire import comm, output
from wherry_runner import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherry_kernel.wire.codec import Content


class Output(NamedTuple):
    """A message for IOPub that still lacks its parent."""

    type: str
    content: Content
    metadata: Content | None = None
    buffers: Sequence[bytes] = ()


def stdout(frame: frames.Stdout) -> Output:
    return Output("stream", output.stream("stdout", frame.text))


def stderr(frame: frames.Stderr) -> Output:
    return Output("stream", output.stream("stderr", frame.text))


def display(frame: frames.Display) -> Output:
    kind = "update_display_data" if frame.update else "display_data"
    content = output.display(frame.data, frame.metadata, frame.transient)
    return Output(kind, content, buffers=frame.buffers)


def clear(frame: frames.Clear) -> Output:
    return Output("clear_output", output.clear(wait=frame.wait))


def result(frame: frames.Result) -> Output:
    content = output.result(frame.count, frame.data, frame.metadata)
    if frame.transient:
        content["transient"] = frame.transient
    return Output("execute_result", content, buffers=frame.buffers)


def error(frame: frames.Error) -> Output:
    return Output("error", output.error(frame.ename, frame.evalue, frame.traceback))


def comm_open(frame: frames.CommOpen) -> Output:
    content = comm.opened(frame.comm, frame.target, frame.module, frame.data)
    return Output("comm_open", content, frame.metadata, frame.buffers)


def comm_message(frame: frames.CommMessage) -> Output:
    return Output("comm_msg", comm.carried(frame.comm, frame.data), frame.metadata, frame.buffers)


def comm_close(frame: frames.CommClose) -> Output:
    content = comm.carried(frame.comm, frame.data)
    return Output("comm_close", content, frame.metadata, frame.buffers)


_TRANSLATIONS: dict[type[frames.Frame], Callable[[Any], Output]] = {
    frames.Stdout: stdout,
    frames.Stderr: stderr,
    frames.Display: display,
    frames.Clear: clear,
    frames.Result: result,
    frames.Error: error,
    frames.CommOpen: comm_open,
    frames.CommMessage: comm_message,
    frames.CommClose: comm_close,
}


def translate(frame: frames.Frame) -> Output | None:
    """Return the message that clients see for `frame`, or None when they see none."""
    translation = _TRANSLATIONS.get(type(frame))
    return None if translation is None else translation(frame)


def comm_frame(
    kind: str,
    id: str,
    request: comm.CommRequest,
    *,
    header: Content,
    metadata: Content,
    buffers: Sequence[bytes],
) -> frames.Frame:
    """The other direction: a client's comm message as the frame that carries it to the runner."""
    members: dict[str, Any] = {
        "id": id,
        "comm": request.comm,
        "data": request.data,
        "metadata": metadata,
        "parent": header,
        "subshell": header.get("subshell_id"),
        "buffers": tuple(buffers),
    }
    if kind == "comm_open":
        return frames.CommOpen(target=request.target, module=request.module, **members)
    return frames.CommMessage(**members) if kind == "comm_msg" else frames.CommClose(**members)
