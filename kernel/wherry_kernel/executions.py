"""Section "Execute": one execution after the other, and what an error or a death does to the rest.

The rules:

1. Executions run in the order in which they came. Each gets busy, its outputs, one reply, idle.
2. When an execution that has `stop_on_error` fails, exactly those requests are aborted that were
   received before its reply was sent. A request that a client sends after seeing the reply runs.
3. A death is such a failure. Who asked not to stop on errors goes on, in an empty namespace, and is
   told so.
4. Closing aborts the running execution and all that wait: no request stays without a reply. So
   does a restart that a client asks for; after one that user code asks for, what waits runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry_kernel import cell_limits
from wherry_kernel.messages import Output
from wherry_kernel.wire import execute, output, status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from wherry_kernel.history import History
    from wherry_kernel.parents import Parents
    from wherry_kernel.publisher import Publisher
    from wherry_kernel.wire.codec import Request
    from wherry_runner.frames import Error
    from wherry_supervisor import Limits, Runner
    from wherry_supervisor import Outcome as RunnerOutcome

log = logging.getLogger("wherry.kernel")


class Failure(NamedTuple):
    """How an execution ended when it did not end well."""

    ename: str
    evalue: str
    traceback: Sequence[str]


@dataclass
class Execution:
    """One request on its way through the queue."""

    id: str
    channel: str
    request: Request
    content: execute.ExecuteRequest
    #: The number it runs under; 0 while it waits.
    count: int = 0
    #: The runner has it, so interrupts can reach it.
    is_submitted: bool = False
    #: It was interrupted before the runner had it.
    is_interrupted: bool = False
    #: What the runner has already shown for it.
    shown: Failure | None = None

    @property
    def parent(self) -> bytes:
        return self.request.header_json


@dataclass(frozen=True)
class Hooks:
    """What executions ask of the kernel around them."""

    #: Take in what clients have sent so far.
    receive: Callable[[], None]
    #: The state was lost in an execution that has just been answered.
    lost: Callable[[Execution, RunnerOutcome], None]
    #: User code wants the kernel to end.
    leave: Callable[[], None]
    #: User code wants a new runner.
    restart: Callable[[], None]
    #: Nothing open belongs to the execution any longer.
    over: Callable[[], None]
    #: The runner may have just been replaced: wait until it is what clients made of the last one.
    prepared: Callable[[], Awaitable[None]]


_NOT_BEGUN = Failure(
    "KeyboardInterrupt", "", ("KeyboardInterrupt: this cell was interrupted before it began",)
)


@dataclass
class Counter:
    """The number of the next execution; all queues of a kernel share it."""

    value: int = 1


class Executions:
    """The queue and its worker. `run` is awaited by the kernel, which owns it."""

    def __init__(
        self,
        runner: Runner,
        *,
        publisher: Publisher,
        parents: Parents,
        history: History,
        limits: Limits,
        hooks: Hooks,
        counter: Counter | None = None,
        subshell: str | None = None,
    ) -> None:
        self._runner = runner
        self._counter = counter or Counter()
        self._subshell = subshell
        self._publisher = publisher
        self._parents = parents
        self._history = history
        self._limits = limits
        self._hooks = hooks
        self._queue: deque[Execution] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._is_new = False
        self.current: Execution | None = None
        #: Shown once, in the next execution: why variables are gone.
        self.notice: str | None = None
        #: Every later execution is refused with this: the settings say so after a death.
        self.refusal: Failure | None = None

    def add(self, channel: str, request: Request) -> None:
        """Queue a request. Raises `RequestError` when it cannot be understood."""
        content = execute.read(request)
        id = self._parents.add(request.header_json, is_execution=True)
        self._queue.append(Execution(id, channel, request, content))
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def run(self) -> None:
        """Work the queue until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._queue:
                self._wake = loop.create_future()
                await self._wake
            self.current = self._queue.popleft()
            await self._run_one(self.current)
            self.current = None

    def interrupt(self) -> None:
        """Interrupt what runs, or what is just about to; nothing that is received later."""
        current = self.current or (self._queue[0] if self._queue else None)
        if current is None:
            return
        current.is_interrupted = True
        if current.is_submitted:
            self._runner.interrupt(current.id)

    def abandon(self) -> None:
        """Answer everything that is still open; what still ends afterwards ends silently."""
        current, self.current = self.current, None
        if current is not None:
            self._reply(current, execute.reply_aborted())
        self._abort(self._take_queue())

    def begin_anew(self) -> None:
        """Count from 1, and forget what was lost before: the person wanted an empty namespace."""
        self._counter.value = 1
        self._is_new = True
        self.notice = self.refusal = None

    async def _run_one(self, execution: Execution) -> None:
        try:
            outcome, failure = await self._outcome(execution)
            if execution is self.current:
                self._finish(execution, outcome, failure)
        except Exception as error:  # no request goes unanswered, whatever is wrong with us
            log.exception("execution %s failed in the kernel itself", execution.id)
            if execution is not self.current:
                return
            reply = execute.reply_error(self._shown_count(execution), *_words(error), payload=None)
            self._reply(execution, reply)
        finally:
            self._hooks.over()

    async def _outcome(self, execution: Execution) -> tuple[RunnerOutcome | None, Failure | None]:
        content = execution.content
        self._begin(execution)
        if self.refusal is not None:
            return None, self.refusal
        if self._is_new:
            # The swap begins in the next turn; from then on the runner is not ready.
            self._is_new = False
            await asyncio.sleep(0)
        if self._runner.ready is None:
            failure = await self._wait_for_runner()
            if failure is not None:
                return None, failure
        await self._hooks.prepared()
        if execution.is_interrupted or execution is not self.current:
            return None, _NOT_BEGUN
        execution.is_submitted = True
        outcome = await self._runner.execute(
            cell_limits.without_magic(content.code),
            id=execution.id,
            count=execution.count,
            silent=content.silent,
            store_history=content.store_history,
            allow_stdin=content.allow_stdin,
            user_expressions=content.user_expressions or None,
            cell=content.cell,
            parent=plain_header(execution.request.header),
            subshell=self._subshell,
            limits=self._limits_of(execution),
        )
        if outcome.status.value == "ok":
            return outcome, None
        if outcome.error is None:
            return outcome, execution.shown or Failure(outcome.status.value, "", ())
        error = outcome.error
        return outcome, Failure(error.ename, error.evalue, tuple(error.traceback))

    async def _wait_for_runner(self) -> Failure | None:
        """Start it again if it failed to start; what is wrong may have been put right since."""
        try:
            await self._runner.start()
        except Exception as error:  # noqa: BLE001 - told to the person, who can do something
            lines = (f"The runner did not start, so this cell did not run: {error}",)
            return Failure(type(error).__name__, str(error), lines)
        return None

    def _begin(self, execution: Execution) -> None:
        self._started_at = datetime.now(timezone.utc)
        content, publish = execution.content, self._publisher
        execution.count = self._counter.value
        self._parents.started(execution.id)
        publish.status(status.BUSY, execution.parent)
        if not content.silent:
            shown = execute.shown_input(content.code, execution.count)
            publish.publish(Output("execute_input", shown), execution.parent)
        if content.counts:
            self._counter.value += 1
            self._history.record(execution.count, content.code)
        if self.notice is not None and not content.silent:
            publish.text("stderr", self.notice, execution.parent)
            self.notice = None

    def _finish(
        self, execution: Execution, outcome: RunnerOutcome | None, failure: Failure | None
    ) -> None:
        wishes = (outcome.payload if outcome is not None else None) or []
        payload = [each for each in wishes if not wants_restart(each)]
        is_lost = outcome is not None and outcome.state_lost
        count = self._shown_count(execution)
        doomed: list[Execution] = []
        if failure is None:
            assert outcome is not None  # noqa: S101 - only a refusal has none, and it is a failure
            reply = execute.reply_ok(count, outcome.user_expressions, payload)
        else:
            if execution.shown is None or execution.shown.ename != failure.ename:
                self._publisher.publish(Output("error", output.error(*failure)), execution.parent)
            reply = execute.reply_error(count, *failure, payload=payload)
            self._hooks.receive()
            if execution.content.stop_on_error and not execution.content.silent:
                doomed = self._take_queue()
        self._reply(execution, reply)
        self._abort(doomed)
        if is_lost and outcome is not None:
            self._hooks.lost(execution, outcome)
        if any(wants_exit(each) for each in payload):
            self._hooks.leave()
        elif len(payload) < len(wishes):
            self._hooks.restart()

    def _reply(self, execution: Execution, content: dict[str, Any]) -> None:
        metadata = execute.reply_metadata(
            self._publisher.session,
            _timestamp(self._started_at),
            content["status"],
            content.get("ename"),
        )
        self._publisher.reply(execution.channel, execution.request, content, metadata)
        self._publisher.status(status.IDLE, execution.parent)

    def _abort(self, doomed: Sequence[Execution]) -> None:
        for execution in doomed:
            self._publisher.status(status.BUSY, execution.parent)
            self._reply(execution, execute.reply_aborted())

    def _take_queue(self) -> list[Execution]:
        taken = list(self._queue)
        self._queue.clear()
        return taken

    def _shown_count(self, execution: Execution) -> int:
        """What the reply says: an execution without a number of its own repeats the last one."""
        return execution.count if execution.content.counts else execution.count - 1

    def _limits_of(self, execution: Execution) -> Limits | None:
        content = execution.content
        wishes = cell_limits.read(content.code, content.cell_metadata)
        for problem in wishes.problems:
            self._publisher.text("stderr", f"wherry: {problem}\n", execution.parent)
        if not wishes.limits:
            return None
        names = {"timeout": "time"}
        changes: dict[str, Any] = {names.get(n, n): value for n, value in wishes.limits.items()}
        return replace(self._limits, **changes)

    def show(self, error: Error) -> None:
        """Take notice of an error that the runner has shown, for the reply repeats it."""
        if self.current is not None and self.current.id == error.id:
            self.current.shown = Failure(error.ename, error.evalue, error.traceback)


def plain_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what libraries look for in a client's header; the rest may be anything."""
    return {name: value for name, value in header.items() if isinstance(value, str)}


def wants_exit(payload: Any) -> bool:
    """``exit`` and ``quit`` end the kernel, as in ipykernel; ``%exit -k`` keeps it."""
    if not isinstance(payload, dict) or payload.get("source") != "ask_exit":
        return False
    return not payload.get("keepkernel", False)


def wants_restart(payload: Any) -> bool:
    """``%restart``: between us and the runner, so clients do not see it."""
    return isinstance(payload, dict) and payload.get("source") == "restart_runner"


def _words(error: Exception) -> tuple[str, str, list[str]]:
    text = f"{type(error).__name__}: {error}"
    return type(error).__name__, str(error), [f"The kernel could not run this cell: {text}"]


def _timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
