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
from collections import deque

from wherry_runner import frames as f
from wherry_runner import ordering, processes
from wherry_runner.memory import MemoryWatch
from wherry_runner.page import Page
from wherry_runner.textflow import TextFlow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, List, Optional, Tuple, Type

#: Read and pipe size; larger pipes gain a fifth but run into a limit per user after 64 of them.
CHUNK = 256 * 1024

#: Output held for a slow reader before the worker is made to wait.
HIGH_WATER = 1024 * 1024

#: How long a tree may resist SIGKILL before its survivors are named and left.
KILL_BOUND = 2.0

#: A worker whose frame pipe has ended is normally dead within this time; else user code closed it.
CLOSED_BOUND = 0.1

#: A spare is forked when the runner has been idle for a moment: not between two cells of a batch.
SPARE_DELAY = 0.5

#: Commands that the worker answers beside the running execution.
_SERVICE = (f.Complete, f.Inspect, f.IsComplete, f.InputReply, f.SubshellClose, f.Debug)


class Worker:
    """The guardian's side of one forked worker: its pipes, its merger and what it runs."""

    def __init__(self, spawn: f.Spawn) -> None:
        self.spawn = spawn
        self.pid = 0
        self.nonce = os.urandom(8)
        self.page = Page()
        self.oom_kills = processes.oom_kills()
        self.main_in, self.main_out = _pipe()
        self.service_in, self.service_out = _pipe()
        self.frames_in, self.frames_out = _pipe()
        self.stdout_in, self.stdout_out = _pipe()
        self.stderr_in, self.stderr_out = _pipe()
        self.faults = _anonymous_file()
        self.sequencer = ordering.Sequencer(self.nonce)
        self.records = ordering.Records(self.nonce, limit=f.FRAME_LIMIT)
        self.flow = TextFlow()
        self.pending: Dict[int, Deque[bytes]] = {self.main_out: deque(), self.service_out: deque()}
        #: Executions that were passed on and are not done, oldest first, with their numbers.
        self.open: Deque[Tuple[str, int]] = deque()
        self.serial = 0
        #: When its frame pipe reached its end; normally because the process is just ending.
        self.closed_at: Optional[float] = None
        self.reads = {
            self.frames_in: 0,
            self.stdout_in: ordering.STDOUT,
            self.stderr_in: ordering.STDERR,
        }

    def worker_fds(self) -> Tuple[int, ...]:
        """Return the ends that belong to the forked process."""
        return (
            self.main_in,
            self.service_in,
            self.frames_out,
            self.stdout_out,
            self.stderr_out,
        )

    def guardian_fds(self) -> Tuple[int, ...]:
        """Return the ends that stay here."""
        return (
            self.main_out,
            self.service_out,
            self.frames_in,
            self.stdout_in,
            self.stderr_in,
        )

    def close(self) -> None:
        """Close our ends; the worker is gone."""
        for fd in (*self.guardian_fds(), self.faults):
            os.close(fd)

    def read_faults(self) -> str:
        """Return what faulthandler has written since the last call."""
        size = os.lseek(self.faults, 0, os.SEEK_END)
        text = os.pread(self.faults, size, 0).decode("utf-8", "replace")
        # The worker appends (O_APPEND semantics by the shared offset), so start over at zero.
        os.ftruncate(self.faults, 0)
        os.lseek(self.faults, 0, os.SEEK_SET)
        return text


