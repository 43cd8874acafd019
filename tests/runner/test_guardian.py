"""The guardian as a program: frames in on stdin, frames out on stdout, nobody left at its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.logbook import carriers
from wherry_runner import frames as f
from wherry_supervisor.boot import BOOT, COOKIE, new_nonce
from wherry_supervisor.bundle import payload


class Guardian:
    """Speaks frames with a real guardian, one after the other."""

    def __init__(self) -> None:
        self.nonce = new_nonce()
        self.process = subprocess.Popen(
            [sys.executable, "-c", BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, COOKIE: self.nonce},
        )
        self._decoder = f.Decoder()
        self._came: list[f.Frame] = []
        assert self.process.stdin is not None
        self.process.stdin.write(payload(self.nonce, "plain", local=True))

    def send(self, *frames: f.Frame) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(map(f.encode, frames)))

    def expect(self, kind: type[f.Frame]) -> f.Frame:
        """Return the next frame of `kind`; others before it are passed over."""
        assert self.process.stdout is not None
        while True:
            while self._came:
                frame = self._came.pop(0)
                if isinstance(frame, kind):
                    return frame
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, f"ended before {kind.__name__}"
            self._came += self._decoder.feed(data)

    def run(self, code: str) -> f.Done:
        self.send(f.Execute(id="x", code=code))
        return self.expect(f.Done)


@pytest.fixture
def guardian() -> Iterator[Guardian]:
    guardian = Guardian()
    guardian.expect(f.Hello)
    yield guardian
    guardian.process.kill()
    guardian.process.communicate()
    for pid in carriers(guardian.nonce):
        os.kill(pid, signal.SIGKILL)


def ready(guardian: Guardian) -> f.Ready:
    guardian.send(f.Spawn(host="plain"))
    return guardian.expect(f.Ready)


def wait_until_gone(guardian: Guardian) -> None:
    deadline = time.monotonic() + 5
    while carriers(guardian.nonce) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert carriers(guardian.nonce) == []


def test_frames_before_a_worker_are_lost_without_harm(guardian: Guardian) -> None:
    guardian.send(
        f.Execute(id="x", code="1"), f.Interrupt(), f.Dump(), f.Kill(), f.InputReply(), f.Limit()
    )
    assert ready(guardian).host == "plain"


def test_a_second_spawn_replaces_the_worker_and_reports_the_first(guardian: Guardian) -> None:
    first = ready(guardian)
    guardian.send(f.Spawn(host="plain"))
    exited = guardian.expect(f.Exited)
    assert (exited.pid, exited.reason, exited.signal) == (first.pid, "restart", 9)
    assert guardian.expect(f.Ready).pid != first.pid


def test_a_kill_carries_its_reason_and_the_stack(guardian: Guardian) -> None:
    ready(guardian)
    guardian.send(f.Execute(id="x", code="def here():\n    while True: pass\nhere()"))
    guardian.expect(f.Started)
    time.sleep(0.05)
    guardian.send(f.Kill(reason="because"))
    exited = guardian.expect(f.Exited)
    assert exited.reason == "because"
    assert "here" in exited.stack
    assert exited.peak_memory > 1_000_000


def test_a_dump_shows_where_a_running_cell_is(guardian: Guardian) -> None:
    ready(guardian)
    guardian.send(f.Execute(id="x", code="import time\ndef here():\n    time.sleep(30)\nhere()"))
    guardian.expect(f.Started)
    time.sleep(0.05)
    guardian.send(f.Dump())
    assert "in here" in guardian.expect(f.Stack).text
    guardian.send(f.Interrupt(id="x"))
    assert guardian.expect(f.Done).status == "interrupted"


def test_garbage_on_its_stdin_is_skipped(guardian: Guardian) -> None:
    assert guardian.process.stdin is not None
    guardian.process.stdin.write(b"garbage\n\xff\xfe\n{}\n" + b"[" * 5000 + b"\n")
    ready(guardian)
    assert guardian.run("1").status == "ok"


def test_the_end_of_its_input_ends_everything(guardian: Guardian) -> None:
    ready(guardian)
    guardian.run("import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True)")
    assert guardian.process.stdin is not None
    guardian.process.stdin.close()
    guardian.expect(f.Exited)
    guardian.expect(f.Bye)
    assert guardian.process.wait(5) == 0
    wait_until_gone(guardian)
    guardian.process.stdin = None


@pytest.mark.fault
@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_the_end_of_its_reader_ends_everything(guardian: Guardian, code: str) -> None:
    """The supervisor was killed: both ends of the transport are gone at once."""
    ready(guardian)
    guardian.send(f.Execute(id="x", code=code))
    guardian.expect(f.Started)
    for pipe in (guardian.process.stdin, guardian.process.stdout):
        assert pipe is not None
        pipe.close()
    wait_until_gone(guardian)
    guardian.process.stdin = guardian.process.stdout = None


@pytest.mark.fault
def test_a_killed_guardian_takes_its_worker_with_it_though_it_holds_the_gil(
    guardian: Guardian,
) -> None:
    ready(guardian)
    code = "import collections, itertools\ncollections.deque(itertools.repeat(0), maxlen=0)"
    guardian.send(f.Execute(id="x", code=code))
    guardian.expect(f.Started)
    time.sleep(0.05)
    guardian.process.kill()
    wait_until_gone(guardian)


def test_a_shutdown_is_polite_first(guardian: Guardian) -> None:
    ready(guardian)
    guardian.run("import atexit; atexit.register(print, 'goodbye')")
    guardian.send(f.Shutdown(grace=5))
    assert guardian.expect(f.Stdout).text == "goodbye\n"
    exited = guardian.expect(f.Exited)
    assert (exited.code, exited.reason) == (0, None)
    guardian.expect(f.Bye)


@pytest.mark.fault
def test_a_shutdown_does_not_wait_beyond_its_grace(guardian: Guardian) -> None:
    ready(guardian)
    guardian.run("import atexit, time; atexit.register(time.sleep, 60)")
    began = time.monotonic()
    guardian.send(f.Shutdown(grace=0.2))
    assert guardian.expect(f.Exited).reason == "shutdown"
    guardian.expect(f.Bye)
    assert time.monotonic() - began < 2


def test_a_terminals_interrupt_does_not_reach_it(guardian: Guardian) -> None:
    ready(guardian)
    os.kill(guardian.process.pid, signal.SIGINT)
    assert guardian.run("1").status == "ok"


def test_all_that_a_dying_worker_wrote_comes_before_its_end(guardian: Guardian) -> None:
    ready(guardian)
    guardian.send(
        f.Execute(id="x", code="import os\nprint('x' * 500_000 + 'end')\nos.kill(os.getpid(), 9)")
    )
    text = ""
    while not text.endswith("end\n"):
        text += guardian.expect(f.Stdout).text
    assert len(text) == 500_004
    assert guardian.expect(f.Exited).signal == 9
