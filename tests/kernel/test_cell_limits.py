"""What one cell asks for itself."""

from __future__ import annotations

import pytest

from wherry_kernel.cell_limits import read


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
