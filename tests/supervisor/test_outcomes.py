"""Endings as values."""

from __future__ import annotations

import dataclasses

import pytest

from wherry_runner import frames as f
from wherry_supervisor.outcomes import ErrorInfo, Ladder, Limits, Outcome, Status


@pytest.mark.parametrize("status", Status)
def test_only_ok_is_ok(status: Status) -> None:
    assert Outcome(status).ok is (status is Status.OK)


def test_the_statuses_of_a_done_frame_are_statuses() -> None:
    words = (f.Done.__doc__ or "").split("``")[1::2]
    assert words == ["ok", "error", "interrupted"]
    assert [Status(word) for word in words] == [Status.OK, Status.ERROR, Status.INTERRUPTED]


@pytest.mark.parametrize("value", [Outcome(Status.OK), Limits(), Ladder(), ErrorInfo("E", "", ())])
def test_values_do_not_change(value: object) -> None:
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_by_default_nothing_is_limited_and_interrupts_turn_into_force() -> None:
    assert Limits() == Limits(time=None, memory=None, output=None)
    ladder = Ladder()
    assert ladder.kill_after is not None
    assert 0 < ladder.hard_after < ladder.kill_after
