"""Requests in, answers out: the dispatch of all channels, and the life of the kernel.

Every request gets a busy status, a reply and an idle status, unknown and malformed ones too.
Only executions wait for each other (`executions`); everything else is answered at once, also
while a cell runs.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from wherry_kernel.answers import Answers
from wherry_kernel.comms import Comms
from wherry_kernel.debugger import Debugger
from wherry_kernel.errors import MessageError, RequestError
from wherry_kernel.executions import Counter, Execution, Executions, Failure, Hooks, plain_header
from wherry_kernel.messages import Output, comm_frame
from wherry_kernel.parents import Parents
from wherry_kernel.prompts import Prompts
from wherry_kernel.publisher import Publisher
from wherry_kernel.relay import Relay
from wherry_kernel.subshells import Subshells
from wherry_kernel.wire import comm, control, status
from wherry_kernel.wire.codec import NO_PARENT
from wherry_kernel.wire.content import failed
from wherry_runner import frames as f

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from wherry_kernel.answers import Handler
    from wherry_kernel.history import History
    from wherry_kernel.options import Options
    from wherry_kernel.restarts import Restarts
    from wherry_kernel.wire.codec import Codec, Content, Request
    from wherry_supervisor import Launched, Limits, Runner
    from wherry_supervisor import Outcome as RunnerOutcome
    from wherry_supervisor.lifecycle import State

log = logging.getLogger("wherry.kernel")

#: How long the runner's exit handlers may take at shutdown, in seconds. jupyter_client sends
#: SIGTERM after 2.5.
SHUTDOWN_GRACE = 1.0

#: What a runner that is being replaced has to say to nobody: its cells were answered.
_PAST = (f.Error, f.InputRequest, f.CommOpen, f.CommMessage, f.CommClose)


class Channels(Protocol):
    """What the kernel needs of `sockets.Sockets`."""

    def send(self, channel: str, parts: Sequence[bytes]) -> None:
        """Queue a message."""

    def receive(self, channel: str) -> None:
        """Deliver all that is waiting on a channel."""


class Kernel:
    """Translates between clients and one runner. `run` is its life; `stop` ends it."""

    def __init__(
        self,
        options: Options,
        *,
        codec: Codec,
        channels: Channels,
        history: History,
        ports: Mapping[str, int],
        limits: Limits,
        make_runner: Callable[[Callable[[f.Frame], None], Callable[[State], None]], Runner],
        launched: Launched | None = None,
        restarts: Restarts | None = None,
    ) -> None:
        self._options = options
        self._codec = codec
        self._channels = channels
        self._history = history
        self._launched = launched
        self._restarts = restarts
        self._loop = asyncio.get_running_loop()
        self._publisher = Publisher(codec, send=channels.send, soon=self._loop.call_soon)
        self._parents = Parents()
        self._comms = Comms()
        self._runner = make_runner(self._on_frame, self._on_state)
        self._prompts = Prompts(self._publisher, answer=self._runner.reply_input)
        self._debugger = Debugger(
            self._runner, publish=self._publish_debug_event, resumed=self._say_busy_again
        )
        hooks = Hooks(
            receive=lambda: channels.receive("shell"),
            lost=self._on_lost,
            leave=self.stop,
            restart=self._begin_anew,
            over=self._on_over,
            prepared=self._debugger.armed,
        )
        common: dict[str, Any] = {
            "publisher": self._publisher,
            "parents": self._parents,
            "history": history,
            "limits": limits,
            "counter": Counter(),
        }
        self._executions = Executions(self._runner, **common, hooks=hooks)
        # A death is told once, by the main queue or while idle.
        beside = replace(hooks, lost=lambda *_: None)
        self._subshells = Subshells(
            self._executions,
            make=lambda each: Executions(self._runner, **common, hooks=beside, subshell=each),
            end=self._runner.close_subshell,
        )
        self._relay = Relay(
            publisher=self._publisher,
            parents=self._parents,
            subshells=self._subshells,
            history=history,
            prompts=self._prompts,
            comms=self._comms,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._state = "new"
        self._requeued = 0
        self._grace = SHUTDOWN_GRACE
        self._is_replacing = False
        self.exit_code = 0
        self._answers = Answers(self._runner, history=history, comms=self._comms, ports=ports)
        self._handlers: dict[str, Handler] = {
            **self._answers.handlers,
            "interrupt_request": self._interrupt_request,
            "shutdown_request": self._shutdown_request,
            "create_subshell_request": self._subshells.create,
            "delete_subshell_request": self._subshells.delete,
            "list_subshell_request": self._subshells.list,
            "comm_open": self._comm,
            "comm_msg": self._comm,
            "comm_close": self._comm,
        }

    # --- life ---

    async def run(self) -> int:
        """Serve until `stop`, answer what is open, close the runner; returns the exit code."""
        self._publisher.status(status.STARTING)
        starting = asyncio.create_task(self._start())
        worker = asyncio.create_task(self._executions.run())
        await self._stopping.wait()
        self._subshells.abandon()
        await self._runner.close(grace=self._grace)
        self._debugger.close()
        await self._subshells.close()
        # Only now: what runs was ended by the runner, and cancelling would interrupt it again.
        ending = [worker, starting, *self._tasks]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._history.close()
        return self.exit_code

    def stop(self, *, grace: float = SHUTDOWN_GRACE) -> None:
        """End `run`; twice is fine. Exit handlers of user code get `grace` seconds."""
        self._grace = grace
        self._stopping.set()

    def restart(self) -> None:
        """Swap the runner. What runs and what waits is aborted, and cells count from 1 again.

        Clients see a new session that is starting, and later idle.
        """
        self._subshells.abandon()
        self._begin_anew()

    def interrupt(self) -> None:
        """Interrupt the running cell; harmless when there is none, or when the kernel is ending.

        Clients interrupt before they ask for a shutdown, so the two come together.
        """
        # Requests that were sent before the interrupt are meant by it.
        self._channels.receive("shell")
        if not self._stopping.is_set():
            self._executions.interrupt()

    async def _start(self) -> None:
        try:
            await self._runner.start(self._launched)
        except Exception as error:  # noqa: BLE001 - told in the reply to each execution
            log.error("the runner did not start: %s", error)  # noqa: TRY400 - its text says it all
        self._answers.started()

    def _begin_anew(self) -> None:
        for message in self._comms.lose():
            self._publisher.publish(message, NO_PARENT)
        self._prompts.forget()
        self._executions.begin_anew()
        self._parents.begin_anew()
        self._history.begin_session()
        self._publisher.begin_session()
        self._publisher.status(status.STARTING)
        self._is_replacing = True
        self._starting = asyncio.create_task(self._swap())
        self._tasks.add(self._starting)
        self._starting.add_done_callback(self._tasks.discard)

    async def _swap(self) -> None:
        try:
            await self._runner.restart(grace=SHUTDOWN_GRACE)
        except Exception as error:  # noqa: BLE001 - told in the reply to each execution
            log.error("the runner did not start again: %s", error)  # noqa: TRY400 - its text says it all
            self._publisher.status(status.IDLE)

    # --- what comes ---

    def on_message(self, channel: str, parts: list[bytes]) -> None:
        """Take one message from a channel. Never raises."""
        try:
            request = self._codec.decode(parts)
        except MessageError as error:
            log.warning("a message on %s was dropped: %s", channel, error)
            return
        try:
            self._dispatch(channel, request)
        except Exception as error:  # noqa: BLE001 - no request goes unanswered
            self._fail(channel, request, error)

    def on_subscribe(self, topic: bytes) -> None:
        """Greet a new subscriber of IOPub (JEP 65)."""
        self._publisher.welcome(topic)

    def _dispatch(self, channel: str, request: Request) -> None:
        if channel == "stdin":
            self._prompts.reply(request)
            return
        if self._stopping.is_set():
            return
        if request.type == "execute_request":
            try:
                self._subshells.queue_of(request).add(channel, request)
            except RequestError:
                self._publisher.status(status.BUSY, request.header_json)
                raise
            return
        if request.type == "debug_request":
            self._keep(self._debug(channel, request))
            return
        self._publisher.status(status.BUSY, request.header_json)
        answer = self._handlers.get(request.type, self._unknown)(request)
        if answer is None or isinstance(answer, dict):
            self._answer(channel, request, answer)
        else:
            self._keep(self._answer_later(channel, request, answer))

    def _keep(self, answering: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(answering)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_later(
        self, channel: str, request: Request, answer: Awaitable[Content | None]
    ) -> None:
        try:
            self._answer(channel, request, await answer)
        except Exception as error:  # noqa: BLE001 - no request goes unanswered
            self._fail(channel, request, error)

    def _answer(self, channel: str, request: Request, content: Content | None) -> None:
        if content is not None:
            self._publisher.reply(channel, request, content)
        if request.type == "shutdown_request" and content is not None:
            self._publisher.announce_shutdown(content, request.header_json)
        self._publisher.status(status.IDLE, request.header_json)
        self._say_busy_again()

    def _fail(self, channel: str, request: Request, error: Exception) -> None:
        if not isinstance(error, RequestError):
            log.error("%s could not be answered", request.type, exc_info=error)
        content = failed(type(error).__name__, str(error))
        self._answer(channel, request, content if request.type.endswith("_request") else None)

    def _say_busy_again(self) -> None:
        """After a request that was answered beside a running cell.

        Clients and servers show the last status they saw, whomever it was for: without this a
        completion would make a busy kernel look idle, and be culled.
        """
        current = self._executions.current
        if current is not None and not self._debugger.is_stopped:
            self._publisher.status(status.BUSY, current.parent)

    # --- requests that do something; `answers` has the questions ---

    def _interrupt_request(self, _: Request) -> Content:
        # Before the reply: what a client sends after it must not be hit.
        self.interrupt()
        return control.interrupted()

    def _shutdown_request(self, request: Request) -> Content:
        restart = control.read_restart(request.content)
        stays = restart and self._restarts is not None and self._restarts.stay()
        # In the next turn: this request's own reply leaves first.
        self._loop.call_soon(self.restart if stays else self.stop)
        return control.shut_down(restart=restart)

    async def _comm(self, request: Request) -> None:
        """Section "Custom messages": idle when user code has handled it, as for any request."""
        asked = comm.read(request.content)
        id = self._parents.add(request.header_json, is_execution=False)
        frame = comm_frame(
            request.type,
            id,
            asked,
            header=plain_header(request.header),
            metadata=request.metadata,
            buffers=request.buffers,
        )
        self._comms.follow(frame)
        self._runner.send(frame)
        if self._runner.ready is not None:
            await self._comms.wait_handled(id)

    async def _debug(self, channel: str, request: Request) -> None:
        """Section "Debug request": one after the other, and the statuses with them."""
        async with self._debugger.turn:
            self._publisher.status(status.BUSY, request.header_json)
            self._debugger.parent = request.header_json
            await self._answer_later(channel, request, self._debugger.answer(request.content))

    def _publish_debug_event(self, event: Content, parent: bytes) -> None:
        self._publisher.publish(Output("debug_event", event), parent)

    def _unknown(self, request: Request) -> Content | None:
        log.warning("a message of an unknown type came: %s", request.type)
        if not request.type.endswith("_request"):
            return None
        return failed(*control.unknown(request.type))

    # --- what the runner does ---

    def _on_frame(self, frame: f.Frame) -> None:
        if isinstance(frame, f.Debug):
            self._debugger.on_event(frame.content or {})
        elif not (self._is_replacing and isinstance(frame, _PAST)):
            self._relay.on_frame(frame)

    def _on_over(self) -> None:
        self._prompts.forget()
        if self._history.is_kept and not self._stopping.is_set():
            self._loop.call_soon(self._history.save)

    def _on_state(self, state: State) -> None:
        """Follow the handle: a worker that died idle, and a new one that is ready."""
        before, self._state = self._state, state.value
        self._debugger.on_state(state)
        if (before, self._state) == ("idle", "restarting") and not self._is_replacing:
            crash = self._runner.last_crash
            title = crash.title if crash is not None else "the runner died"
            self._lose("while nothing ran", title, NO_PARENT)
        elif self._requeued != self._runner.requeued:
            # The cell itself was told; what is left to tell is that the comms are gone.
            self._requeued = self._runner.requeued
            for message in self._comms.lose():
                self._publisher.publish(message, NO_PARENT)
        elif self._is_replacing and self._state == "idle":
            self._is_replacing = False
            self._publisher.status(status.IDLE)
            self._say_busy_again()

    def _on_lost(self, execution: Execution, outcome: RunnerOutcome) -> None:
        title = outcome.crash.title if outcome.crash is not None else "the runner was replaced"
        self._lose(f"in cell {execution.count}", title, execution.parent)
        self._on_state(self._runner.state)

    def _lose(self, where: str, title: str, parent: bytes) -> None:
        """The state is gone: close comms, tell clients, and prepare what later cells are told."""
        for message in self._comms.lose():
            self._publisher.publish(message, parent)
        if self._options.on_crash == "exit":
            log.error("leaving after a crash, as on_crash says: %s", title)
            self.exit_code = 1
            self.stop()
            return
        lost = f"The state was lost {where}: {title.rstrip('.')}"
        if self._options.after_crash == "fail":
            advice = f"{lost}. Restart the kernel to go on."
            self._executions.refusal = Failure("StateLost", advice, (f"StateLost: {advice}",))
        else:
            self._executions.notice = f"{lost}. Variables from before are gone.\n"
        restarting = self._options.crash_status == "restarting"
        self._publisher.status(status.RESTARTING if restarting else status.STARTING)
        self._is_replacing = True
