"""asyncio in cells: one loop that lives between them, and one context."""

from __future__ import annotations

import pytest

from tests.notebook import Notebook

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_cell_may_await(notebook: Notebook) -> None:
    ran = await notebook.run("import asyncio\nawait asyncio.sleep(0.01)\nawait asyncio.sleep(0, 7)")
    assert ran.result == "7"


async def test_a_cell_may_use_async_for_and_with(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import asyncio, contextlib
        async def count():
            for n in range(3):
                yield n
        @contextlib.asynccontextmanager
        async def within():
            yield "inside"
        async with within() as word:
            found = [n async for n in count()]
        word, found
        """
    )
    assert ran.result == "('inside', [0, 1, 2])"


async def test_a_cell_without_await_finds_the_running_loop(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import asyncio
        loop = asyncio.get_running_loop()
        task = loop.create_task(asyncio.sleep(0.01, "slept"))
        loop.is_running()
        """
    )
    assert ran.result == "True"
    assert (await notebook.run("await task")).result == "'slept'"
    assert (await notebook.run("asyncio.get_running_loop() is loop")).result == "True"


async def test_a_task_goes_on_between_cells(notebook: Notebook) -> None:
    await notebook.run(
        """
        import asyncio
        async def later():
            await asyncio.sleep(0.05)
            print("from the task")
        task = asyncio.get_running_loop().create_task(later())
        """
    )
    await notebook.log.sees("from the task")
    assert (await notebook.run("task.done()")).result == "True"


async def test_a_context_variable_is_kept_between_cells(notebook: Notebook) -> None:
    await notebook.run("from contextvars import ContextVar\nv = ContextVar('v', default=0)")
    await notebook.run("v.set(1); None")
    assert (await notebook.run("v.get()")).result == "1"
    await notebook.run("import asyncio\nawait asyncio.sleep(0)\nv.set(2); None")
    assert (await notebook.run("v.get()")).result == "2"


async def test_an_exception_in_a_task_is_reported_and_nothing_else_happens(
    notebook: Notebook,
) -> None:
    await notebook.run(
        """
        import asyncio, gc
        async def fail(error):
            raise error
        task = asyncio.get_running_loop().create_task(fail(ValueError("in a task")))
        """
    )
    assert (await notebook.run("await asyncio.sleep(0.01); del task; gc.collect(); None")).status
    await notebook.log.sees("in a task")


@pytest.mark.parametrize("error", ["SystemExit(1)", "KeyboardInterrupt()"])
async def test_a_task_that_exits_does_not_end_the_process(notebook: Notebook, error: str) -> None:
    before = notebook.runner.ready
    await notebook.run(
        f"""
        import asyncio
        async def leave():
            raise {error}
        task = asyncio.get_running_loop().create_task(leave())
        """
    )
    ran = await notebook.run("await asyncio.sleep(0.01); 'on'")
    assert ran.result == "'on'"
    assert notebook.runner.ready is before


@pytest.mark.parametrize(
    "code",
    ["asyncio.get_running_loop().stop()", "loop.close()", "asyncio.set_event_loop(None)"],
)
async def test_the_loop_may_be_mistreated(notebook: Notebook, code: str) -> None:
    before = notebook.runner.ready
    await notebook.run("import asyncio; loop = asyncio.get_running_loop()")
    await notebook.run(code)
    ran = await notebook.run("await asyncio.sleep(0.01); 'on'")
    assert ran.result == "'on'"
    assert notebook.runner.ready is before


async def test_asyncio_run_says_why_it_cannot(notebook: Notebook) -> None:
    ran = await notebook.run("import asyncio\nasync def f(): pass\nawait asyncio.sleep(0)")
    ran = await notebook.run("c = f()\ntry: asyncio.run(c)\nfinally: c.close()")
    assert "running event loop" in ran.traceback


async def test_a_thread_may_have_a_loop_of_its_own(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import asyncio, threading
        found = []
        thread = threading.Thread(target=lambda: found.append(asyncio.run(asyncio.sleep(0, 5))))
        thread.start(); thread.join(); found
        """
    )
    assert ran.result == "[5]"


async def test_subprocesses_of_asyncio_work(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import asyncio
        process = await asyncio.create_subprocess_exec("echo", "hi", stdout=-1)
        out, _ = await process.communicate()
        out, process.returncode
        """
    )
    assert ran.result == r"(b'hi\n', 0)", ran.traceback
