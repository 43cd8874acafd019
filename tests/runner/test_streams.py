"""Output of a real runner: complete, in order, and counted to the cell that caused it."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.notebook import Notebook
from wherry_runner import frames as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOW = """
def show(text):
    class Shown:
        def __repr__(self):
            return text
    display(Shown())
"""

C_PRINTF = """
import ctypes
libc = ctypes.CDLL(None)
"""


async def test_both_streams_reach_the_person(notebook: Notebook) -> None:
    ran = await notebook.run("import sys; print('out'); print('err', file=sys.stderr)")
    assert ran.story == [("out", "out\n"), ("err", "err\n")]


async def test_every_way_to_print_is_told_in_the_order_of_the_program(notebook: Notebook) -> None:
    await notebook.run(SHOW + C_PRINTF)
    ran = await notebook.run(
        r"""
        import os, subprocess, sys
        print("a", end="")
        os.write(1, b"b")
        subprocess.run([sys.executable, "-S", "-E", "-c", "print('c', end='')"])
        libc.printf(b"d\n")
        show("e")
        print("f", end="")
        print("g", file=sys.stderr, end="")
        os.write(2, b"h")
        print("i", end="")
        show("j")
        os.write(1, b"k")
        sys.stdout.buffer.write(b"l"); sys.stdout.flush()
        sys.stderr.write("m")
        show("n")
        "o"
        """
    )
    assert ran.story == [
        ("out", "abcd\n"),
        ("display", "e"),
        ("out", "f"),
        ("err", "gh"),
        ("out", "i"),
        ("display", "j"),
        ("out", "kl"),
        ("err", "m"),
        ("display", "n"),
        ("result", "'o'"),
    ]


async def test_a_hundred_alternations_keep_their_order(notebook: Notebook) -> None:
    await notebook.run(SHOW)
    ran = await notebook.run(
        """
        import os, sys
        for n in range(100):
            print(f"o{n}")
            print(f"e{n}", file=sys.stderr)
            show(f"d{n}")
            os.write(1, b"w%d" % n)
        """
    )
    expected = []
    for n in range(100):
        before = f"w{n - 1}" if n else ""
        expected += [("out", f"{before}o{n}\n"), ("err", f"e{n}\n"), ("display", f"d{n}")]
    assert ran.story == [*expected, ("out", "w99")]


async def test_c_output_without_a_newline_is_there_when_the_cell_ends(notebook: Notebook) -> None:
    ran = await notebook.run(C_PRINTF + "libc.printf(b'no newline'); None")
    assert ran.out == "no newline"


async def test_a_partial_line_shows_within_a_tenth_of_a_second(notebook: Notebook) -> None:
    cell = await notebook.begun("import time; print('50 %', end='\\r'); time.sleep(0.6)")
    began = time.monotonic()
    await notebook.log.sees("50 %")
    assert time.monotonic() - began < 0.1
    await cell


async def test_a_loop_of_prints_is_complete_and_few_frames(notebook: Notebook) -> None:
    ran = await notebook.run("for n in range(100_000): print(n)")
    assert ran.out == "".join(f"{n}\n" for n in range(100_000))
    assert len(notebook.log.of(f.Stdout, ran.id)) < 200


async def test_a_line_of_ten_megabytes_arrives_whole(notebook: Notebook) -> None:
    ran = await notebook.run("print('0123456789' * 1_000_000)")
    assert ran.out == "0123456789" * 1_000_000 + "\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_bytes_of_every_kind_are_carried(notebook: Notebook, stream: str) -> None:
    ran = await notebook.run(
        rf"""
        import sys
        sys.{stream}.write("nul \x00 escape \x1b[0m mark \x00\x1b surrogate \ud800 end\n")
        sys.{stream}.buffer.write(b"\xff\xfe\n"); sys.{stream}.flush()
        """
    )
    text = ran.out if stream == "stdout" else ran.err
    assert text == "nul \x00 escape \x1b[0m mark \x00\x1b surrogate \\ud800 end\n\ufffd\ufffd\n"


async def test_a_hundred_threads_print_and_no_line_is_lost_or_torn(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import threading
        def work(name):
            for n in range(50):
                print(f"{name}-{n}\\n", end="")
        threads = [threading.Thread(target=work, args=(t,)) for t in range(100)]
        for t in threads: t.start()
        for t in threads: t.join()
        """
    )
    lines = ran.out.splitlines()
    assert sorted(lines) == sorted(f"{t}-{n}" for t in range(100) for n in range(50))
    for thread in range(3):
        own = [line for line in lines if line.startswith(f"{thread}-")]
        assert own == [f"{thread}-{n}" for n in range(50)]


