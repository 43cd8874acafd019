"""What is kept of faulthandler's stacks."""

from __future__ import annotations

import subprocess
import sys

from wherry_supervisor.stacks import Trace, read, trim

CRASH = """
import faulthandler, sys, threading, time
faulthandler.enable()
def pause():
    time.sleep(9)
threading.Thread(target=pause, daemon=True).start()
cell = "import faulthandler\\ndef f():\\n    faulthandler._sigsegv()\\nf()"
exec(compile(cell, "<cell 7>", "exec"))
"""


def stack(*blocks: str) -> str:
    return "Fatal Python error: Aborted\n\n" + "\n".join(blocks)


def thread(title: str, *calls: tuple[str, int, str]) -> str:
    lines = [f'  File "{file}", line {line} in {name}' for file, line, name in calls]
    return "\n".join([f"{title} 0x00007f (most recent call first):", *lines]) + "\n"


def test_a_real_crash_is_read() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, check=False)
    trace = trim(done.stderr.decode(), labels={})
    assert trace == Trace(
        place="Cell In[7], line 3, in f", text="Cell In[7], line 4\nCell In[7], line 3, in f"
    )


def test_what_lies_below_the_cell_is_cut() -> None:
    text = stack(
        thread("Current thread", ("<cell 1>", 2, "<module>"), ("/x/IPython/core/a.py", 3, "run"))
    )
    assert trim(text, labels={}).text == "Cell In[1], line 2"


def test_other_threads_are_shown_only_where_they_run_a_cell() -> None:
    text = stack(
        thread("Thread", ("/usr/lib/python3/threading.py", 5, "wait")),
        thread("Thread", ("<cell 2>", 8, "work"), ("/usr/lib/python3/threading.py", 9, "run")),
        thread("Current thread", ("<cell 3>", 1, "<module>")),
    )
    assert trim(text, labels={}).text == (
        "Cell In[3], line 1\nIn another thread:\nCell In[2], line 8, in work"
    )


def test_a_fault_outside_of_any_cell_is_shown_without_our_own_calls() -> None:
    text = stack(
        thread("Current thread", ("/site/pkg/io.py", 5, "poll"), ("/x/wherry_runner/w.py", 1, "go"))
    )
    assert trim(text, labels={}) == Trace(
        "File /site/pkg/io.py:5, in poll", "File /site/pkg/io.py:5, in poll"
    )


def test_a_fault_of_our_own_is_shown_whole() -> None:
    text = stack(thread("Current thread", ("/x/wherry_runner/w.py", 1, "go")))
    assert trim(text, labels={}).place == "File /x/wherry_runner/w.py:1, in go"


def test_ipythons_names_of_cells_are_known() -> None:
    text = stack(thread("Current thread", ("<ipython-input-12-abc123>", 1, "<module>")))
    assert trim(text, labels={}).place == "Cell In[12], line 1"


def test_labels_match_names_that_faulthandler_escaped() -> None:
    text = stack(thread("Current thread", (r"/tmp/\xfc1.py", 1, "<module>")))
    assert trim(text, labels={"/tmp/ü1.py": "Cell In[4]"}).place == "Cell In[4], line 1"


def test_recursion_is_folded() -> None:
    calls = [("<cell 1>", 2, "f")] * 99 + [("<cell 1>", 3, "<module>")]
    text = trim(stack(thread("Current thread", *calls)), labels={}).text
    assert text.splitlines() == [
        "Cell In[1], line 3",
        "Cell In[1], line 2, in f",
        "    [the same call 98 more times]",
    ]


def test_the_middle_of_a_long_stack_is_left_out() -> None:
    calls = [("<cell 1>", n, "f") for n in range(100)]
    lines = trim(stack(thread("Current thread", *calls)), labels={}).text.splitlines()
    assert len(lines) == 33
    assert lines[12] == "    [68 lines left out]"


def test_a_stack_of_python_314_with_c_frames_is_read() -> None:
    text = (
        "Current thread 0x1 [python3] (most recent call first):\n"
        '  File "<cell 1>", line 1 in <module>\n\n'
        "Current thread's C stack trace (most recent call first):\n"
        '  Binary file "/lib/libc.so.6", at +0x3c050 [0x7f]\n'
    )
    assert trim(text, labels={}).text == "Cell In[1], line 1"


def test_no_stack_gives_an_empty_trace() -> None:
    assert trim("", labels={}) == trim("Segmentation fault\n", labels={}) == Trace()
    assert read("  File lost\n", labels={}) == ()
