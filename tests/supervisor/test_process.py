"""A child and its pipes: bytes complete in both directions, ends reported once, nothing left."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from wherry_supervisor.boot import begin, new_nonce
from wherry_supervisor.process import TAIL, Child

pytestmark = pytest.mark.asyncio


class Ear:
    """Collects what a child writes; the end is an empty piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = asyncio.Event()

    def __call__(self, data: bytes) -> None:
        self.pieces.append(data)
        if not data:
            self.ended.set()

    @property
    def heard(self) -> bytes:
        return b"".join(self.pieces)


def python(code: str) -> Child:
    return Child(begin([sys.executable, "-S", "-E", "-c", code], new_nonce()))


async def listened(child: Child) -> Ear:
    ear = Ear()
    child.attach(asyncio.get_running_loop(), ear)
    await asyncio.wait_for(ear.ended.wait(), 10)
    assert child.wait(5) is not None
    return ear


async def test_what_is_written_before_there_is_a_loop_arrives() -> None:
    child = python("import sys; sys.stdout.write(sys.stdin.readline())")
    child.write(b"early\n")
    assert (await listened(child)).heard == b"early\n"
    child.release()


async def test_large_writes_do_not_block_and_keep_their_order() -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read(8 * 700_000))"
    child = python(code)
    blocks = [bytes([n]) * 700_000 for n in range(8)]
    for block in blocks:
        child.write(block)
    assert (await listened(child)).heard == b"".join(blocks)
    child.release()


async def test_the_end_is_reported_once() -> None:
    child = python("print('bye')")
    ear = await listened(child)
    await asyncio.sleep(0.05)
    assert ear.pieces.count(b"") == 1
    child.release()


async def test_a_write_to_a_process_that_is_gone_is_lost_in_silence() -> None:
    child = python("pass")
    await listened(child)
    for _ in range(3):
        child.write(b"x" * 300_000)
    child.release()


async def test_pausing_makes_the_other_side_wait() -> None:
    child = python("import sys\nfor n in range(1000): sys.stdout.write('x' * 10_000)")
    ear = Ear()
    child.attach(asyncio.get_running_loop(), ear)
    child.pause()
    child.pause()
    await asyncio.sleep(0.15)
    before = len(ear.heard)
    await asyncio.sleep(0.05)
    assert len(ear.heard) == before < 10_000_000
    child.resume()
    child.resume()
    await asyncio.wait_for(ear.ended.wait(), 10)
    assert len(ear.heard) == 10_000_000
    assert child.wait(5) == 0
    child.release()


async def test_the_last_of_stderr_is_kept() -> None:
    child = python("import sys; sys.stderr.write('x' * 100_000 + 'the end')")
    await listened(child)
    assert child.stderr_tail.endswith("the end")
    assert len(child.stderr_tail) == TAIL
    child.release()
    assert child.stderr_tail.endswith("the end")


async def test_an_end_by_signal_is_a_negative_status() -> None:
    child = python("import time; time.sleep(60)")
    assert child.poll() is None
    assert child.wait(0.01) is None
    child.kill()
    assert child.wait(5) == -9
    child.kill()
    child.release()
    child.release()


async def test_it_does_not_share_our_session() -> None:
    child = python("import time; time.sleep(60)")
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    child.kill()
    child.wait(5)
    child.release()


async def test_a_program_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        begin(["/no/such/program"], new_nonce())
