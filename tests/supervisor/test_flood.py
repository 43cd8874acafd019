"""The head and the tail of a flood, with a notice between them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry_runner.frames import Frame, Stderr, Stdout
from wherry_supervisor.flood import Flood


def pour(flood: Flood, *texts: str) -> str:
    """Return what passes at once."""
    passed = (flood.passes(Stdout(id="a", text=text)) for text in texts)
    return "".join(frame.text for frame in passed if frame is not None)


def shown(frames: list[Frame]) -> list[str]:
    return [frame.text for frame in frames]


def test_without_a_limit_everything_passes_as_it_is() -> None:
    flood, frame = Flood(None), Stdout(id="a", text="x" * 10_000)
    assert flood.passes(frame) is frame
    assert flood.close() == []
    assert flood.dropped == 0


def test_up_to_half_of_the_limit_passes_at_once() -> None:
    flood = Flood(10)
    assert pour(flood, "abc", "de") == "abcde"
    assert flood.close() == []


def test_what_fits_the_limit_is_held_and_then_shown_without_a_notice() -> None:
    flood = Flood(10)
    assert pour(flood, "abcdefg", "hij") == "abcde"
    assert shown(flood.close()) == ["fg", "hij"]
    assert flood.dropped == 0


def test_the_middle_is_left_out_and_counted() -> None:
    flood = Flood(10)
    assert pour(flood, "0123456789", "abcdefghij", "vwxyz") == "01234"
    notice, *tail = flood.close()
    assert notice == Stderr(
        id="a", text="\n… 15 characters of output left out here (output limit) …\n"
    )
    assert shown(tail) == ["vwxyz"]


def test_a_frame_may_lose_its_beginning_only() -> None:
    flood = Flood(4)
    pour(flood, "abXXXXyz")
    _, tail = flood.close()
    assert tail == Stdout(id="a", text="yz")


def test_the_streams_of_the_tail_keep_their_order() -> None:
    flood = Flood(8)
    for frame in (Stdout(id="a", text="1234"), Stderr(id="a", text="e"), Stdout(id="a", text="o")):
        flood.passes(frame)
    assert flood.close() == [Stderr(id="a", text="e"), Stdout(id="a", text="o")]


def test_closing_twice_shows_the_tail_once() -> None:
    flood = Flood(2)
    pour(flood, "abcdef")
    assert len(flood.close()) == 2
    assert pour(flood, "") == ""
    assert flood.close() == []


def test_text_that_follows_a_close_starts_a_new_tail() -> None:
    """An error shows the tail first; what a thread prints after it is a flood of its own."""
    flood = Flood(2)
    pour(flood, "abcdef")
    flood.close()
    assert pour(flood, "ghi") == ""
    notice, tail = flood.close()
    assert "2 characters" in notice.text
    assert tail.text == "i"


@pytest.mark.parametrize("limit", [0, 1])
def test_a_tiny_limit_still_ends_in_a_notice(limit: int) -> None:
    flood = Flood(limit)
    assert pour(flood, "abc") == ""
    notice, *tail = flood.close()
    assert f"{3 - limit} characters" in notice.text
    assert "".join(shown(tail)) == "abc"[3 - limit :]


@given(st.integers(0, 50), st.lists(st.text(max_size=30), max_size=12))
def test_head_and_tail_are_what_was_poured_and_the_rest_is_counted(
    limit: int, texts: list[str]
) -> None:
    flood, whole = Flood(limit), "".join(texts)
    head = pour(flood, *texts)
    frames = flood.close()
    tail = "".join(frame.text for frame in frames if isinstance(frame, Stdout))
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + len(tail) == min(limit, len(whole))
    assert flood.dropped == len(whole) - len(head) - len(tail)
    notices = [frame.text for frame in frames if isinstance(frame, Stderr)]
    counted = [int(re.sub(r"\D", "", notice)) for notice in notices]
    assert counted == ([flood.dropped] if flood.dropped else [])


def test_what_is_held_never_grows_beyond_the_limit() -> None:
    flood = Flood(1000)
    for _ in range(2000):
        flood.passes(Stdout(text="x" * 77))
        assert flood._held <= 500