@pytest.mark.parametrize("how", ["fork", "spawn"])
async def test_child_processes_print_into_the_cell(notebook: Notebook, how: str, tmp_path) -> None:
    (tmp_path / f"work_{how}.py").write_text(
        "import sys\ndef work(n):\n    print('child', n)\n"
        "    print('complaint', n, file=sys.stderr)\n    return n * n\n"
    )
    ran = await notebook.run(
        f"""
        import multiprocessing, os, sys
        os.environ.pop("PYTHONUNBUFFERED", None)  # it makes spawned children tear their lines
        sys.path.insert(0, {str(tmp_path)!r})
        from work_{how} import work
        from concurrent.futures import ProcessPoolExecutor
        context = multiprocessing.get_context({how!r})
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            squares = list(pool.map(work, range(4)))
        process = context.Process(target=work, args=(9,))
        process.start()
        process.join()
        squares, process.exitcode
        """
    )
    assert ran.result == "([0, 1, 4, 9], 0)", ran.traceback
    assert sorted(ran.out.splitlines()) == sorted(f"child {n}" for n in (0, 1, 2, 3, 9))
    assert sorted(ran.err.splitlines()) == sorted(f"complaint {n}" for n in (0, 1, 2, 3, 9))


async def test_a_forked_child_runs_functions_of_the_notebook(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import os
        def work():
            print("from the child")
        pid = os.fork()
        if pid == 0:
            work()
            os._exit(3)
        os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        """
    )
    assert ran.story == [("out", "from the child\n"), ("result", "3")]


async def test_lines_of_several_children_do_not_mix(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import os
        pids = []
        for child in range(4):
            pid = os.fork()
            if pid == 0:
                for n in range(200):
                    print("child", child, "line", n)
                os._exit(0)
            pids.append(pid)
        for pid in pids: os.waitpid(pid, 0)
        """
    )
    expected = [f"child {child} line {n}" for child in range(4) for n in range(200)]
    assert sorted(ran.out.splitlines()) == sorted(expected)


async def test_a_forked_child_may_use_every_interface_without_breaking_the_parent(
    notebook: Notebook,
) -> None:
    await notebook.run(SHOW)
    ran = await notebook.run(
        """
        import os, sys
        pid = os.fork()
        if pid == 0:
            try:
                show("displayed by a child")
                print("o", file=sys.stdout)
                print("e", file=sys.stderr)
                try:
                    input("?")
                except BaseException as error:
                    print(type(error).__name__)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        print("parent")
        """,
        allow_stdin=True,
    )
    assert ran.status == "ok"
    assert "displayed by a child" in ran.out
    assert ran.err == "e\n"
    assert ran.out.endswith("EOFError\nparent\n")
    assert (await notebook.run("1 + 1")).result == "2"


async def test_a_forked_child_that_returns_into_the_shell_does_not_speak_for_it(
    notebook: Notebook,
) -> None:
    """os.fork() without os._exit(): the child must not take the parent's commands or answer."""
    ran = await notebook.run(
        """
        import os
        if os.fork() == 0:
            print("child")
        else:
            print("parent")
        """
    )
    assert ran.status == "ok"
    again = [await notebook.run(f"{n} * {n}") for n in range(10)]
    assert [cell.result for cell in again] == [str(n * n) for n in range(10)]


