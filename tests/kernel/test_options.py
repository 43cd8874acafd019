"""Settings and their values."""

from __future__ import annotations

import pytest

from wherry_kernel.errors import OptionError
from wherry_kernel.options import SETTINGS, Options, from_settings, size


def test_without_settings_all_is_as_documented():
    assert from_settings({}) == Options()


def test_settings_are_read_from_text():
    options = from_settings(
        {
            "time_limit": "60",
            "memory_limit": "2G",
            "interrupt_kill_after": "none",
            "spare": "no",
            "on_crash": "exit",
            "python": "/usr/bin/python3",
            "log_level": "debug",
        }
    )
    assert options.time_limit == 60.0
    assert options.memory_limit == 2 * 1024**3
    assert options.interrupt_kill_after is None
    assert options.spare is False
    assert options.on_crash == "exit"
    assert options.python == "/usr/bin/python3"
    assert options.log_level == "DEBUG"


def test_settings_are_read_from_values_of_configuration_files():
    options = from_settings({"time_limit": 60, "spare": True, "memory_limit": 10, "python": None})
    assert (options.time_limit, options.spare, options.memory_limit) == (60.0, True, 10)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1K", 1024),
        ("1.5M", 3 * 2**19),
        ("2GiB", 2**31),
        ("3gb", 3 * 2**30),
        ("77", 77),
        ("", None),
    ],
)
def test_sizes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize(
    "name, value",
    [
        ("time_limit", "soon"),
        ("time_limit", "-1"),
        ("time_limit", "nan"),
        ("memory_limit", "lots"),
        ("spare", "maybe"),
        ("on_crash", "cry"),
        ("interrupt_hard_after", "none"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(name, value):
    with pytest.raises(OptionError, match=f"WherryKernel.{name}: "):
        from_settings({name: value})


def test_an_unknown_setting_is_named_with_those_there_are():
    with pytest.raises(OptionError, match=r"WherryKernel.tme_limit: unknown; .*time_limit"):
        from_settings({"tme_limit": "1"})


def test_each_setting_has_words_for_people():
    assert all(setting.metadata["help"].endswith(".") for setting in SETTINGS.values())
