"""Ends of runners, told: a table of histories, then what holds for all of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry_runner.frames import Exited
from wherry_supervisor.exits import (
    ENAMES,
    Context,
    CrashReport,
    as_error,
    explain,
    explain_loss,
)

GIB = 2**30

STACK = """\
Fatal Python error: Segmentation fault

Current thread 0x00007f76228a5b80 (most recent call first):
  File "/usr/lib/python3.13/ctypes/__init__.py", line 538 in string_at
  File "<cell 3>", line 4 in f
  File "<cell 3>", line 5 in <module>
  File "/srv/wherry_runner/worker.py", line 91 in run
"""
PLACE = "It was at Cell In[3], line 4, inside string_at (ctypes/__init__.py:538)."

IN_3 = Context(cell="Cell In[3]")


def told(exited: Exited, context: Context = IN_3) -> str:
    report = explain(exited, context)
    return f"{report.title}\n{report.text}"


HISTORIES = {
    "a segmentation fault": (
        Exited(signal=11, stack=STACK, peak_memory=GIB, cpu=3.25),
        IN_3,
        "signal",
        [
            "The runner died: segmentation fault (SIGSEGV)",
            "usually a bug in a C extension",
            PLACE,
            "Memory: at most 1 GiB in the runner itself.",
            "CPU time: 3.25 s.",
            "All variables of this kernel are lost. Run the cells from the top again.",
        ],
    ),
    "a signal as a negative exit code": (
        Exited(code=-6),
        IN_3,
        "signal",
        ["The runner died: abort (SIGABRT)"],
    ),
    "a bus error on a Mac": (
        Exited(signal=10),
        Context(platform="darwin"),
        "signal",
        ["bus error (SIGBUS)", "Nothing was running."],
    ),
    "a CPU limit of the system": (Exited(signal=24), IN_3, "signal", ["SIGXCPU", "ulimit -t"]),
    "a real-time signal": (Exited(signal=38), IN_3, "signal", ["SIGRTMIN+4"]),
    "a signal without a name": (Exited(signal=4711), IN_3, "signal", ["signal 4711"]),
    "kill -9 by somebody": (
        Exited(signal=9, peak_memory=3 * 2**20),
        IN_3,
        "killed",
        ["The runner died: killed (SIGKILL)", "kill -9", "It was running Cell In[3].", "3 MiB"],
    ),
    "SIGTERM by somebody": (Exited(signal=15), IN_3, "killed", ["SIGTERM"]),
    "the system's out-of-memory killer": (
        Exited(signal=9, oom=True, peak_memory=12 * GIB),
        IN_3,
        "oom",
        ["Out of memory: the system ended the runner", "12 GiB", "close other programs"],
    ),
    "an out-of-memory kill of a child, then an exit": (
        Exited(code=1, oom=True),
        IN_3,
        "exit",
        ["exit code 1", "maybe one of the runner's children"],
    ),
    "the memory limit": (
        Exited(
            signal=9,
            reason="memory",
            peak_memory=GIB,
            tree_memory=GIB * 5 // 2,
            memory_limit=2 * GIB,
            largest="python3 (1.2 GiB)",
        ),
        IN_3,
        "memory_limit",
        [
            "Memory limit exceeded: 2.5 GiB used, 2 GiB allowed",
            "largest process: python3 (1.2 GiB)",
            "or raise the memory limit",
        ],
    ),
    "the time limit": (
        Exited(signal=9, reason="time_limit"),
        Context(cell="Cell In[3]", time_limit=60, elapsed=63.2, waited=3, stack=STACK),
        "time_limit",
        [
            "Time limit exceeded: 1 min allowed",
            "did not stop within 3 s when it was interrupted",
            "ended after 1 min 3 s",
            PLACE,
        ],
    ),
    "an interrupt without an answer": (
        Exited(signal=9, reason="interrupt"),
        Context(cell="Cell In[3]", waited=5.01, stack=STACK),
        "interrupt",
        ["did not answer the interrupt", "within 5.01 s", PLACE],
    ),
    "an interrupt that kills because its handler is gone": (
        Exited(signal=2),
        Context(cell="Cell In[3]", asked="interrupt"),
        "interrupt",
        ["SIGINT ended the runner", "the handler of SIGINT was gone"],
    ),
    "a crash just after an interrupt": (
        Exited(signal=11),
        Context(cell="Cell In[3]", asked="interrupt"),
        "signal",
        ["segmentation fault"],
    ),
    "os._exit(3)": (Exited(code=3), IN_3, "exit", ["exit code 3", "os._exit()"]),
    "os._exit(0)": (Exited(code=0), IN_3, "exit", ["exit code 0", "on purpose"]),
    "exit code 137": (Exited(code=137), IN_3, "exit", ["exit code 137", "137 for SIGKILL"]),
    "an access violation on Windows": (
        Exited(code=0xC0000005),
        Context(platform="win32"),
        "exit",
        ["access violation (exit code 0xC0000005)"],
    ),
    "a restart": (Exited(signal=9, reason="restart"), IN_3, "restart", ["was restarted"]),
    "a restart that the worker forestalled": (
        Exited(code=0),
        Context(asked="restart"),
        "restart",
        ["was restarted"],
    ),
    "a shutdown": (Exited(code=0, reason="shutdown"), IN_3, "shutdown", ["was shut down"]),
    "a kill on request": (Exited(signal=9, reason="killed"), IN_3, "killed", ["on request"]),
    "a kill for a reason of its own": (
        Exited(signal=9, reason="quota"),
        IN_3,
        "killed",
        ["on request (quota)"],
    ),
    "processes that cannot be ended": (
        Exited(signal=11, survivors=(31, 32)),
        IN_3,
        "signal",
        ["could not be ended, stuck in the system: 31, 32."],
    ),
    "a frame that says nothing": (Exited(), IN_3, "lost", ["its connection closed"]),
}


@pytest.mark.parametrize("exited, context, cause, expected", HISTORIES.values(), ids=HISTORIES)
def test_an_end_is_told(exited, context, cause, expected) -> None:
    assert explain(exited, context).cause == cause
    text = told(exited, context)
    for words in expected:
        assert words in text


def test_a_lost_channel_shows_the_last_words() -> None:
    report = explain_loss(Context(detail="ssh: Connection reset by peer\n"))
    assert report.cause == "lost"
    assert "\nssh: Connection reset by peer\n" in report.text


def test_a_polite_shutdown_laments_no_variables() -> None:
    assert "lost" not in told(Exited(reason="shutdown"))


def test_the_reports_numbers_are_the_frames() -> None:
    report = explain(Exited(signal=11, peak_memory=7, tree_memory=9), IN_3)
    assert (report.signal, report.code, report.peak_memory) == (11, None, 9)


def test_one_process_has_its_memory_told_once() -> None:
    text = told(Exited(signal=9, reason="memory", peak_memory=GIB, tree_memory=GIB))
    assert "Memory: at most 1 GiB in the runner itself." in text


def test_what_waited_in_the_queue_is_not_told_that_nothing_ran() -> None:
    text = told(Exited(reason="restart"), Context())
    assert text.splitlines()[1:] == [
        "A restart was asked for.",
        "All variables of this kernel are lost. Run the cells from the top again.",
    ]


@pytest.mark.parametrize(
    "exited, evalue",
    [
        (Exited(reason="memory", memory_limit=GIB), "1 GiB allowed"),
        (Exited(reason="memory"), "Memory limit exceeded"),
        (Exited(reason="quota"), "The runner was ended on request (quota)"),
        (Exited(code=4), "exit code 4"),
    ],
)
def test_the_error_does_not_say_its_name_twice(exited, evalue) -> None:
    assert as_error(explain(exited))[1] == evalue


def test_a_temporary_file_is_called_by_its_cell() -> None:
    file = "/tmp/ipykernel_123/456.py"
    stack = f'Current thread 0x1 (most recent call first):\n  File "{file}", line 2 in <module>\n'
    report = explain(Exited(signal=11, stack=stack), Context(labels={file: "Cell In[12]"}))
    assert report.stack == "Cell In[12], line 2"
    assert file not in report.text


def test_the_frames_stack_wins_over_an_earlier_dump() -> None:
    earlier = STACK.replace("<cell 3>", "<cell 1>")
    assert "In[3]" in explain(Exited(signal=11, stack=STACK), Context(stack=earlier)).stack


def test_the_error_looks_like_ipythons() -> None:
    ename, evalue, traceback = as_error(explain(Exited(signal=11, stack=STACK), IN_3))
    assert (ename, evalue) == ("RunnerCrashed", "segmentation fault (SIGSEGV)")
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in traceback]
    assert plain == [
        "-" * 75,
        "RunnerCrashed                             Traceback (most recent call last)",
        "Cell In[3], line 5",
        "Cell In[3], line 4, in f",
        "File /usr/lib/python3.13/ctypes/__init__.py:538, in string_at",
        "RunnerCrashed: segmentation fault (SIGSEGV)",
        "The process touched memory that is not its own, usually a bug in a C extension.",
        PLACE,
        "All variables of this kernel are lost. Run the cells from the top again.",
    ]
    assert traceback[2] == "\x1b[36mCell \x1b[39m\x1b[32mIn[3], line 5\x1b[39m"


def test_an_error_without_a_stack_promises_no_traceback() -> None:
    _, _, traceback = as_error(explain(Exited(code=1), IN_3))
    assert traceback[1] == "\x1b[31mRunnerExited\x1b[39m"


def test_names_that_nobody_can_encode_are_escaped() -> None:
    report = explain(Exited(signal=9, reason="memory", peak_memory=1, largest="x\udce9 12"))
    report.text.encode()
    assert r"x\udce9 12" in report.text


junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
whole = st.integers(min_value=0, max_value=2**63)
stacks = st.text() | st.just(STACK) | st.sampled_from([STACK[:n] for n in range(0, len(STACK), 7)])
frames = st.builds(
    Exited,
    code=junk | st.integers(-70, 260),
    signal=junk | st.integers(0, 70),
    reason=junk | st.sampled_from(["memory", "time_limit", "interrupt", "restart", "shutdown"]),
    stack=stacks,
    peak_memory=whole,
    tree_memory=whole,
    memory_limit=junk,
    largest=junk,
    cpu=st.floats(),
    oom=st.booleans(),
    survivors=st.lists(junk).map(tuple),
)
contexts = st.builds(
    Context,
    cell=st.none() | st.text(),
    asked=st.none() | st.sampled_from(["time_limit", "interrupt", "restart", "shutdown", "killed"]),
    time_limit=st.none() | st.floats(),
    elapsed=st.none() | st.floats(),
    waited=st.none() | st.floats(),
    stack=stacks,
    labels=st.dictionaries(st.text(), st.text(), max_size=3),
    platform=st.sampled_from(["linux", "darwin", "win32", "plan9"]),
    detail=st.text(),
)


@given(frames, contexts)
def test_every_end_has_a_cause_in_words(exited: Exited, context: Context) -> None:
    report = explain(exited, context)
    assert report.cause in ENAMES
    assert report.title
    assert len(report.title.splitlines()) == 1
    assert report.text.strip()
    f"{report.title}{report.text}{report.stack}".encode()
    assert_error_repeats(report)


def assert_error_repeats(report: CrashReport) -> None:
    ename, evalue, traceback = as_error(report)
    assert ename == ENAMES[report.cause]
    assert evalue
    assert evalue in "\n".join(traceback)
