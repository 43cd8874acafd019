"""Numbers and sentences as people read them."""

from __future__ import annotations

import math

import pytest

from wherry_supervisor.wording import duration, lower, printable, sentence, size


@pytest.mark.parametrize(
    "number, words",
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (615 * 2**20, "615 MiB"),
        (2**30 * 5 // 2, "2.5 GiB"),
        (2**31, "2 GiB"),
        (2181570691, "2.03 GiB"),
        (10**40, "1024 PiB"),
    ],
)
def test_sizes(number, words) -> None:
    assert size(number) == words


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0, "0 s"),
        (-1, "0 s"),
        (0.25, "0.25 s"),
        (1e-9, "0 s"),
        (5.014, "5.01 s"),
        (60, "1 min"),
        (63.2, "1 min 3 s"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (90061, "25 h 1 min"),
        (math.inf, "an unknown time"),
        (math.nan, "an unknown time"),
    ],
)
def test_durations(seconds, words) -> None:
    assert duration(seconds) == words


def test_a_sentence_has_one_full_stop() -> None:
    assert sentence("it ended") == sentence("it ended.") == "It ended."
    assert sentence("last words:\noops") == "Last words:\noops"
    assert lower("Run it") == "run it"


def test_lone_surrogates_become_readable() -> None:
    assert printable("a\udce9") == r"a\udce9"
