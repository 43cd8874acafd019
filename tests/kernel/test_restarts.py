"""Whether a kernel stays, decided without a provisioner."""

from __future__ import annotations

import os

import pytest

from wherry_kernel.restarts import VARIABLE, Restarts, inherited


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def named(fd: int) -> dict[str, str]:
    return {VARIABLE: f"{fd}:{os.fstat(fd).st_ino}"}


def test_a_kernel_that_stays_says_so_first(pipe):
    reading, writing = pipe
    assert Restarts(writing, is_unchanged=lambda: True).stay()
    assert os.read(reading, 10) == b"s"


def test_a_kernel_that_nobody_listens_to_ends():
    assert not Restarts(None, is_unchanged=lambda: True).stay()


def test_a_kernel_whose_provisioner_is_gone_ends():
    read_by_nobody, lost = os.pipe()
    os.close(read_by_nobody)
    assert not Restarts(lost, is_unchanged=lambda: True).stay()
    os.close(lost)


def test_a_kernel_whose_settings_changed_ends_silently(pipe):
    reading, writing = pipe
    os.set_blocking(reading, False)
    assert not Restarts(writing, is_unchanged=lambda: False).stay()
    with pytest.raises(BlockingIOError):
        os.read(reading, 10)


def test_the_pipe_is_found_and_not_passed_on(pipe):
    _, writing = pipe
    os.set_inheritable(writing, True)  # noqa: FBT003 - no keyword there
    assert inherited(named(writing)) == writing
    assert not os.get_inheritable(writing)


@pytest.mark.parametrize("text", ["", "x", "13", "99999:1", "x:y", ":"])
def test_nonsense_is_no_pipe(text):
    assert inherited({VARIABLE: text}) is None


def test_a_number_that_means_another_file_now_is_no_pipe(pipe, tmp_path):
    _, writing = pipe
    other, another = os.pipe()
    assert inherited({VARIABLE: f"{writing}:{os.fstat(other).st_ino + 1}"}) is None
    with (tmp_path / "file").open("w") as file:
        assert inherited(named(file.fileno())) is None
    os.close(other)
    os.close(another)
