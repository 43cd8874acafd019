"""The watch over a tree's memory, with sizes that the test makes up."""

from __future__ import annotations

import pytest

from wherry_runner import memory, processes
from wherry_runner.memory import INTERVAL, MemoryWatch

MB = 1_000_000


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Resident memory of the processes of a tree."""
    sizes = {11: 50 * MB}
    monkeypatch.setattr(processes, "descendants", lambda _, *, without: list(sizes))
    monkeypatch.setattr(processes, "resident", sizes.__getitem__)
    monkeypatch.setattr(processes, "proportional", lambda pid: sizes[pid] // 2)
    monkeypatch.setattr(processes, "command", lambda pid: f"process{pid}")
    monkeypatch.setattr(MemoryWatch, "_set_data_limit", lambda *_: None)
    return sizes


@pytest.fixture
def watch(sizes: dict[int, int]) -> MemoryWatch:
    watch = MemoryWatch()
    watch.limit = 100 * MB
    watch.watch(11)
    return watch


def test_below_the_limit_nothing_happens(watch: MemoryWatch) -> None:
    assert not watch.exceeded(0.0, spare=None)
    assert watch.last == 50 * MB
    assert watch.largest is not None
    assert watch.largest.startswith("process11 (4")


def test_above_it_is_told(watch: MemoryWatch, sizes: dict[int, int]) -> None:
    sizes[11] = 101 * MB
    assert watch.exceeded(0.0, spare=None)


def test_samples_are_taken_at_intervals(watch: MemoryWatch, sizes: dict[int, int]) -> None:
    assert watch.wait(0.0) == 0.0
    watch.exceeded(0.0, spare=None)
    sizes[11] = 200 * MB
    assert not watch.exceeded(INTERVAL / 2, spare=None)
    assert watch.wait(INTERVAL / 2) == pytest.approx(INTERVAL / 2)
    assert watch.exceeded(INTERVAL, spare=None)


def test_children_count_and_shared_pages_count_once(
    watch: MemoryWatch, sizes: dict[int, int]
) -> None:
    sizes.update({11: 90 * MB, 12: 90 * MB})
    assert not watch.exceeded(0.0, spare=None)
    assert watch.last == 90 * MB
    sizes.update({11: 120 * MB, 12: 90 * MB})
    assert watch.exceeded(1.0, spare=None)
    assert watch.largest is not None
    assert watch.largest.startswith("process11 (5")


def test_without_a_limit_or_a_process_nobody_is_woken(watch: MemoryWatch) -> None:
    watch.watch(0)
    assert watch.wait(0.0) is None
    assert not watch.exceeded(0.0, spare=None)
    watch.limit = None
    watch.watch(11)
    assert watch.wait(0.0) is None
    assert not watch.exceeded(0.0, spare=None)


def test_a_data_limit_for_nobody_is_no_error() -> None:
    watch = MemoryWatch()
    watch._pid = 2**22 + 1
    watch._set_data_limit(0)


def test_the_slack_holds_the_stacks_of_many_threads() -> None:
    assert memory.SLACK >= 64 * 8 * 1024 * 1024


@pytest.fixture
def soft(watch: MemoryWatch) -> MemoryWatch:
    watch.soft = 90 * MB
    return watch


def looks(watch: MemoryWatch, sizes: dict[int, int], *series: int) -> list[bool]:
    """Let the tree have these sizes, in MB, one look after the other."""
    found = []
    for number, size in enumerate(series):
        sizes[11] = size * MB
        watch.exceeded(float(number), spare=None)
        found.append(watch.crossed)
    return found


def test_crossing_the_soft_limit_is_told_once(soft: MemoryWatch, sizes: dict[int, int]) -> None:
    assert looks(soft, sizes, 50, 91, 95, 99) == [False, True, False, False]


def test_crossing_it_again_is_told_again(soft: MemoryWatch, sizes: dict[int, int]) -> None:
    assert looks(soft, sizes, 50, 91, 60, 92) == [False, True, False, True]


def test_what_begins_above_it_may_go_on(soft: MemoryWatch, sizes: dict[int, int]) -> None:
    assert looks(soft, sizes, 95, 96, 60, 91) == [False, False, False, True]


def test_between_two_looks_nothing_is_crossed(soft: MemoryWatch, sizes: dict[int, int]) -> None:
    assert looks(soft, sizes, 50, 91) == [False, True]
    soft.exceeded(1.0, spare=None)
    assert not soft.crossed


def test_without_a_soft_limit_nothing_is_crossed(watch, sizes) -> None:
    assert looks(watch, sizes, 50, 99, 101) == [False, False, False]


def test_near_the_limit_one_process_is_looked_at_more_often(watch, sizes) -> None:
    sizes[11] = 70 * MB
    watch.exceeded(0.0, spare=None)
    assert watch.wait(0.0) == pytest.approx(memory.NEAR_INTERVAL)
    sizes.update({11: 70 * MB, 12: 1 * MB})
    watch.exceeded(1.0, spare=None)
    assert watch.wait(1.0) == pytest.approx(INTERVAL)
