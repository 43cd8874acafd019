"""The frames that travel between a supervisor and a runner, and their encoding. No I/O.

A frame is one JSON object on one line, with its type in ``"t"``. A frame that carries bytes names
their lengths first, ``{"b":[3,5],"t":...}``, and the bytes follow the newline. Both sides import
this module: the supervisor as ``wherry_runner.frames``, the runner from the bundle it was sent.

Rules that every reader keeps (`docs/protocol.md` is the normative text):

- a long string of a MIME bundle travels as an attachment: ``"texts"`` names the keys of ``data``
  that are empty in the line and whose text is among the last attachments, in that order;
- unknown members of a known frame are ignored, so a newer peer may add some;
- a line that is not a frame is reported as `Malformed` and skipped, never raised;
- a frame above the reader's limit is reported as `Malformed` and skipped without being held.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False  # typing.TYPE_CHECKING without its import
if TYPE_CHECKING:
    from typing import Any, ClassVar, Dict, List, Optional, Tuple, Type, Union

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):  # noqa: ANN003, ANN201 - checkers see the real one
        return lambda cls: cls


#: Raised when a frame's meaning changes; a peer that says another number is refused at the start.
PROTOCOL = 1

#: Longest line and largest sum of attachments that a reader holds in memory, in bytes.
FRAME_LIMIT = 256 * 1024 * 1024

#: Strings in a MIME bundle from this many characters on travel as attachments: a JSON string costs
#: 7 ms a megabyte to write and read, the same bytes behind the line 0.5 ms.
LONG_TEXT = 64 * 1024

#: How much of a bad line is kept for the person who has to find out where it came from.
EXCERPT = 120


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _Record:
    """A frozen record whose subclasses declare members with defaults.

    Type checkers see dataclasses. The standard library's decorator compiles five methods for each
    class, which made 35 frames cost 27 ms of the runner's 50 ms start; here they cost 1.5 ms.
    """

    type: ClassVar[str] = ""
    #: Member names in wire order, without the attachments; True where the value is a tuple.
    _members: ClassVar[Dict[str, bool]] = {}

    def __init_subclass__(cls) -> None:
        annotations = cls.__annotations__
        cls._members = {
            name: str(kind).startswith("Tuple")
            for name, kind in annotations.items()
            if name != "buffers" and not str(kind).startswith("ClassVar")
        }

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name not in self._members and name != "buffers":
                raise TypeError(f"{type(self).__name__} has no member {name!r}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be set")

    def _values(self) -> Tuple[Any, ...]:
        return (self.__dict__.get("buffers", ()), *(getattr(self, m) for m in self._members))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Record) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._members)
        return f"{type(self).__name__}({shown})"


class Frame(_Record):
    """What all frames share: `type` names them on the wire, `buffers` are their attachments."""

    buffers: Tuple[bytes, ...] = ()


# --- From the supervisor to the guardian -------------------------------------------------------


class Spawn(Frame):
    """Start the worker, or replace it: the old tree is ended first and reported by `Exited`."""

    type = "spawn"
    #: Repeated in `Ready`, so that a worker that was replaced meanwhile is not taken for the new.
    number: int = 0
    #: Seconds that the old worker's exit handlers may take; 0 kills it at once.
    grace: float = 0.0
    cwd: Optional[str] = None
    env: Optional[Dict[str, Optional[str]]] = None
    #: ``auto`` takes IPython when the interpreter has it; ``ipython`` and ``plain`` insist.
    host: str = "auto"
    #: Keep one more worker, forked and ready, so that the next spawn costs a few milliseconds.
    spare: bool = False
    #: Passed to the host as it is; unknown keys are ignored there.
    options: Optional[Dict[str, Any]] = None


class Interrupt(Frame):
    """Interrupt execution `id`, or whatever runs when it is None. Never reaches the next one."""

    type = "interrupt"
    id: Optional[str] = None
    #: ``soft`` is SIGINT to the worker's group; ``hard`` also breaks loops that swallow it.
    level: str = "soft"


class Dump(Frame):
    """Ask for the Python stack of every thread; answered by `Stack`, also from within C loops."""

    type = "dump"


class Limit(Frame):
    """Set the memory limit of the worker's process tree, in bytes; None lifts it."""

    type = "limit"
    memory: Optional[int] = None
    #: Growing beyond this is told by `Strained`, while there is still room; None tells nothing.
    soft: Optional[int] = None


