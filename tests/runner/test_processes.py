"""What is asked of the system about processes; the weakest true answer where it cannot tell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.logbook import is_alive
from wherry_runner import processes
from wherry_runner.processes import Reaper, kill_tree

NOBODY = 2**22 + 1


@pytest.fixture
def tree() -> Iterator[subprocess.Popen]:
    """A shell that leads its own session, with two children."""
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & sleep 60 & wait"], start_new_session=True
    ) as shell:
        while len(processes.children(shell.pid)) < 2:
            time.sleep(0.005)
        yield shell
        for pid in (*processes.children(shell.pid), shell.pid):
            os.kill(pid, signal.SIGKILL)


def test_children_and_descendants_are_found(tree: subprocess.Popen) -> None:
    children = processes.children(tree.pid)
    assert len(children) == 2
    found = processes.descendants(os.getpid())
    assert found.index(tree.pid) < min(map(found.index, children))
    assert tree.pid not in processes.descendants(os.getpid(), without=tree.pid)


def test_memory_and_name_of_a_process_are_told() -> None:
    me = os.getpid()
    assert 1_000_000 < processes.proportional(me) <= processes.resident(me) * 1.1
    assert processes.data_size(me) > 1_000_000
    assert processes.command(me)


def test_a_process_that_is_gone_has_nothing() -> None:
    assert processes.children(NOBODY) == []
    assert processes.resident(NOBODY) == processes.proportional(NOBODY) == 0
    assert processes.data_size(NOBODY) == 0
    assert processes.command(NOBODY) == "?"


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes._is_zombie(child.pid)
    assert not processes._is_zombie(os.getpid())
    child.wait()


def test_the_reaper_keeps_how_each_child_ended() -> None:
    """In a process of its own, because it takes every child that has ended."""
    code = """
import os, time
from wherry_runner.processes import Reaper
reaper = Reaper()
one = os.fork() or os._exit(3)
other = os.fork() or os.abort()
while not (reaper.has_ended(one) and reaper.has_ended(other)):
    reaper.collect(); time.sleep(0.005)
reaper.collect()
print(reaper.pop(one)[:2], reaper.pop(other)[:2], reaper.has_ended(one))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=10, check=True
    )
    assert done.stdout == "(3, None) (None, 6) False\n"


@pytest.mark.fault
def test_a_tree_of_daemons_is_killed_to_the_last() -> None:
    """A subreaper forks a session leader whose children leave it, stop each other and fork on."""
    code = """
import os, signal, sys, time
from wherry_runner import processes
assert processes.become_subreaper()
reaper = processes.Reaper()
worker = os.fork()
if not worker:
    os.setsid()
    for n in range(4):
        if not os.fork():
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if n == 0:
                while True:  # hops from pid to pid
                    if os.fork():
                        os._exit(0)
            if os.fork():
                os._exit(0)
            time.sleep(60)
    time.sleep(60)
time.sleep(0.1)
left = processes.kill_tree(worker, reaper, spare=None, bound=2.0)
reaper.collect()
print(left, processes.descendants(os.getpid()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "[] []\n"


def test_killing_nobody_is_fine() -> None:
    code = (
        "from wherry_runner.processes import Reaper, kill_tree\n"
        "print(kill_tree(0, Reaper(), spare=None, bound=0.1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=10, check=True
    )
    assert done.stdout == "[]\n"


def test_who_is_spared_survives(tree: subprocess.Popen) -> None:
    victim = subprocess.Popen(["sleep", "60"], start_new_session=True)
    reaper = Reaper()
    kill_tree(victim.pid, reaper, spare=tree.pid, bound=1.0)
    assert not is_alive(victim.pid)
    assert is_alive(tree.pid)
    victim.returncode = -9  # the reaper has waited for it


def test_the_counter_of_the_oom_killer_is_a_number() -> None:
    assert processes.oom_kills() >= 0


def test_capabilities_name_what_holds_here() -> None:
    weak = processes.capabilities(subreaper=False)
    strong = processes.capabilities(subreaper=True)
    assert "groups" in weak
    assert set(strong) - set(weak) == {"subreaper", "pdeathsig"}
