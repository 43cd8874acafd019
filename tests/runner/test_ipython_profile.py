"""Profiles as files. `tests/kernel/dialogues/test_profile.py` has them at work in both kernels."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("IPython")

from wherry_runner.ipython_profile import Profile


class FakeShell:
    """As much of a shell as is asked when nothing is set up."""

    def __init__(self, config) -> None:
        self.config = config
        self.loaded = []
        self.extension_manager = self

    def load_extension(self, name) -> None:
        self.loaded.append(name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.delenv("PYTHONSTARTUP", raising=False)
    return tmp_path / "profile_default"


def test_a_missing_profile_is_made(folder):
    assert Profile().folder.location == str(folder)
    assert Profile("other").folder.location == str(folder.parent / "profile_other")
    assert (folder / "startup").is_dir()


def test_an_empty_profile_configures_nothing_and_runs_nothing(folder):
    profile = Profile()
    config = profile.load()
    assert not config
    shell = FakeShell(config)
    profile.run_startup(shell)
    assert shell.loaded == ["storemagic"]
    assert profile.problems == []


def test_kernel_only_files_win_over_the_general_ones(folder):
    profile = Profile()
    (folder / "ipython_config.py").write_text("c.X.a = 1\nc.X.b = 1\n")
    (folder / "ipython_kernel_config.json").write_text('{"X": {"b": 2}}')
    assert profile.load() == {"X": {"a": 1, "b": 2}}


def test_a_profile_may_build_on_another(folder):
    Profile("base")
    (folder.parent / "profile_base" / "ipython_config.py").write_text("c.X.a = 1\n")
    profile = Profile()
    (folder / "ipython_config.py").write_text(
        "load_subconfig('ipython_config.py', profile='base')\nc.X.b = 2\n"
    )
    assert profile.load() == {"X": {"a": 1, "b": 2}}


def test_a_file_that_fails_is_told_and_the_others_count(folder):
    profile = Profile()
    (folder / "ipython_config.py").write_text("1/0")
    (folder / "ipython_kernel_config.py").write_text("c.X.b = 2\n")
    assert profile.load() == {"X": {"b": 2}}
    (problem,) = profile.problems
    assert str(folder / "ipython_config.py") in problem
    assert "ZeroDivisionError" in problem


def test_changes_are_noticed(folder):
    profile = Profile()
    profile.load()
    assert not profile.has_changed()
    file = folder / "ipython_config.py"
    file.write_text("c.X.a = 1\n")
    assert profile.has_changed()
    profile.load()
    assert not profile.has_changed()
    os.utime(file, ns=(1, 1))
    assert profile.has_changed()
    profile.load()
    file.unlink()
    assert profile.has_changed()


def test_a_start_never_raises(folder):
    profile = Profile()
    shell = FakeShell(profile.load())
    shell.load_extension = lambda _: 1 / 0
    profile.run_startup(shell)
    assert "ZeroDivisionError" in profile.problems[0]
