"""The command line."""

from __future__ import annotations

import pytest

from wherry_kernel.arguments import parse


@pytest.mark.parametrize(
    "words", [["-f", "c.json"], ["--f=c.json"], ["-f=c.json"], ["--f", "c.json"]]
)
def test_the_connection_file(words):
    assert parse(words).connection_file == "c.json"


@pytest.mark.parametrize(
    "words", [["--WherryKernel.time_limit=60"], ["--WherryKernel.time_limit", "60"]]
)
def test_settings(words):
    assert parse(words).settings == {"time_limit": "60"}


def test_words_for_others_are_kept_aside():
    parsed = parse(["--HistoryManager.hist_file=:memory:", "-f", "c", "--pylab", "stray", "--a=b"])
    assert parsed.connection_file == "c"
    assert parsed.ignored == ["HistoryManager.hist_file=:memory:", "pylab", "stray", "a=b"]


def test_where_to_listen():
    parsed = parse(["--ip=0.0.0.0", "--transport", "tcp", "--shell=5555", "--hb", "5556"])
    assert (parsed.ip, parsed.transport) == ("0.0.0.0", "tcp")
    assert parsed.ports == {"shell": 5555, "hb": 5556}


def test_levels_of_the_log():
    assert parse(["--debug"]).settings == {"log_level": "DEBUG"}
    assert parse(["--log-level=INFO"]).settings == {"log_level": "INFO"}


def test_help_version_and_a_file():
    assert parse(["--help"]).help
    assert parse(["--version"]).version
    assert parse(["--config", "x.py"]).config_file == "x.py"


def test_a_value_that_is_missing_is_empty():
    assert parse(["-f"]).connection_file == ""
