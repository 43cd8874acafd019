"""Interrupts: soft ones keep the worker, hard ones break deaf loops, late ones miss."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import pytest

from tests.notebook import Notebook
from wherry_runner import frames as f
from wherry_runner.interrupts import Interrupts
from wherry_supervisor import Ladder

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def quick(notebook: Notebook) -> Notebook:
    """A ladder whose hard step comes soon."""
    before = notebook.runner.ladder
    notebook.runner.ladder = Ladder(hard_after=0.3, kill_after=3.0)
    yield notebook
    notebook.runner.ladder = before


async def interrupted(notebook: Notebook, code: str, *, after: float = 0.03) -> object:
    cell = await notebook.begun(code)
    await asyncio.sleep(after)
    notebook.runner.interrupt()
    return await cell


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(30)",
        "import asyncio; await asyncio.sleep(30)",
        "import asyncio; await asyncio.Future()",
        "import asyncio; await asyncio.gather(*(asyncio.sleep(30) for _ in range(3)))",
        "import subprocess; subprocess.run(['sleep', '30'])",
        "import threading; threading.Event().wait()",
        "from threading import *\nt = Thread(target=time.sleep, args=[2])\nt.start(); t.join()",
        "import os; r, w = os.pipe(); os.read(r, 1)",
        "while True: print('x' * 1000)",
        "while True: display(1)",
        "import signal; signal.pause()",
        "def spin():\n    while True: pass\nspin()",
        "async def spin():\n    while True: pass\nawait spin()",
    ],
)
async def test_an_interrupt_ends_the_cell_and_keeps_the_process(
    notebook: Notebook, code: str
) -> None:
    before = notebook.runner.ready
    await notebook.run("import time; kept = 42")
    ran = await interrupted(notebook, code)
    assert (ran.status, ran.ename) == ("interrupted", "KeyboardInterrupt")
    assert "KeyboardInterrupt" in ran.traceback
    assert (await notebook.run("kept")).result == "42"
    assert notebook.runner.ready is before


async def test_an_interrupt_reaches_the_child_of_os_system(notebook: Notebook) -> None:
    began = time.monotonic()
    ran = await interrupted(notebook, "import os; print(os.system('sleep 30'))", after=0.1)
    assert time.monotonic() - began < 5
    assert ran.outcome.crash is None


async def test_the_interrupt_is_seen_where_user_code_was(notebook: Notebook) -> None:
    ran = await interrupted(notebook, "def busy():\n    while True:\n        pass\nbusy()")
    assert "busy" in ran.traceback
    assert "wherry_runner" not in ran.traceback


async def test_finally_blocks_run(notebook: Notebook) -> None:
    ran = await interrupted(
        notebook, "import time\ntry: time.sleep(30)\nfinally: print('cleaned up')"
    )
    assert ran.out == "cleaned up\n"


async def test_a_caught_interrupt_is_the_programs_own_business(notebook: Notebook) -> None:
    ran = await interrupted(
        notebook,
        "import time\ntry: time.sleep(30)\nexcept KeyboardInterrupt: print('caught')\n'went on'",
    )
    assert (ran.status, ran.out, ran.result) == ("ok", "caught\n", "'went on'")


async def test_an_await_may_catch_its_interrupt(notebook: Notebook) -> None:
    await notebook.run("import asyncio")
    ran = await interrupted(
        notebook,
        """
        try:
            await asyncio.sleep(30)
        except KeyboardInterrupt:
            print("caught")
        await asyncio.sleep(0.01)
        "went on"
        """,
    )
    assert (ran.status, ran.out, ran.result) == ("ok", "caught\n", "'went on'")


async def test_background_tasks_survive_an_interrupt(notebook: Notebook) -> None:
    await notebook.run(
        """
        import asyncio
        ticks = []
        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.01)
        task = asyncio.get_running_loop().create_task(tick())
        """
    )
    await interrupted(notebook, "await asyncio.sleep(30)")
    ran = await notebook.run("n = len(ticks); await asyncio.sleep(0.1); len(ticks) > n")
    assert ran.result == "True"


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "import signal; signal.signal(signal.SIGINT, lambda *_: None)\nwhile True: pass",
        "def deaf():\n  while True:\n    try: x = 1\n    except BaseException: continue\ndeaf()",
    ],
)
async def test_a_loop_that_swallows_interrupts_is_broken_and_the_state_kept(
    quick: Notebook, code: str
) -> None:
    before = quick.runner.ready
    await quick.run("kept = 42")
    ran = await interrupted(quick, code)
    assert (ran.status, ran.ename) == ("interrupted", "KeyboardInterrupt")
    assert (await quick.run("kept")).result == "42"
    assert quick.runner.ready is before


@pytest.mark.fault
async def test_a_c_loop_is_ended_by_force_and_told_where_it_was(quick: Notebook) -> None:
    quick.runner.ladder = Ladder(hard_after=0.2, kill_after=0.5)
    ran = await interrupted(
        quick,
        "import collections, itertools\n"
        "def stuck():\n    collections.deque(itertools.repeat(0), maxlen=0)\nstuck()",
    )
    crash = ran.outcome.crash
    assert crash is not None
    assert crash.cause == "interrupt"
    assert "stuck" in crash.stack
    assert ran.outcome.state_lost
    assert (await quick.run("1 + 1")).result == "2"


async def test_an_interrupt_while_idle_does_nothing(notebook: Notebook) -> None:
    before = notebook.runner.ready
    notebook.runner.interrupt()
    notebook.runner.send(f.Interrupt())
    notebook.runner.send(f.Interrupt(level="hard"))
    assert (await notebook.run("1 + 1")).result == "2"
    assert notebook.runner.ready is before


async def test_an_interrupt_for_another_execution_does_nothing(notebook: Notebook) -> None:
    first = notebook.begin("import time; time.sleep(0.1); 'first'")
    second = notebook.begin("time.sleep(0.1); 'second'")
    notebook.runner.interrupt("no such")
    notebook.runner.send(f.Interrupt(id="no such"))
    assert ((await first).result, (await second).result) == ("'first'", "'second'")


async def test_signals_of_others_are_interrupts_too(notebook: Notebook) -> None:
    ran = await notebook.run(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)"
    )
    assert ran.ename == "KeyboardInterrupt"


async def test_an_alarm_of_the_users_may_print_in_the_middle_of_a_print(
    notebook: Notebook,
) -> None:
    ran = await notebook.run(
        """
        import signal, sys
        def ring(*_):
            print("ring", file=sys.stderr)
            display(1)
            signal.setitimer(signal.ITIMER_REAL, 0.001)
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        try:
            for n in range(3000):
                print("line", n)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        """
    )
    assert ran.status == "ok", ran.traceback
    assert ran.out == "".join(f"line {n}\n" for n in range(3000))
    assert "ring" in ran.err


@pytest.mark.fault
async def test_interrupts_that_land_around_the_end_of_cells_never_end_the_worker(
    notebook: Notebook,
) -> None:
    """200 for each shell: some hit user code, some our own statements, some come too late."""
    before = notebook.runner.ready
    statuses = set()
    for n in range(200):
        cell = notebook.begin("for _ in range(200): pass" if n % 2 else "x = 1")
        await asyncio.sleep(n % 20 * 0.0001)
        notebook.runner.interrupt()
        ran = await asyncio.wait_for(cell, 5)
        assert ran.outcome.crash is None
        statuses.add(ran.status)
    assert statuses <= {"ok", "interrupted"}
    assert (await notebook.run("'alive'")).result == "'alive'"
    assert notebook.runner.ready is before


# --- The flags, without a process


class FakePage:
    def __init__(self) -> None:
        self.target = self.signals = 0

    def aim(self, serial: int) -> None:
        self.target = serial
        self.signals += 1


class Flags:
    """Interrupts with a page that the test aims."""

    def __init__(self) -> None:
        self.page = FakePage()
        self.interrupts = Interrupts(self.page)

    def strike(self, serial: int, *, hard: bool = False) -> bool:
        """Let a signal arrive; say whether it raised."""
        self.page.aim(serial)
        try:
            (self.interrupts._on_hard if hard else self.interrupts._on_soft)(2, None)
        except KeyboardInterrupt:
            return True
        return False


@pytest.fixture
def flags() -> Iterator[Flags]:
    """The end of an execution switches tracing off, a coverage measurement's too."""
    before = sys.gettrace()
    yield Flags()
    sys.settrace(before)


