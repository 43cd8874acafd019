"""The process that runs user code: takes commands, gives frames.

Two threads: the main thread executes, the service thread answers completion, inspection and input
beside it. Everything that belongs to user code (namespace, magics, reprs, tracebacks) is the
`Host`'s; this module owns the descriptors, the signals and the order of things.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import select
import sys
import threading
import traceback

from wherry_runner import attribution, ordering, processes
from wherry_runner import frames as f
from wherry_runner.channel import Channel
from wherry_runner.debuggable import debugger_capability, hide_from_debugger
from wherry_runner.host import Host, Outcome, Session
from wherry_runner.inputs import Inputs
from wherry_runner.interrupts import Deaf, Interrupts, untrace
from wherry_runner.loop import Loop
from wherry_runner.parents import Parents
from wherry_runner.session import UserCode, WorkerSession, is_main
from wherry_runner.streams import Streams
from wherry_runner.subshells import Subshells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Callable,
        Dict,
        List,
        Optional,
        Tuple,
        TypeVar,
        Union,
    )

    from wherry_runner.debugging import Debugging
    from wherry_runner.page import Page

    T = TypeVar("T")
    FromClient = Union[f.CommOpen, f.CommMessage, f.CommClose]

_CHUNK = 256 * 1024

#: User code may replace what `os` holds.
_read = os.read
_times = os.times

#: What is kept of an error that is itself too large to be sent, in characters.
_EVALUE = 10_000

#: Seconds of silence after which slow imports may use the time that a person needs to type.
_WARM_UP_AFTER = 0.3


class Worker:
    """One forked worker. `run` ends with the process."""

    def __init__(
        self,
        *,
        nonce: bytes,
        fds: Tuple[int, ...],
        faults_fd: int,
        page: Page,
        make_host: Callable[[Session], Host],
        debugpy: Optional[str] = None,
    ) -> None:
        self._main_fd, self._service_fd, frames_fd, stdout_fd, stderr_fd = fds
        text_fds = {ordering.STDOUT: stdout_fd, ordering.STDERR: stderr_fd}
        self._faults_fd = faults_fd
        self.interrupts = Interrupts(page)
        self.interrupts.install()
        self.channel = Channel(nonce, frames_fd, text_fds, self.interrupts)
        self.streams = Streams(text_fds, self.channel)
        self.inputs = Inputs(self.channel)
        self.inputs.install()
        self._user_code = UserCode(self.interrupts)
        self._subshells = Subshells(self._work_beside, lambda: Loop(self._on_background_error))
        self._loop = Loop(self._on_background_error)
        self.parents = Parents()
        self._decoder = f.Decoder()
        self._inbox: List[f.Frame] = []
        self._serial = 0
        #: Id of the running execution, or of the last one.
        self.execution = ""
        self._watch_faults()
        attribution.follow_threads()
        os.register_at_fork(after_in_child=self._after_fork)
        self._host = make_host(WorkerSession(self))
        self.inputs.refusal = self._host.stdin_refusal
        #: Where a copy of debugpy lies for interpreters that have none.
        self._debugpy = debugpy
        self._debugging: Optional[Debugging] = None
        self._shells_modules = tuple(sys.modules)  # before user code imports its own

    def run(self) -> None:
        """Serve commands until the guardian ends it."""
        spawn = self._next_frame()  # the Spawn that makes a parked worker the current one
        service = threading.Thread(target=self._serve, name="wherry-service", daemon=True)
        hide_from_debugger(service)
        service.start()
        host = self._host
        host.begin()
        ready = f.Ready(
            pid=os.getpid(),
            number=getattr(spawn, "number", 0),
            host=host.name,
            ipython=host.ipython,
            capabilities=(*host.capabilities, *debugger_capability(self._debugpy)),
        )
        self.channel.send_fenced(ready)
        while True:
            try:
                frame = self._next_frame()
            except BaseException as error:  # noqa: BLE001 - a signal handler of the user's raised
                self._on_background_error(error)
                continue
            if isinstance(frame, f.Execute):
                self._execute(frame)
            elif isinstance(frame, (f.CommOpen, f.CommMessage, f.CommClose)):
                self._loop.run(self._handle_comm(frame), needs_loop=False)
            elif isinstance(frame, f.Shutdown):
                self._exit()

    # --- For the session ---

    def user_code(self) -> UserCode:
        """Interrupts belong to the main thread: in another one there is nothing to mark."""
        return self._user_code if is_main() else UserCode(Deaf())

    def cancel_current(self) -> Callable[[], None]:
        """Return what cancels the running task, for the signal handler."""
        import asyncio

        task = asyncio.current_task()
        return lambda: None if task is None else self._loop.wake(task.cancel)

    def translate(self, error: BaseException) -> BaseException:
        """Our own cancel is a KeyboardInterrupt to user code; all else is passed on."""
        if type(error).__name__ != "CancelledError":
            return error
        self.interrupts.cancelled = False
        import asyncio

        task = asyncio.current_task()
        if task is not None and hasattr(task, "uncancel"):
            task.uncancel()
        return KeyboardInterrupt()

    # --- Executions ---

    def _execute(self, request: f.Execute) -> None:
        self._serial += 1
        self.execution = request.id
        self.parents.remember(request.id, request.parent)
        self._watch_faults()
        self.interrupts.install()
        self.inputs.allow(request.id, allowed=request.allow_stdin)
        started = sum(_times()[:4])
        self.streams.begin(request.id)
        self.channel.send_fenced(f.Started(id=request.id), ordering.STARTED)
        self._loop.context.run(attribution.EXECUTION.set, request.id)
        outcome = self._outcome(request)
        self.streams.flush()
        if not self.channel.is_open:
            # A child that user code forked and let run on: the shell is its parent's.
            os._exit(0 if outcome.status == "ok" else 1)
        done = f.Done(
            id=request.id,
            status=outcome.status,
            user_expressions=outcome.user_expressions,
            payload=outcome.payload,
            cpu=sum(_times()[:4]) - started,
        )
        try:
            self.channel.send_fenced(done, ordering.DONE)
        except Exception as error:  # noqa: BLE001 - a payload without end, or one that holds itself
            outcome = self._unexpected(request.id, error)
            self.channel.send_fenced(f.Done(id=request.id, status=outcome.status), ordering.DONE)

    def _work_beside(self, frame: f.Frame, loop: Loop) -> None:
        """Do in the thread of a subshell what the main thread does with the same frame."""
        if isinstance(frame, f.Execute):
            self._execute_beside(frame, loop)
        elif isinstance(frame, (f.CommOpen, f.CommMessage, f.CommClose)):
            loop.run(self._handle_comm(frame), needs_loop=False)

    def _execute_beside(self, request: f.Execute, loop: Loop) -> None:
        self.parents.remember(request.id, request.parent)
        self.inputs.allow(request.id, allowed=request.allow_stdin)
        self.channel.send_fenced(f.Started(id=request.id))
        loop.context.run(attribution.EXECUTION.set, request.id)
        try:
            needs_loop = self._host.needs_loop(request.code)
            outcome = loop.run(self._host.execute(request), needs_loop=needs_loop)
        except BaseException as error:  # noqa: BLE001 - the edge of all user code
            outcome = self._unexpected(request.id, error)
        done = f.Done(
            id=request.id,
            status=outcome.status,
            user_expressions=outcome.user_expressions,
            payload=outcome.payload,
        )
        self.channel.send_fenced(done)

    def _outcome(self, request: f.Execute) -> Outcome:
        """Run the request; whatever goes wrong, also in the shell itself, is an outcome."""
        self.interrupts.begin(self._serial)
        try:
            try:
                return self._loop.run(
                    self._host.execute(request),
                    needs_loop=self._host.needs_loop(request.code),
                    commands=(self._main_fd, self._take_while_awaiting),
                )
            finally:
                self.interrupts.end()
        except BaseException as error:  # noqa: BLE001 - the edge of all user code
            untrace()
            self.interrupts.end()
            return self._unexpected(request.id, error)

    async def _handle_comm(self, frame: FromClient) -> None:
        """A coroutine, so that callbacks find the running loop where there is one."""
        self._comm(frame)

    def _comm(self, frame: FromClient) -> None:
        """Run the callbacks; what they output belongs to the client's comm message."""
        before = attribution.EXECUTION.get()
        attribution.EXECUTION.set(frame.id)
        self.parents.remember(frame.id, frame.parent)
        try:
            self._host.comm(frame, self.parents.message(frame.id))
        except BaseException as error:  # noqa: BLE001 - a callback of the user's
            self._on_background_error(error)
        finally:
            attribution.EXECUTION.set(before)
        self.channel.send_fenced(f.Handled(id=frame.id))

    def _take_while_awaiting(self) -> None:
        """Commands that come while user code awaits: comms are handled, the rest waits."""
        data = _read(self._main_fd, _CHUNK)
        if not data:
            os._exit(0)
        for frame in self._decoder.feed(data):
            if isinstance(frame, (f.CommOpen, f.CommMessage, f.CommClose)):
                # The executions' context is free: the one that runs is suspended.
                self._loop.context.run(self._comm, frame)
            else:
                self._inbox.append(frame)

    def _unexpected(self, execution: str, error: BaseException) -> Outcome:
        """An exception came out of the shell itself, or out of our own statements."""
        interrupted = isinstance(error, KeyboardInterrupt)
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        frame = f.Error(
            id=execution,
            ename="KeyboardInterrupt" if interrupted else type(error).__name__,
            evalue=str(error)[:_EVALUE],
            traceback=tuple(line[:_EVALUE] for line in lines),
        )
        self.channel.send_fenced(frame)
        return Outcome(status="interrupted" if interrupted else "error")

    def _on_background_error(self, error: BaseException) -> None:
        """A task of an earlier cell raised KeyboardInterrupt or SystemExit out of the loop."""
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        sys.stderr.write("".join(lines))

    # --- Commands ---

    def _next_frame(self) -> f.Frame:
        while not self._inbox:
            data = self._loop.read(self._main_fd, _CHUNK)
            if not data:
                os._exit(0)  # the guardian is gone
            self._inbox += self._decoder.feed(data)
        return self._inbox.pop(0)

    def _serve(self) -> None:
        decoder = f.Decoder()
        while not select.select([self._service_fd], [], [], _WARM_UP_AFTER)[0]:
            if self.interrupts.is_idle:
                self._host.warm_up()
                break
        while True:
            data = _read(self._service_fd, _CHUNK)
            if not data:
                return
            for frame in decoder.feed(data):
                try:
                    self._answer(frame)
                except BaseException:  # noqa: BLE001 - a __repr__ may raise SystemExit too
                    empty = _EMPTY.get(type(frame))
                    if empty is not None:
                        self.channel.send(empty(id=frame.id))  # type: ignore[attr-defined]

    def _answer(self, frame: f.Frame) -> None:
        subshell = getattr(frame, "subshell", None)
        if isinstance(frame, f.SubshellClose):
            self._subshells.close(frame.subshell)
        elif subshell is not None:
            self._subshells.take(subshell, frame)
        elif isinstance(frame, f.Debug):
            self._debug(frame)
        elif isinstance(frame, f.InputReply):
            self.inputs.deliver(frame.request, frame.value)
        elif isinstance(frame, f.Complete):
            matches, start, end, metadata = self._host.complete(frame.code, frame.cursor)
            answer: f.Frame = f.Completions(
                id=frame.id, matches=tuple(matches), start=start, end=end, metadata=metadata
            )
            self.channel.send(answer)
        elif isinstance(frame, f.Inspect):
            data = self._host.inspect(frame.code, frame.cursor, frame.detail)
            self.channel.send(
                f.Inspection(id=frame.id, found=data is not None, data=data or {}, metadata={})
            )
        elif isinstance(frame, f.IsComplete):
            status, indent = self._host.is_complete(frame.code)
            self.channel.send(f.Completeness(id=frame.id, status=status, indent=indent))

    def _debug(self, frame: f.Debug) -> None:
        if self._debugging is None:
            from wherry_runner.debugging import Debugging  # most workers never need it

            self._debugging = Debugging(
                self._host,
                self.channel.send,
                offered=self._debugpy,
                shells_modules=self._shells_modules,
            )
            self.interrupts.end_stop = self._debugging.run_freely
        self._debugging.take(frame)

    # --- Life ---

    def _watch_faults(self) -> None:
        """Stacks of a crash go to a file of the guardian's; user code may have disabled that."""
        faulthandler.enable(file=self._faults_fd, all_threads=True)
        faulthandler.register(
            processes.DUMP_SIGNAL, file=self._faults_fd, all_threads=True, chain=False
        )

    def _after_fork(self) -> None:
        """A forked child keeps the text pipes and loses everything else of ours."""
        self.channel.detach()
        self._loop.leave_parent(self._main_fd)
        if self._debugging is not None:
            self._debugging.after_fork()
        self.interrupts.__init__(_StillPage())  # type: ignore[misc]
        import signal

        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _exit(self) -> None:
        """Exit as a Python program does: threads are waited for, exit handlers run."""
        try:
            self._host.shutdown()
            threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
            atexit._run_exitfuncs()  # noqa: SLF001
        except BaseException:  # noqa: BLE001 - an exit handler of the user's; shown, not fatal
            traceback.print_exc()
        if self._debugging is not None:
            self._debugging.close()
        self.streams.flush()
        os._exit(0)


class _StillPage:
    """A page that nobody writes, for forked children."""

    target = 0
    signals = 0


_EMPTY: Dict[type, Any] = {
    f.Complete: f.Completions,
    f.Inspect: f.Inspection,
    f.IsComplete: f.Completeness,
    f.Debug: f.Debug,
}
