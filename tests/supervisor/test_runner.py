"""The handle: a queue, outcomes as values, deaths and restarts behind it, nobody left."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.logbook import Logbook, carriers, is_alive
from tests.notebook import Notebook, Ran, opened
from wherry_runner import frames as f
from wherry_supervisor import (
    CommandLauncher,
    Ladder,
    LaunchError,
    Limits,
    LocalLauncher,
    Runner,
    RunnerClosed,
    State,
    Status,
)
from wherry_supervisor import runner as module

pytestmark = pytest.mark.asyncio

STUCK = "import collections, itertools\ncollections.deque(itertools.repeat(0), maxlen=0)"


@pytest_asyncio.fixture
async def notebook() -> AsyncIterator[Notebook]:
    async with opened(host="plain") as notebook:
        yield notebook


def guardian_of(notebook: Notebook) -> int:
    assert notebook.runner.hello is not None
    return notebook.runner.hello.pid


def worker_of(notebook: Notebook) -> int:
    assert notebook.runner.ready is not None
    return notebook.runner.ready.pid


# --- The queue


async def test_cells_run_in_the_order_in_which_they_were_given(notebook: Notebook) -> None:
    cells = [notebook.begin(f"print({n}); {n}") for n in range(20)]
    ran = await asyncio.gather(*cells)
    assert [cell.result for cell in ran] == [str(n) for n in range(20)]
    assert notebook.log.stdout().split() == [str(n) for n in range(20)]


@pytest.mark.parametrize(
    "guilty",
    ["1 / 0", "def broken(:", "raise SystemExit", "raise KeyboardInterrupt", "del globals"],
)
async def test_a_guilty_cell_does_not_fail_its_neighbours(notebook: Notebook, guilty: str) -> None:
    codes = ["x = 1; x", guilty, "x + 1", guilty, "x + 2"]
    ran = await asyncio.gather(*(notebook.begin(code) for code in codes))
    assert [cell.result for cell in ran] == ["1", None, "2", None, "3"]
    assert [cell.status for cell in ran[::2]] == ["ok"] * 3
    assert all(cell.status in ("error", "interrupted") for cell in ran[1::2])


async def test_a_cell_that_kills_its_process_fails_alone(notebook: Notebook) -> None:
    """What was queued behind it runs in the new process; it is its author who meets NameError."""
    ran = await asyncio.gather(
        *(notebook.begin(code) for code in ("x = 1", "import os; os._exit(1)", "'next'", "x"))
    )
    assert [cell.status for cell in ran] == ["ok", "died", "ok", "error"]
    assert ran[2].result == "'next'"
    assert ran[3].ename == "NameError"


async def test_a_queued_cell_whose_caller_gave_up_never_runs(notebook: Notebook) -> None:
    first = await notebook.begun("import time; time.sleep(0.2)")
    second, third = notebook.begin("print('never')"), notebook.begin("print('third')")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await first
    assert (await third).out == "third\n"
    assert notebook.log.stdout() == "third\n"


async def test_a_running_cell_whose_caller_gave_up_is_interrupted(notebook: Notebook) -> None:
    cell = await inside(notebook, "print('stopped')")
    cell.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cell
    assert (await asyncio.wait_for(notebook.run("'next'"), 5)).result == "'next'"
    assert notebook.log.stdout() == "inside\nstopped\n"


# --- Outcomes


async def test_a_good_outcome_is_a_value(notebook: Notebook) -> None:
    outcome = (await notebook.run("sum(range(1000))")).outcome
    assert outcome.ok
    assert outcome.error is outcome.crash is None
    assert not outcome.state_lost


async def test_an_outcome_comes_after_all_output_of_its_cell(notebook: Notebook) -> None:
    for _ in range(20):
        ran = await notebook.run("print('x' * 200_000)")
        assert len(ran.out) == 200_001


async def test_an_interrupted_outcome(notebook: Notebook) -> None:
    cell = await notebook.begun("import time; time.sleep(30)")
    assert notebook.runner.state is State.BUSY
    notebook.runner.interrupt(cell.get_name())
    assert notebook.runner.state is State.INTERRUPTING
    ran = await cell
    assert (ran.outcome.status, ran.outcome.state_lost) == (Status.INTERRUPTED, False)
    assert notebook.runner.state is State.IDLE


async def test_time_is_limited_and_the_state_kept(notebook: Notebook) -> None:
    await notebook.run("kept = 42")
    ran = await notebook.run("while True: pass", limits=Limits(time=0.2))
    assert ran.outcome.status is Status.TIMED_OUT
    assert ran.ename == "TimeLimitExceeded"
    assert not ran.outcome.state_lost
    assert 0.2 <= ran.outcome.duration < 2
    assert (await notebook.run("kept")).result == "42"


async def test_time_counts_from_the_start_of_the_cell_and_not_from_the_queue(
    notebook: Notebook,
) -> None:
    first = notebook.begin("import time; time.sleep(0.3)")
    second = notebook.begin("time.sleep(0.1)", limits=Limits(time=0.25))
    await first
    assert (await second).outcome.ok


@pytest.mark.fault
async def test_a_c_loop_over_its_time_is_ended_and_told_where_it_was(notebook: Notebook) -> None:
    notebook.runner.ladder = Ladder(grace=0.4)
    ran = await notebook.run(
        "def loop():\n    " + STUCK.replace("\n", "\n    ") + "\nloop()", limits=Limits(time=0.2)
    )
    assert ran.outcome.status is Status.TIMED_OUT
    assert ran.outcome.state_lost
    assert ran.outcome.crash is not None
    assert ran.outcome.crash.cause == "time_limit"
    assert "loop" in ran.outcome.crash.stack
    assert "line 3" in ran.outcome.crash.stack
    assert (await notebook.run("1 + 1")).result == "2"


@pytest.mark.fault
async def test_memory_is_limited_and_the_death_names_it(notebook: Notebook) -> None:
    ran = await notebook.run(
        "import time\nblocks = []\nwhile True:\n"
        "    blocks.append(b'x' * 10_000_000)\n    time.sleep(0.005)",
        limits=Limits(memory=200_000_000, memory_soft=None),
    )
    assert ran.outcome.status is Status.MEMORY
    assert ran.outcome.crash is not None
    assert ran.outcome.crash.cause == "memory_limit"
    assert ran.outcome.crash.peak_memory > 150_000_000
    assert (await notebook.run("1 + 1")).result == "2"


@pytest.mark.fault
async def test_memory_of_children_counts(notebook: Notebook) -> None:
    ran = await notebook.run(
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', "
        "'x = b\"x\" * 300_000_000; import time; time.sleep(5)'])",
        limits=Limits(memory=200_000_000),
    )
    assert ran.outcome.status is Status.MEMORY


async def test_one_giant_allocation_is_an_error_that_can_be_caught(notebook: Notebook) -> None:
    limits = Limits(memory=500_000_000)
    await notebook.run("import time; time.sleep(0.12)", limits=limits)
    ran = await notebook.run("bytearray(3_000_000_000)", limits=limits)
    assert ran.ename == "MemoryError"
    assert (await notebook.run("1 + 1", limits=limits)).result == "2"


async def test_output_is_limited_to_its_head_and_tail(notebook: Notebook) -> None:
    ran = await notebook.run("for n in range(100_000): print(n)", limits=Limits(output=10_000))
    assert ran.out.startswith("0\n1\n2\n")
    assert ran.out.endswith("99998\n99999\n")
    assert len(ran.out) == 10_000
    assert "characters of output left out" in ran.err


async def test_a_failing_cell_over_its_output_limit_shows_its_tail_and_its_error(
    notebook: Notebook,
) -> None:
    ran = await notebook.run(
        "print('x' * 50_000)\nprint('last line')\n1/0", limits=Limits(output=1000)
    )
    assert ran.ename == "ZeroDivisionError"
    assert ran.out.endswith("last line\n")
    kinds = [type(frame) for frame in notebook.log.frames if frame.id == ran.id]
    assert kinds.index(f.Error) == len(kinds) - 1
    assert (await notebook.run("1 + 1")).result == "2"


# --- Life


async def test_states_of_an_ordinary_life() -> None:
    seen: list[State] = []
    runner = Runner(LocalLauncher(), on_state=seen.append, host="plain")
    await runner.start()
    await runner.execute("1")
    await runner.close()
    assert seen == [
        State.STARTING,
        State.IDLE,
        State.BUSY,
        State.IDLE,
        State.CLOSING,
        State.CLOSED,
    ]


async def test_starting_twice_starts_once(notebook: Notebook) -> None:
    first = notebook.runner.ready
    assert await notebook.runner.start() is first


async def test_two_may_start_it_at_the_same_time() -> None:
    runner = Runner(LocalLauncher(), host="plain")
    one, other = await asyncio.gather(runner.start(), runner.start())
    assert one is other
    await runner.close()


async def test_what_is_given_before_the_start_runs_after_it() -> None:
    runner, log = None, Logbook()
    runner = Runner(LocalLauncher(), on_frame=log, host="plain")
    early = asyncio.ensure_future(runner.execute("print('early')"))
    await asyncio.sleep(0)
    await runner.start()
    assert (await early).ok
    assert log.stdout() == "early\n"
    await runner.close()


async def test_a_restart_replaces_the_process_and_empties_the_namespace(
    notebook: Notebook,
) -> None:
    before = worker_of(notebook)
    await notebook.run("x = 1")
    await notebook.runner.restart()
    assert worker_of(notebook) != before
    assert not is_alive(before)
    assert (await notebook.run("x")).ename == "NameError"


async def test_a_restart_ends_what_runs_and_what_waits(notebook: Notebook) -> None:
    running = await notebook.begun("import time; time.sleep(30)")
    waiting = notebook.begin("1 + 1")
    await asyncio.sleep(0)
    await notebook.runner.restart()
    for ran in (await running, await waiting):
        assert ran.outcome.status is Status.DIED
        assert ran.outcome.crash is not None
        assert ran.outcome.crash.cause == "restart"
    assert (await notebook.run("1 + 1")).result == "2"


async def test_restarts_in_a_row_end_in_one_live_process(notebook: Notebook) -> None:
    await asyncio.gather(*(notebook.runner.restart() for _ in range(5)))
    for _ in range(5):
        await notebook.runner.restart()
    assert (await notebook.run("1 + 1")).result == "2"
    assert len(carriers(cookie(notebook))) == 2


async def test_a_spare_makes_a_restart_take_a_worker_that_is_ready() -> None:
    async with opened(host="plain", spare=True) as notebook:
        await notebook.run("x = 1")
        await asyncio.sleep(0.7)
        (spare,) = set(carriers(cookie(notebook))) - {guardian_of(notebook), worker_of(notebook)}
        await notebook.runner.restart()
        assert worker_of(notebook) == spare
        assert (await notebook.run("x")).ename == "NameError"


async def test_a_dead_spare_is_replaced_by_a_fork() -> None:
    async with opened(host="plain", spare=True) as notebook:
        await notebook.run("x = 1")
        await asyncio.sleep(0.7)
        (spare,) = set(carriers(cookie(notebook))) - {guardian_of(notebook), worker_of(notebook)}
        os.kill(spare, signal.SIGKILL)
        await asyncio.sleep(0.05)
        await notebook.runner.restart()
        assert (await notebook.run("1 + 1")).result == "2"


async def test_closing_twice_is_fine() -> None:
    runner = Runner(LocalLauncher(), host="plain")
    await runner.start()
    await runner.close()
    await runner.close()
    assert runner.state is State.CLOSED


async def test_two_may_close_it_at_the_same_time() -> None:
    runner = Runner(LocalLauncher(), host="plain")
    await runner.start()
    await asyncio.gather(runner.close(), runner.close())
    assert runner.state is State.CLOSED


async def test_closing_what_was_never_started_is_fine() -> None:
    runner = Runner(LocalLauncher())
    await runner.close()
    assert runner.state is State.CLOSED


@pytest.mark.parametrize("use", ["start", "restart", "execute"])
async def test_a_closed_runner_is_refused_in_words(use: str) -> None:
    runner = Runner(LocalLauncher())
    await runner.close()
    arguments = ["1"] if use == "execute" else []
    with pytest.raises(RunnerClosed, match="create a new Runner"):
        await getattr(runner, use)(*arguments)


async def test_closing_while_busy_runs_the_finally_blocks_and_settles_everything(
    notebook: Notebook,
) -> None:
    running = await inside(notebook, "print('finally')")
    waiting = notebook.begin("1 + 1")
    await asyncio.sleep(0)
    await notebook.runner.close(grace=2)
    assert (await running).out == "inside\nfinally\n"
    assert (await running).outcome.status in (Status.INTERRUPTED, Status.DIED)
    outcome = (await waiting).outcome
    assert outcome.crash is not None
    assert outcome.crash.cause == "shutdown"


@pytest.mark.fault
async def test_closing_does_not_wait_for_code_that_does_not_stop(notebook: Notebook) -> None:
    running = await notebook.begun("print('inside')\n" + STUCK)
    await notebook.log.sees("inside")
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await notebook.runner.close(grace=0.3)
    assert time.monotonic() - began < 2
    assert (await running).outcome.status is Status.DIED


async def test_closing_while_starting_leaves_nobody() -> None:
    runner = Runner(LocalLauncher(), host="plain")
    starting = asyncio.ensure_future(runner.start())
    await asyncio.sleep(0.01)
    await runner.close()
    with pytest.raises(RunnerClosed):
        await asyncio.wait_for(starting, 5)
    assert runner.state is State.CLOSED


async def test_daemons_of_user_code_end_with_it(notebook: Notebook) -> None:
    await notebook.run(
        """
        import os, time
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(60)
                os._exit(0)
        """
    )
    await asyncio.sleep(0.05)
    mark = cookie(notebook)
    assert len(carriers(mark)) >= 5
    await notebook.runner.restart()
    assert len(carriers(mark)) == 2


# --- Launches that fail


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def check_it_fails(runner: Runner, words: str) -> LaunchError:
    with pytest.raises(LaunchError, match=words) as found:
        await asyncio.wait_for(runner.start(), 60)
    assert runner.state is State.FAILED
    outcome = await asyncio.wait_for(runner.execute("1"), 5)
    assert outcome.status is Status.DIED
    assert outcome.crash is not None
    assert outcome.crash.cause == "lost"
    await runner.close()
    return found.value


async def test_a_missing_interpreter_is_named() -> None:
    await check_it_fails(Runner(LocalLauncher("/no/such/python")), "/no/such/python does not exist")


async def test_a_missing_folder_is_named() -> None:
    await check_it_fails(Runner(LocalLauncher(cwd="/no/such/folder")), "/no/such/folder does not")


async def test_what_cannot_be_executed_is_named(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("")
    await check_it_fails(Runner(LocalLauncher(tmp_path / "python")), "Permission denied")


async def test_a_missing_command_is_named() -> None:
    await check_it_fails(Runner(CommandLauncher(["no-such-command"])), "'no-such-command' was not")


async def test_an_interpreter_that_dies_at_its_start_is_quoted(tmp_path: Path) -> None:
    python = script(tmp_path / "python", "#!/bin/sh\necho 'no libpython today' >&2\nexit 3\n")
    error = await check_it_fails(Runner(LocalLauncher(python)), "exited with status 3")
    assert "no libpython today" in str(error)
    assert error.output.strip() == "no libpython today"


async def test_an_interpreter_that_hangs_is_given_up(tmp_path: Path) -> None:
    python = script(tmp_path / "python", "#!/bin/sh\nexec sleep 60\n")
    began = time.monotonic()
    runner = Runner(LocalLauncher(python, start_timeout=0.3))
    await check_it_fails(runner, "no answer within 0.3 s")
    assert time.monotonic() - began < 3


async def test_a_shell_that_the_interpreter_lacks_is_named(tmp_path: Path) -> None:
    launcher = LocalLauncher(env={"PYTHONPATH": str(tmp_path)})
    (tmp_path / "IPython").mkdir()
    (tmp_path / "IPython" / "__init__.py").write_text("raise ImportError('no IPython here')")
    error = await check_it_fails(Runner(launcher, host="ipython"), "exited with status 1|closed")
    assert "no IPython here" in error.output


async def test_a_worker_that_always_dies_at_its_start_is_given_up(tmp_path: Path) -> None:
    await check_it_fails(Runner(LocalLauncher(), cwd=str(tmp_path / "missing")), "exit code 70")


@pytest.mark.parametrize("version", ["2.7", "3.6"])
async def test_an_interpreter_that_is_too_old_says_so(version: str) -> None:
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    python = str(found[0]) if found else shutil.which(f"python{version}")
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    await check_it_fails(Runner(LocalLauncher(python, start_timeout=5)), "could not be started")


async def test_after_a_failure_it_may_be_started_again(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    python = script(
        tmp_path / "python", f'#!/bin/sh\ntest -e {flag} || exit 3\nexec {sys.executable} "$@"\n'
    )
    runner = Runner(LocalLauncher(python), host="plain")
    with pytest.raises(LaunchError):
        await runner.start()
    flag.touch()
    await runner.start()
    assert (await runner.execute("1")).ok
    await runner.close()


# --- Other ways to launch


@pytest.mark.parametrize(
    "prefix",
    [
        ["env", "SOME=thing"],
        ["nice"],
        ["sh", "-c", 'echo "Welcome to node 7!"; echo "no newline" | tr -d "\\n"; exec "$@"', "-"],
        ["sh", "-c", 'echo "noise" >&2; exec "$@"', "-"],
        ["sh", "-c", '"$@"', "-"],
    ],
    ids=["env", "nice", "banner", "complaint", "shell that stays"],
)
async def test_a_command_in_front_of_the_interpreter(prefix: list[str]) -> None:
    log = Logbook()
    launcher = CommandLauncher(prefix, python=sys.executable, start_timeout=10)
    runner = Runner(launcher, on_frame=log, host="plain")
    await runner.start()
    outcome = await runner.execute("print('through the command')")
    assert outcome.ok
    assert log.stdout() == "through the command\n"
    await runner.close()


async def test_a_command_that_passes_its_words_through_a_shell(tmp_path: Path) -> None:
    """As ssh does: one string, parsed by the shell on the other side."""
    ssh = script(tmp_path / "ssh", '#!/bin/sh\nshift\necho "Last login: today"\nexec sh -c "$*"\n')
    runner = Runner(CommandLauncher([ssh, "host"], python=sys.executable), host="plain")
    await runner.start()
    assert (await runner.execute("1 + 1")).ok
    await runner.close()


async def test_folder_and_variables_are_as_asked(tmp_path: Path) -> None:
    async with opened(
        host="plain", cwd=str(tmp_path), env={"COLOUR": "blue", "HOME": None}
    ) as notebook:
        ran = await notebook.run(
            "import os; os.getcwd(), os.environ['COLOUR'], 'HOME' in os.environ"
        )
        assert ran.result is not None
        assert eval(ran.result) == (str(tmp_path), "blue", False)


async def test_a_process_that_was_launched_earlier_is_used() -> None:
    launcher = LocalLauncher()
    launched = launcher.launch()
    runner = Runner(launcher, host="plain")
    await runner.start(launched)
    assert runner.hello is not None
    assert runner.hello.pid == launched.child.pid
    await runner.close()


# --- Faults


@pytest.mark.fault
@pytest.mark.parametrize("who", [guardian_of, worker_of], ids=["guardian", "worker"])
async def test_a_death_while_idle_is_mended(notebook: Notebook, who) -> None:
    os.kill(who(notebook), signal.SIGKILL)
    await noticed(notebook)
    ran = await asyncio.wait_for(notebook.run("1 + 1"), 10)
    assert ran.result == "2"


@pytest.mark.fault
async def test_a_cell_that_met_a_dead_worker_runs_in_the_next(notebook: Notebook) -> None:
    os.kill(worker_of(notebook), signal.SIGKILL)
    ran = await asyncio.wait_for(notebook.run("1 + 1"), 10)
    assert ran.result == "2"


@pytest.mark.fault
@pytest.mark.parametrize("who", [guardian_of, worker_of], ids=["guardian", "worker"])
async def test_a_death_while_busy_is_the_outcome_and_the_next_cell_runs(
    notebook: Notebook, who
) -> None:
    old = carriers(cookie(notebook))
    cell = await notebook.begun("print('words', flush=True)\nimport time; time.sleep(30)")
    await notebook.log.sees("words")
    waiting = notebook.begin("'next'")
    os.kill(who(notebook), signal.SIGKILL)
    ran = await asyncio.wait_for(cell, 10)
    assert ran.outcome.status is Status.DIED
    assert ran.outcome.state_lost
    assert ran.outcome.crash is not None
    assert ran.outcome.crash.cause == ("lost" if who is guardian_of else "killed")
    assert (await asyncio.wait_for(waiting, 10)).result == "'next'"
    gone = [pid for pid in old if who is guardian_of or pid != guardian_of(notebook)]
    assert not any(map(is_alive, gone))


@pytest.mark.fault
async def test_a_killed_guardian_takes_the_children_of_user_code_with_it(
    notebook: Notebook,
) -> None:
    mark = cookie(notebook)
    await notebook.run("import subprocess; p = subprocess.Popen(['sleep', '60'])")
    os.kill(guardian_of(notebook), signal.SIGKILL)
    await noticed(notebook)
    assert (await asyncio.wait_for(notebook.run("1 + 1"), 10)).result == "2"
    assert carriers(mark) == []


@pytest.mark.fault
async def test_a_stopped_worker_over_its_time_is_ended(notebook: Notebook) -> None:
    notebook.runner.ladder = Ladder(grace=0.4)
    cell = await notebook.begun("import time; time.sleep(30)", limits=Limits(time=0.3))
    os.kill(worker_of(notebook), signal.SIGSTOP)
    ran = await asyncio.wait_for(cell, 10)
    assert ran.outcome.status is Status.TIMED_OUT
    assert ran.outcome.state_lost
    assert (await notebook.run("1 + 1")).result == "2"


@pytest.mark.fault
async def test_a_stopped_guardian_does_not_stop_the_ladder(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KILL_ANSWER", 0.3)
    notebook.runner.ladder = Ladder(hard_after=0.1, kill_after=0.3)
    cell = await notebook.begun("import time; time.sleep(30)")
    os.kill(guardian_of(notebook), signal.SIGSTOP)
    notebook.runner.interrupt()
    ran = await asyncio.wait_for(cell, 10)
    assert ran.outcome.status is Status.DIED
    assert (await asyncio.wait_for(notebook.run("1 + 1"), 10)).result == "2"


@pytest.mark.fault
async def test_a_stopped_guardian_can_be_closed(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wherry_supervisor import link

    monkeypatch.setattr(link, "_END_BOUND", 0.3)
    os.kill(guardian_of(notebook), signal.SIGSTOP)
    began = time.monotonic()
    await notebook.runner.close(grace=0.1)
    assert time.monotonic() - began < 3


@pytest.mark.fault
async def test_twenty_deaths_in_a_row_are_mended(notebook: Notebook) -> None:
    for n in range(20):
        ran = await notebook.run("import os; os.kill(os.getpid(), 9)")
        assert ran.outcome.status is Status.DIED
        assert (await notebook.run(f"{n}")).result == str(n)
    assert len(carriers(cookie(notebook))) == 2


async def inside(notebook: Notebook, at_the_end: str) -> asyncio.Task[Ran]:
    """Begin a cell that sleeps in a try block and wait until it is in there."""
    cell = notebook.begin(
        f"import time\ntry:\n    print('inside')\n    time.sleep(30)\nfinally:\n    {at_the_end}"
    )
    await notebook.log.sees("inside")
    return cell


async def noticed(notebook: Notebook) -> None:
    """Wait until the handle knows that its process is gone."""
    before = notebook.runner.ready
    for _ in range(1000):
        if notebook.runner.ready is not before:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nobody noticed")


def cookie(notebook: Notebook) -> str:
    link = notebook.runner._link
    assert link is not None
    assert link._launched is not None
    assert link._launched.cookie is not None
    return link._launched.cookie


async def test_a_sent_request_that_a_dead_guardian_never_read_runs_in_the_next() -> None:
    async with opened(host="plain") as notebook:
        runner = notebook.runner
        assert (await runner.execute("kept = 1")).ok
        assert runner.hello is not None
        os.kill(runner.hello.pid, signal.SIGSTOP)
        sent = asyncio.ensure_future(runner.execute("1 + 1"))
        await asyncio.sleep(0.1)
        os.kill(runner.hello.pid, signal.SIGKILL)
        assert (await sent).ok
        assert runner.requeued == 1
