"""The mirror of open comms."""

from __future__ import annotations

import asyncio

import pytest

from wherry_kernel.comms import Comms
from wherry_runner import frames


@pytest.fixture
def comms():
    made = Comms()
    made.follow(frames.CommOpen(comm="a", target="t"))
    made.follow(frames.CommOpen(comm="b", target="u"))
    return made


def test_all_or_those_of_a_target(comms):
    assert set(comms.info(None)["comms"]) == {"a", "b"}
    assert comms.info("u")["comms"] == {"b": {"target_name": "u"}}


def test_what_is_closed_is_gone(comms):
    comms.follow(frames.CommClose(comm="a"))
    comms.follow(frames.CommClose(comm="never opened"))
    assert set(comms.info(None)["comms"]) == {"b"}


def test_losing_all_tells_of_each(comms):
    assert [(each.type, each.content["comm_id"]) for each in comms.lose()] == [
        ("comm_close", "a"),
        ("comm_close", "b"),
    ]
    assert comms.lose() == []
    assert comms.info(None)["comms"] == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("end", ["handled", "lost"])
async def test_who_waits_for_user_code_is_let_go(comms, end):
    waiting = asyncio.ensure_future(comms.wait_handled("c1"))
    await asyncio.sleep(0)
    assert not waiting.done()
    if end == "handled":
        comms.follow(frames.Handled(id="c1"))
    else:
        comms.lose()
    await asyncio.wait_for(waiting, 1)
