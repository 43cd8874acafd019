"""Signals and exit codes in words."""

from __future__ import annotations

import signal
import sys

import pytest

from wherry_supervisor.signals import describe_code, describe_signal


@pytest.mark.skipif(sys.platform != "linux", reason="compares with the signal numbers of Linux")
@pytest.mark.parametrize("number", sorted(signal.valid_signals() - {32, 33}))
def test_names_are_the_systems_own(number) -> None:
    words = describe_signal(number)
    if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
        assert words.name.startswith("SIGRTMIN")
    elif not words.name.startswith("signal "):
        assert signal.Signals[words.name] == number
    assert words.title
    assert words.meaning


@pytest.mark.parametrize("number", [4, 6, 7, 8, 9, 11, 15, 24, 31])
def test_the_usual_deaths_have_a_meaning_of_their_own(number) -> None:
    words = describe_signal(number)
    assert words.title != words.name
    assert "no handler" not in words.meaning


def test_one_number_means_different_things_on_different_systems() -> None:
    assert describe_signal(10, platform="linux").name == "SIGUSR1"
    assert describe_signal(10, platform="darwin").name == "SIGBUS"


@pytest.mark.parametrize("number", [0, -3, 32, 65, 10**9])
def test_numbers_that_no_system_knows_are_named_by_number(number) -> None:
    assert describe_signal(number).name == f"signal {number}"


def test_codes_above_128_hint_at_a_signal() -> None:
    assert describe_code(139) == (
        "exit code 139",
        "shells and containers say 139 for SIGSEGV (segmentation fault)",
    )
    assert describe_code(3) == ("exit code 3", "")
    assert describe_code(255) == ("exit code 255", "")


def test_windows_faults_are_known_in_both_signs() -> None:
    expected = "access violation (exit code 0xC0000005)"
    assert describe_code(0xC0000005)[0] == describe_code(0xC0000005 - 2**32)[0] == expected
