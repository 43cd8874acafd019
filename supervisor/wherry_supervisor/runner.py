"""The handle of a runner. It stays valid over interrupts, deaths and restarts.

Start here to read the package: `Runner` owns one `Link` (a guardian), keeps the queue, applies the
limits of each `Execution`, and follows `wherry_supervisor.lifecycle`. Frames of executions are
handed to `on_frame` as they come; how an execution ended is the `Outcome` that `execute` returns.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Any

from wherry_runner import frames as f
from wherry_supervisor.errors import LaunchError, RunnerClosed
from wherry_supervisor.escalation import Escalation
from wherry_supervisor.execution import Execution, never_started, unsendable
from wherry_supervisor.exits import Context, explain, explain_loss
from wherry_supervisor.lifecycle import Event, State, advance
from wherry_supervisor.link import Link
from wherry_supervisor.outcomes import Ladder, Limits, Outcome
from wherry_supervisor.questions import Answer, Question, Questions
from wherry_supervisor.wording import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry_supervisor.exits import CrashReport
    from wherry_supervisor.launchers import Launched, Launcher

logger = logging.getLogger(__name__)

#: A runner that dies this often before it is ready will not get ready by trying again.
MAX_FAILED_STARTS = 3

#: Seconds that a question may take. An idle runner answers for certain, but a first completion may
#: import a lot; one that holds the interpreter answers when it lets go, which may be never.
PATIENCE = 10.0
BUSY_PATIENCE = 3.0

#: A guardian that does not report a kill within this time is itself stuck (stopped, swapped out).
KILL_ANSWER = 3.0

#: What a guardian begins with.
_NO_MEMORY_LIMIT = f.Limit()


class Runner:
    """One runner, whatever process it currently is. All methods belong to one event loop."""

    def __init__(
        self,
        launcher: Launcher,
        *,
        on_frame: Callable[[f.Frame], None] = lambda _: None,
        on_state: Callable[[State], None] = lambda _: None,
        limits: Limits | None = None,
        ladder: Ladder | None = None,
        spare: bool = True,
        host: str = "auto",
        cwd: str | None = None,
        env: Mapping[str, str | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._launcher = launcher
        self._owner_on_frame = on_frame
        self._on_state = on_state
        self.limits = limits or Limits()
        self.ladder = ladder or Ladder()
        self._surroundings: dict[str, Any] = {
            "cwd": cwd,
            "env": dict(env) if env else None,
            "host": host,
            "spare": spare,
            "options": dict(options) if options else None,
        }
        self._spawned = 0
        self._is_launching = False
        self.state = State.NEW
        #: Facts about the interpreter and about the shell; None until they are known.
        self.hello: f.Hello | None = None
        self.ready: f.Ready | None = None
        self._link: Link | None = None
        self._queue: deque[Execution] = deque()
        self._current: Execution | None = None
        #: What runs in subshells, beside the one that the state speaks of.
        self._beside: dict[str, Execution] = {}
        self._became_ready: asyncio.Future[f.Ready] | None = None
        self._questions = Questions(self._send)
        #: How often an execution met a worker that died before it began, and went to the next one.
        self.requeued = 0
        #: What the latest death was, also when nothing ran.
        self.last_crash: CrashReport | None = None
        self._failed_starts = 0
        self._memory_limit = _NO_MEMORY_LIMIT
        self._watchdog: asyncio.TimerHandle | None = None
        self._relaunching: asyncio.Task[None] | None = None
        self._handlers: dict[type[f.Frame], Callable[[Any], None]] = {
            f.Ready: self._on_ready,
            f.Started: self._on_started,
            f.Stdout: self._on_text,
            f.Stderr: self._on_text,
            f.Error: self._on_error,
            f.Done: self._on_done,
            f.Exited: self._on_exited,
            f.Stale: self._on_stale,
            f.Completions: self._questions.take,
            f.Inspection: self._questions.take,
            f.Completeness: self._questions.take,
            f.Debug: self._on_debug,
            f.Stack: self._on_stack,
            f.Malformed: self._on_malformed,
            f.Strained: self._on_strained,
            f.Bye: lambda _: None,
        }

    # --- Life ---

    async def start(self, launched: Launched | None = None) -> f.Ready:
        """Start the runner and wait until it can execute. Running already: return at once.

        Args:
            launched: A process of this launcher that was started earlier, to save its start-up.

        Raises:
            LaunchError: It could not be started; carries what it printed. May be tried again.
            RunnerClosed: The handle was closed.
        """
        self._refuse_closed()
        if self.ready is not None:
            return self.ready
        if self.state in (State.NEW, State.FAILED):
            self._move(Event.START)
            self._expect_ready()
            await self._launch(launched)
        return await self._wait_ready()

    async def restart(self, *, grace: float = 0.0) -> f.Ready:
        """Replace the process. What runs and what is queued ends with cause ``restart``.

        With `grace`, what runs is interrupted and exit handlers get so many seconds; outcomes do
        not wait for that. Again while it is under way: one new process comes of both.

        Raises:
            LaunchError: The replacement could not be started.
            RunnerClosed: The handle was closed.
        """
        self._refuse_closed()
        if self.state is State.NEW:
            return await self.start()
        self._move(Event.RESTART)
        self._failed_starts = 0
        self.ready = None
        if grace and self._current is not None:
            self._send(f.Interrupt(id=self._current.request.id))
        self._abort("restart")
        self._questions.forget()
        self._expect_ready()
        if self._link is not None and self._link.is_open:
            self._spawn(self._link, grace=grace)
        elif self._relaunching is None and not self._is_launching:
            await self._launch(None)
        return await self._wait_ready()

    async def close(self, *, grace: float = 1.0) -> None:
        """End the process: exit handlers get `grace` seconds, then force. Twice is fine.

        What runs is interrupted first, so that its ``finally`` blocks run.
        """
        if self.state is State.CLOSED:
            return
        fresh = self.state is State.NEW
        self._move(Event.CLOSE)
        if self._current is not None:
            self._send(f.Interrupt(id=self._current.request.id))
        link, self._link = self._link, None
        relaunching, self._relaunching = self._relaunching, None
        if relaunching is not None:
            relaunching.cancel()
            await asyncio.gather(relaunching, return_exceptions=True)
        if link is not None:
            await link.close(grace=grace)
        self._abort("shutdown")
        self._forget_process()
        if not fresh and self.state is State.CLOSING:
            self._move(Event.CLOSED)

    # --- Work ---

    async def execute(
        self,
        code: str,
        *,
        id: str | None = None,
        count: int = 1,
        silent: bool = False,
        store_history: bool = True,
        allow_stdin: bool = False,
        user_expressions: Mapping[str, str] | None = None,
        cell: str | None = None,
        parent: Mapping[str, Any] | None = None,
        subshell: str | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        """Run `code` after what was queued before, and return how it ended. Starts a new runner.

        With `subshell` it runs at once in that thread, after what was given to it before. There it
        has no time limit and cannot be interrupted: signals reach the main thread only.

        Never raises for what user code does. Cancelling the caller's task takes a queued execution
        out of the queue and interrupts a running one.

        Raises:
            LaunchError: It was not started yet, and could not be.
            RunnerClosed: The handle was closed.
        """
        self._refuse_closed()
        if self.state is State.NEW:
            await self.start()
        request = f.Execute(
            id=id or os.urandom(16).hex(),
            code=code,
            count=count,
            silent=silent,
            store_history=store_history,
            allow_stdin=allow_stdin,
            user_expressions=dict(user_expressions) if user_expressions else None,
            cell=cell,
            parent=dict(parent) if parent else None,
            subshell=subshell,
        )
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        execution = Execution(request, limits or self.limits, future)
        if subshell is None:
            self._queue.append(execution)
            self._pump()
        elif self.ready is None:
            return never_started("lost")
        else:
            self._beside[request.id] = execution
            self._send(request)
        try:
            return await future
        except asyncio.CancelledError:
            if execution in self._queue:
                self._queue.remove(execution)
            elif execution is self._current:
                self.interrupt(request.id)
            raise

    async def complete(
        self, code: str, cursor: int, *, deadline: float | None = None
    ) -> f.Completions | None:
        """Ask for completions, also while code runs; None when nobody answers in time.

        That is after `deadline` seconds. None: `PATIENCE` when idle, `BUSY_PATIENCE` when code
        runs that may hold the interpreter; the same for the questions below.
        """
        answer = await self._ask(
            f.Complete(id=self._questions.next_id(), code=code, cursor=cursor), deadline
        )
        return answer if isinstance(answer, f.Completions) else None

    async def inspect(
        self, code: str, cursor: int, detail: int = 0, *, deadline: float | None = None
    ) -> f.Inspection | None:
        """Ask about a name, also while code runs; None when nobody answers in time."""
        question = f.Inspect(id=self._questions.next_id(), code=code, cursor=cursor, detail=detail)
        answer = await self._ask(question, deadline)
        return answer if isinstance(answer, f.Inspection) else None

    async def is_complete(
        self, code: str, *, deadline: float | None = None
    ) -> f.Completeness | None:
        """Ask whether `code` can be run as it is; None when nobody answers in time."""
        answer = await self._ask(f.IsComplete(id=self._questions.next_id(), code=code), deadline)
        return answer if isinstance(answer, f.Completeness) else None

    async def debug(self, content: Mapping[str, Any], *, deadline: float) -> dict[str, Any] | None:
        """Pass a debug request on and return its response; None when none comes in time.

        Events come through `on_frame`, as `Debug` frames without an id.
        """
        question = f.Debug(id=self._questions.next_id(), content=dict(content))
        answer = await self._ask(question, deadline)
        return answer.content if isinstance(answer, f.Debug) else None

    def hold_clock(self) -> None:
        """Stop the running execution's time limit: a person is looking at it in a debugger."""
        if self._current is not None:
            self._current.hold_clock(asyncio.get_running_loop().time())

    def release_clock(self) -> None:
        """Let the time limit go on with what was left of it."""
        current = self._current
        if current is not None and current.time_left is not None:
            loop = asyncio.get_running_loop()
            current.deadline = loop.call_later(current.time_left, self._on_deadline, current)
            current.time_left = None

    def interrupt(self, id: str | None = None) -> None:
        """Interrupt what runs (only if it is `id`, when given); see `Ladder` for what follows.

        Again while that is under way: the next step. Idle: nothing happens.
        """
        current = self._current
        if current is None or id not in (None, current.request.id):
            return
        if current.strain is not None and current.escalation is not None:
            # Asked for by the memory watch; from here on it is the person's.
            current.escalation.stop()
            current.escalation = None
        if current.escalation is not None and not current.timed_out:
            self._move(Event.INTERRUPT)
            current.escalation.press()
            return
        if not current.timed_out:
            self._move(Event.INTERRUPT)
            self._climb(current, self.ladder.hard_after, self.ladder.kill_after)

    def close_subshell(self, subshell: str) -> None:
        """End the thread of a subshell after what it was given; unknown ones are fine."""
        self._send(f.SubshellClose(subshell=subshell))

    def reply_input(self, request: str, value: str) -> None:
        """Answer an `InputRequest`; too late is fine."""
        self._send(f.InputReply(request=request, value=value))

    def send(self, frame: f.Frame) -> None:
        """Pass a frame to user code (comms). Lost when there is no process."""
        self._send(frame)

    def pause(self) -> None:
        """Make user code wait when it prints: whoever takes the frames cannot keep up."""
        if self._link is not None:
            self._link.pause()

    def resume(self) -> None:
        """Take frames again."""
        if self._link is not None:
            self._link.resume()

    # --- Launching ---

    async def _wait_ready(self) -> f.Ready:
        if self._became_ready is None:  # closed while we were launching
            raise RunnerClosed
        return await asyncio.shield(self._became_ready)

    def _expect_ready(self) -> None:
        if self._became_ready is None or self._became_ready.done():
            self._became_ready = asyncio.get_running_loop().create_future()
            # Nobody may be waiting when a replacement fails by itself.
            self._became_ready.add_done_callback(lambda future: future.exception())

    async def _launch(self, launched: Launched | None) -> None:
        failed, self._link = self._link, None
        link = Link(self._launcher, on_frame=self._receive, on_end=self._on_link_end)
        self._is_launching = True
        try:
            if failed is not None:
                await failed.close(grace=0)
            hello = await link.open(launched, str(self._surroundings["host"]))
        except LaunchError as error:
            self._give_up(error)
            return
        finally:
            self._is_launching = False
        if self.state in (State.CLOSING, State.CLOSED):
            await link.close(grace=0)
            return
        self._link = link
        self.hello = hello
        logger.info("runner started: guardian %d, Python %s", hello.pid, hello.python)
        self._memory_limit = _NO_MEMORY_LIMIT
        self._set_memory_limit(self.limits)
        self._spawn(link)

    def _spawn(self, link: Link, *, grace: float = 0.0) -> None:
        self._spawned += 1
        link.send(f.Spawn(number=self._spawned, grace=grace, **self._surroundings))
        self._cancel_watchdog()
        bound = grace + self._launcher.start_timeout
        loop = asyncio.get_running_loop()
        self._watchdog = loop.call_later(bound, self._start_too_slow, link)

    def _start_too_slow(self, link: Link) -> None:
        if self.ready is None and link is self._link:
            logger.warning("the runner was not ready within %g s", self._launcher.start_timeout)
            self._failed_starts = MAX_FAILED_STARTS
            link.destroy()

    def _relaunch(self) -> None:
        """Start a new guardian; the state says RESTARTING until its worker is ready."""
        link, self._link = self._link, None
        self._expect_ready()
        if self._relaunching is None:
            self._relaunching = asyncio.get_running_loop().create_task(self._relaunch_after(link))

    async def _relaunch_after(self, link: Link | None) -> None:
        if link is not None:
            await link.close(grace=0)
        self._relaunching = None
        await self._launch(None)

    def _give_up(self, error: LaunchError) -> None:
        if self.state not in (State.STARTING, State.RESTARTING):
            return
        self._move(Event.GIVE_UP)
        self._abort("lost", detail=str(error))
        if self._became_ready is not None and not self._became_ready.done():
            self._became_ready.set_exception(error)

    def _on_link_end(self, words: str) -> None:
        """The guardian is gone without having been asked to go."""
        link = self._link
        if self.state in (State.CLOSING, State.CLOSED) or link is None:
            return
        tail = link.stderr_tail.strip()
        detail = f"{words}; it printed: {tail[-500:]}" if tail else words
        logger.warning("the runner's guardian ended: %s", detail)
        if self.ready is None:
            self._failed_starts += 1
        self.last_crash = explain_loss(self._idle_context(detail))
        if self._current is not None and link.arrived < self._current.sent_until:
            self._requeue_unstarted()
        self._fail_current(explain_loss, detail=detail)
        self._died()
        if self._failed_starts >= MAX_FAILED_STARTS:
            self._give_up(LaunchError(self._launcher.command, words, link.stderr_tail))
        self._relaunch_unless_failed()

    def _relaunch_unless_failed(self) -> None:
        if self.state is State.RESTARTING:
            self._relaunch()

    # --- Frames ---

    def _on_frame(self, frame: f.Frame) -> None:
        try:
            self._owner_on_frame(frame)
        except Exception:  # the owner's defect must not cost it the frames behind this one
            logger.exception("on_frame failed for a frame of type %s", frame.type)

    def _receive(self, frame: f.Frame) -> None:
        self._handlers.get(type(frame), self._on_frame)(frame)

    def _on_ready(self, frame: f.Ready) -> None:
        if self.state is State.CLOSING or frame.number != self._spawned:
            return  # it is ending, or another one was asked for while it came up
        self._failed_starts = 0
        self.ready = frame
        self._cancel_watchdog()
        self._move(Event.READY)
        if self._became_ready is not None and not self._became_ready.done():
            self._became_ready.set_result(frame)
        self._pump()

    def _on_started(self, frame: f.Started) -> None:
        current = self._running(frame.id)
        if current is None:
            return
        loop = asyncio.get_running_loop()
        current.started_at = loop.time()
        if current.limits.time is not None and current is self._current:
            current.deadline = loop.call_later(current.limits.time, self._on_deadline, current)
        self._on_frame(frame)

    def _on_text(self, frame: f.Stdout | f.Stderr) -> None:
        current = self._running(frame.id)
        if current is not None:
            passed = current.flood.passes(frame)
            if passed is None:
                return
            frame = passed
        self._on_frame(frame)

    def _on_error(self, frame: f.Error) -> None:
        current = self._running(frame.id)
        if current is not None:
            self._release_flood(current)
            frame = current.take_error(frame)
        self._on_frame(frame)

    def _on_done(self, frame: f.Done) -> None:
        current = self._running(frame.id)
        if current is None:
            return
        self._release_flood(current)
        current.settle(current.done(frame, asyncio.get_running_loop().time()))
        if self._beside.pop(frame.id, None) is not None:
            return
        self._current = None
        self._cancel_watchdog()
        self._move(Event.DONE)
        self._pump()

    def _on_exited(self, frame: f.Exited) -> None:
        logger.info("worker %d exited: code %s, signal %s", frame.pid, frame.code, frame.signal)
        if frame.reason == "restart":
            return  # the watchdog is already its successor's
        self._cancel_watchdog()
        if self.state in (State.CLOSING, State.CLOSED):
            return
        was_ready = self.ready is not None
        self.last_crash = explain(frame, self._idle_context())
        self._requeue_unstarted()
        self._fail_current(lambda context: explain(frame, context), cpu=frame.cpu)
        self._died()
        if not was_ready:
            self._failed_starts += 1
        link = self._link
        if link is None:
            return
        if self._failed_starts >= MAX_FAILED_STARTS:
            report = explain(frame, Context())
            self._give_up(LaunchError(self._launcher.command, report.title, link.stderr_tail))
            return
        self._expect_ready()
        self._spawn(link)

    def _on_stale(self, _: f.Stale) -> None:
        logger.info("installed packages changed: starting a new guardian")
        self._relaunch()

    def _on_debug(self, frame: f.Debug) -> None:
        if frame.id:
            self._questions.take(frame)
        else:
            self._on_frame(frame)

    def _on_malformed(self, frame: f.Malformed) -> None:
        """Values that only user code's own settings can write, such as integers without end."""
        logger.warning("a frame could not be read: %s", frame.reason)
        current = self._current
        if current is None:
            return
        text = f"An output could not be read: {frame.reason[:200]}\n"
        self._on_frame(f.Stderr(id=current.request.id, text=text))
        if '"t":"done"' in frame.excerpt:
            self._on_done(f.Done(id=current.request.id))

    def _on_stack(self, frame: f.Stack) -> None:
        logger.info("stacks of the runner:\n%s", frame.text)

    # --- Executions ---

    def _running(self, id: str) -> Execution | None:
        current = self._current
        if current is not None and current.request.id == id:
            return current
        return self._beside.get(id)

    def _pump(self) -> None:
        if self.state is State.FAILED:
            while self._queue:
                waiting = self._queue.popleft()
                waiting.settle(never_started("lost"))
        if self.state is not State.IDLE or not self._queue:
            return
        execution = self._queue.popleft()
        if execution.outcome.done():
            self._pump()
            return
        self._current = execution
        self._set_memory_limit(execution.limits)
        self._move(Event.EXECUTE)
        try:
            self._send(execution.request)
            execution.sent_until = self._link.given if self._link is not None else 0
        except (RecursionError, TypeError, ValueError) as error:
            self._current = None
            execution.settle(unsendable(error))
            self._move(Event.DONE)
            self._pump()

    def _on_deadline(self, execution: Execution) -> None:
        if execution is not self._current:
            return
        execution.timed_out = True
        if execution.escalation is not None:
            execution.escalation.stop()
        self._move(Event.INTERRUPT)
        # Half of the grace for code that swallows the interrupt, the other half to clean up.
        self._climb(execution, self.ladder.grace / 2, self.ladder.grace)

    def _climb(self, execution: Execution, hard_after: float, kill_after: float | None) -> None:
        id_ = execution.request.id
        left = None if kill_after is None else max(0.0, kill_after - hard_after)
        execution.escalation = Escalation(
            asyncio.get_running_loop(),
            hard_after=hard_after,
            kill_after=kill_after,
            soft=lambda: self._send(f.Interrupt(id=id_)),
            hard=lambda: self._send(f.Interrupt(id=id_, level="hard")),
            kill=lambda: self._force(execution),
            unheeded=lambda: self._warn(execution, left),
        )

    def _on_strained(self, frame: f.Strained) -> None:
        """Interrupt before the limit is reached. Code that does not obey may go on up to it."""
        current = self._current
        if current is None or current.started_at is None or current.escalation is not None:
            return
        logger.info("execution %s uses %d bytes: interrupting", current.request.id, frame.memory)
        current.strain = frame
        self._move(Event.INTERRUPT)
        self._climb(current, self.ladder.grace / 2, None)

    def _warn(self, execution: Execution, left: float | None) -> None:
        """Nobody loses variables without having been told; a time limit was agreed on before."""
        if execution.timed_out or execution.strain is not None:
            return
        text = "\nThe code does not answer the interrupt. Trying harder."
        if left is not None:
            text += f" In {duration(left)} its process is ended, and all variables are lost."
        self._on_frame(f.Stderr(id=execution.request.id, text=text + "\n"))

    def _force(self, execution: Execution) -> None:
        """The interrupt was not obeyed: end the process, after asking where it hangs."""
        reason = "time_limit" if execution.timed_out else "interrupt"
        logger.warning("execution %s ignored its interrupt: killing", execution.request.id)
        self._send(f.Kill(reason=reason))
        link = self._link
        if link is not None:
            self._watchdog = asyncio.get_running_loop().call_later(KILL_ANSWER, link.destroy)

    def _release_flood(self, execution: Execution) -> None:
        for held in execution.flood.close():
            self._on_frame(held)

    def _idle_context(self, detail: str = "") -> Context:
        platform = self.hello.platform if self.hello is not None else "linux"
        return Context(platform=platform, detail=detail)

    def _requeue_unstarted(self) -> None:
        """The worker died before it began with what was sent to it: that is not to blame.

        Certain, because all frames of a dead worker come before its `Exited`. Only once: a request
        whose mere arrival kills is to blame after all.
        """
        current = self._current
        if current is None or current.started_at is not None or current.was_requeued:
            return
        if current.escalation is not None:
            return  # somebody wanted it not to run
        current.was_requeued = True
        current.stop_clocks()
        self._current = None
        self._queue.appendleft(current)
        self.requeued += 1
        text = "The process died before this cell began. Variables from before are gone.\n"
        self._on_frame(f.Stderr(id=current.request.id, text=text))

    def _fail_current(
        self, report: Callable[[Context], Any], *, detail: str = "", cpu: float = 0.0
    ) -> None:
        current, self._current = self._current, None
        beside, self._beside = self._beside, {}
        now = asyncio.get_running_loop().time()
        platform = self.hello.platform if self.hello is not None else "linux"
        for execution in (*([current] if current is not None else []), *beside.values()):
            self._release_flood(execution)
            context = execution.context(now, platform, detail)
            execution.settle(execution.died(report(context), now, cpu))

    def _abort(self, reason: str, *, detail: str = "") -> None:
        """End what runs and what is queued, because the process is taken away."""
        self._fail_current(lambda context: explain(f.Exited(reason=reason), context), detail=detail)
        while self._queue:
            waiting = self._queue.popleft()
            waiting.settle(never_started(reason, detail))

    def _died(self) -> None:
        self.ready = None
        self._questions.forget()
        self._move(Event.DIED)

    # --- Small things ---

    async def _ask(self, question: Question, deadline: float | None) -> Answer | None:
        if self.ready is None:
            return None
        patience = PATIENCE if self._current is None else BUSY_PATIENCE
        return await self._questions.ask(question, patience if deadline is None else deadline)

    def _set_memory_limit(self, limits: Limits) -> None:
        memory, soft = limits.memory, None
        if memory is not None and limits.memory_soft is not None:
            soft = int(memory * limits.memory_soft)
        wanted = f.Limit(memory=memory, soft=soft)
        if wanted != self._memory_limit:
            self._memory_limit = wanted
            self._send(wanted)

    def _send(self, frame: f.Frame) -> None:
        if self._link is not None:
            self._link.send(frame)

    def _move(self, event: Event) -> None:
        state = advance(self.state, event)
        if state is not self.state:
            logger.debug("runner: %s -> %s (%s)", self.state.name, state.name, event.name)
            self.state = state
            self._on_state(state)

    def _cancel_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _forget_process(self) -> None:
        self.ready = None
        self._cancel_watchdog()
        self._questions.forget()
        if self._became_ready is not None and not self._became_ready.done():
            self._became_ready.set_exception(RunnerClosed())
        self._became_ready = None

    def _refuse_closed(self) -> None:
        if self.state in (State.CLOSING, State.CLOSED):
            raise RunnerClosed
