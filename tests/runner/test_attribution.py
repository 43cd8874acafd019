"""Output goes to the cell that caused it, also after that cell has ended."""

from __future__ import annotations

import pytest

from tests.notebook import Notebook

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_thread_prints_into_the_cell_that_started_it(notebook: Notebook) -> None:
    first = await notebook.run(
        """
        import sys, threading, time
        go, done = threading.Event(), threading.Event()
        def work():
            go.wait(5)
            print("from the thread")
            print("and its stderr", file=sys.stderr)
            display("shown")
            done.set()
        threading.Thread(target=work).start()
        """
    )
    second = await notebook.run("print('second'); go.set(); done.wait(5); print('end')")
    assert second.story[:1] == [("out", "second\nend\n")]
    assert second.err == ""
    assert first.out == "from the thread\n"
    assert first.err == "and its stderr\n"
    assert ("display", "'shown'") in first.story


async def test_a_thread_of_a_thread_too(notebook: Notebook) -> None:
    first = await notebook.run(
        """
        import threading, time
        go = threading.Event()
        def inner(): go.wait(5); print("inner")
        def outer():
            go.wait(5)
            t = threading.Thread(target=inner); t.start(); t.join(); print("outer")
        thread = threading.Thread(target=outer); thread.start()
        """
    )
    second = await notebook.run("go.set(); thread.join()")
    assert (first.out, second.out) == ("inner\nouter\n", "")


async def test_a_timer_and_a_pool_too(notebook: Notebook) -> None:
    first = await notebook.run(
        """
        import threading, time
        from concurrent.futures import ThreadPoolExecutor
        timer = threading.Timer(0.05, print, ["timer"]); timer.start()
        pool = ThreadPoolExecutor(1)
        future = pool.submit(lambda: (time.sleep(0.2), print("pool")))
        """
    )
    second = await notebook.run("timer.join(); future.result(); pool.shutdown()")
    # Two prints at the same moment may mix their newlines, as in any Python.
    assert "timer" in first.out
    assert "pool" in first.out
    assert second.out == ""


async def test_a_task_prints_into_the_cell_that_started_it(notebook: Notebook) -> None:
    first = await notebook.run(
        """
        import asyncio
        go = asyncio.Event()
        async def work():
            await go.wait()
            print("from the task")
            display("shown")
        loop = asyncio.get_running_loop()
        task = loop.create_task(work())
        loop.call_later(0.01, lambda: print("from a callback"))
        """
    )
    second = await notebook.run("go.set(); await task; await asyncio.sleep(0.02); print('end')")
    assert second.out == "end\n"
    assert "from the task" in first.out
    assert "from a callback" in first.out
    assert ("display", "'shown'") in first.story


async def test_while_its_cell_runs_a_thread_is_in_order_with_it(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import threading
        for n in range(50):
            print("main", n)
            t = threading.Thread(target=print, args=("thread", n)); t.start(); t.join()
        """
    )
    assert ran.out == "".join(f"main {n}\nthread {n}\n" for n in range(50))


async def test_many_late_prints_are_complete_and_in_order(notebook: Notebook) -> None:
    first = await notebook.run(
        """
        import threading
        go = threading.Event()
        def work():
            go.wait(5)
            for n in range(3000): print(n)
        thread = threading.Thread(target=work); thread.start()
        """
    )
    await notebook.run("go.set(); thread.join()")
    await notebook.log.until(lambda log: log.stdout(first.id).endswith("2999\n"))
    assert first.out == "".join(f"{n}\n" for n in range(3000))