async def test_a_forked_child_that_ends_later_does_not_unhook_its_parent(
    notebook: Notebook,
) -> None:
    """epoll is shared over a fork; the parent must still hear its next command."""
    await notebook.run("import asyncio, os, time")
    for n in range(5):
        await notebook.run(
            """
            if os.fork() == 0:
                time.sleep(0.05)
                print("child")
            """
        )
        await notebook.log.until(lambda log, n=n: log.stdout().count("child") == n + 1)
        await asyncio.sleep(0.02)
        ran = await asyncio.wait_for(notebook.run(f"await asyncio.sleep(0, {n})"), 5)
        assert ran.result == str(n)


async def test_a_forked_child_that_fails_says_why(notebook: Notebook) -> None:
    await notebook.run(
        """
        import os, time
        if os.fork() == 0:
            1 / 0
        os.wait()
        """
    )
    await notebook.log.until(lambda log: "ZeroDivisionError" in log.stderr())
    assert notebook.log.of(f.Error) == []


async def test_a_childs_stderr_is_stderr(notebook: Notebook) -> None:
    ran = await notebook.run("import os; os.system('echo complaint >&2'); None")
    assert ran.story == [("err", "complaint\n")]


async def test_a_child_that_reads_stdin_sees_its_end(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import subprocess
        subprocess.run(["cat"], timeout=5).returncode
        """
    )
    assert ran.result == "0"


async def test_stdin_is_empty_for_python_too(notebook: Notebook) -> None:
    ran = await notebook.run("import sys; sys.stdin.read(), sys.stdin.isatty()")
    assert ran.result == "('', False)"


async def test_a_background_child_that_outlives_its_cell_is_not_lost(notebook: Notebook) -> None:
    await notebook.run("import os; os.system('(sleep 0.2; echo late) &'); None")
    await notebook.log.sees("late")


async def test_the_streams_are_real_files(notebook: Notebook) -> None:
    ran = await notebook.run(
        """
        import sys, io
        for stream in (sys.stdout, sys.stderr):
            assert isinstance(stream, io.TextIOBase)
            assert stream.writable() and not stream.isatty()
            stream.buffer.write(b"bytes "); stream.flush()
            stream.writelines(["l", "m "])
            assert stream.encoding.lower() == "utf-8"
            stream.reconfigure(line_buffering=True)
            assert stream.write("four") == 4
        sys.stdout.fileno(), sys.stderr.fileno(), sys.stdout.name
        """
    )
    assert ran.result == "(1, 2, '<stdout>')", ran.traceback
    assert (ran.out, ran.err) == ("bytes lm four", "bytes lm four")


async def test_what_is_no_text_is_refused_as_usual(notebook: Notebook) -> None:
    ran = await notebook.run("import sys; sys.stdout.write(b'bytes')")
    assert ran.ename == "TypeError"


async def test_a_pipe_that_a_child_made_nonblocking_loses_nothing(notebook: Notebook) -> None:
    """node does that to its stdout, which is ours too."""
    ran = await notebook.run(
        """
        import os, subprocess, sys
        code = "import os; os.set_blocking(1, False); os.set_blocking(2, False)"
        subprocess.run([sys.executable, "-c", code], check=True)
        for n in range(60):
            print("x" * 50_000)
        print("e" * 500_000, file=sys.stderr)
        """
    )
    assert ran.status == "ok", ran.traceback
    assert len(ran.out) == 60 * 50_001
    assert len(ran.err) == 500_001


async def test_a_slow_reader_makes_the_program_wait_and_loses_nothing(notebook: Notebook) -> None:
    notebook.runner.pause()
    cell = notebook.begin(
        """
        import sys
        for n in range(400):
            sys.stdout.write("x" * 9_999 + "\\n")
        """
    )
    await asyncio.sleep(0.3)
    assert notebook.log.frames == []
    assert not cell.done()
    notebook.runner.resume()
    ran = await cell
    assert len(ran.out) == 4_000_000
