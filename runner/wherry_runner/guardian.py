"""The process that watches the worker: one thread, one poll loop, no user code.

It reads frames from its standard input and writes frames to its standard output, whatever carries
these (a pipe, ssh, `docker exec -i`). It forks the worker, passes it the frames that it does not
handle itself, merges the worker's output (`wherry_runner.ordering`), sends signals, watches memory,
and kills whole process trees. End of input kills everything: nobody is left when the other side
goes away.

The worker is forked without exec from a guardian that has already imported the shell's modules, so
a restart costs the fork and not the imports. It holds the other ends of five pipes: commands for
its main thread, commands for its service thread, and the three of `ordering`: text twice, frames.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from wherry_runner import frames as f
from wherry_runner import ordering, pipes, processes
from wherry_runner.memory import MemoryWatch
from wherry_runner.watched import CLOSED_BOUND, Watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple, Type

#: Output held for a slow reader before the worker is made to wait.
HIGH_WATER = 1024 * 1024

#: How long a tree may resist SIGKILL before its survivors are named and left.
KILL_BOUND = 2.0

#: A spare is forked when the runner has been idle for a moment: not between two cells of a batch.
SPARE_DELAY = 0.5


class Guardian:
    """The poll loop. `work` is called in the forked child and must not return."""

    def __init__(
        self,
        in_fd: int,
        out_fd: int,
        nonce: str,
        work: Callable[[Watched], None],
        preload: Callable[[str], None],
        is_stale: Callable[[], bool],
    ) -> None:
        self._in, self._out = in_fd, out_fd
        self._nonce = nonce
        self._work, self._preload, self._is_stale = work, preload, is_stale
        self._decoder = f.Decoder()
        self._reaper = processes.Reaper()
        self._memory = MemoryWatch()
        self._output = pipes.Outlet(out_fd)
        self._worker: Optional[Watched] = None
        self._spare: Optional[Watched] = None
        self._spare_due: Optional[float] = None
        self._ending: Optional[float] = None
        self._was_debugged = False
        #: What follows the worker that is ending politely, and when its time is over.
        self._next: Optional[Tuple[f.Spawn, float]] = None
        self._wake, self._wake_out = pipes.pipe()
        for fd in (self._wake, self._wake_out, in_fd, out_fd):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_out, warn_on_full_buffer=False)
        # A terminal's Ctrl-C reaches the whole foreground group; only frames may interrupt.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._handlers: Dict[Type[f.Frame], Callable[[Any], None]] = {
            f.Spawn: self._on_spawn,
            f.Interrupt: self._on_interrupt,
            f.Dump: self._on_dump,
            f.Limit: self._on_limit,
            f.Kill: self._on_kill,
            f.Shutdown: self._on_shutdown,
            f.Debug: self._on_debug,
        }

    # --- The loop ---

    def greet(self) -> None:
        """Say hello; once, before `run`."""
        subreaper = processes.become_subreaper()
        # A line of its own, should something have printed before us without a newline.
        self._push([b"\n"])
        self._send(self._hello(processes.capabilities(subreaper=subreaper)))

    def run(self) -> None:
        """Serve until the other side ends it; returns with no process left behind."""
        poll = select.poll()
        try:
            while self._turn(poll):
                pass
        except BrokenPipeError:
            pass  # the reader is gone: the same as the end of input
        finally:
            self._end_everything()

    def _turn(self, poll: select.poll) -> bool:
        interest = self._interest()
        for fd, mask in interest.items():
            poll.register(fd, mask)
        events = poll.poll(self._timeout())
        for fd in interest:
            poll.unregister(fd)
        for fd, _ in events:
            if fd == self._in:
                if not self._read_commands():
                    return False
            elif fd == self._out:
                self._output.flush()
            elif fd == self._wake:
                pipes.drain(self._wake)
            else:
                self._serve_worker(fd)
        self._tick()
        self._output.flush()
        return self._ending is None or self._worker is not None or bool(self._output.held)

    def _interest(self) -> Dict[int, int]:
        interest = {self._in: select.POLLIN, self._wake: select.POLLIN}
        if self._output.held:
            interest[self._out] = select.POLLOUT
        worker = self._worker
        if worker is not None:
            if self._output.held < HIGH_WATER:
                interest.update(dict.fromkeys(worker.readable(), select.POLLIN))
            interest.update(dict.fromkeys(worker.writable(), select.POLLOUT))
        return interest

    def _timeout(self) -> Optional[float]:
        worker = self._worker
        if worker is None:
            return None
        now = time.monotonic()
        waits = [worker.wait(now), self._memory.wait(now)]
        if self._ending is not None:
            waits.append(max(0.0, self._ending - now))
        if self._next is not None:
            waits.append(max(0.0, self._next[1] - now))
        if worker.closed_at is not None:
            waits.append(max(0.0, worker.closed_at + CLOSED_BOUND - now))
        if self._spare_due is not None and worker.is_idle:
            waits.append(max(0.0, self._spare_due - now))
        known = [wait for wait in waits if wait is not None]
        # Poll takes whole milliseconds; rounding up keeps a near deadline from spinning.
        return min(known) * 1000 + 1 if known else None

    def _serve_worker(self, fd: int) -> None:
        worker = self._worker
        if worker is None:
            return
        worker.flush_commands()
        if fd in worker.readable():
            try:
                worker.read(fd, time.monotonic())
            except ordering.BrokenRecord:
                self._end_worker(worker, "channel_broken")

    def _tick(self) -> None:
        now = time.monotonic()
        self._reaper.collect()
        if self._spare is not None and self._reaper.has_ended(self._spare.pid):
            self._drop_spare()
        worker = self._worker
        if worker is None:
            return
        self._push(worker.deliver(now))
        over = self._memory.exceeded(now, spare=self._spare_pid())
        dead = self._reaper.has_ended(worker.pid)
        if self._memory.crossed and not over:
            strained = f.Strained(memory=self._memory.last, largest=self._memory.largest)
            self._push([f.encode(strained)])
        if over:
            self._end_worker(worker, "memory")
        elif self._next is not None and (dead or now >= self._next[1]):
            self._spawn_next(self._next[0])
        elif dead:
            self._end_worker(worker, None)
        elif worker.closed_at is not None and now > worker.closed_at + CLOSED_BOUND:
            self._end_worker(worker, "channel_closed")
        elif self._ending is not None and now >= self._ending:
            self._end_worker(worker, "shutdown")
        else:
            self._keep_spare(worker, now)

    # --- Commands ---

    def _read_commands(self) -> bool:
        try:
            data = os.read(self._in, pipes.CHUNK)
        except BlockingIOError:
            return True
        for frame in self._decoder.feed(data):
            self._handlers.get(type(frame), self._pass_on)(frame)
        return bool(data)

    def _on_spawn(self, frame: f.Spawn) -> None:
        now = time.monotonic()
        if self._worker is None or not frame.grace:
            self._spawn_next(frame)
        elif self._next is None:
            self._next = (frame, now + frame.grace)
            self._pass_on(f.Shutdown(grace=frame.grace))
        else:
            self._next = (frame, min(self._next[1], now + frame.grace))

    def _spawn_next(self, frame: f.Spawn) -> None:
        self._next = None
        if self._worker is not None:
            self._end_worker(self._worker, "restart")
        if self._is_stale():
            self._drop_spare()
            self._push([f.encode(f.Stale())])
            return
        spare = self._spare
        if spare is not None and _surroundings(spare.spawn) == _surroundings(frame):
            self._worker, self._spare = spare, None
        else:
            self._drop_spare()
            self._preload(frame.host)
            self._worker = self._fork(frame)
        self._memory.watch(self._worker.pid)
        self._worker.send(frame)

    def _pass_on(self, frame: f.Frame) -> None:
        if self._worker is not None and not isinstance(frame, f.Malformed):
            self._worker.send(frame)

    def _on_debug(self, frame: f.Debug) -> None:
        self._was_debugged = True
        self._pass_on(frame)

    def _on_interrupt(self, frame: f.Interrupt) -> None:
        if self._worker is not None:
            self._worker.interrupt(frame.id, hard=frame.level == "hard")

    def _on_dump(self, _: f.Dump) -> None:
        if self._worker is not None:
            self._push([f.encode(f.Stack(text=self._worker.dump()))])

    def _on_limit(self, frame: f.Limit) -> None:
        self._memory.limit, self._memory.soft = frame.memory, frame.soft
        if self._worker is not None:
            self._memory.watch(self._worker.pid)

    def _on_kill(self, frame: f.Kill) -> None:
        if self._worker is not None:
            stack = self._worker.dump()
            self._end_worker(self._worker, frame.reason, stack=stack)

    def _on_shutdown(self, frame: f.Shutdown) -> None:
        self._ending = time.monotonic() + frame.grace
        self._next = None
        self._drop_spare()
        self._pass_on(frame)

    # --- The worker ---

    def _fork(self, spawn: f.Spawn) -> Watched:
        worker = Watched(spawn)
        pid = os.fork()
        if not pid:
            self._become_worker(worker)
        worker.pid = pid
        worker.keep_guardian_ends()
        return worker

    def _become_worker(self, worker: Watched) -> None:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as every Python process has it
            ours = [self._in, self._out, self._wake, self._wake_out, *worker.guardian_fds()]
            if self._spare is not None:
                ours += self._spare.guardian_fds()
            for fd in ours:
                os.close(fd)
            self._work(worker)
        except BaseException:  # noqa: BLE001 - a forked child must never return into the loop
            sys.excepthook(*sys.exc_info())
        os._exit(70)

    def _keep_spare(self, worker: Watched, now: float) -> None:
        """Fork a spare when the worker has been idle for a while."""
        if not worker.spawn.spare or self._spare is not None or self._ending is not None:
            self._spare_due = None
        elif not worker.is_idle:
            self._spare_due = now + SPARE_DELAY
        elif self._spare_due is not None and now >= self._spare_due:
            self._spare_due = None
            self._spare = self._fork(worker.spawn)

    def _spare_pid(self) -> Optional[int]:
        return None if self._spare is None else self._spare.pid

    def _drop_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is None:
            return
        try:
            os.kill(spare.pid, signal.SIGKILL)
        except OSError:
            pass
        spare.close()

    def _end_worker(self, worker: Watched, reason: Optional[str], *, stack: str = "") -> None:
        """Kill what is left of the tree, deliver every byte it wrote, and report."""
        memory = self._memory
        left = processes.kill_tree(
            worker.pid, self._reaper, spare=self._spare_pid(), bound=KILL_BOUND
        )
        self._worker = None
        memory.watch(0)
        self._push(worker.last_words(time.monotonic()))
        code, number, usage = None, None, None
        if self._reaper.has_ended(worker.pid):
            code, number, usage = self._reaper.pop(worker.pid)
        polite = reason == "shutdown" and number is None
        exited = f.Exited(
            pid=worker.pid,
            code=code,
            signal=number,
            reason=None if polite else reason,
            stack=stack or worker.read_faults(),
            peak_memory=_peak(usage),
            tree_memory=memory.last,
            memory_limit=memory.limit,
            largest=memory.largest,
            cpu=usage.ru_utime + usage.ru_stime if usage else 0.0,
            oom=worker.met_oom_killer(),
            survivors=tuple(left),
        )
        worker.close()
        self._push([f.encode(exited)])

    # --- Output ---

    def _hello(self, capabilities: Tuple[str, ...]) -> f.Hello:
        version = ".".join(str(part) for part in sys.version_info[:3])
        return f.Hello(
            nonce=self._nonce,
            protocol=f.PROTOCOL,
            python=version,
            implementation=sys.implementation.name,
            executable=sys.executable,
            prefix=sys.prefix,
            platform=sys.platform,
            pid=os.getpid(),
            capabilities=capabilities,
        )

    def _send(self, frame: f.Frame) -> None:
        self._push([f.encode(frame)])
        self._output.flush()

    def _push(self, blocks: List[bytes]) -> None:
        for block in blocks:
            self._output.push(block)

    def _end_everything(self) -> None:
        self._drop_spare()
        if self._worker is not None:
            self._end_worker(self._worker, "shutdown")
        processes.kill_tree(0, self._reaper, spare=None, bound=KILL_BOUND)
        if self._was_debugged:
            from wherry_runner.debugging.cell_files import CellFiles

            CellFiles(os.getpid()).remove()  # a worker that was killed could not do it
        os.set_blocking(self._out, True)
        try:
            self._push([f.encode(f.Bye())])
            self._output.flush()
        except OSError:
            pass


def _surroundings(spawn: f.Spawn) -> Tuple[Any, ...]:
    """Return what a worker is made for; one that waits serves any spawn that wants the same."""
    return spawn.cwd, spawn.env, spawn.host, spawn.spare, spawn.options


def _peak(usage: object) -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return int(getattr(usage, "ru_maxrss", 0)) * unit
