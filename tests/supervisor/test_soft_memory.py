"""A cell that fills memory bit by bit is interrupted before its process has to be ended."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from wherry_supervisor import Ladder, Limits, LocalLauncher, Runner, Status

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]

MB = 1_000_000
LIMITS = Limits(memory=300 * MB)

FILL = """
import time
kept = []
while len(kept) < 300:
    kept.append(b"x" * 2_000_000)
    time.sleep(0.002)
"""


@contextlib.asynccontextmanager
async def running(limits: Limits):
    frames = []
    runner = Runner(
        LocalLauncher(),
        on_frame=frames.append,
        limits=limits,
        ladder=Ladder(grace=0.4),
        host="plain",
        spare=False,
    )
    await runner.start()
    try:
        yield runner, frames
    finally:
        await runner.close()


async def test_what_was_computed_is_kept():
    async with running(LIMITS) as (runner, frames):
        outcome = await runner.execute(FILL)
        assert (outcome.status, outcome.state_lost) == (Status.MEMORY, False)
        assert outcome.error.ename == "MemoryLimitExceeded"
        assert "286 MiB allowed" in outcome.error.evalue
        assert "variables are kept" in outcome.error.evalue
        assert "MemoryLimitExceeded" in outcome.error.traceback[-2]
        assert "time.sleep" in "".join(outcome.error.traceback)
        shown = [frame.ename for frame in frames if frame.type == "error"]
        assert shown == ["MemoryLimitExceeded"]
        assert (await runner.execute("assert len(kept) > 50")).ok


async def test_the_next_cell_may_free_it_and_a_later_one_is_interrupted_again():
    async with running(LIMITS) as (runner, _):
        assert (await runner.execute(FILL)).status is Status.MEMORY
        assert (await runner.execute("import time; time.sleep(0.2); kept.clear()")).ok
        again = await runner.execute("time.sleep(0.1)" + FILL)
        assert (again.status, again.state_lost) == (Status.MEMORY, False)


async def test_code_that_ignores_it_may_go_on_up_to_the_limit():
    stubborn = """
import time
kept = []
while True:
    try:
        kept.append(b"x" * 2_000_000)
        time.sleep(0.002)
    except:
        pass
"""
    async with running(LIMITS) as (runner, _):
        outcome = await runner.execute(stubborn)
        assert (outcome.status, outcome.state_lost) == (Status.MEMORY, True)
        assert outcome.crash.cause == "memory_limit"


async def test_without_a_soft_limit_the_process_is_ended():
    async with running(Limits(memory=300 * MB, memory_soft=None)) as (runner, _):
        outcome = await runner.execute(FILL)
        assert (outcome.status, outcome.state_lost) == (Status.MEMORY, True)


async def test_a_soft_limit_without_a_limit_means_nothing():
    async with running(Limits(memory_soft=0.1)) as (runner, _):
        assert (await runner.execute("x = b'x' * 100_000_000")).ok


async def test_a_person_who_interrupts_meanwhile_takes_over():
    hold = FILL + "time.sleep(0)"
    quiet = hold.replace(
        "time.sleep(0.002)", "try: time.sleep(0.002)\n    except BaseException: break"
    )
    async with running(LIMITS) as (runner, _):
        task = asyncio.ensure_future(runner.execute(quiet + "\nwhile True: time.sleep(0.01)"))
        for _ in range(500):
            if runner._current is not None and runner._current.strain is not None:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        runner.interrupt()
        outcome = await task
        assert not outcome.ok
        assert not outcome.state_lost
