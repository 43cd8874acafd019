"""The boundary between the worker and a shell: what each offers to the other.

Two shells stand behind it: `wherry_runner.ipython_host` hosts IPython where the interpreter has
it, `wherry_runner.plain` is our own where it has not. The worker owns pipes, signals and the event
loop; a shell owns namespaces, magics, reprs and tracebacks.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import (
        Any,
        Awaitable,
        ContextManager,
        Dict,
        List,
        Optional,
        Sequence,
        Tuple,
        Type,
        TypeVar,
        Union,
    )

    from wherry_runner.frames import CommClose, CommMessage, CommOpen, Execute

    FromClient = Union[CommOpen, CommMessage, CommClose]

    T = TypeVar("T")

    #: The text as the person wrote it, the text that was compiled, and the file name of the code.
    Cell = Tuple[str, str, str]


class Outcome:
    """How a shell says that an execution ended. Output and the error were already sent."""

    def __init__(
        self,
        *,
        status: str = "ok",
        user_expressions: Optional[Dict[str, Any]] = None,
        payload: Optional[List[Dict[str, Any]]] = None,
    ) -> None:
        #: ``ok``, ``error`` or ``interrupted``.
        self.status = status
        self.user_expressions = user_expressions
        self.payload = payload


class Session:
    """What the worker gives to its shell. All methods may be called from any thread.

    Output goes to the execution that the calling thread (or asyncio task, or timer) was started
    by, also after that execution has ended.
    """

    def display(
        self,
        data: Dict[str, Any],
        metadata: Optional[Dict[str, Any]] = None,
        *,
        transient: Optional[Dict[str, Any]] = None,
        update: bool = False,
        buffers: Sequence[bytes] = (),
    ) -> None:
        """Send rich output; `transient` may carry ``display_id``."""
        raise NotImplementedError

    def result(
        self,
        count: int,
        data: Dict[str, Any],
        metadata: Dict[str, Any],
        *,
        transient: Optional[Dict[str, Any]] = None,
    ) -> None:
        """Send the value of the last expression of the running execution."""
        raise NotImplementedError

    def error(self, ename: str, evalue: str, traceback: Sequence[str]) -> None:
        """Send the exception that ends the running execution. Nothing else is printed for it."""
        raise NotImplementedError

    def clear(self, *, wait: bool = False) -> None:
        """Clear the output shown so far."""
        raise NotImplementedError

    def send_comm(self, frame: Type[FromClient], members: Dict[str, Any]) -> None:
        """Send a comm frame of the given class; the session adds whom it belongs to."""
        raise NotImplementedError

    def get_parent(self) -> Dict[str, Any]:
        """Return the client message that the caller works for, {} when there is none."""
        raise NotImplementedError

    def set_parent(self, message: Dict[str, Any]) -> object:
        """Send what the calling thread or task outputs from here on under another message.

        Returns a token for `reset_parent`.
        """
        raise NotImplementedError

    def reset_parent(self, token: object) -> None:
        """Undo the `set_parent` that returned `token`, in the same thread or task."""
        raise NotImplementedError

    def input(self, prompt: str, *, password: bool = False) -> str:
        """Ask the person for a line and block until it comes.

        Raises:
            KeyboardInterrupt: The person interrupted instead of answering.
            RuntimeError: The client does not answer input requests (its text says so); the class
                is `IPython.core.error.StdinNotImplementedError` where IPython is hosted.
        """
        raise NotImplementedError

    def user_code(self) -> ContextManager[None]:
        """Mark the stretch in which an interrupt may raise KeyboardInterrupt.

        Keep it tight around the user's own code: outside of it interrupts wait or are dropped, so
        the shell's bookkeeping is never torn. KeyboardInterrupt can still surface just after
        entering and just before leaving, so wrap the ``with`` in the ``try``.
        """
        raise NotImplementedError

    async def drive(self, awaitable: Awaitable[T]) -> T:
        """Await the user's coroutine with interrupts on, both in its steps and in its waits.

        An interrupt that comes while it is suspended cancels it; either way KeyboardInterrupt is
        raised here.
        """
        raise NotImplementedError


class CellWatcher:
    """Is told of cells by the thread that runs them; see `Host.watch_cells`."""

    def cell_begins(self, code: str, compiled: str, filename: str) -> None:
        """Called with the members of a `Cell` before it is compiled."""
        raise NotImplementedError

    def cell_ended(self) -> None:
        """Called when the last statement was run, before anything else is done."""
        raise NotImplementedError


class Host:
    """What a shell offers to the worker. One instance for the life of the worker process."""

    #: ``ipython`` or ``plain``.
    name = ""
    #: IPython's version where it is hosted.
    ipython: Optional[str] = None
    #: Raised by input() when the client does not answer.
    stdin_refusal: Type[Exception] = RuntimeError
    #: Words for `Ready.capabilities`.
    capabilities: Tuple[str, ...] = ()

    def __init__(self, session: Session, options: Dict[str, Any]) -> None:
        raise NotImplementedError

    def begin(self) -> None:
        """Run what the user wants to be run at every start. Called once, never for a reserve.

        Must not raise. There is no execution yet, so problems are told by the first one.
        """

    def needs_loop(self, code: str) -> bool:
        """Say whether `code` wants a running asyncio loop (top-level await, a mention of asyncio).

        Once asyncio is imported every execution runs inside the loop and this is not asked again.
        """
        raise NotImplementedError

    async def execute(self, request: Execute) -> Outcome:
        """Run one request in the user's namespace (``__main__``).

        Never raises for what user code does, SystemExit and KeyboardInterrupt included: it sends
        the error through the session and returns the outcome. A coroutine only so that user code
        may await: with no top-level await in the code it must finish without suspending, because
        before asyncio is imported the worker drives it without a loop.
        """
        raise NotImplementedError

    def comm(self, frame: FromClient, parent: Dict[str, Any]) -> None:
        """Handle a client's comm frame; user code's callbacks run in here.

        Without comms in this interpreter the client is told that nobody listens.
        """
        raise NotImplementedError

    def complete(self, code: str, cursor: int) -> Tuple[List[str], int, int, Dict[str, Any]]:
        """Return matches, start and end of the text they replace, and metadata.

        May be called from another thread while user code runs: no side effects, no property calls.
        Offsets count Unicode characters. Metadata may hold ``_jupyter_types_experimental``.
        """
        raise NotImplementedError

    def inspect(self, code: str, cursor: int, detail: int) -> Optional[Dict[str, Any]]:
        """Return a MIME bundle about the name at `cursor`, or None. Threads: as `complete`."""
        raise NotImplementedError

    def namespace(self) -> Dict[str, Any]:
        """Return the user's variables, the very dictionary."""
        raise NotImplementedError

    def rich(self, value: Any) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        """Return data and metadata as the result of an expression has them. Threads: any."""
        raise NotImplementedError

    def cells(self) -> List[Cell]:
        """Return the cells that have run, in their order."""
        raise NotImplementedError

    def watch_cells(self, watcher: Optional[CellWatcher]) -> None:
        """Tell `watcher` of every cell from now on; None: nobody."""
        raise NotImplementedError

    def is_complete(self, code: str) -> Tuple[str, str]:
        """Return ``complete``, ``incomplete``, ``invalid`` or ``unknown``, and an indent."""
        raise NotImplementedError

    def traceback(
        self, etype: Type[BaseException], value: BaseException, tb: Optional[TracebackType]
    ) -> List[str]:
        """Format an exception for people, without our own stack entries."""
        raise NotImplementedError

    def warm_up(self) -> None:
        """Import what a first error or completion needs. Called once, while nothing runs yet."""

    def shutdown(self) -> None:
        """Save what the shell keeps (history, database handles). Exit handlers run afterwards."""
