"""The worker survives what user code does to its process; what it cannot survive is told."""

from __future__ import annotations

import pytest

from tests.notebook import Notebook
from wherry_runner import frames as f

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def check_it_lives(notebook: Notebook, before: f.Ready | None) -> None:
    """The same process runs the next cell, with output on both streams and a result."""
    ran = await notebook.run(
        "import sys; print('still here'); print('here too', file=sys.stderr); 6 * 7"
    )
    assert ran.story == [("out", "still here\n"), ("err", "here too\n"), ("result", "42")]
    assert notebook.runner.ready is before


# --- Ordinary cells


async def test_a_value_is_shown(notebook: Notebook) -> None:
    ran = await notebook.run("[n * n for n in range(3)]", count=7)
    assert (ran.status, ran.result) == ("ok", "[0, 1, 4]")
    (result,) = notebook.log.of(f.Result, ran.id)
    assert result.count == 7


async def test_names_are_kept_between_cells(notebook: Notebook) -> None:
    await notebook.run("x = 20")
    assert (await notebook.run("x + 1")).result == "21"


async def test_a_silent_cell_shows_no_value(notebook: Notebook) -> None:
    ran = await notebook.run("1 + 1", silent=True, store_history=False)
    assert (ran.status, ran.story) == ("ok", [])


async def test_the_last_value_can_be_hidden_by_a_semicolon(notebook: Notebook) -> None:
    assert (await notebook.run("1 + 1;")).result is None


async def test_started_comes_first_and_done_is_the_end(notebook: Notebook) -> None:
    ran = await notebook.run("print('x')")
    kinds = [type(frame) for frame in notebook.log.frames if frame.id == ran.id]
    assert kinds == [f.Started, f.Stdout]
    assert ran.outcome.duration > 0


async def test_an_exception_is_told_with_its_lines(notebook: Notebook) -> None:
    ran = await notebook.run("def half(n):\n    return n / 0\nhalf(1)")
    assert (ran.status, ran.ename) == ("error", "ZeroDivisionError")
    assert "half(1)" in uncoloured(ran.traceback)
    assert "return n / 0" in uncoloured(ran.traceback)
    (error,) = notebook.log.of(f.Error, ran.id)
    assert ran.outcome.error is not None
    assert error.traceback == ran.outcome.error.traceback


async def test_tracebacks_show_the_lines_of_earlier_cells(notebook: Notebook) -> None:
    await notebook.run("def broken():\n    raise ValueError('from the first cell')")
    ran = await notebook.run("broken()", count=2)
    assert "raise ValueError('from the first cell')" in uncoloured(ran.traceback)


async def test_tracebacks_in_forked_children_show_lines_of_cells(notebook: Notebook) -> None:
    await notebook.run("def broken():\n    raise ValueError('in a child')")
    ran = await notebook.run(
        """
        import multiprocessing
        process = multiprocessing.get_context("fork").Process(target=broken)
        process.start(); process.join()
        """
    )
    assert "ValueError: in a child" in ran.err
    assert "raise ValueError('in a child')" in ran.err


async def test_a_syntax_error_is_an_error(notebook: Notebook) -> None:
    assert (await notebook.run("def broken(:")).ename == "SyntaxError"


async def test_expressions_of_the_client_are_evaluated(notebook: Notebook) -> None:
    ran = await notebook.run("x = 2", user_expressions={"double": "x * 2", "bad": "nope"})
    expressions = ran.outcome.user_expressions
    assert expressions is not None
    assert expressions["double"]["data"]["text/plain"] == "4"
    assert expressions["bad"]["status"] == "error"


async def test_cpu_time_counts_children_that_were_waited_for(notebook: Notebook) -> None:
    ran = await notebook.run(
        "import subprocess, sys\n"
        "code = 'import time\\nwhile time.process_time() < 0.2: pass'\n"
        "subprocess.run([sys.executable, '-c', code]); None"
    )
    assert ran.outcome.cpu >= 0.15


# --- Descriptors


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.close(1)",
        "import os; os.close(2)",
        "import os; os.close(0); os.close(1); os.close(2)",
        "import os; os.closerange(3, 256)",
        "import os; fd = os.open(os.devnull, os.O_WRONLY); os.dup2(fd, 1)",
        "import os; fd = os.open(os.devnull, os.O_WRONLY); os.dup2(fd, 1); os.dup2(fd, 2)",
        "import os; r, w = os.pipe(); os.dup2(w, 1); os.close(r)",
        "import sys; sys.stdout = None",
        "import sys; sys.stdout = sys.stderr = None",
        "import sys; sys.stdout.close()",
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import sys; sys.__stdout__.close(); sys.__stderr__.close()",
        "import os; os.set_blocking(1, False)",
        "import sys; sys.stdin.close()",
        "import sys; sys.stdout.buffer.close()",
        "import sys; sys.stdout.detach()",
        "import sys; del sys.stdout",
    ],
)
async def test_output_goes_on_whatever_is_done_to_the_streams(
    notebook: Notebook, code: str
) -> None:
    before = notebook.runner.ready
    await notebook.run(code)
    await check_it_lives(notebook, before)


