"""The page that guardian and worker share."""

from __future__ import annotations

import os

from wherry_runner.page import Page


def test_an_aim_is_seen_and_counted() -> None:
    page = Page()
    assert (page.target, page.signals) == (0, 0)
    page.aim(7)
    page.aim(2**60)
    assert (page.target, page.signals) == (2**60, 2)


def test_a_forked_process_sees_what_its_parent_aims_later() -> None:
    page = Page()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(read, 1)
        os._exit(page.target)
    page.aim(42)
    os.write(write, b"x")
    os.close(write)
    os.close(read)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42