class Guardian:
    """The poll loop. `work` is called in the forked child and must not return."""

    def __init__(
        self,
        in_fd: int,
        out_fd: int,
        nonce: str,
        work: Callable[[Worker], None],
        preload: Callable[[str], None],
        is_stale: Callable[[], bool],
    ) -> None:
        self._in, self._out = in_fd, out_fd
        self._nonce = nonce
        self._work, self._preload, self._is_stale = work, preload, is_stale
        self._decoder = f.Decoder()
        self._reaper = processes.Reaper()
        self._memory = MemoryWatch()
        self._output: Deque[bytes] = deque()
        self._held = 0
        self._worker: Optional[Worker] = None
        self._spare: Optional[Worker] = None
        self._spare_due: Optional[float] = None
        self._ending: Optional[float] = None
        #: What follows the worker that is ending politely, and when its time is over.
        self._next: Optional[Tuple[f.Spawn, float]] = None
        self._wake, wake_out = _pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_out, False)
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)
        # A terminal's Ctrl-C reaches the whole foreground group; only frames may interrupt.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._handlers: Dict[Type[f.Frame], Callable[[Any], None]] = {
            f.Spawn: self._on_spawn,
            f.Execute: self._on_execute,
            f.Interrupt: self._on_interrupt,
            f.Dump: self._on_dump,
            f.Limit: self._on_limit,
            f.Kill: self._on_kill,
            f.Shutdown: self._on_shutdown,
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
                self._write_output()
            elif fd == self._wake:
                _drain(self._wake)
            else:
                self._serve_worker(fd)
        self._tick()
        self._write_output()
        return self._ending is None or self._worker is not None or bool(self._output)

    def _interest(self) -> Dict[int, int]:
        interest = {self._in: select.POLLIN, self._wake: select.POLLIN}
        if self._output:
            interest[self._out] = select.POLLOUT
        worker = self._worker
        if worker is not None:
            if self._held < HIGH_WATER:
                for fd, stream in worker.reads.items():
                    if not stream or not worker.sequencer.is_waiting(stream):
                        interest[fd] = select.POLLIN
            for fd, queue in worker.pending.items():
                if queue:
                    interest[fd] = select.POLLOUT
        return interest

    def _timeout(self) -> Optional[float]:
        worker = self._worker
        if worker is None:
            return None
        now = time.monotonic()
        waits = [worker.flow.wait(now), self._memory.wait(now)]
        if self._ending is not None:
            waits.append(max(0.0, self._ending - now))
        if self._next is not None:
            waits.append(max(0.0, self._next[1] - now))
        if worker.closed_at is not None:
            waits.append(max(0.0, worker.closed_at + CLOSED_BOUND - now))
        if self._spare_due is not None and not worker.open:
            waits.append(max(0.0, self._spare_due - now))
        known = [wait for wait in waits if wait is not None]
        # Poll takes whole milliseconds; rounding up keeps a near deadline from spinning.
        return min(known) * 1000 + 1 if known else None

    def _serve_worker(self, fd: int) -> None:
        worker = self._worker
        if worker is None:
            return
        if fd in worker.pending:
            self._write_commands(worker, fd)
        elif fd in worker.reads:
            self._read_worker(worker, fd)

    def _tick(self) -> None:
        worker = self._worker
        now = time.monotonic()
        self._reaper.collect()
        if self._spare is not None and self._reaper.has_ended(self._spare.pid):
            self._drop_spare()
        if worker is None:
            return
        self._deliver(worker, worker.sequencer.take(), now)
        if worker.flow.wait(now) == 0.0:
            self._push(worker.flow.flush(now))
        if self._memory.exceeded(now, spare=self._spare.pid if self._spare else None):
            self._end_worker(worker, "memory")
        elif self._next is not None and (
            now >= self._next[1] or self._reaper.has_ended(worker.pid)
        ):
            self._spawn_next(self._next[0])
        elif self._reaper.has_ended(worker.pid):
            self._end_worker(worker, None)
        elif worker.closed_at is not None and now > worker.closed_at + CLOSED_BOUND:
            self._end_worker(worker, "channel_closed")
        elif self._ending is not None and now >= self._ending:
            self._end_worker(worker, "shutdown")
        elif self._spare_due is not None and now >= self._spare_due and not worker.open:
            self._keep_spare(worker)

    # --- Commands ---

    def _read_commands(self) -> bool:
        try:
            data = os.read(self._in, CHUNK)
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
        self._queue(self._worker, self._worker.main_out, f.encode(frame))

    def _on_execute(self, frame: f.Execute) -> None:
        worker = self._worker
        if worker is not None and frame.subshell is None:
            worker.serial += 1
            worker.open.append((frame.id, worker.serial))
        self._pass_on(frame)

    def _pass_on(self, frame: f.Frame) -> None:
        worker = self._worker
        if worker is None or isinstance(frame, f.Malformed):
            return
        beside = isinstance(frame, _SERVICE) or getattr(frame, "subshell", None) is not None
        fd = worker.service_out if beside else worker.main_out
        self._queue(worker, fd, f.encode(frame))

    def _on_interrupt(self, frame: f.Interrupt) -> None:
        worker = self._worker
        if worker is None:
            return
        serials = [serial for id_, serial in worker.open if frame.id in (None, id_)]
        if not serials:
            return
        worker.page.aim(serials[0])
        try:
            if frame.level == "hard":
                os.kill(worker.pid, processes.HARD_SIGNAL)
            # The group, because subprocess.run and os.system wait for children that need it too.
            os.killpg(worker.pid, signal.SIGINT)
        except OSError:
            pass

    def _on_dump(self, _: f.Dump) -> None:
        worker = self._worker
        if worker is None:
            return
        self._push([f.encode(f.Stack(text=self._dump(worker)))])

    def _dump(self, worker: Worker) -> str:
        try:
            os.kill(worker.pid, processes.DUMP_SIGNAL)
        except OSError:
            return ""
        # faulthandler writes from a signal handler in C: milliseconds, also inside C loops. A
        # stopped or dead worker never writes.
        deadline = time.monotonic() + 0.25
        size = -1
        while time.monotonic() < deadline:
            time.sleep(0.005)
            now = os.fstat(worker.faults).st_size
            if now and now == size:
                break
            size = now
        return worker.read_faults()

    def _on_limit(self, frame: f.Limit) -> None:
        self._memory.limit = frame.memory
        if self._worker is not None:
            self._memory.watch(self._worker.pid)

    def _on_kill(self, frame: f.Kill) -> None:
        if self._worker is not None:
            stack = self._dump(self._worker)
            self._end_worker(self._worker, frame.reason, stack=stack)

    def _on_shutdown(self, frame: f.Shutdown) -> None:
        self._ending = time.monotonic() + frame.grace
        self._next = None
        self._drop_spare()
        self._pass_on(frame)

    # --- The worker ---

    def _fork(self, spawn: f.Spawn) -> Worker:
        worker = Worker(spawn)
        pid = os.fork()
        if not pid:
            self._become_worker(worker)
        worker.pid = pid
        for fd in worker.worker_fds():
            os.close(fd)
        for fd in worker.guardian_fds():
            os.set_blocking(fd, False)
        return worker

    def _become_worker(self, worker: Worker) -> None:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as every Python process has it
            ours = [self._in, self._out, self._wake, *worker.guardian_fds()]
            if self._spare is not None:
                ours += self._spare.guardian_fds()
            for fd in ours:
                os.close(fd)
            self._work(worker)
        except BaseException:  # noqa: BLE001 - a forked child must never return into the loop
            sys.excepthook(*sys.exc_info())
        os._exit(70)

    def _keep_spare(self, worker: Worker) -> None:
        self._spare_due = None
        if self._spare is None and self._ending is None:
            self._spare = self._fork(worker.spawn)

    def _drop_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is None:
            return
        try:
            os.kill(spare.pid, signal.SIGKILL)
        except OSError:
            pass
        spare.close()

    def _read_worker(self, worker: Worker, fd: int) -> None:
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return
        stream = worker.reads[fd]
        if not data:
            # User code closed every writing end; poll would report that for ever.
            del worker.reads[fd]
            if not stream:
                worker.closed_at = time.monotonic()
            return
        try:
            self._feed(worker, stream, data)
        except ordering.BrokenRecord:
            self._end_worker(worker, "channel_broken")

    def _feed(self, worker: Worker, stream: int, data: bytes) -> None:
        if stream:
            worker.sequencer.feed_text(stream, data)
            return
        for record in worker.records.feed(data):
            worker.sequencer.feed_record(*record)

    def _deliver(self, worker: Worker, pieces: List[ordering.Piece], now: float) -> None:
        for kind, data in pieces:
            if kind in (ordering.STDOUT, ordering.STDERR):
                self._push(worker.flow.add(kind, data, now))
                continue
            if kind == ordering.TEXT:
                stream, owner, text = ordering.read_owned_text(data)
                self._push(worker.flow.add(stream, text, now, owner=owner))
                continue
            if kind != ordering.PLAIN:
                self._push(worker.flow.flush(now))
            if kind == ordering.STARTED and worker.open:
                worker.flow.owner = worker.open[0][0]
            elif kind == ordering.DONE and worker.open:
                worker.open.popleft()
            self._push([data])
            if kind == ordering.DONE and worker.spawn.spare and self._spare is None:
                self._spare_due = now + SPARE_DELAY

    def _write_commands(self, worker: Worker, fd: int) -> None:
        queue = worker.pending[fd]
        while queue:
            try:
                sent = os.write(fd, queue[0][:CHUNK])
            except BlockingIOError:
                return
            except OSError:
                queue.clear()  # the worker is gone or closed its end; its exit tells the rest
                return
            if sent < len(queue[0]):
                queue[0] = queue[0][sent:]
            else:
                queue.popleft()

    def _queue(self, worker: Worker, fd: int, data: bytes) -> None:
        worker.pending[fd].append(data)
        self._write_commands(worker, fd)

    def _end_worker(self, worker: Worker, reason: Optional[str], *, stack: str = "") -> None:
        """Kill what is left of the tree, deliver every byte it wrote, and report."""
        memory = self._memory
        left = processes.kill_tree(
            worker.pid,
            self._reaper,
            spare=self._spare.pid if self._spare else None,
            bound=KILL_BOUND,
        )
        self._worker = None
        memory.watch(0)
        now = time.monotonic()
        self._drain(worker)
        self._deliver(worker, worker.sequencer.close(), now)
        self._push(worker.flow.flush(now, final=True))
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
            oom=processes.oom_kills() > worker.oom_kills,
            survivors=tuple(left),
        )
        worker.close()
        self._push([f.encode(exited)])

    def _drain(self, worker: Worker) -> None:
        """Read the last words of a worker that is gone; its pipes still hold them."""
        for fd, stream in list(worker.reads.items()):
            while True:
                try:
                    data = os.read(fd, CHUNK)
                    if not data:
                        break
                    self._feed(worker, stream, data)
                except (BlockingIOError, ordering.BrokenRecord):
                    break

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
        self._write_output()

    def _push(self, blocks: List[bytes]) -> None:
        for block in blocks:
            self._output.append(block)
            self._held += len(block)

    def _write_output(self) -> None:
        while self._output:
            block = self._output[0] if len(self._output) == 1 else self._merge()
            try:
                sent = os.write(self._out, memoryview(block)[:CHUNK])
            except BlockingIOError:
                return
            self._held -= sent
            if sent < len(block):
                self._output[0] = block[sent:] if len(block) < CHUNK else _rest(block, sent)
            else:
                self._output.popleft()

    def _merge(self) -> bytes:
        """Join small blocks so that a burst of frames leaves in one write."""
        blocks, size = [], 0
        while self._output and size < CHUNK:
            block = self._output.popleft()
            blocks.append(bytes(block))
            size += len(block)
        merged = b"".join(blocks)
        self._output.appendleft(merged)
        return merged

    def _end_everything(self) -> None:
        self._drop_spare()
        if self._worker is not None:
            self._end_worker(self._worker, "shutdown")
        processes.kill_tree(0, self._reaper, spare=None, bound=KILL_BOUND)
        os.set_blocking(self._out, True)
        try:
            self._push([f.encode(f.Bye())])
            self._write_output()
        except OSError:
            pass


def _surroundings(spawn: f.Spawn) -> Tuple[Any, ...]:
    """Return what a worker is made for; one that waits serves any spawn that wants the same."""
    return spawn.cwd, spawn.env, spawn.host, spawn.spare, spawn.options


def _rest(block: bytes, sent: int) -> bytes:
    # A memoryview: copying the rest of a 50 MB frame for every 256 KB written is quadratic.
    return memoryview(block)[sent:]  # type: ignore[return-value]


def _pipe() -> Tuple[int, int]:
    read, write = os.pipe()
    return _high(read), _high(write)


def _high(fd: int) -> int:
    """Move `fd` out of the range that user code likes to close or reuse (3 to 255)."""
    import fcntl

    try:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 600)
    except OSError:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return high


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return _high(os.memfd_create("wherry-faults"))
    import tempfile

    with tempfile.TemporaryFile() as file:
        return _high(os.dup(file.fileno()))


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        pass


def _peak(usage: object) -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return int(getattr(usage, "ru_maxrss", 0)) * unit