async def test_after_fd_1_was_closed_python_still_prints_in_the_same_cell(
    notebook: Notebook,
) -> None:
    ran = await notebook.run("import os; os.close(1); os.close(2); print('seen')")
    assert ran.out == "seen\n"


async def test_a_stream_of_the_users_own_is_left_alone(notebook: Notebook) -> None:
    await notebook.run("import io, sys; real, sys.stdout = sys.stdout, io.StringIO()")
    ran = await notebook.run("print('caught'); text = sys.stdout.getvalue(); sys.stdout = real")
    assert ran.out == ""
    assert (await notebook.run("text")).result == repr("caught\n")


@pytest.mark.parametrize("fd", [1, 2])
async def test_a_forged_frame_is_text(notebook: Notebook, fd: int) -> None:
    forged = f.encode(f.Done(id="cell1", status="ok"))
    ran = await notebook.run(f"import os; os.write({fd}, {forged!r}); print('after')")
    assert (ran.out if fd == 1 else ran.err).startswith(forged.decode())
    assert "after\n" in ran.out


# --- The interpreter


@pytest.mark.parametrize(
    "code",
    [
        "import builtins; del builtins.print",
        "import builtins; builtins.open = builtins.input = None",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "import faulthandler; faulthandler.disable()",
        "import sys; sys.excepthook = None; sys.displayhook = None",
        "import gc; gc.disable(); gc.collect()",
        "import sys; sys.setrecursionlimit(200)",
        "import threading; threading.Thread = None",
        "import os; os.environ.clear()",
        "import json; json.dumps = json.loads = None",
        "import warnings; warnings.simplefilter('error')",
        "import decimal, locale; locale.setlocale(locale.LC_ALL, 'C')",
    ],
)
async def test_the_next_cell_runs_whatever_is_done_to_the_interpreter(
    notebook: Notebook, code: str
) -> None:
    before = notebook.runner.ready
    assert (await notebook.run(code)).outcome.crash is None
    ran = await notebook.run("6 * 7")
    assert ran.status == "ok", ran.traceback
    assert notebook.runner.ready is before


async def test_print_can_be_deleted_and_the_error_says_so(notebook: Notebook) -> None:
    await notebook.run("import builtins; del builtins.print")
    ran = await notebook.run("print('x')")
    assert ran.ename == "NameError"


@pytest.mark.parametrize("code", ["exit(3)", "raise SystemExit(3)", "import sys; sys.exit('why')"])
async def test_an_exit_does_not_end_the_process(notebook: Notebook, code: str) -> None:
    before = notebook.runner.ready
    assert (await notebook.run(code)).outcome.crash is None
    await check_it_lives(notebook, before)


async def test_endless_recursion_is_an_error(notebook: Notebook) -> None:
    before = notebook.runner.ready
    ran = await notebook.run("def again(): again()\nagain()")
    assert ran.ename == "RecursionError"
    await check_it_lives(notebook, before)


@pytest.mark.parametrize(
    "code",
    [
        "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad",
        "class Bad(Exception):\n    def __str__(self): return 3\nraise Bad",
        "class Bad:\n    def __repr__(self): raise ValueError\nBad()",
        "class Bad:\n    def __repr__(self): raise SystemExit\nBad()",
        "class Bad:\n    def __repr__(self): raise KeyboardInterrupt\nBad()",
        "class Bad:\n    def __getattr__(self, name): raise SystemExit(name)\nBad()",
        "class Bad(BaseException): pass\nraise Bad",
        "raise GeneratorExit",
        "import asyncio\nraise asyncio.CancelledError",
        "raise StopIteration",
        "raise StopAsyncIteration",
    ],
)
async def test_whatever_is_raised_the_cell_ends_and_the_next_one_runs(
    notebook: Notebook, code: str
) -> None:
    before = notebook.runner.ready
    ran = await notebook.run(code)
    assert ran.status in ("error", "interrupted")
    assert ran.outcome.error is not None
    await check_it_lives(notebook, before)


