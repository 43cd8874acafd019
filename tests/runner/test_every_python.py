"""The core behaviours on every interpreter of this machine, with nothing installed in it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.notebook import Notebook, opened
from wherry_supervisor import CommandLauncher, Ladder

pytestmark = pytest.mark.asyncio(loop_scope="module")

OLDEST = (3, 8)


def interpreters() -> list[str]:
    """Return one interpreter for each minor version, from pyenv and from PATH."""
    found: dict[tuple[int, int], str] = {}
    for path in candidates():
        if (version := version_of(path)) and version >= OLDEST:
            found.setdefault(version, str(path))
    return [found[version] for version in sorted(found)]


def candidates() -> list[Path]:
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("*/bin/python"))
    folders = map(Path, os.environ.get("PATH", "").split(os.pathsep))
    on_path = [
        path
        for folder in folders
        if folder.is_dir() and folder.name != "shims"
        for path in sorted(folder.glob("python3.*"))
        if re.fullmatch(r"python3\.\d+", path.name)
    ]
    return pyenv + on_path


def version_of(path: Path) -> tuple[int, int] | None:
    code = "import sys; print(*sys.version_info[:2])"
    command = [path, "-IS", "-c", code]
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=True)
        major, minor = map(int, done.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return major, minor


FOUND = interpreters()
NONE = pytest.param(None, marks=pytest.mark.skip(reason="no other interpreter on this machine"))


def name(python: str | None) -> str:
    version = version_of(Path(python)) if python else None
    return "{}.{}".format(*version) if version else "none"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=FOUND or [NONE], ids=name)
async def guest(request: pytest.FixtureRequest) -> AsyncIterator[Notebook]:
    # `env` in front makes it a remote interpreter, which is sent the runner's source.
    launcher = CommandLauncher(["env"], python=request.param, start_timeout=15)
    async with opened(launcher, host="plain") as notebook:
        yield notebook


@pytest_asyncio.fixture(loop_scope="module")
async def notebook(guest: Notebook) -> Notebook:
    await guest.runner.restart()
    guest.log.frames.clear()
    return guest


async def test_values_streams_and_displays(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import os, subprocess, sys
        print("a", end="")
        os.write(1, b"b")
        subprocess.call(["printf", "c"])
        print("d", file=sys.stderr, end="")
        display("e")
        sys.version_info[:2] >= (3, 8)
        """
    )
    assert ran.story == [("out", "abc"), ("err", "d"), ("display", "'e'"), ("result", "True")]


async def test_a_traceback_has_its_lines(notebook: Notebook) -> None:
    await notebook.run("def broken():\n    raise ValueError('why')")
    ran = await notebook.run("broken()")
    assert ran.ename == "ValueError"
    assert "raise ValueError('why')" in re.sub(r"\x1b\[[0-9;]*m", "", ran.traceback)


async def test_top_level_await_and_one_context(notebook: Notebook) -> None:
    await notebook.run("import asyncio, contextvars\nv = contextvars.ContextVar('v')")
    ran = await notebook.run("v.set(1)\nawait asyncio.sleep(0.01)\nasyncio.get_running_loop()")
    assert ran.result is not None
    assert (await notebook.run("v.get()")).result == "1"


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(30)",
        "import asyncio; await asyncio.sleep(30)",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ],
)
async def test_an_interrupt_keeps_the_process(notebook: Notebook, code: str) -> None:
    notebook.runner.ladder = Ladder(hard_after=0.3, kill_after=5)
    before = notebook.runner.ready
    await notebook.run("import asyncio, time")
    cell = await notebook.begun(code)
    notebook.runner.interrupt()
    assert (await cell).status == "interrupted"
    assert (await notebook.run("1 + 1")).result == "2"
    assert notebook.runner.ready is before


async def test_input_threads_and_children(notebook: Notebook) -> None:
    first = await notebook.run(
        """
        import threading
        go = threading.Event()
        thread = threading.Thread(target=lambda: (go.wait(5), print("thread")))
        thread.start()
        """
    )
    ran = await notebook.run(
        """
        import multiprocessing
        go.set(); thread.join()
        process = multiprocessing.get_context("fork").Process(target=print, args=("child",))
        process.start(); process.join()
        process.exitcode
        """
    )
    assert (first.out, ran.out, ran.result) == ("thread\n", "child\n", "0")
    refused = await notebook.run("input()")
    assert refused.ename == "RuntimeError"


async def test_completion_inspection_and_completeness(notebook: Notebook) -> None:
    await notebook.run("some_name = 1")
    completions = await notebook.runner.complete("some_n", 6, deadline=5)
    inspection = await notebook.runner.inspect("some_name", 3, deadline=5)
    completeness = await notebook.runner.is_complete("if x:", deadline=5)
    assert completions is not None
    assert "some_name" in completions.matches
    assert inspection is not None
    assert inspection.found
    assert completeness is not None
    assert completeness.status == "incomplete"


async def test_a_crash_is_told_and_the_next_cell_runs(notebook: Notebook) -> None:
    ran = await notebook.run("print('last')\nimport ctypes\nctypes.string_at(0)")
    assert ran.outcome.crash is not None
    assert ran.outcome.crash.signal == 11
    assert "line 3" in ran.outcome.crash.stack
    assert ran.out == "last\n"
    assert (await notebook.run("1 + 1")).result == "2"
