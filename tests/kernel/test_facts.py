"""What the kernel says about itself."""

from __future__ import annotations

import sys

import pytest

from tests.kernel.fake_runner import HELLO, READY
from wherry_kernel import facts
from wherry_runner import frames


@pytest.fixture(autouse=True)
def _forget_the_version():
    facts.version.cache_clear()
    yield
    facts.version.cache_clear()


def test_the_version_is_that_of_the_distribution(tmp_path, monkeypatch):
    (tmp_path / "wherry-7.8.9.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", ["/no/such/folder", str(tmp_path)])
    assert facts.version() == "7.8.9"


def test_sources_without_a_distribution_have_no_version(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert facts.version() == "0+unknown"


def test_the_banner_names_python_and_shell():
    assert "CPython 3.12.1 with IPython 9.9" in facts.kernel_info(HELLO, READY)["banner"]
    plain = facts.kernel_info(HELLO, frames.Ready(host="plain"))
    assert "this interpreter has no IPython" in plain["banner"]
    assert plain["language_info"]["pygments_lexer"] == "python3"
    assert "shell still starting" in facts.kernel_info(HELLO, None)["banner"]


def test_a_debugger_is_announced_where_there_is_one():
    info = facts.kernel_info(HELLO, frames.Ready(capabilities=("debugger",)))
    assert (info["debugger"], "debugger" in info["supported_features"]) == (True, True)
    info = facts.kernel_info(HELLO, READY)
    assert (info["debugger"], "debugger" in info["supported_features"]) == (False, False)


def test_without_an_interpreter_it_says_so():
    info = facts.kernel_info(None, None)
    assert "still starting" in info["banner"]
    assert info["language_info"]["name"] == "python"