class Kill(Frame):
    """Kill the worker's whole tree with no grace; reported by `Exited` with this `reason`."""

    type = "kill"
    reason: str = "killed"


class Shutdown(Frame):
    """End the worker politely (exit handlers get `grace` seconds), then the guardian."""

    type = "shutdown"
    grace: float = 1.0


# --- From the supervisor to the worker ---------------------------------------------------------


class Execute(Frame):
    """Run one piece of code. The next one follows only after `Done` or `Exited`.

    That holds for the main thread; each subshell keeps a queue of its own.
    """

    type = "execute"
    id: str = ""
    code: str = ""
    #: The number shown in ``In[n]``. The supervisor counts, so that numbers survive a restart.
    count: int = 1
    silent: bool = False
    store_history: bool = True
    allow_stdin: bool = False
    user_expressions: Optional[Dict[str, str]] = None
    #: The client's cell id, shown in tracebacks' file names when the client sent one.
    cell: Optional[str] = None
    #: Header of the client's message, for libraries that ask the shell who called.
    parent: Optional[Dict[str, Any]] = None
    #: Run beside the main thread, in the thread of this subshell.
    subshell: Optional[str] = None


class Complete(Frame):
    """Ask for completions at `cursor`, counted in Unicode characters from the start of `code`."""

    type = "complete"
    id: str = ""
    code: str = ""
    cursor: int = 0


class Inspect(Frame):
    """Ask about the name at `cursor`; detail 1 includes the source."""

    type = "inspect"
    id: str = ""
    code: str = ""
    cursor: int = 0
    detail: int = 0


class IsComplete(Frame):
    """Ask whether `code` is ready to run."""

    type = "is_complete"
    id: str = ""
    code: str = ""


class SubshellClose(Frame):
    """End the thread of a subshell after what is queued for it; it began with its first frame."""

    type = "subshell_close"
    subshell: str = ""


class InputReply(Frame):
    """Answer the open `InputRequest` of the same `request`; a late one is dropped."""

    type = "input_reply"
    request: str = ""
    value: str = ""


# --- In both directions ------------------------------------------------------------------------


class Debug(Frame):
    """A debug request for the worker, its response under the same `id`, or an event without one.

    Requests are answered one after the other, also while code runs or is stopped.
    """

    type = "debug"
    id: str = ""
    #: A message of the Debug Adapter Protocol, with Jupyter's additions to it.
    content: Optional[Dict[str, Any]] = None


class CommOpen(Frame):
    """Open a comm; `id` is the execution it belongs to (or the request that carried it)."""

    type = "comm_open"
    id: str = ""
    comm: str = ""
    target: str = ""
    module: Optional[str] = None
    data: Any = None
    metadata: Optional[Dict[str, Any]] = None
    parent: Optional[Dict[str, Any]] = None
    subshell: Optional[str] = None


class CommMessage(Frame):
    """Data for the other end of an open comm."""

    type = "comm_msg"
    id: str = ""
    comm: str = ""
    data: Any = None
    metadata: Optional[Dict[str, Any]] = None
    parent: Optional[Dict[str, Any]] = None
    subshell: Optional[str] = None


class CommClose(Frame):
    """The comm is gone on the sender's side."""

    type = "comm_close"
    id: str = ""
    comm: str = ""
    data: Any = None
    metadata: Optional[Dict[str, Any]] = None
    parent: Optional[Dict[str, Any]] = None
    subshell: Optional[str] = None


# --- From the guardian -------------------------------------------------------------------------


class Hello(Frame):
    """The guardian runs and reads frames. `nonce` proves that this line is ours."""

    type = "hello"
    nonce: str = ""
    protocol: int = 0
    python: str = ""
    implementation: str = ""
    executable: str = ""
    prefix: str = ""
    platform: str = ""
    pid: int = 0
    #: What this platform can do: ``groups subreaper pdeathsig hard_interrupt memory ...``.
    capabilities: Tuple[str, ...] = ()


