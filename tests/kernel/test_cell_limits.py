"""What one cell asks for itself."""

from __future__ import annotations

import pytest

from wherry_kernel.cell_limits import read, without_magic


@pytest.mark.parametrize(
    "code, limits",
    [
        ("x = 1", {}),
        ("# wherry: timeout=60", {"timeout": 60.0}),
        (
            "\n\n  #wherry: timeout=1.5, memory=2G, output=10M\nx",
            {"timeout": 1.5, "memory": 2 * 1024**3, "output": 10 * 1024**2},
        ),
        ("# wherry: timeout=none", {"timeout": None}),
        ("x = 1\n# wherry: timeout=60", {}),
        ("# I like a wherry", {}),
        ("# wherry:", {}),
    ],
)
def test_the_comment_of_the_first_line(code, limits):
    assert read(code, {}) == (limits, ())


def test_the_metadata_of_notebooks():
    assert read("x", {"execution": {"timeout": 5}}).limits == {"timeout": 5.0}
    assert read("x", {"wherry": {"memory": "1G"}}).limits == {"memory": 1024**3}
    assert read("x", {"execution": {"iopub.status.busy": "..."}, "wherry": 3}).limits == {}


def test_the_comment_wins_over_the_metadata():
    metadata = {"execution": {"timeout": 5}, "wherry": {"memory": "1G"}}
    assert read("# wherry: timeout=9", metadata).limits == {"timeout": 9.0, "memory": 1024**3}


def test_what_cannot_be_read_is_told():
    read_limits = read("# wherry: timeout=soon, speed=3, memory=x, output", {})
    assert read_limits.limits == {"output": None}
    assert read_limits.problems == (
        "timeout: cannot read 'soon'",
        "speed: unknown; there are: timeout, memory, output",
        "memory: cannot read 'x'",
    )


@pytest.mark.parametrize(
    "line",
    ["%%limit timeout=10 memory=1G", "%%limit time=10, memory=1G", "\n  %%limit time=10 memory=1G"],
)
def test_a_magic_says_the_same(line):
    found = read(f"{line}\nx = 1", {})
    assert found.limits == {"timeout": 10.0, "memory": 1024**3}
    assert found.problems == ()


def test_what_a_magic_says_wrong_is_told():
    found = read("%%limit speed=3 timeout", {})
    assert found.limits == {"timeout": None}
    assert found.problems == ("speed: unknown; there are: timeout, memory, output",)


@pytest.mark.parametrize(
    "code, runs",
    [
        ("%%limit time=1\nx = 1", "#%%limit time=1\nx = 1"),
        ("%%limit time=1\n%%time\nx = 1", "\n%%time\nx = 1"),
        ("%%limit time=1", "#%%limit time=1\n"),
        ("x = 1\n%%limit time=1", "x = 1\n%%limit time=1"),
        ("%%limits", "%%limits"),
        ("x = 1", "x = 1"),
    ],
)
def test_the_runner_does_not_see_the_magic(code, runs):
    assert without_magic(code) == runs
