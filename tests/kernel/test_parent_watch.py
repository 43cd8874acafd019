"""The end of the parent."""

from __future__ import annotations

import asyncio
import os

import pytest

from wherry_kernel.parent_watch import ParentWatch, wanted_parent

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    "environment, parent, watched",
    [
        ({"JPY_PARENT_PID": "77"}, 77, 77),
        ({"JPY_PARENT_PID": "77"}, 88, 88),
        ({"JPY_PARENT_PID": "77"}, 1, None),
        ({"JPY_PARENT_PID": "?"}, 77, None),
        ({}, 77, None),
    ],
)
async def test_whom_to_watch(environment, parent, watched):
    assert wanted_parent(environment, parent) == watched


async def test_a_parent_that_lives_is_no_news():
    died = asyncio.Event()
    watch = ParentWatch(asyncio.get_running_loop(), os.getppid(), on_death=died.set)
    watch.start()
    await asyncio.sleep(0.05)
    watch.close()
    watch.close()
    assert not died.is_set()


@pytest.mark.parametrize("has_pidfd", [True, False])
async def test_a_parent_that_ends_is_told_once(monkeypatch, has_pidfd):
    monkeypatch.setattr("wherry_kernel.parent_watch.POLL", 0.02)
    process = await asyncio.create_subprocess_exec("sleep", "0.2")
    alive = {"yes": True}
    monkeypatch.setattr(os, "getppid", lambda: process.pid if alive["yes"] else 1)
    if not has_pidfd:
        monkeypatch.setattr(os, "pidfd_open", _refuse, raising=False)
    deaths = []
    watch = ParentWatch(asyncio.get_running_loop(), process.pid, on_death=lambda: deaths.append(1))
    watch.start()
    await process.wait()
    alive["yes"] = False
    await asyncio.sleep(0.1)
    assert deaths == [1]
    watch.close()


async def test_a_parent_that_is_gone_already_is_told(monkeypatch):
    deaths = []
    monkeypatch.setattr(os, "getppid", lambda: 1)
    watch = ParentWatch(asyncio.get_running_loop(), os.getpid(), on_death=lambda: deaths.append(1))
    watch.start()
    assert deaths == [1]


def _refuse(_pid):
    raise OSError("no such call")
