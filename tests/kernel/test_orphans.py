"""Processes that lost their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kernel.dialogues.conftest import ROOTS

PROGRAM = """
import subprocess, sys, time
from wherry_kernel import orphans
assert orphans.adopt()
middle = (
    "import subprocess; quiet = subprocess.DEVNULL\\n"
    "words = ['sleep', '100']\\n"
    "print(subprocess.Popen(words, start_new_session=True, stdout=quiet, stderr=quiet).pid)"
)
pid = subprocess.run([sys.executable, '-c', middle], capture_output=True, text=True).stdout.strip()
quiet = subprocess.DEVNULL
own = subprocess.Popen(['sleep', '100'], stdout=quiet, stderr=quiet)
print(pid, own.pid, flush=True)
orphans.end_all()
orphans.end_all()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot adopt")
def test_orphans_and_children_are_ended():
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(ROOTS)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env=env,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert time.monotonic() - began < 10
    pids = done.stdout.split()
    assert len(pids) == 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