class Stack(Frame):
    """Python stacks of all threads, innermost call first, as faulthandler prints them."""

    type = "stack"
    text: str = ""


class Exited(Frame):
    """The worker is gone and so is its tree. All that it wrote came before this frame."""

    type = "exited"
    pid: int = 0
    #: Exit status, or None when a signal ended it.
    code: Optional[int] = None
    signal: Optional[int] = None
    #: Why the guardian ended it: ``memory``, ``restart``, a `Kill`'s reason. None: its own doing.
    reason: Optional[str] = None
    #: faulthandler's stacks at the fault, when there are any.
    stack: str = ""
    #: Highest resident set of the worker itself, in bytes.
    peak_memory: int = 0
    #: Last sample of the whole tree's memory and the limit then in force, in bytes.
    tree_memory: int = 0
    memory_limit: Optional[int] = None
    #: Command and memory of the largest process of the tree at the last sample.
    largest: Optional[str] = None
    cpu: float = 0.0
    #: The system's out-of-memory killer ran between this worker's start and its end.
    oom: bool = False
    #: Processes that could not be ended within the bound (stuck in the kernel); normally none.
    survivors: Tuple[int, ...] = ()


class Strained(Frame):
    """The tree grew beyond the soft memory limit, in bytes. Told again after it was below it."""

    type = "strained"
    memory: int = 0
    #: Command and memory of the largest process of the tree.
    largest: Optional[str] = None


class Stale(Frame):
    """Packages that the guardian holds in memory changed on disk: start a new guardian instead."""

    type = "stale"


class Bye(Frame):
    """The guardian's last frame."""

    type = "bye"


# --- From the worker ---------------------------------------------------------------------------


class Ready(Frame):
    """The worker can execute. `host` says which shell it found."""

    type = "ready"
    pid: int = 0
    #: The number of the `Spawn` that it answers.
    number: int = 0
    host: str = "plain"
    ipython: Optional[str] = None
    capabilities: Tuple[str, ...] = ()


class Started(Frame):
    """Execution `id` has begun; its time limit counts from here."""

    type = "started"
    id: str = ""


class Stdout(Frame):
    """Text of sys.stdout, fd 1, or of a child process. `id` is the execution it belongs to."""

    type = "stdout"
    id: str = ""
    text: str = ""


class Stderr(Frame):
    """Text of sys.stderr, fd 2, or of a child process."""

    type = "stderr"
    id: str = ""
    text: str = ""


class Display(Frame):
    """Rich output. With `update` it replaces the displays that carry the same display id."""

    type = "display"
    id: str = ""
    data: Optional[Dict[str, Any]] = None
    metadata: Optional[Dict[str, Any]] = None
    transient: Optional[Dict[str, Any]] = None
    update: bool = False


class Clear(Frame):
    """Clear the output; with `wait` only when the next output arrives."""

    type = "clear"
    id: str = ""
    wait: bool = False


class Result(Frame):
    """The value of the last expression, as a MIME bundle."""

    type = "result"
    id: str = ""
    count: int = 0
    data: Optional[Dict[str, Any]] = None
    metadata: Optional[Dict[str, Any]] = None
    transient: Optional[Dict[str, Any]] = None


class Error(Frame):
    """The exception that ended the execution; traceback lines may hold ANSI colours."""

    type = "error"
    id: str = ""
    ename: str = ""
    evalue: str = ""
    traceback: Tuple[str, ...] = ()


class InputRequest(Frame):
    """User code waits for a line from the person; answered by `InputReply` or an interrupt."""

    type = "input_request"
    id: str = ""
    request: str = ""
    prompt: str = ""
    password: bool = False


class Done(Frame):
    """Execution `id` is over and every frame of it came before this one.

    `status` is ``ok``, ``error`` or ``interrupted``; the last two follow an `Error`.
    """

    type = "done"
    id: str = ""
    status: str = "ok"
    user_expressions: Optional[Dict[str, Any]] = None
    payload: Optional[List[Dict[str, Any]]] = None
    #: Seconds of CPU of the worker (children that were waited for included) for this execution.
    cpu: float = 0.0


