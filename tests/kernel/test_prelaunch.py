"""The interpreter that starts before everything else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.kernel.dialogues.conftest import ROOTS
from wherry_kernel.prelaunch import prelaunch


@pytest.mark.parametrize("word", ["--help", "--version", "--WherryKernel.mode=inprocess"])
def test_command_lines_that_need_none_start_none(word):
    assert prelaunch(["-f", "x", word]) is None


def test_the_command_line_names_the_interpreter():
    started = prelaunch([f"--WherryKernel.python={sys.executable}"])
    assert started.python == sys.executable
    started.discard()
    assert started._process.poll() is not None


def test_without_a_name_it_is_our_own():
    started = prelaunch([])
    assert started.python is None
    launched = started.adopt()
    assert launched.child.poll() is None
    launched.child.kill()
    started._process.wait()
    launched.child.release()


def test_an_interpreter_that_is_not_there_is_left_to_the_ordinary_start():
    assert prelaunch(["--WherryKernel.python=/no/such/python"]) is None


def test_nothing_slow_is_imported_before_it_starts():
    code = (
        "import sys; sys.argv = ['k']\n"
        "from wherry_kernel import prelaunch\n"
        "print(sorted({'asyncio', 'zmq', 'traitlets', 'typing', 'dataclasses'} & set(sys.modules)))"
    )
    setup = f"import sys; sys.path[:0] = {ROOTS!r}\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", setup + code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
