"""The ladder as histories: when what is done, by a clock that goes when told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wherry_supervisor.escalation import HARD_INTERVAL, HARD_REPEATS, PRESS_PAUSE, Escalation


class FakeTimer:
    def __init__(self, due: float, callback: Callable[[], object]) -> None:
        self.due, self.callback = due, callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeTimers:
    """The two methods of a loop, with a clock that goes when told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.armed: list[FakeTimer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> FakeTimer:
        timer = FakeTimer(self.now + delay, callback)
        self.armed.append(timer)
        return timer

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [t for t in self.armed if t.due <= end + 1e-9 and not t.cancelled]:
            first = min(due, key=lambda timer: timer.due)
            self.armed.remove(first)
            self.now = first.due
            first.callback()
        self.now = end


class Climb:
    """One escalation and what it did, as (seconds since the start, step)."""

    def __init__(self, *, hard_after: float = 1.5, kill_after: float | None = 5.0) -> None:
        self.timers = FakeTimers()
        self.steps: list[tuple[float, str]] = []
        self.escalation = Escalation(
            self.timers,
            hard_after=hard_after,
            kill_after=kill_after,
            soft=lambda: self._did("soft"),
            hard=lambda: self._did("hard"),
            kill=lambda: self._did("kill"),
        )

    def _did(self, step: str) -> None:
        self.steps.append((round(self.timers.now - 1000, 3), step))

    def after(self, seconds: float) -> Climb:
        self.timers.pass_time(seconds)
        return self

    def press(self) -> Climb:
        self.escalation.press()
        return self

    @property
    def names(self) -> list[str]:
        return [step for _, step in self.steps]

    def when(self, step: str) -> list[float]:
        return [at for at, name in self.steps if name == step]


def test_the_first_step_is_taken_at_once() -> None:
    assert Climb().steps == [(0.0, "soft")]


def test_nobody_presses_and_the_ladder_is_climbed_to_its_end() -> None:
    climb = Climb().after(60)
    assert climb.when("hard")[0] == 1.5
    assert climb.when("kill") == [5.0]
    assert climb.names[-1] == "kill"


def test_the_hard_step_is_repeated_because_code_may_swallow_one() -> None:
    hard = Climb(kill_after=None).after(60).when("hard")
    assert hard == [round(1.5 + n * HARD_INTERVAL, 3) for n in range(HARD_REPEATS)]


def test_a_ladder_without_force_never_kills() -> None:
    assert "kill" not in Climb(kill_after=None).after(3600).press().after(3600).names


def test_an_end_in_time_stops_everything() -> None:
    climb = Climb().after(1.0)
    climb.escalation.stop()
    assert climb.after(60).names == ["soft"]


def test_stopping_twice_is_fine() -> None:
    climb = Climb()
    climb.escalation.stop()
    climb.escalation.stop()
    assert climb.after(60).names == ["soft"]


def test_a_double_click_counts_once() -> None:
    climb = Climb().after(PRESS_PAUSE / 2).press()
    assert climb.names == ["soft"]


def test_a_second_press_takes_the_next_step_at_once() -> None:
    climb = Climb().after(0.5).press()
    assert climb.steps == [(0.0, "soft"), (0.5, "hard")]


def test_the_time_to_force_counts_from_the_second_press() -> None:
    climb = Climb().after(0.5).press().after(60)
    assert climb.when("kill") == [0.5 + (5.0 - 1.5)]


def test_the_old_hard_step_is_not_taken_again_after_a_press() -> None:
    climb = Climb(kill_after=None).after(0.5).press().after(60)
    assert len(climb.when("hard")) == HARD_REPEATS


def test_a_third_press_is_hard_once_more() -> None:
    climb = Climb(kill_after=None).after(0.5).press().after(5).press()
    assert climb.steps[-1] == (5.5, "hard")


def test_presses_in_quick_succession_are_measured_from_the_last_that_counted() -> None:
    climb = Climb(kill_after=None).after(0.2).press().after(0.2).press()
    assert climb.names == ["soft", "hard"]


def test_impatience_does_not_put_off_force() -> None:
    climb = Climb().after(0.5).press()
    for _ in range(20):
        climb.after(0.4).press()
    assert climb.when("kill") == [4.0]


def test_force_never_comes_before_the_hard_step() -> None:
    climb = Climb(hard_after=3.0, kill_after=1.0).after(60)
    assert climb.names[1] == "hard"
    assert climb.when("kill") == [3.0]


@pytest.mark.parametrize("kill_after", [0.0, None])
def test_a_ladder_without_patience(kill_after: float | None) -> None:
    climb = Climb(hard_after=0.0, kill_after=kill_after).after(0)
    assert climb.names[:2] == ["soft", "hard"]


def test_it_knows_how_long_it_has_waited() -> None:
    assert Climb().after(2.5).escalation.waited == pytest.approx(2.5)