class Handled(Frame):
    """The comm frame `id` was given to user code; what its callbacks wrote came before this."""

    type = "handled"
    id: str = ""


class Completions(Frame):
    """Answer to `Complete`: the text from `start` to `end` may be replaced by any match."""

    type = "completions"
    id: str = ""
    matches: Tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    metadata: Optional[Dict[str, Any]] = None


class Inspection(Frame):
    """Answer to `Inspect`; `data` is a MIME bundle, empty when nothing was found."""

    type = "inspection"
    id: str = ""
    found: bool = False
    data: Optional[Dict[str, Any]] = None
    metadata: Optional[Dict[str, Any]] = None


class Completeness(Frame):
    """Answer to `IsComplete`.

    `status` is ``complete``, ``incomplete`` (then `indent` counts), ``invalid`` or ``unknown``.
    """

    type = "completeness"
    id: str = ""
    status: str = "unknown"
    indent: str = ""


class Malformed(Frame):
    """Not on the wire: what a decoder returns for bytes that are no frame of this protocol."""

    type = "malformed"
    reason: str = ""
    excerpt: str = ""


FRAMES: Dict[str, Type[Frame]] = {
    cls.type: cls for cls in Frame.__subclasses__() if cls is not Malformed
}

_loads = json.loads  # user code under test may replace the module's
_ATTACHED = b'{"b":['
_dumps = json.JSONEncoder(separators=(",", ":"), default=str, skipkeys=True).encode


def encode(frame: Frame) -> bytes:
    """Return the frame's line with its newline and its attachments.

    Members that were not given are left out. Values that JSON does not know are sent as
    their ``str()``; lone surrogates survive because everything outside ASCII is escaped.
    """
    cls, given = type(frame), frame.__dict__
    members: Dict[str, Any] = {"t": frame.type}
    for name in cls._members:
        if name in given:
            members[name] = given[name]
    buffers = frame.buffers
    long = _long_texts(members.get("data"))
    if long:
        members["texts"] = list(long)
        members["data"] = {**members["data"], **dict.fromkeys(long, "")}
        buffers = (*buffers, *long.values())
    if not buffers:
        return _dumps(members).encode("ascii") + b"\n"
    members = {"b": [len(b) for b in buffers], **members}
    return b"".join((_dumps(members).encode("ascii"), b"\n", *buffers))


def _long_texts(data: Any) -> Dict[str, bytes]:
    """Return the long strings of a MIME bundle as bytes: as attachments they need no escaping."""
    if not isinstance(data, dict):
        return {}
    return {
        key: value.encode("utf-8", "surrogatepass")
        for key, value in data.items()
        if isinstance(value, str) and len(value) >= LONG_TEXT and isinstance(key, str)
    }


def parse(line: Union[bytes, bytearray, memoryview], buffers: Tuple[bytes, ...] = ()) -> Frame:
    """Turn one line into its frame, or into `Malformed` with the reason in words."""
    text = bytes(line)
    try:
        members = _loads(text)
    except (ValueError, RecursionError) as error:
        return _malformed(text, f"expected a JSON object, found {type(error).__name__}: {error}")
    if not isinstance(members, dict):
        return _malformed(text, f"expected a JSON object, found {type(members).__name__}")
    name = members.pop("t", None)
    cls = FRAMES.get(name) if isinstance(name, str) else None
    if cls is None:
        return _malformed(text, f"unknown frame type {name!r}")
    if "texts" in members:
        try:
            buffers = _restore_texts(members, buffers)
        except (TypeError, ValueError, KeyError, IndexError):
            return _malformed(text, f"{cls.type}.texts: expected names of data that is attached")
    known = cls._members
    values: Dict[str, Any] = {}
    for key, value in members.items():
        as_tuple = known.get(key)
        if as_tuple is None:
            continue
        if not (isinstance(value, list) if as_tuple else _fits(value, getattr(cls, key))):
            return _malformed(text, f"{cls.type}.{key}: unexpected {type(value).__name__}")
        values[key] = tuple(value) if as_tuple else value
    return cls(buffers=buffers, **values)


