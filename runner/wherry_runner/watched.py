"""The guardian's side of one forked worker: pipes, commands, output in order, signals."""

from __future__ import annotations

import os
import signal
import time
from collections import deque

from wherry_runner import frames as f
from wherry_runner import ordering, pipes, processes
from wherry_runner.page import Page
from wherry_runner.textflow import TextFlow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Iterator, List, Optional, Tuple

#: Commands that the worker answers beside the running execution.
_SERVICE = (f.Complete, f.Inspect, f.IsComplete, f.InputReply, f.SubshellClose, f.Debug)

#: A worker whose frame pipe has ended is normally dead within this time; else user code closed it.
CLOSED_BOUND = 0.1

#: Markers are in the pipes before their frame is; if they are not, user code opened the pipe by its
#: name in /proc and read them. The frame then goes on after this time.
_FENCE_BOUND = 1.0

#: How long faulthandler may take to write the stacks; a stopped worker never does.
_DUMP_BOUND = 0.25

#: The out-of-memory killer's count is read again after an execution, but not more often than this.
_OOM_INTERVAL = 1.0


class Watched:
    """Made before the fork; `keep_guardian_ends` and `worker_fds` divide the descriptors after."""

    def __init__(self, spawn: f.Spawn) -> None:
        self.spawn = spawn
        self.pid = 0
        self.nonce = os.urandom(8)
        self.page = Page()
        self._main_in, self._main_out = pipes.pipe()
        self._service_in, self._service_out = pipes.pipe()
        self._frames_in, self._frames_out = pipes.pipe()
        self._stdout_in, self._stdout_out = pipes.pipe()
        self._stderr_in, self._stderr_out = pipes.pipe()
        self.faults = pipes.anonymous_file()
        self._sequencer = ordering.Sequencer(self.nonce)
        self._records = ordering.Records(self.nonce, limit=f.FRAME_LIMIT)
        self.flow = TextFlow()
        self._main = pipes.Outlet(self._main_out)
        self._service = pipes.Outlet(self._service_out)
        #: Executions that were passed on and are not done, oldest first, with their numbers.
        self._open: Deque[Tuple[str, int]] = deque()
        self._serial = 0
        #: Since when a frame waits for its markers and nothing is read.
        self._held_since: Optional[float] = None
        #: When its frame pipe reached its end; normally because the process is just ending.
        self.closed_at: Optional[float] = None
        self._reads = {
            self._frames_in: 0,
            self._stdout_in: ordering.STDOUT,
            self._stderr_in: ordering.STDERR,
        }
        self._oom_kills = processes.oom_kills()
        self._oom_read_at = time.monotonic()

    # --- Descriptors ---

    def worker_fds(self) -> Tuple[int, ...]:
        """Return the ends of the forked process: main and service commands, frames, text twice."""
        return (
            self._main_in,
            self._service_in,
            self._frames_out,
            self._stdout_out,
            self._stderr_out,
        )

    def guardian_fds(self) -> Tuple[int, ...]:
        """Return the ends that stay here."""
        return (
            self._main_out,
            self._service_out,
            self._frames_in,
            self._stdout_in,
            self._stderr_in,
        )

    def keep_guardian_ends(self) -> None:
        """Called in the guardian after the fork."""
        for fd in self.worker_fds():
            os.close(fd)
        for fd in self.guardian_fds():
            os.set_blocking(fd, False)

    def close(self) -> None:
        """Close our ends; the worker is gone."""
        for fd in (*self.guardian_fds(), self.faults):
            os.close(fd)

    def readable(self) -> Iterator[int]:
        """Yield what may be read now; text that waits for its frame stays in its pipe."""
        for fd, stream in self._reads.items():
            if not stream or not self._sequencer.is_waiting(stream):
                yield fd

    def writable(self) -> Iterator[int]:
        """Yield the command pipes that were full."""
        if self._main.held:
            yield self._main_out
        if self._service.held:
            yield self._service_out

    # --- Commands ---

    @property
    def is_idle(self) -> bool:
        """Nothing that was passed on is unfinished."""
        return not self._open

    def send(self, frame: f.Frame) -> None:
        """Pass a frame on to the thread that it is for."""
        beside = isinstance(frame, _SERVICE) or getattr(frame, "subshell", None) is not None
        if isinstance(frame, f.Execute) and not beside:
            self._serial += 1
            self._open.append((frame.id, self._serial))
        (self._service if beside else self._main).push(f.encode(frame))
        self.flush_commands()

    def flush_commands(self) -> None:
        """Write what the worker's pipes take."""
        for outlet in (self._main, self._service):
            try:
                outlet.flush()
            except OSError:
                outlet.clear()  # it is gone or closed its end; its exit tells the rest

    def interrupt(self, execution: Optional[str], *, hard: bool) -> None:
        """Signal the worker's group, if `execution` (None: any) is not done yet."""
        serials = [serial for id_, serial in self._open if execution in (None, id_)]
        if not serials:
            return
        self.page.aim(serials[0])
        try:
            if hard:
                os.kill(self.pid, processes.HARD_SIGNAL)
            # The group, because subprocess.run and os.system wait for children that need it too.
            os.killpg(self.pid, signal.SIGINT)
        except OSError:
            pass

    # --- Output ---

    def read(self, fd: int, now: float) -> None:
        """Take what is in one of the `readable` pipes.

        Raises:
            BrokenRecord: User code wrote into the frame pipe.
        """
        try:
            data = os.read(fd, pipes.CHUNK)
        except BlockingIOError:
            return
        if data:
            self._held_since = None
            self._feed(self._reads[fd], data)
            return
        # User code closed every writing end; poll would report that for ever.
        if not self._reads.pop(fd):
            self.closed_at = now

    def wait(self, now: float) -> Optional[float]:
        """Return how many seconds from now `deliver` has something to do unasked."""
        if self._held_since is not None:
            return max(0.0, self._held_since + _FENCE_BOUND - now)
        return self.flow.wait(now)

    def deliver(self, now: float) -> List[bytes]:
        """Return the encoded frames that are due, in order."""
        due = self._in_order(self._sequencer.take(), now)
        if not self._sequencer.is_held:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = now
        elif now > self._held_since + _FENCE_BOUND:
            self._held_since = None
            self._sequencer.release()
            due += self._in_order(self._sequencer.take(), now)
        if self.flow.wait(now) == 0.0:
            due += self.flow.flush(now)
        return due

    def last_words(self, now: float) -> List[bytes]:
        """Return all that is left in the pipes of a worker that is gone."""
        for fd, stream in self._reads.items():
            try:
                while True:
                    data = os.read(fd, pipes.CHUNK)
                    if not data:
                        break
                    self._feed(stream, data)
            except (BlockingIOError, ordering.BrokenRecord):
                continue
        rest = self._in_order(self._sequencer.close(), now)
        return rest + self.flow.flush(now, final=True)

    def _feed(self, stream: int, data: bytes) -> None:
        if stream:
            self._sequencer.feed_text(stream, data)
            return
        for record in self._records.feed(data):
            self._sequencer.feed_record(*record)

    def _in_order(self, pieces: List[ordering.Piece], now: float) -> List[bytes]:
        due: List[bytes] = []
        for kind, data in pieces:
            if kind in (ordering.STDOUT, ordering.STDERR):
                due += self.flow.add(kind, data, now)
            elif kind == ordering.TEXT:
                stream, owner, text = ordering.read_owned_text(data)
                due += self.flow.add(stream, text, now, owner=owner)
            else:
                if kind != ordering.PLAIN:
                    # Half a character that one execution left is not the next one's.
                    due += self.flow.flush(now, final=kind == ordering.STARTED)
                self._follow(kind, now)
                due.append(data)
        return due

    def _follow(self, kind: int, now: float) -> None:
        if kind == ordering.STARTED and self._open:
            self.flow.owner = self._open[0][0]
        elif kind == ordering.DONE and self._open:
            self._open.popleft()
            if now > self._oom_read_at + _OOM_INTERVAL:
                # What the out-of-memory killer did during earlier executions explains no death.
                self._oom_read_at = now
                self._oom_kills = processes.oom_kills()

    # --- Last words ---

    def met_oom_killer(self) -> bool:
        """The system's out-of-memory killer ran since the last execution ended."""
        return processes.oom_kills() > self._oom_kills

    def dump(self) -> str:
        """Return the Python stack of every thread, from C loops too; "" if it does not answer."""
        try:
            os.kill(self.pid, processes.DUMP_SIGNAL)
        except OSError:
            return ""
        # faulthandler writes from a signal handler in C, within milliseconds.
        deadline = time.monotonic() + _DUMP_BOUND
        before = -1
        while time.monotonic() < deadline:
            time.sleep(0.005)
            size = os.fstat(self.faults).st_size
            if size and size == before:
                break
            before = size
        return self.read_faults()

    def read_faults(self) -> str:
        """Return what faulthandler has written since the last call."""
        size = os.lseek(self.faults, 0, os.SEEK_END)
        text = os.pread(self.faults, size, 0).decode("utf-8", "replace")
        # The worker writes at the offset that both share, so start over at zero.
        os.ftruncate(self.faults, 0)
        os.lseek(self.faults, 0, os.SEEK_SET)
        return text