@pytest.mark.parametrize("hard", [False, True])
async def test_in_user_code_it_raises(flags: Flags, *, hard: bool) -> None:
    flags.interrupts.begin(1)
    flags.interrupts.enter()
    try:
        assert flags.strike(1, hard=hard)
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("hard", [False, True])
async def test_outside_of_user_code_it_waits_for_it(flags: Flags, *, hard: bool) -> None:
    flags.interrupts.begin(1)
    assert not flags.strike(1, hard=hard)
    with pytest.raises(KeyboardInterrupt):
        flags.interrupts.enter()
    flags.interrupts.leave(flags.interrupts.enter())


async def test_under_a_shield_it_waits_for_its_end(flags: Flags) -> None:
    flags.interrupts.begin(1)
    flags.interrupts.enter()
    flags.interrupts.shield()
    flags.interrupts.shield()
    assert not flags.strike(1)
    flags.interrupts.unshield()
    with pytest.raises(KeyboardInterrupt):
        flags.interrupts.unshield()


async def test_one_that_came_before_its_execution_began_is_kept(flags: Flags) -> None:
    assert not flags.strike(1)
    flags.interrupts.begin(1)
    with pytest.raises(KeyboardInterrupt):
        flags.interrupts.enter()


@pytest.mark.parametrize("hard", [False, True])
async def test_one_for_an_execution_that_is_over_is_dropped(flags: Flags, *, hard: bool) -> None:
    flags.interrupts.begin(1)
    flags.interrupts.end()
    flags.interrupts.begin(2)
    flags.interrupts.enter()
    assert not flags.strike(1, hard=hard)


async def test_idle_it_is_dropped(flags: Flags) -> None:
    assert not flags.strike(0)


async def test_while_awaiting_it_cancels(flags: Flags) -> None:
    calls = []
    flags.interrupts.begin(1)
    flags.interrupts.cancel = lambda: calls.append("cancel")
    assert not flags.strike(1)
    assert calls == ["cancel"]
    assert flags.interrupts.cancelled