def _restore_texts(members: Dict[str, Any], buffers: Tuple[bytes, ...]) -> Tuple[bytes, ...]:
    """Put attached strings back into ``data``; return the attachments that are not strings."""
    names, data = members.pop("texts"), members["data"]
    first = len(buffers) - len(names)
    if first < 0:
        raise IndexError(first)
    for name, buffer in zip(names, buffers[first:]):
        if data[name] != "":
            raise ValueError(name)
        data[name] = buffer.decode("utf-8", "surrogatepass")
    return buffers[:first]


def _fits(value: Any, default: Any) -> bool:
    """Members whose default is None may hold anything; others must keep the default's type."""
    if default is None or type(value) is type(default):
        return True
    return isinstance(default, float) and type(value) is int


def _malformed(line: bytes, reason: str) -> Malformed:
    return Malformed(reason=reason, excerpt=line[:EXCERPT].decode("utf-8", "replace"))


class Decoder:
    """Bytes in, frames out, for any cutting of the bytes.

    Chunks are kept in a list and joined once per line: appending to one buffer and searching it
    again from the start is quadratic (8 s for a 50 MB frame).
    """

    def __init__(self, *, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._chunks: List[bytes] = []
        self._held = 0
        self._skipping_line = False
        self._skip_bytes = 0
        self._line = b""
        self._lengths: Tuple[int, ...] = ()
        self._wanted = 0

    @property
    def is_idle(self) -> bool:
        """No part of a frame is held: the peer may close here without loss."""
        return not (self._held or self._wanted or self._skipping_line or self._skip_bytes)

    def feed(self, data: bytes) -> List[Frame]:
        """Take the next bytes and return the frames that they complete."""
        frames: List[Frame] = []
        start = 0
        while start < len(data):
            if self._skip_bytes:
                taken = min(self._skip_bytes, len(data) - start)
                self._skip_bytes -= taken
                start += taken
            elif self._wanted:
                start = self._take_attachments(data, start, frames)
            else:
                start = self._take_line(data, start, frames)
        return frames

    def _take_attachments(self, data: bytes, start: int, frames: List[Frame]) -> int:
        missing = self._wanted - self._held
        chunk = data[start : start + missing]
        self._chunks.append(chunk)
        self._held += len(chunk)
        if self._held == self._wanted:
            body, buffers, at = self._join(), [], 0
            for length in self._lengths:
                buffers.append(body[at : at + length])
                at += length
            self._wanted = 0
            frames.append(parse(self._line, tuple(buffers)))
        return start + len(chunk)

    def _take_line(self, data: bytes, start: int, frames: List[Frame]) -> int:
        newline = data.find(b"\n", start)
        end = len(data) if newline < 0 else newline
        if not self._skipping_line:
            self._chunks.append(data[start:end])
            self._held += end - start
            if self._held > self._limit:
                line = self._join()
                frames.append(_malformed(line, f"a line above the limit of {self._limit} bytes"))
                self._skipping_line = True
        if newline < 0:
            return end
        if self._skipping_line:
            self._skipping_line = False
        else:
            self._end_line(self._join(), frames)
        return newline + 1

    def _end_line(self, line: bytes, frames: List[Frame]) -> None:
        if not line.strip():
            return
        lengths = attachment_lengths(line)
        if lengths is None:
            frames.append(_malformed(line, "attachment lengths must be whole numbers"))
        elif sum(lengths) > self._limit:
            frames.append(_malformed(line, f"attachments above the limit of {self._limit} bytes"))
            self._skip_bytes = sum(lengths)
        elif not sum(lengths):
            frames.append(parse(line, tuple(b"" for _ in lengths)))
        else:
            self._line, self._lengths, self._wanted = line, lengths, sum(lengths)

    def _join(self) -> bytes:
        joined = b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        return joined


def attachment_lengths(line: bytes) -> Optional[Tuple[int, ...]]:
    """Read the lengths that a line announces, without parsing the rest; None: not numbers."""
    start = len(_ATTACHED)
    if not line.startswith(_ATTACHED):
        return ()
    end = line.find(b"]", start, start + 4096)
    try:
        lengths = tuple(int(n) for n in line[start:end].split(b",")) if end > start else ()
    except ValueError:
        return None
    return None if end < 0 or any(n < 0 for n in lengths) else lengths
