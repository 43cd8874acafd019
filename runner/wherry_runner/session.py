"""What the worker offers to its shell: output, input, comms, and the marks around user code."""

from __future__ import annotations

import sys
import threading

from wherry_runner import attribution
from wherry_runner import frames as f
from wherry_runner.host import Session
from wherry_runner.interrupts import Deaf, Interrupts, untrace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Awaitable,
        Dict,
        Generator,
        List,
        Optional,
        Sequence,
        Type,
        TypeVar,
        Union,
    )

    from wherry_runner.host import FromClient
    from wherry_runner.worker import Worker

    T = TypeVar("T")


def is_main() -> bool:
    """Signals, and so interrupts, reach the main thread only."""
    return threading.current_thread() is threading.main_thread()


class UserCode:
    """The stretch in which an interrupt may raise; made once, entered for every cell."""

    def __init__(self, interrupts: Union[Interrupts, Deaf]) -> None:
        self._interrupts = interrupts
        self._before: List[bool] = []

    def __enter__(self) -> None:
        self._before.append(self._interrupts.enter())

    def __exit__(self, *_: object) -> None:
        # First statement: a hard interrupt traces every line until here.
        untrace()
        self._interrupts.leave(self._before.pop())


class Driven:
    """Steps a coroutine with interrupts on, in its steps and in its waits."""

    def __init__(self, awaitable: Awaitable[Any], worker: Worker) -> None:
        self._awaitable = awaitable
        self._worker = worker

    def __await__(self) -> Generator[Any, Any, Any]:
        worker = self._worker
        interrupts = worker.interrupts if is_main() else Deaf()
        steps: Any = self._awaitable.__await__()
        value: Any = None
        error: Optional[BaseException] = None
        while True:
            try:
                with worker.user_code():
                    future = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as stop:
                return stop.value
            value = error = None
            interrupts.cancel = worker.cancel_current()
            try:
                value = yield future
            except BaseException as thrown:  # noqa: BLE001 - handed on to the user's coroutine
                error = worker.translate(thrown) if interrupts.cancelled else thrown
            finally:
                interrupts.cancel = None


class WorkerSession(Session):
    """`Session` over the worker's channel."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def display(
        self,
        data: Dict[str, Any],
        metadata: Optional[Dict[str, Any]] = None,
        *,
        transient: Optional[Dict[str, Any]] = None,
        update: bool = False,
        buffers: Sequence[bytes] = (),
    ) -> None:
        channel = self._worker.channel
        if not channel.is_open:
            # A forked child cannot send frames; the text is better than nothing.
            print(data.get("text/plain", ""))  # noqa: T201
            return
        frame = f.Display(
            id=self._owner(),
            data=data,
            metadata=metadata or {},
            transient=transient or {},
            update=update,
            buffers=tuple(buffers),
        )
        channel.send_fenced(frame)

    def result(
        self,
        count: int,
        data: Dict[str, Any],
        metadata: Dict[str, Any],
        *,
        transient: Optional[Dict[str, Any]] = None,
    ) -> None:
        frame = f.Result(
            id=self._owner(), count=count, data=data, metadata=metadata, transient=transient
        )
        self._worker.channel.send_fenced(frame)

    def error(self, ename: str, evalue: str, traceback: Sequence[str]) -> None:
        if not self._worker.channel.is_open:
            sys.stderr.write("\n".join(traceback) + "\n")
            return
        frame = f.Error(id=self._owner(), ename=ename, evalue=evalue, traceback=tuple(traceback))
        self._worker.channel.send_fenced(frame)

    def clear(self, *, wait: bool = False) -> None:
        self._worker.channel.send_fenced(f.Clear(id=self._owner(), wait=wait))

    def send_comm(self, frame: Type[FromClient], members: Dict[str, Any]) -> None:
        channel = self._worker.channel
        if channel.is_open:
            channel.send_fenced(frame(id=self._owner(), **members))

    def get_parent(self) -> Dict[str, Any]:
        return self._worker.parents.message(self._owner())

    def set_parent(self, message: Dict[str, Any]) -> object:
        owner = self._worker.parents.id_of(message)
        return attribution.EXECUTION.set(owner or attribution.current())

    def reset_parent(self, token: Any) -> None:
        attribution.EXECUTION.reset(token)

    def input(self, prompt: str, *, password: bool = False) -> str:
        return self._worker.inputs.ask(prompt, password=password)

    def user_code(self) -> UserCode:
        return self._worker.user_code()

    async def drive(self, awaitable: Awaitable[T]) -> T:
        return await Driven(awaitable, self._worker)  # type: ignore[no-any-return]

    def _owner(self) -> str:
        return attribution.current() or self._worker.execution
