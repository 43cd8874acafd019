"""One connection: the handshake against noise, and what follows when the other side misbehaves."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from tests.logbook import Logbook, carriers
from wherry_runner import frames as f
from wherry_supervisor.boot import begin
from wherry_supervisor.errors import LaunchError, ProtocolMismatch
from wherry_supervisor.launchers import Launched, LocalLauncher
from wherry_supervisor.link import Link, sweep
from wherry_supervisor.process import Child

pytestmark = pytest.mark.asyncio

NONCE = "0123456789abcdef"


class Fake:
    """A launcher whose process says exactly what the test wants."""

    def __init__(self, code: str, *, start_timeout: float = 5.0) -> None:
        self.start_timeout = start_timeout
        self.command = ("fake",)
        self._code = "import os, sys, time\nsay = lambda b: os.write(1, b)\n" + code

    def launch(self, host: str = "auto") -> Launched:
        process = begin([sys.executable, "-S", "-E", "-c", self._code], NONCE)
        return Launched(Child(process), NONCE, None)


def hello(**members: object) -> bytes:
    return f.encode(f.Hello(**{"nonce": NONCE, "protocol": f.PROTOCOL, **members}))


class Line:
    """A link to a fake and what came out of it."""

    def __init__(self, code: str, *, start_timeout: float = 5.0) -> None:
        self.log = Logbook()
        self.ends: list[str] = []
        self.ended = asyncio.Event()
        self.link = Link(
            Fake(code, start_timeout=start_timeout), on_frame=self.log, on_end=self._on_end
        )

    def _on_end(self, words: str) -> None:
        self.ends.append(words)
        self.ended.set()

    async def until_end(self) -> None:
        await asyncio.wait_for(self.ended.wait(), 5)


#: Until it is told to go.
STAY = "os.read(0, 1)"


async def test_the_hello_with_our_nonce_opens_it() -> None:
    line = Line(f"say({hello(python='3.9.1')!r})\n{STAY}")
    assert (await line.link.open(None, "plain")).python == "3.9.1"
    assert line.link.is_open
    await line.link.close(grace=0)


async def test_a_hello_of_somebody_else_does_not() -> None:
    line = Line(f"say({hello(nonce='other')!r})\n{STAY}", start_timeout=0.2)
    with pytest.raises(LaunchError, match=r"no answer within 0.2 s"):
        await line.link.open(None, "plain")
    assert not line.link.is_open


@pytest.mark.parametrize(
    "noise",
    [b"Welcome!\n", b"\xff\xfe\n\n", b'{"t":"done","id":"x"}\n', b"no newline\n", b"x" * 70_000],
)
async def test_noise_before_the_hello_is_skipped(noise: bytes) -> None:
    line = Line(f"say({noise!r})\nsay(b'\\n' + {hello()!r})\n{STAY}")
    await line.link.open(None, "plain")
    assert line.log.frames == []
    await line.link.close(grace=0)


async def test_a_hello_that_comes_byte_by_byte_is_understood() -> None:
    line = Line(f"for b in {hello()!r}: say(bytes([b]))\n{STAY}")
    await line.link.open(None, "plain")
    await line.link.close(grace=0)


async def test_frames_that_follow_in_the_same_write_are_delivered() -> None:
    data = hello() + f.encode(f.Ready(pid=7)) + f.encode(f.Bye())
    line = Line(f"say({data!r})\n{STAY}")
    await line.link.open(None, "plain")
    await line.log.until(lambda log: len(log.frames) == 2)
    assert line.log.frames == [f.Ready(pid=7), f.Bye()]
    await line.link.close(grace=0)


async def test_another_protocol_is_refused_with_both_numbers() -> None:
    line = Line(f"say({hello(protocol=99)!r})\n{STAY}")
    with pytest.raises(ProtocolMismatch, match=f"found protocol 99, expected {f.PROTOCOL}"):
        await line.link.open(None, "plain")


async def test_an_early_end_quotes_what_was_printed_on_both_streams() -> None:
    line = Line("say(b'a banner\\n')\nos.write(2, b'a complaint\\n')\nsys.exit(4)")
    with pytest.raises(LaunchError, match="exited with status 4") as found:
        await line.link.open(None, "plain")
    assert found.value.output.split("\n")[:2] == ["a banner", "a complaint"]


async def test_a_flood_of_noise_is_not_kept() -> None:
    line = Line("for n in range(5000): say(b'noise %d\\n' % n)\nsys.exit(1)")
    with pytest.raises(LaunchError) as found:
        await line.link.open(None, "plain")
    assert len(found.value.output) < 10_000


async def test_bad_lines_after_the_hello_are_counted_and_skipped() -> None:
    data = hello() + b"garbage\n" + f.encode(f.Bye())
    line = Line(f"say({data!r})\n{STAY}")
    await line.link.open(None, "plain")
    await line.log.until(lambda log: log.frames)
    assert line.link.malformed <= 1
    assert line.log.frames == [f.Bye()]
    await line.link.close(grace=0)


@pytest.mark.parametrize(
    "how, words",
    [
        ("sys.exit(3)", "it exited with status 3"),
        ("os.kill(os.getpid(), 9)", "it was ended by SIGKILL"),
        ("os.close(1); time.sleep(60)", "it closed its output"),
    ],
)
async def test_its_end_is_told_once_and_in_words(how: str, words: str) -> None:
    line = Line(f"say({hello()!r})\ntime.sleep(0.05)\n{how}")
    await line.link.open(None, "plain")
    await line.until_end()
    assert line.ends == [words]
    assert not line.link.is_open
    line.link.send(f.Dump())
    await line.link.close(grace=0)
    await line.link.close(grace=0)
    assert line.ends == [words]


async def test_destroying_it_is_an_end_like_any_other() -> None:
    line = Line(f"say({hello()!r})\n{STAY}")
    await line.link.open(None, "plain")
    line.link.destroy()
    await line.until_end()
    assert line.ends == ["it was ended by SIGKILL"]
    await line.link.close(grace=0)


async def test_before_it_is_open_and_after_its_end_everything_is_harmless() -> None:
    line = Line(STAY)
    line.link.send(f.Dump())
    line.link.pause()
    line.link.resume()
    line.link.destroy()
    assert line.link.stderr_tail == ""
    await line.link.close(grace=0)


async def test_a_cancelled_open_leaves_nobody() -> None:
    link = Link(LocalLauncher(), on_frame=print, on_end=print)
    opening = asyncio.ensure_future(link.open(None, "plain"))
    await asyncio.sleep(0)
    launched = link._launched
    assert launched is not None
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert carriers(launched.nonce) == []


@pytest.mark.fault
async def test_a_guardian_that_does_not_go_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    from wherry_supervisor import link as module

    monkeypatch.setattr(module, "_END_BOUND", 0.1)
    line = Line(f"say({hello()!r})\nwhile True: time.sleep(1)")
    await line.link.open(None, "plain")
    began = time.monotonic()
    await line.link.close(grace=0.1)
    assert time.monotonic() - began < 2


@pytest.mark.fault
async def test_a_sweep_finds_daemons_by_their_cookie() -> None:
    import os

    cookie = "sweep-" + os.urandom(4).hex()
    child = Child(begin(["sh", "-c", "sleep 60 & setsid sleep 60 & wait"], cookie))
    while len(carriers(cookie)) < 3:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.005)
    sweep(cookie)
    child.wait(5)
    child.release()
    await asyncio.sleep(0.02)
    assert carriers(cookie) == []