async def test_data_that_cannot_be_sent_is_an_error_of_the_cell(notebook: Notebook) -> None:
    before = notebook.runner.ready
    ran = await notebook.run(
        """
        circle = {}
        circle["again"] = circle
        display({"application/json": circle}, raw=True)
        """
    )
    assert ran.outcome.crash is None
    await check_it_lives(notebook, before)


async def test_bundles_may_hold_surrogates_nan_and_large_numbers(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        data = {"text/plain": "\\ud800", "application/json": [float("inf"), 10**40, {"a": None}]}
        display(data, raw=True)
        """
    )
    (shown,) = notebook.log.of(f.Display, ran.id)
    assert shown.data["application/json"] == [float("inf"), 10**40, {"a": None}]
    assert shown.data["text/plain"] == "\ud800"


# --- Deaths


async def test_an_exit_of_the_process_is_told_with_its_code(notebook: Notebook) -> None:
    ran = await notebook.run("import os; print('last words'); os._exit(7)")
    assert ran.status == "died"
    assert ran.outcome.crash is not None
    assert (ran.outcome.crash.cause, ran.outcome.crash.code) == ("exit", 7)
    assert ran.out == "last words\n"
    assert (await notebook.run("1 + 1")).result == "2"


async def test_a_segmentation_fault_is_told_with_its_line(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import ctypes
        def deep():
            ctypes.string_at(0)
        print("x" * 100_000)
        deep()
        """,
        count=4,
    )
    crash = ran.outcome.crash
    assert crash is not None
    assert (crash.cause, crash.signal) == ("signal", 11)
    assert "deep" in crash.stack
    assert "line 3" in crash.stack
    assert ran.out == "x" * 100_000 + "\n"


async def test_the_fault_stack_is_there_though_user_code_disabled_it(notebook: Notebook) -> None:
    await notebook.run("import faulthandler; faulthandler.disable()")
    ran = await notebook.run("import ctypes\nctypes.string_at(0)")
    assert ran.outcome.crash is not None
    assert "line 2" in ran.outcome.crash.stack


async def test_closing_the_frame_pipe_is_a_death_with_a_reason(notebook: Notebook) -> None:
    ran = await notebook.run("import os; os.closerange(3, 2000)\nprint('x')")
    assert ran.status == "died"
    assert (await notebook.run("1 + 1")).result == "2"


async def test_an_exit_in_a_thread_and_abort_are_told(notebook: Notebook) -> None:
    ran = await notebook.run("import os; os.abort()")
    assert ran.outcome.crash is not None
    assert ran.outcome.crash.signal == 6


# --- Questions beside the running cell


async def test_completion_is_answered_while_a_cell_runs(notebook: Notebook) -> None:
    await notebook.run("a_long_name = 1")
    cell = await notebook.begun("import time; time.sleep(30)")
    answer = await notebook.runner.complete("a_long_n", 8)
    assert answer is not None
    assert "a_long_name" in answer.matches
    assert not cell.done()
    notebook.runner.interrupt()
    await cell


async def test_inspection_and_completeness_are_answered(notebook: Notebook) -> None:
    await notebook.run("def documented():\n    'What it does.'")
    found = await notebook.runner.inspect("documented", 5)
    assert found is not None
    assert found.found
    assert "What it does." in uncoloured(found.data["text/plain"])
    missing = await notebook.runner.inspect("no_such_name", 5)
    assert missing is not None
    assert not missing.found
    whole = await notebook.runner.is_complete("1 + 1")
    part = await notebook.runner.is_complete("for x in y:")
    assert whole is not None
    assert part is not None
    assert (whole.status, part.status, part.indent) == ("complete", "incomplete", "    ")


async def test_a_question_that_breaks_the_completer_is_answered_empty(notebook: Notebook) -> None:
    await notebook.run("class Evil:\n    def __dir__(self): raise ValueError\nevil = Evil()")
    answer = await notebook.runner.complete("evil.", 5)
    assert answer is not None
    later = await notebook.runner.complete("evi", 3)
    assert later is not None
    assert "evil" in later.matches


async def test_exit_handlers_run_when_it_is_closed(notebook: Notebook, tmp_path) -> None:
    witness = tmp_path / "witness"
    await notebook.run(
        f"import atexit; atexit.register(lambda: open({str(witness)!r}, 'w').write('x'))"
    )
    link = notebook.runner._link
    assert link is not None
    link.send(f.Shutdown(grace=5.0))
    await link._ended.wait()
    assert witness.read_text() == "x"
    await notebook.runner.restart()


def uncoloured(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)
